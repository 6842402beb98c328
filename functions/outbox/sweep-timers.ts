/**
 * The sweeper's half for scheduled transitions: sends those that are overdue, because their message was lost or
 * because they were too far away for a queue when they began to wait.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../runtime/clock.ts';
import { sweep as limits } from '../runtime/delivery-limits.ts';
import { readDueKeys, readPosition, readWaiting, writePosition } from '../store/outbox/due-timers.ts';
import type { DueKey, DueRange } from '../store/outbox/due-timers.ts';
import { sendAll } from './send.ts';
import { horizon, isNear, timerMessage, timerOf } from './timer-stream.ts';
import { isItsTurn } from './resend-schedule.ts';

export interface TimerSweepParts {
  readonly client: DynamoDBDocumentClient;
  readonly sqs: SQSClient;
  readonly clock: Clock;
  readonly tables: { readonly data: string; readonly outbox: string };
  readonly timerQueueUrl: string;
  /** Timers of one shard that are looked at at once. */
  readonly timersPerShard?: number;
  /** Timers, due or not, that one request reads to know of all. */
  readonly fewTimers?: number;
}

export interface TimersSwept {
  readonly sent: number;
  readonly failed: number;
  /** Whether more are due than this run's bounds allowed. */
  readonly more: boolean;
}

/**
 * Those whose turn has come since the sweep before, part by part while there is time. Where more are due than a run has
 * time for, the next run goes on with the same sweep from there, so that a great many that fail each time do not hide
 * the others.
 * @param hasTime asked before each further part
 */
export async function sweepOverdueTimers(
  parts: TimerSweepParts,
  hasTime: () => boolean,
): Promise<TimersSwept> {
  let sent = 0;
  for (;;) {
    const swept = await sweepPart(parts);
    sent += swept.sent;
    if (!swept.more || swept.failed > 0 || !hasTime()) return { ...swept, sent };
  }
}

async function sweepPart(parts: TimerSweepParts): Promise<TimersSwept> {
  const { client, clock, tables } = parts;
  const graceMs = limits.timerGraceSeconds * 1000;
  const { sweptUntil, open } = await readPosition(client, tables.outbox);
  const { at, from } = open ?? { at: clock.now(), from: 0 };
  const end = at - graceMs;
  const due = await dueKeys(parts, { from, until: end });
  const turn = due.keys.filter(({ dueAt }) => isItsTurn(dueAt, sweptUntil, at, graceMs));
  const swept = await send(parts, turn, clock.now());
  const more = due.until < end;
  // Noted last, and only where all were sent: what was not has its turn again in the next run.
  if (swept.failed === 0) {
    const position = more ? { sweptUntil, open: { at, from: due.until + 1 } } : { sweptUntil: at };
    await writePosition(client, tables.outbox, position);
  }
  return { ...swept, more };
}

/** All that is due as far ahead as a queue can hold it: for a queue that is known to have lost what it held. */
export async function sweepAllTimers(parts: TimerSweepParts, hasTime: () => boolean): Promise<TimersSwept> {
  const now = parts.clock.now();
  const until = horizon(now);
  const sum = { sent: 0, failed: 0 };
  for (let from = 0; ;) {
    const due = await dueKeys(parts, { from, until });
    const { sent, failed } = await send(parts, due.keys, now);
    sum.sent += sent;
    sum.failed += failed;
    const more = due.until < until;
    if (!more || !hasTime()) return { ...sum, more };
    from = due.until + 1;
  }
}

const dueKeys = (
  { client, tables, timersPerShard = limits.timersPerShard, fewTimers = limits.fewTimers }: TimerSweepParts,
  range: DueRange,
): ReturnType<typeof readDueKeys> => readDueKeys(client, tables.data, range, timersPerShard, fewTimers);

async function send(
  { client, sqs, tables, timerQueueUrl }: TimerSweepParts,
  keys: readonly DueKey[],
  now: number,
): Promise<{ readonly sent: number; readonly failed: number }> {
  const waiting = await readWaiting(client, tables.data, keys);
  const timers = waiting.flatMap((item) => timerOf(item) ?? []).filter((timer) => isNear(timer, now));
  const outcomes = await sendAll(
    sqs,
    timerQueueUrl,
    timers.map((timer) => timerMessage(timer, now)),
  );
  const sent = outcomes.filter(({ kind }) => kind === 'sent').length;
  return { sent, failed: outcomes.length - sent };
}
