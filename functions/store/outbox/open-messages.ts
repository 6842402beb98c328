/**
 * What the sweeper reads: the index `open` from one end to the other, and where a run before left off. A scan takes as
 * many requests as the open messages fill pages, whatever their partition keys: one where there are few. Their order does
 * not matter to it, since each is looked at in every run.
 */
import { GetCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ScanCommandInput } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import type { Topic } from '../../runtime/topics.ts';
import { sweeperKey, toldByPlace } from './message-items.ts';
import type { MessageItem, MessageKey } from './message-items.ts';
import type { OutboxAccess } from './message-writes.ts';
import { readByKey } from '../batches.ts';

/** An open message as the index has it: eventually consistent, and without what a claim, a retry or a redrive changes. */
export interface OpenMessage extends MessageKey {
  readonly topic: Topic;
  /** RFC 3339 UTC. */
  readonly createdAt: string;
  /** Epoch ms, of one that waits for a callback: when it is looked after without. */
  readonly waitingUntil?: number | undefined;
}

export interface OpenWalk {
  /** Entries of the index in one page. */
  readonly pageSize: number;
  /** Waited for before the next page is read. */
  readonly visit: (page: readonly OpenMessage[]) => Promise<void>;
  /** Asked before each further page. */
  readonly hasTime: () => boolean;
}

/** Where a scan of the index goes on. */
type IndexKey = Readonly<Record<string, unknown>>;

/** A part of the index, all of which are gone through beside each other. */
interface Segment {
  readonly segment: number;
  /** How many there are. */
  readonly segments: number;
  /** Where the walk before ran out of time. */
  readonly place?: IndexKey | undefined;
}

/** A segment's place means nothing where there are another number of them. */
const placesKey = (segments: number): MessageKey => sweeperKey(`open#${segments}`);
const nameOf = (segment: number): string => `segment${segment}`;

/**
 * Goes through all open messages: those that one page holds by one request, more of them in segments. A segment that
 * fails leaves the others their turn; the walk fails as a whole afterwards.
 * @returns whether all were visited
 */
export async function walkOpen(access: OutboxAccess, segments: number, walk: OpenWalk): Promise<boolean> {
  const { client, table } = access;
  const { Item } = await client.send(new GetCommand({ TableName: table, Key: placesKey(segments) }));
  const parts = Array.from({ length: segments }, (_, segment): Segment => {
    const place = Item?.[nameOf(segment)] as IndexKey | undefined;
    return { segment, segments, place };
  });
  if (parts.every(({ place }) => place === undefined)) {
    const first = await readPage(access, walk.pageSize);
    if (first.next === undefined) {
      await walk.visit(first.messages);
      return true;
    }
  }
  const complete = await pMap(parts, (part) => walkSegment(access, part, walk), { stopOnError: false });
  return !complete.includes(false);
}

/**
 * Goes through a segment from its place to the end, so that a tenant with a great many messages does not hide those
 * behind them, and then, where that was not all, from the beginning. A walk that dies before it notes its place leaves
 * the old one.
 * @returns whether all were visited
 */
async function walkSegment(
  access: OutboxAccess,
  { segment, segments, place }: Segment,
  { pageSize, visit, hasTime }: OpenWalk,
): Promise<boolean> {
  let startKey = place;
  let isWhole = place === undefined;
  for (;;) {
    const page = await readPage(access, pageSize, { Segment: segment, TotalSegments: segments }, startKey);
    await visit(page.messages);
    startKey = page.next;
    if (startKey === undefined && isWhole) break;
    isWhole ||= startKey === undefined;
    if (hasTime()) continue;
    await notePlace(access, { segment, segments, place: startKey });
    return false;
  }
  if (place !== undefined) await notePlace(access, { segment, segments });
  return true;
}

async function readPage(
  { client, table }: OutboxAccess,
  pageSize: number,
  part: Pick<ScanCommandInput, 'Segment' | 'TotalSegments'> = {},
  startKey?: IndexKey,
): Promise<{ readonly messages: readonly OpenMessage[]; readonly next: IndexKey | undefined }> {
  const { Items = [], LastEvaluatedKey } = await client.send(
    new ScanCommand({
      TableName: table,
      IndexName: 'open',
      ...part,
      Limit: pageSize,
      ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
    }),
  );
  return { messages: Items.flatMap((item) => openMessage(item) ?? []), next: LastEvaluatedKey };
}

async function notePlace(
  { client, table }: OutboxAccess,
  { segment, segments, place }: Segment,
): Promise<void> {
  await client.send(
    new UpdateCommand({
      TableName: table,
      Key: placesKey(segments),
      UpdateExpression: place === undefined ? 'REMOVE #segment' : 'SET #segment = :place',
      ExpressionAttributeNames: { '#segment': nameOf(segment) },
      ...(place !== undefined && { ExpressionAttributeValues: { ':place': place } }),
    }),
  );
}

/** @returns the messages as they are now; what is gone is left out */
export const readMessages = (access: OutboxAccess, keys: readonly MessageKey[]): Promise<MessageItem[]> =>
  readByKey<MessageItem>(access.client, access.table, keys);

function openMessage(item: Record<string, unknown>): OpenMessage | undefined {
  const { pk, sk, topic, stateSk, waitingUntil } = item as Partial<MessageItem>;
  if (pk === undefined || sk === undefined || topic === undefined || stateSk === undefined) return undefined;
  return { pk, sk, topic, createdAt: toldByPlace({ stateSk }).createdAt, waitingUntil };
}
