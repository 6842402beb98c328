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
  /** Copies of what was sent before, for one queue in one run. */
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
 * What was never sent is in no queue, so it is sent whenever it is found. What was sent may just wait, and is sent
 * again by the resend schedule: a message that waits for an hour has five copies, one that waits for four days twelve,
 * and no run adds more than `copiesPerQueue` to a queue. A copy makes no call: its claim is refused, and it is dropped.
 * @param hasTime asked before each further page
 */
export async function sweepMessages(
  parts: MessageSweepParts,
  scope: Scope,
  hasTime: () => boolean,
): Promise<MessagesSwept> {
  const { outbox, pageSize = limits.pageSize, copiesPerQueue = limits.copiesPerQueue } = parts;
  const sent = new Map<Topic, number>();
  /** Copies that were due, by topic; those beyond the bound were left. */
  const copies = new Map<Topic, number>();
  let oldestWaiting = Number.POSITIVE_INFINITY;

  /** Those that may go out: all that were never sent, and as many of the others as the queue may still get. */
  function allowed(topic: Topic, items: readonly MessageItem[]): readonly MessageItem[] {
    if (scope.everything) return items;
    return items.filter(({ sentAt }) => {
      if (sentAt === undefined) return true;
      const count = (copies.get(topic) ?? 0) + 1;
      copies.set(topic, count);
      return count <= copiesPerQueue;
    });
  }

  async function sweepOpen(page: readonly OpenMessage[]): Promise<void> {
    const now = outbox.clock.now();
    const before = timestamp((scope.everything ? scope.at : now) - scope.graceMs);
    // The index lags, and does not know when a message was redriven, so each that may be lost is read anew.
    const items = await readMessages(
      outbox,
      page.filter(({ since }) => since <= before),
    );
    oldestWaiting = Math.min(oldestWaiting, ...items.flatMap((item) => waitsSince(item) ?? []));
    const lost = items.filter((item) => isLost(item, scope, now));
    for (const topic of new Set(lost.map((item) => item.topic))) {
      const count = await sendAndMark(
        parts,
        topic,
        allowed(
          topic,
          lost.filter((item) => item.topic === topic),
        ),
      );
      sent.set(topic, (sent.get(topic) ?? 0) + count);
    }
  }

  /** A callback was waited for in vain: the worker asks the receiver, or holds the message for a person. */
  async function sweepWaiting(page: readonly OpenMessage[]): Promise<void> {
    const now = outbox.clock.now();
    oldestWaiting = Math.min(oldestWaiting, ...page.map(({ since }) => Date.parse(since)));
    // Since when it waits stands in the index, so that those that may wait on are not read.
    const before = timestamp(now - uncertainty.waitingMaxMs);
    const items = await readMessages(
      outbox,
      page.filter(({ since }) => since <= before),
    );
    const over = items.filter(({ status, waitingUntil = 0 }) => status === 'waiting' && waitingUntil <= now);
    for (const topic of new Set(over.map((item) => item.topic))) {
      const ofTopic = over.filter((item) => item.topic === topic);
      sent.set(topic, (sent.get(topic) ?? 0) + (await sendAndMark(parts, topic, ofTopic)));
    }
  }

  async function visit(page: readonly OpenMessage[]): Promise<void> {
    await sweepOpen(page.filter(({ status }) => status !== 'waiting'));
    await sweepWaiting(page.filter(({ status }) => status === 'waiting'));
  }

  const isComplete = await walkOpen(outbox, limits.segments, { pageSize, visit, hasTime });
  const isBounded = [...copies.values()].some((count) => count > copiesPerQueue);
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
  await pMap(sent, ({ reference, isWaiting }) => recordSent(outbox, reference, { again: true, isWaiting }), {
    concurrency: limits.writesPerSegment,
  });
  return sent.length;
}

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
  // What was sent within a grace is on its way, even where its turn has come since.
  if (now - last < graceMs) return false;
  return isItsTurn(begun, last, now, graceMs);
}
