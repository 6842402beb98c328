/** What the sweeper reads of scheduled transitions, and where it notes how far it came. */
import { GetCommand, PutCommand, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { sweep as limits } from '../../runtime/delivery-limits.ts';
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

/** A range of due times, both ends included, epoch milliseconds. */
export interface DueRange {
  readonly from: number;
  readonly until: number;
}

/**
 * The entities that are due in a range, those that wait longest first. Where few entities wait for anything, one request
 * tells all; otherwise each shard is asked, for what it holds of the range alone.
 * @param maxPerShard at most so many of each shard, and all of the moment that they end with
 * @param few entities, due or not, that one request reads
 */
export async function readDueKeys(
  client: DynamoDBDocumentClient,
  table: string,
  range: DueRange,
  maxPerShard: number,
  few: number = limits.fewTimers,
): Promise<DueKeys> {
  const whole = await readFew(client, table, range, few);
  if (whole !== undefined) return { keys: whole.sort(byTime), until: range.until };
  const shards = await pMap(
    Array(dueShards).keys(),
    (shard) => readShard(client, table, dueShard(shard), range, maxPerShard),
    { concurrency: limits.timerShardsAtOnce },
  );
  // What one shard left out may be due before what others have shown.
  const until = Math.min(...shards.map((shard) => shard.until));
  const keys = shards.flatMap((shard) => shard.keys).filter(({ dueAt }) => dueAt <= until);
  return { keys: keys.sort(byTime), until };
}

const byTime = (one: DueKey, other: DueKey): number => one.dueAt - other.dueAt;

/** @returns nothing where more entities wait than one request reads */
async function readFew(
  client: DynamoDBDocumentClient,
  table: string,
  { from, until }: DueRange,
  few: number,
): Promise<DueKey[] | undefined> {
  const { Items = [], LastEvaluatedKey } = await client.send(
    new ScanCommand({
      TableName: table,
      IndexName: 'due',
      FilterExpression: 'dueAt BETWEEN :from AND :until',
      ExpressionAttributeValues: { ':from': from, ':until': until },
      Limit: few,
    }),
  );
  return LastEvaluatedKey === undefined ? (Items as DueKey[]) : undefined;
}

async function readShard(
  client: DynamoDBDocumentClient,
  table: string,
  shard: string,
  { from, until }: DueRange,
  max: number,
): Promise<DueKeys> {
  const keys: DueKey[] = [];
  let startKey: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: 'due',
        KeyConditionExpression: 'dueShard = :shard AND dueAt BETWEEN :from AND :until',
        ExpressionAttributeValues: { ':shard': shard, ':from': from, ':until': until },
        Limit: max,
        ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
      }),
    );
    keys.push(...(Items as DueKey[]));
    startKey = LastEvaluatedKey;
    // Of what was cut off the last moment may not be whole. Where it is all there is, it is read to its end.
  } while (startKey !== undefined && keys[0]?.dueAt === keys.at(-1)?.dueAt);
  const last = keys.at(-1)?.dueAt ?? until;
  return startKey === undefined ? { keys, until } : { keys, until: last - 1 };
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
