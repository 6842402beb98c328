/** The sweeper's half for messages: sends those that the stream, the relay or a queue lost. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import pMap from 'p-map';
import { timestamp } from '../runtime/clock.ts';
import { sweep as limits, uncertainty } from '../runtime/delivery-limits.ts';
import type { Topic } from '../runtime/topics.ts';
import { isOpen } from '../store/outbox/message-items.ts';
import type { MessageItem } from '../store/outbox/message-items.ts';
import { isUncertain } from '../store/outbox/message-view.ts';
import type { OutboxAccess } from '../store/outbox/message-writes.ts';
import { recordSent } from '../store/outbox/messages.ts';
import { readMessages, walkOpen } from '../store/outbox/open-messages.ts';
import type { OpenMessage } from '../store/outbox/open-messages.ts';
import { messageReference, referenceMessage } from './queue-messages.ts';
import { isItsTurn } from './resend-schedule.ts';
import { sendAll } from './send.ts';

export interface MessageSweepParts {
  readonly outbox: OutboxAccess;
  readonly sqs: SQSClient;
  readonly queueUrls: Readonly<Record<Topic, string>>;
  /** Open messages of one segment that are looked at at once. */
  readonly pageSize?: number | undefined;
  /** Messages that one run sends to one queue: each of them may lie there already. */
  readonly copiesPerQueue?: number | undefined;
  /** Told of each part that was sent. */
  readonly onSent: (topic: Topic, sent: number, failed: number) => void;
}

export interface MessagesSwept {
  readonly sent: Readonly<Partial<Record<Topic, number>>>;
  /** Whether something is left that this run's time and bounds did not allow. */
  readonly more: boolean;
  /** For how long the message waits for somebody that waits longest, of those that this run came to. */
  readonly oldestWaitingMs?: number;
}

/** What a run looks for. */
interface Scope {
  readonly graceMs: number;
  /** The queues are known to have lost what they held. */
  readonly everything: boolean;
  /** When the run began, epoch ms. */
  readonly at: number;
}

/**
 * Goes through all segments of the open messages at once, page by page, for as long as there is time; the next run goes
 * on from there. A segment that fails leaves the others their turn, and the run fails as a whole afterwards.
 *
 * A message that was lost looks like one that waits for its turn in a queue: nobody has claimed it. So each is sent by the
 * resend schedule: one that waits for an hour has five copies, one that waits for four days twelve, and no run adds more
 * than `copiesPerQueue` to a queue. A copy makes no call: its claim is refused, and it is dropped.
 * @param hasTime asked before each further page
 */
export async function sweepMessages(
  parts: MessageSweepParts,
  scope: Scope,
  hasTime: () => boolean,
): Promise<MessagesSwept> {
  const { outbox, pageSize = limits.pageSize, copiesPerQueue = limits.copiesPerQueue } = parts;
  const sent = new Map<Topic, number>();
  /** Messages that were due, by topic; those beyond the bound were left. */
  const wanted = new Map<Topic, number>();
  let oldestWaiting = Number.POSITIVE_INFINITY;

  /** As many as the queue may still get; all of them, where it is known to have lost what it held. */
  function allowed(topic: Topic, items: readonly MessageItem[]): readonly MessageItem[] {
    if (scope.everything) return items;
    const before = wanted.get(topic) ?? 0;
    wanted.set(topic, before + items.length);
    return items.slice(0, Math.max(copiesPerQueue - before, 0));
  }

  async function visit(page: readonly OpenMessage[]): Promise<void> {
    const now = outbox.clock.now();
    const before = timestamp((scope.everything ? scope.at : now) - scope.graceMs);
    // The index lags, and does not know when a message was sent or redriven, so each that may be due is read anew. Until
    // when one waits for its callback it does know, so that those that may wait on are not read.
    const items = await readMessages(
      outbox,
      page.filter(({ createdAt, waitingUntil }) =>
        waitingUntil === undefined ? createdAt <= before : waitingUntil <= now,
      ),
    );
    const since = [
      ...page.flatMap((one) => calledSince(one) ?? []),
      ...items.flatMap((one) => waitsSince(one) ?? []),
    ];
    oldestWaiting = Math.min(oldestWaiting, ...since);
    const due = items.filter((item) => isLost(item, scope, now) || isOver(item, scope, now));
    for (const topic of new Set(due.map((item) => item.topic))) {
      const ofTopic = due.filter((item) => item.topic === topic);
      // Counted afterwards: other segments count meanwhile.
      const count = await sendAndMark(parts, topic, allowed(topic, ofTopic));
      sent.set(topic, (sent.get(topic) ?? 0) + count);
    }
  }

  const isComplete = await walkOpen(outbox, limits.segments, { pageSize, visit, hasTime });
  const isBounded = [...wanted.values()].some((count) => count > copiesPerQueue);
  return {
    sent: Object.fromEntries(sent),
    more: isBounded || !isComplete,
    ...(Number.isFinite(oldestWaiting) && { oldestWaitingMs: outbox.clock.now() - oldestWaiting }),
  };
}

async function sendAndMark(
  { outbox, sqs, queueUrls, onSent }: MessageSweepParts,
  topic: Topic,
  items: readonly MessageItem[],
): Promise<number> {
  const found = items.flatMap((item) => {
    const reference = messageReference.safeParse(item).data;
    return reference === undefined ? [] : [{ reference, isWaiting: item.status === 'waiting' }];
  });
  const outgoing = found.map(({ reference }) => referenceMessage(reference));
  const outcomes = await sendAll(sqs, queueUrls[topic], outgoing);
  const sent = found.filter((_, index) => outcomes[index]?.kind === 'sent');
  onSent(topic, sent.length, found.length - sent.length);
  // Moves `sentAt`, by which the next run knows what this one sent.
  await pMap(sent, ({ reference, isWaiting }) => recordSent(outbox, reference, { isWaiting }), {
    concurrency: limits.writesPerSegment,
  });
  return sent.length;
}

/** Since when a message waits for its callback, epoch ms. */
const calledSince = ({ waitingUntil }: OpenMessage): number | undefined =>
  waitingUntil === undefined ? undefined : waitingUntil - uncertainty.waitingMaxMs;

/**
 * Since when an open message waits for somebody, epoch ms: for its entity, for its receiver to tell what it did, or behind
 * another one. One that only waits for its turn in a queue does not.
 */
function waitsSince(item: MessageItem): number | undefined {
  if (!isOpen(item)) return undefined;
  if (item.answer !== undefined) return Date.parse(item.answer.at);
  if (!isUncertain(item) && item.behind === undefined) return undefined;
  return Date.parse(item.redrivenAt ?? item.createdAt);
}

/**
 * A message with a lease is with a worker, or hidden in its queue until its next attempt; after a restart that
 * emptied the queues it is neither, and its worker is gone.
 */
function isLost(item: MessageItem, { graceMs, everything, at }: Scope, now: number): boolean {
  if (item.status !== 'pending' && item.status !== 'sent') return false;
  const { sentAt, leaseUntil } = item;
  // An answer that was taken begins to be late when it was taken, however long the message waited for it.
  const begun = Date.parse(item.answer?.at ?? item.redrivenAt ?? item.createdAt);
  const last = sentAt === undefined ? begun : Date.parse(sentAt);
  if (everything) return last <= at - graceMs;
  if (leaseUntil !== undefined && leaseUntil > now) return false;
  return isDue(begun, last, now, graceMs);
}

/** A callback was waited for in vain: it is sent as soon as its time is over, and again by the resend schedule. */
function isOver(
  { status, waitingUntil = 0, sentAt, leaseUntil }: MessageItem,
  { graceMs, everything, at }: Scope,
  now: number,
): boolean {
  if (status !== 'waiting' || waitingUntil > now) return false;
  const last = sentAt === undefined ? 0 : Date.parse(sentAt);
  if (last < waitingUntil) return true;
  if (everything) return last <= at - graceMs;
  if (leaseUntil !== undefined && leaseUntil > now) return false;
  return isDue(waitingUntil, last, now, graceMs);
}

/** What was sent within a grace is on its way, even where its turn has come since. */
const isDue = (begun: number, last: number, now: number, graceMs: number): boolean =>
  now - last >= graceMs && isItsTurn(begun, last, now, graceMs);
