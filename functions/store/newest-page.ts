/** A page of one partition, newest first. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { QueryCommandOutput } from '@aws-sdk/lib-dynamodb';
import type { Store } from './store.ts';

export interface NewestPage {
  readonly limit: number;
  /** Only what comes below this sort key. */
  readonly before?: string | undefined;
}

/**
 * Reads a partition of the data table whose sort keys are in the order of time, strongly consistent.
 * @returns `isComplete`: there is nothing older
 */
export async function readNewest(
  { client, tables }: Pick<Store, 'client'> & { readonly tables: Pick<Store['tables'], 'data'> },
  partition: string,
  { limit, before }: NewestPage,
  signal?: AbortSignal,
): Promise<{ readonly items: NonNullable<QueryCommandOutput['Items']>; readonly isComplete: boolean }> {
  const { Items = [], LastEvaluatedKey } = await client.send(
    new QueryCommand({
      TableName: tables.data,
      KeyConditionExpression: before === undefined ? 'pk = :pk' : 'pk = :pk AND sk < :before',
      ExpressionAttributeValues: { ':pk': partition, ...(before !== undefined && { ':before': before }) },
      ScanIndexForward: false,
      Limit: limit,
      ConsistentRead: true,
    }),
    { ...(signal && { abortSignal: signal }) },
  );
  return { items: Items, isComplete: LastEvaluatedKey === undefined };
}
