/** What the sweeper reads of scheduled transitions, and where it notes how far it came. */
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dueShard, dueShards } from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import { sweeperKey } from './message-items.ts';
import { readByKey } from '../batches.ts';

/** An entity that waits, as the index `due` has it: a moment old. */
export interface DueKey extends ItemKey {
  /** Epoch milliseconds. */
  readonly dueAt: number;
}

export interface DueKeys {
  /** All that are due from `from` to `until`. */
  readonly keys: readonly DueKey[];
  /** As far as was asked, or less where more are due than one answer holds. */
  readonly until: number;
}

/**
 * The entities that are due between two points in time, both included, epoch milliseconds: those that wait longest
 * first, and at most what one answer of each shard holds.
 * @param maxPerShard about 100 bytes each, so 5,000 fit into an answer of a megabyte
 */
export async function readDueKeys(
  client: DynamoDBDocumentClient,
  table: string,
  { from, until }: { readonly from: number; readonly until: number },
  maxPerShard: number,
): Promise<DueKeys> {
  const shards = await Promise.all(
    Array.from({ length: dueShards }, (_, shard) =>
      client.send(
        new QueryCommand({
          TableName: table,
          IndexName: 'due',
          KeyConditionExpression: 'dueShard = :shard AND dueAt BETWEEN :from AND :until',
          ExpressionAttributeValues: { ':shard': dueShard(shard), ':from': from, ':until': until },
          Limit: maxPerShard,
        }),
      ),
    ),
  );
  // Of a shard that was cut off the last moment is not whole, unless it is all there is.
  const reached = shards.flatMap(({ Items = [], LastEvaluatedKey }) => {
    const last = Number(Items.at(-1)?.['dueAt'] ?? from);
    return LastEvaluatedKey === undefined ? [] : [Math.max(last - 1, Number(Items[0]?.['dueAt'] ?? last))];
  });
  const end = Math.min(until, ...reached);
  const keys = shards.flatMap(({ Items = [] }) => Items as DueKey[]);
  return { keys: keys.filter(({ dueAt }) => dueAt <= end), until: end };
}

/** The items of entities as they are now: one may have gone on, or begun to wait for another time, since. */
export const readWaiting = (
  client: DynamoDBDocumentClient,
  table: string,
  keys: readonly DueKey[],
): Promise<Record<string, unknown>[]> => readByKey<Record<string, unknown>>(client, table, keys);

/** How far the sweeps came. All times in epoch milliseconds. */
export interface TimerSweepPosition {
  /** Up to this moment every timer had its turn; 0 where no sweep has come to its end yet. */
  readonly sweptUntil: number;
  /** The sweep that more were due for than one run looks at: of which moment it is, and from where it goes on. */
  readonly open?: { readonly at: number; readonly from: number };
}

const positionKey = sweeperKey('timers');

export async function readPosition(
  client: DynamoDBDocumentClient,
  outboxTable: string,
): Promise<TimerSweepPosition> {
  const { Item } = await client.send(new GetCommand({ TableName: outboxTable, Key: positionKey }));
  return (Item?.['position'] as TimerSweepPosition | undefined) ?? { sweptUntil: 0 };
}

export async function writePosition(
  client: DynamoDBDocumentClient,
  outboxTable: string,
  position: TimerSweepPosition,
): Promise<void> {
  await client.send(new PutCommand({ TableName: outboxTable, Item: { ...positionKey, position } }));
}
