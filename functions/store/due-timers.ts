/** What the sweeper reads of scheduled transitions: the entities whose time has come or is near. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dueShard, dueShards } from './keys.ts';
import type { ItemKey } from './keys.ts';
import { readByKey } from './read-by-key.ts';

/**
 * Reads the items of entities that are due by a point in time, those that wait longest first, as they are now.
 * @param dueBy epoch milliseconds
 * @param maxPerShard entities at most of each of the index's shards
 */
export async function readDueEntities(
  client: DynamoDBDocumentClient,
  table: string,
  dueBy: number,
  maxPerShard: number,
): Promise<Record<string, unknown>[]> {
  const shards = await Promise.all(
    Array.from({ length: dueShards }, (_, shard) =>
      client.send(
        new QueryCommand({
          TableName: table,
          IndexName: 'due',
          KeyConditionExpression: 'dueShard = :shard AND dueAt <= :by',
          ExpressionAttributeValues: { ':shard': dueShard(shard), ':by': dueBy },
          Limit: maxPerShard,
        }),
      ),
    ),
  );
  const keys = shards.flatMap(({ Items = [] }) => Items as ItemKey[]);
  const items = await readByKey<Record<string, unknown>>(client, table, keys);
  // The index lags: an entity may have gone on, or begun to wait for a later time.
  const dueAt = (item: Record<string, unknown>): number => Number(item['dueAt'] ?? Infinity);
  return items.filter((item) => dueAt(item) <= dueBy).sort((a, b) => dueAt(a) - dueAt(b));
}
