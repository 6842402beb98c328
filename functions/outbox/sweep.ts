/** Heals what the stream, the relay or a queue lost, from the records alone; and writes the heartbeats of the stream. */
import * as z from 'zod';
import { sweep as limits } from '../runtime/delivery-limits.ts';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import type { Topic } from '../runtime/topics.ts';
import { writeHeartbeats } from '../store/statements/watermark.ts';
import { sweepMessages } from './sweep-messages.ts';
import type { MessageSweepParts } from './sweep-messages.ts';
import { sweepAllTimers, sweepOverdueTimers } from './sweep-timers.ts';
import type { TimersSwept, TimerSweepParts } from './sweep-timers.ts';

export interface SweeperParts
  extends TimerSweepParts, Pick<MessageSweepParts, 'queueUrls' | 'pageSize' | 'copiesPerQueue'> {
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
}

export interface SweepReport {
  /** Messages and timers sent, by queue. */
  readonly sent: Readonly<Partial<Record<Topic | 'timer', number>>>;
  /** Whether something is left to look after that this run's time and bounds did not allow. */
  readonly more: boolean;
}

/** The schedule's event says nothing; `{"graceSeconds": 0}` sweeps everything that is open now. */
const sweepEvent = z.object({ graceSeconds: z.number().min(0).max(86_400).optional() }).catch({});

/** What the sweeper asks of the context of its invocation. */
export interface TimeLeft {
  readonly getRemainingTimeInMillis: () => number;
}

export type Sweeper = (event: unknown, context?: TimeLeft) => Promise<SweepReport>;

/**
 * Goes on until nothing is left or its time is nearly over. Messages and timers leave each other their turn where one
 * of them fails; the run fails as a whole afterwards, so that it is seen.
 */
export function createSweeper(parts: SweeperParts): Sweeper {
  const { client, sqs, clock, tables, queueUrls, log, metrics } = parts;
  const outbox = { client, table: tables.outbox, clock };

  /** What did not happen is not counted: this runs every minute, and most of the time there is nothing to heal. */
  function count(topic: Topic | 'timer', sent: number, failed: number): void {
    if (sent > 0) metrics?.add('MessagesSwept', sent, topic);
    if (failed === 0) return;
    log.error('messages not sent', { topic, failed });
    metrics?.add('MessagesNotSent', failed, topic);
  }

  async function sweepTimers(everything: boolean, hasTime: () => boolean): Promise<TimersSwept> {
    const swept = await (everything ? sweepAllTimers : sweepOverdueTimers)(parts, hasTime);
    count('timer', swept.sent, swept.failed);
    return swept;
  }

  return async (event, context) => {
    const { graceSeconds = limits.graceSeconds } = sweepEvent.parse(event);
    const everything = graceSeconds === 0;
    const hasTime = (): boolean =>
      context === undefined || context.getRemainingTimeInMillis() > limits.reserveMs;
    const messageParts = { ...parts, outbox, sqs, queueUrls, onSent: count };
    const scope = { graceMs: graceSeconds * 1000, everything, at: clock.now() };
    const [messages, timers, heartbeats] = await Promise.allSettled([
      sweepMessages(messageParts, scope, hasTime),
      sweepTimers(everything, hasTime),
      writeHeartbeats(client, tables.data, clock.now()),
    ]);
    if (messages.status === 'rejected') throw messages.reason;
    if (timers.status === 'rejected') throw timers.reason;
    if (heartbeats.status === 'rejected') throw heartbeats.reason;
    const { oldestWaitingMs } = messages.value;
    if (oldestWaitingMs !== undefined) metrics?.add('OldestWaitingAge', Math.max(oldestWaitingMs, 0) / 1000);
    const report = {
      sent: { ...messages.value.sent, timer: timers.value.sent },
      more: messages.value.more || timers.value.more,
    };
    // It runs every minute, and most of the time there is nothing to say.
    if (report.more || Object.values(report.sent).some((count) => count > 0)) log.info('swept', { report });
    return report;
  };
}
