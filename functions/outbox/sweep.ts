/** Heals what the stream, the relay or a queue lost, from the records alone. */
import pMap from 'p-map';
import { z } from 'zod';
import { timestamp } from '../runtime/clock.ts';
import { delivery, sweep as limits } from '../runtime/delivery-limits.ts';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import { topics } from '../runtime/topics.ts';
import type { Topic } from '../runtime/topics.ts';
import { messageShards } from '../store/outbox/message-items.ts';
import type { MessageItem } from '../store/outbox/message-items.ts';
import { recordSent } from '../store/outbox/messages.ts';
import { readMessages, readOpenShard } from '../store/outbox/open-messages.ts';
import type { OpenMessage } from '../store/outbox/open-messages.ts';
import { queueDepth } from './queue-depth.ts';
import { messageReference, referenceMessage } from './queue-messages.ts';
import { sendAll } from './send.ts';
import { ofTopic, sweepPlan } from './sweep-plan.ts';
import { sweepAllTimers, sweepOverdueTimers } from './sweep-timers.ts';
import type { TimersSwept, TimerSweepParts } from './sweep-timers.ts';

export interface SweeperParts extends TimerSweepParts {
  readonly queueUrls: Readonly<Record<Topic, string>>;
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
}

export interface SweepReport {
  /** Messages and timers sent, by queue. */
  readonly sent: Readonly<Partial<Record<Topic | 'timer', number>>>;
  /** Whether something is left to look after that this run's bounds did not allow. */
  readonly more: boolean;
}

/** What a run looks after. */
interface Scope {
  /** RFC 3339 UTC: younger ones are on their way. */
  readonly before: string;
  /** The queues are known to have lost what they held. */
  readonly everything: boolean;
}

/** The schedule's event says nothing; `{"graceSeconds": 0}` sweeps everything that is open now. */
const sweepEvent = z.object({ graceSeconds: z.number().min(0).max(86_400).optional() }).catch({});

export type Sweeper = (event: unknown) => Promise<SweepReport>;

/** A part that fails leaves the others their turn; the run fails as a whole afterwards, so that it is seen. */
export function createSweeper(parts: SweeperParts): Sweeper {
  const { client, sqs, clock, tables, queueUrls, log, metrics } = parts;
  const outbox = { client, table: tables.outbox, clock };

  /** What was handed to a queue and is not worked off; what is delayed is not due yet. */
  const depthOf = async (queueUrl: string): Promise<number> => (await queueDepth(sqs, queueUrl)).ready;

  async function sweepTopic(
    topic: Topic,
    open: readonly OpenMessage[],
    scope: Scope,
  ): Promise<{ sent: number; more: boolean }> {
    if (open.length === 0) return { sent: 0, more: false };
    const depth = scope.everything ? 'everything' : await depthOf(queueUrls[topic]);
    const plan = sweepPlan(open, depth, scope.before);
    const pending = await send(topic, plan.pending, limits.sendsPerQueue, scope);
    const lost = Math.min(plan.lost, limits.sendsPerQueue - pending);
    const again = await send(topic, plan.sent, lost, scope);
    return { sent: pending + again, more: plan.pending.length > pending || plan.lost > again };
  }

  /** Sends candidates until `max` went out; each is read anew, since the index lags. @returns how many went out */
  async function send(
    topic: Topic,
    candidates: readonly OpenMessage[],
    max: number,
    scope: Scope,
  ): Promise<number> {
    let count = 0;
    for (let start = 0; start < candidates.length && count < max; start += chunk) {
      const items = await readMessages(outbox, candidates.slice(start, start + chunk));
      const lost = items.filter((item) => isLost(item, scope, clock.now())).slice(0, max - count);
      count += await sendAndMark(topic, lost);
    }
    return count;
  }

  async function sendAndMark(topic: Topic, items: readonly MessageItem[]): Promise<number> {
    const references = items.flatMap((item) => messageReference.safeParse(item).data ?? []);
    const outcomes = await sendAll(sqs, queueUrls[topic], references.map(referenceMessage));
    const sent = references.filter((_, index) => outcomes[index]?.is === 'sent');
    count(topic, sent.length, references.length - sent.length);
    // Moves `sentAt`, so that the next run leaves alone what this one sent.
    await pMap(sent, (reference) => recordSent(outbox, reference, { again: true }), {
      concurrency: delivery.writeConcurrency,
    });
    return sent.length;
  }

  /** What did not happen is not counted: this runs every minute, and most of the time there is nothing to heal. */
  function count(topic: Topic | 'timer', sent: number, failed: number): void {
    if (sent > 0) metrics?.add('MessagesSwept', sent, topic);
    if (failed === 0) return;
    log.error('messages not sent', { topic, failed });
    metrics?.add('MessagesNotSent', failed, topic);
  }

  async function sweepTimers(graceSeconds: number | undefined): Promise<TimersSwept> {
    const swept = await (graceSeconds === 0 ? sweepAllTimers(parts) : sweepOverdueTimers(parts));
    count('timer', swept.sent, swept.failed);
    return swept;
  }

  async function sweepMessages(graceSeconds: number | undefined): Promise<SweepReport> {
    const scope: Scope = {
      before: timestamp(clock.now() - (graceSeconds ?? limits.graceSeconds) * 1000),
      everything: graceSeconds === 0,
    };
    const shards = await pMap(
      Array.from({ length: messageShards }, (_, shard) => shard),
      (shard) => readOpenShard(outbox, shard, limits.entriesPerShard),
    );
    const open = shards.flatMap(({ messages }) => messages);
    const sent: Partial<Record<Topic, number>> = {};
    let more = shards.some((shard) => shard.more);
    const failures: unknown[] = [];
    for (const topic of topics) {
      try {
        const swept = await sweepTopic(topic, ofTopic(open, topic), scope);
        sent[topic] = swept.sent;
        more ||= swept.more;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not all topics were swept');
    return { sent, more };
  }

  return async (event) => {
    const { graceSeconds } = sweepEvent.parse(event);
    const [messages, timers] = await Promise.allSettled([
      sweepMessages(graceSeconds),
      sweepTimers(graceSeconds),
    ]);
    if (messages.status === 'rejected') throw messages.reason;
    if (timers.status === 'rejected') throw timers.reason;
    const report = {
      sent: { ...messages.value.sent, timer: timers.value.sent },
      more: messages.value.more || timers.value.more,
    };
    log.info('swept', { report });
    return report;
  };
}

/** Messages read at once. */
const chunk = 100;

/**
 * A message with a lease is with a worker, or hidden in its queue until its next attempt; after a restart that
 * emptied the queues it is neither, and its worker is gone.
 */
function isLost(item: MessageItem, { before, everything }: Scope, now: number): boolean {
  if (item.status !== 'pending' && item.status !== 'sent') return false;
  if (!everything && item.leaseUntil !== undefined && item.leaseUntil > now) return false;
  return (item.sentAt ?? item.redrivenAt ?? item.createdAt) <= before;
}
