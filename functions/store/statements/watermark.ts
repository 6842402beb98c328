/**
 * How far the stream of the data table has been read. An idle stream tells nothing, so the sweeper writes heartbeats
 * into the table, and who reads the stream notes those it has come to:
 *
 *     sweeper --> heartbeat of each lane --> stream --> watermark: the latest heartbeat seen, by lane
 *
 * A shard hands its records out in the order in which they were written. So what is in a shard before its heartbeat
 * was handled before it, and the lane that is furthest behind tells for all. Which shard a lane goes to nobody can ask:
 * there are more lanes than a small table has shards (four), so that hardly one is without.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
 */
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { request } from '../../runtime/limits.ts';
import { batch } from '../../runtime/delivery-limits.ts';
import { putAll } from '../batches.ts';
import type { ItemKey } from '../keys.ts';

/** As many as one request writes. */
export const lanes = batch.putsMax;

export interface Heartbeat extends ItemKey {
  readonly lane: number;
  /** Epoch milliseconds. */
  readonly beatAt: number;
}

const heartbeat = (lane: number, beatAt: number): Heartbeat => ({
  pk: `#heartbeat#${lane}`,
  sk: 'heartbeat',
  lane,
  beatAt,
});

const watermarkKey: ItemKey = { pk: '#watermark', sk: 'watermark' };
const nameOf = (lane: number): string => `lane${lane}`;

/** @param now epoch milliseconds */
export const writeHeartbeats = (client: DynamoDBDocumentClient, table: string, now: number): Promise<void> =>
  putAll(
    client,
    table,
    Array.from({ length: lanes }, (_, lane) => ({ ...heartbeat(lane, now) })),
  );

/** Notes the heartbeats that were come to. One that comes again takes its lane back until the next one, which is true. */
export async function writeWatermark(
  client: DynamoDBDocumentClient,
  table: string,
  beats: readonly Pick<Heartbeat, 'lane' | 'beatAt'>[],
): Promise<void> {
  const latest = new Map(beats.map(({ lane, beatAt }) => [nameOf(lane), beatAt]));
  if (latest.size === 0) return;
  const names = [...latest.keys()];
  await client.send(
    new UpdateCommand({
      TableName: table,
      Key: { ...watermarkKey },
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries([...latest].map(([name, at]) => [`:${name}`, at])),
    }),
  );
}

/**
 * The time up to which every entry has been handled, epoch milliseconds; 0 where nothing is known yet. An entry carries
 * the time at which its command was decided, and may be committed up to a request's deadline later.
 */
export async function readWatermark(
  client: DynamoDBDocumentClient,
  table: string,
  signal: AbortSignal,
): Promise<number> {
  const { Item = {} } = await client.send(
    new GetCommand({ TableName: table, Key: { ...watermarkKey }, ConsistentRead: true }),
    { abortSignal: signal },
  );
  const seen = Array.from({ length: lanes }, (_, lane) => Item[nameOf(lane)] as number | undefined);
  return Math.max(Math.min(...seen.map((at = 0) => at)) - request.deadlineMs, 0);
}
