/** All entities of all tenants and collections, a page at a time. */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Store } from '../store.ts';
import type { EntityItem } from './items.ts';

/** Where a scan goes on: the key of the last item. */
export type ScanKey = Readonly<Record<string, unknown>>;

/** A page of the index of entities, which may be a moment behind: at most a megabyte, or `limit` entities. */
export async function readAllEntities(
  { client, tables }: Store,
  limit: number,
  start: ScanKey | undefined,
): Promise<{ readonly items: readonly EntityItem[]; readonly next?: ScanKey }> {
  const { Items = [], LastEvaluatedKey } = await client.send(
    new ScanCommand({
      TableName: tables.data,
      IndexName: 'byStatus',
      Limit: limit,
      ...(start && { ExclusiveStartKey: start }),
    }),
  );
  return { items: Items as EntityItem[], ...(LastEvaluatedKey && { next: LastEvaluatedKey }) };
}
