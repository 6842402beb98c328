/** What the worker of timers makes of each delivery, on a real queue server; what a timer comes to, a test says. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { delivery as limits } from '../../functions/runtime/delivery-limits.ts';
import type { Log } from '../../functions/runtime/logger.ts';
import { queue as queueLimits } from '../../functions/runtime/topics.ts';
import type { ScheduledOutcome } from '../../functions/workers/scheduled-transition.ts';
import { createTimerWorker } from '../../functions/workers/timer-worker.ts';
import { sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

const at = Date.parse('2026-11-26T12:00:00.000Z');
const timer = { tenant: 'acme', collection: 'invites', entity: 'inv_1', transition: 'expire', dueAt: at };
let outbox: TestOutbox;
let sqs: SQSClient;
let hidden: number[];
let counted: string[];
let logged: string[];
let asked: unknown[];
beforeAll(async () => {
  outbox = await startOutbox();
  sqs = outbox.anotherSqs();
  intercept(sqs, {
    before: ({ command, input }) => {
      if (command === 'ChangeMessageVisibilityCommand')
        hidden.push((input as { VisibilityTimeout: number }).VisibilityTimeout);
    },
  });
});
afterAll(async () => {
  sqs.destroy();
  await outbox.stop();
});
beforeEach(() => {
  [hidden, counted, logged, asked] = [[], [], [], []];
});

interface Delivery {
  readonly body?: string;
  readonly receives?: number;
  readonly isCounted?: boolean;
}
/** @returns whether it comes again */
async function deliver(outcome: ScheduledOutcome | Error, more: Delivery = {}): Promise<boolean> {
  const { body = JSON.stringify(timer), receives = 1, isCounted = true } = more;
  const note = (words: string): void => void logged.push(words);
  // The queue knows no such delivery, and that it could not be hidden is a warning.
  const log: Log = { debug: note, info: note, warn: () => undefined, error: note };
  const metrics = {
    add: (name: string, value: number, topic?: string) =>
      void counted.push(`${name} ${topic ?? ''} ${value}`),
    flush: () => undefined,
  };
  const handler = createTimerWorker({
    run: (of) => {
      asked.push(of);
      return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
    },
    ...{ sqs, clock: { now: () => at }, log },
    ...(isCounted && { metrics }),
  });
  const { Records } = sqsEvent(outbox.queues.timer, body);
  const { batchItemFailures } = await handler({
    Records: Records.map((record) => ({
      ...record,
      attributes: { ...record.attributes, ApproximateReceiveCount: String(receives) },
    })),
  });
  return batchItemFailures.length === 1;
}

test.each(['done', 'not_needed'] as const)('a timer that is %s is over', async (outcome) => {
  expect(await deliver(outcome)).toBe(false);
  expect([asked, hidden, counted, logged]).toEqual([[timer], [], [], ['scheduled transition']]);
});

test('a timer that is not due by its entity’s word comes again in a second', async () => {
  expect(await deliver('not_due')).toBe(true);
  expect([hidden, counted]).toEqual([[1], []]);
});

test('a timer that comes early is hidden until it is due, and runs nothing', async () => {
  const early = (ms: number) => deliver('done', { body: JSON.stringify({ ...timer, dueAt: at + ms }) });
  expect(await early(7_000)).toBe(true);
  expect(await early(1)).toBe(true);
  expect([asked, hidden]).toEqual([[], [7, 1]]);
  expect(await early(0)).toBe(false);
  expect(asked).toHaveLength(1);
});

test('a timer that fails comes again, each time later, and is counted', async () => {
  expect(await deliver('retry')).toBe(true);
  expect(await deliver('retry', { receives: 2 })).toBe(true);
  const base = limits.faultBaseSeconds;
  expect([hidden, counted]).toEqual([
    [base, 2 * base],
    ['AttemptsFailed timer 1', 'AttemptsFailed timer 1'],
  ]);
  counted = [];
  expect(await deliver(new Error('away'), { receives: queueLimits.maxReceiveCount })).toBe(true);
  expect(counted).toEqual(['AttemptsFailed timer 1', 'MessagesDead timer 1']);
});

test('what nobody can read goes to the dead letters, and is counted the first time it comes', async () => {
  expect(await deliver('done', { body: 'no JSON', receives: 2 })).toBe(true);
  expect(counted).toEqual([]);
  expect(await deliver('done', { body: '{}' })).toBe(true);
  expect([asked, hidden, counted, logged]).toEqual([
    [],
    [0, 0],
    ['MessagesDead timer 1'],
    ['delivery rejected', 'delivery rejected'],
  ]);
});

test('a timer is worked off where nobody counts', async () => {
  expect(await deliver('retry', { isCounted: false, receives: 2 })).toBe(true);
  expect(await deliver('done', { isCounted: false, body: '{}' })).toBe(true);
  expect([hidden, logged]).toEqual([
    [2 * limits.faultBaseSeconds, 0],
    ['scheduled transition', 'delivery rejected'],
  ]);
});
