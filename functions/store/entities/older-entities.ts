/** Finds entities that an older version of their definition wrote last. */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Store } from '../store.ts';
import type { EntityItem } from './items.ts';

export interface OlderEntity {
  readonly tenant: string;
  readonly id: string;
  readonly status: string;
  /** 1 where it tells none. */
  readonly definition: number;
}

export interface OlderPage {
  readonly entities: readonly OlderEntity[];
  /** How many entities of all collections were looked at. */
  readonly looked: number;
  /** Where to go on; absent at the end. */
  readonly next?: Record<string, unknown>;
}

/** A page of the index of entities: at most a megabyte, or `limit` entities of all collections. */
export async function readOlder(
  { client, tables }: Store,
  {
    collection,
    below,
    limit,
  }: { readonly collection: string; readonly below: number; readonly limit: number },
  start: Record<string, unknown> | undefined,
): Promise<OlderPage> {
  const {
    Items = [],
    ScannedCount,
    LastEvaluatedKey,
  } = await client.send(
    new ScanCommand({
      TableName: tables.data,
      IndexName: 'byStatus',
      Limit: limit,
      FilterExpression: '#collection = :collection AND (attribute_not_exists(#def) OR #def < :below)',
      ProjectionExpression: '#tenant, #id, #status, #def',
      ExpressionAttributeNames: {
        '#collection': 'collection',
        '#def': 'def',
        '#tenant': 'tenant',
        '#id': 'id',
        '#status': 'status',
      },
      ExpressionAttributeValues: { ':collection': collection, ':below': below },
      ...(start && { ExclusiveStartKey: start }),
    }),
  );
  const entities = Items.map((item) => {
    const { tenant, id, status, def = 1 } = item as EntityItem;
    return { tenant, id, status, definition: def };
  });
  return {
    entities,
    looked: ScannedCount ?? Items.length,
    ...(LastEvaluatedKey && { next: LastEvaluatedKey }),
  };
}
