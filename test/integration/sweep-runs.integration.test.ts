/** What a run of the sweeper tells of itself, and what goes on where a part of it fails. On a clock that stands still. */
import { DeleteCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSweeper } from '../../functions/outbox/sweep.ts';
import type { Sweeper, SweeperParts } from '../../functions/outbox/sweep.ts';
import { sweep as limits, uncertainty } from '../../functions/runtime/delivery-limits.ts';
import type { MetricWriter } from '../../functions/runtime/metric-writer.ts';
import { dueShardOf, dueShards, shardOf } from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { madeMessage } from '../support/messages.ts';
import { silent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

const now = Date.parse('2026-11-26T12:00:00.000Z');
const grace = limits.graceSeconds * 1000;
const timerGrace = limits.timerGraceSeconds * 1000;
let outbox: TestOutbox;
let logged: unknown[];
let counted: unknown[];
beforeAll(async () => {
  outbox = await startOutbox();
});
afterAll(() => outbox.stop());
beforeEach(() => {
  logged = [];
  counted = [];
});
afterEach(async () => {
  for (const TableName of [outbox.tables.data, outbox.tables.outbox]) {
    const { Items = [] } = await outbox.client.send(new ScanCommand({ TableName }));
    for (const { pk, sk } of Items as ItemKey[])
      await outbox.client.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
  }
});

async function message(createdAgo: number, more: Partial<MessageItem> = {}): Promise<void> {
  const Item = { ...madeMessage(now - createdAgo), ...more };
  await outbox.client.send(new PutCommand({ TableName: outbox.tables.outbox, Item }));
}
/** Each is of the same shard. */
async function timer(dueAt: number): Promise<void> {
  let id = `rsv_${ulid()}`;
  while (shardOf(id, dueShards) > 0) id = `rsv_${ulid()}`;
  const key = { pk: `acme#${id}`, sk: 'entity', id, tenant: 'acme', collection: 'reservations' };
  const Item = { ...key, dueAt, dueShard: dueShardOf(id), timerTransition: 'expire' };
  await outbox.client.send(new PutCommand({ TableName: outbox.tables.data, Item }));
}

const log = {
  ...silent,
  info: (...line: unknown[]) => void logged.push(line),
  error: (...line: unknown[]) => void logged.push(line),
};
const metrics: MetricWriter = {
  add: (name, value, ...topic) => void counted.push([name, value, ...topic]),
  flush: () => undefined,
};
const sweeper = (more: Partial<SweeperParts> = {}): Sweeper =>
  createSweeper({
    ...{ client: outbox.client, sqs: outbox.sender, clock: { now: () => now }, tables: outbox.tables },
    ...{ queueUrls: outbox.queueUrls, timerQueueUrl: outbox.queues.timer.url, log, metrics, ...more },
  });
/** The queues of both are gone. */
const away = (): Partial<SweeperParts> => ({
  queueUrls: { ...outbox.queueUrls, 'external-call': `${outbox.queueUrls['external-call']}-gone` },
  timerQueueUrl: `${outbox.queues.timer.url}-gone`,
});

describe('a run', () => {
  test('that finds nothing says nothing', async () => {
    await message(grace - 1);
    await timer(now - timerGrace + 1);
    expect(await sweeper()({})).toEqual({ sent: { timer: 0 }, more: false });
    expect([logged, counted]).toEqual([[], []]);
  });

  test('tells what it sent', async () => {
    await message(grace);
    await timer(now - timerGrace);
    const report = { sent: { 'external-call': 1, timer: 1 }, more: false };
    expect(await sweeper()({})).toEqual(report);
    expect(logged).toEqual([['swept', { report }]]);
    expect(new Set(counted)).toEqual(
      new Set([
        ['MessagesSwept', 1, 'external-call'],
        ['MessagesSwept', 1, 'timer'],
      ]),
    );
  });

  test('that sends messages alone tells so, also where nobody counts', async () => {
    await message(grace);
    const report = { sent: { 'external-call': 1, timer: 0 }, more: false };
    expect(await sweeper({ metrics: undefined })({})).toEqual(report);
    expect(logged).toEqual([['swept', { report }]]);
  });

  test('tells what its queues did not take', async () => {
    await message(grace);
    await timer(now - timerGrace);
    expect(await sweeper(away())({})).toEqual({ sent: { 'external-call': 0, timer: 0 }, more: false });
    expect(new Set(logged)).toEqual(
      new Set([
        ['messages not sent', { topic: 'external-call', failed: 1 }],
        ['messages not sent', { topic: 'timer', failed: 1 }],
      ]),
    );
    expect(new Set(counted)).toEqual(
      new Set([
        ['MessagesNotSent', 1, 'external-call'],
        ['MessagesNotSent', 1, 'timer'],
      ]),
    );
    await sweeper({ ...away(), metrics: undefined })({});
  });

  test('that may send nothing more says that more is left', async () => {
    await message(grace);
    const report = { sent: { 'external-call': 0, timer: 0 }, more: true };
    expect(await sweeper({ copiesPerQueue: 0 })({})).toEqual(report);
    expect(logged).toEqual([['swept', { report }]]);
  });

  test.each([
    ['for how long a message waits', { unsettled: 1 }, grace / 1000],
    ['that none waits where the time of one is ahead', { waitingUntil: uncertainty.waitingMaxMs + 5_000 }, 0],
  ])('tells %s', async (_, { waitingUntil, ...more }: { waitingUntil?: number; unsettled?: number }, age) => {
    const waiting = { status: 'waiting', waitingUntil: now + (waitingUntil ?? 0) } as const;
    await message(grace, { ...more, ...(waitingUntil !== undefined && waiting) });
    await sweeper()({});
    expect(counted).toContainEqual(['OldestWaitingAge', age]);
    await sweeper({ metrics: undefined })({});
  });
});

describe('an event', () => {
  test.each([
    [{ graceSeconds: 10 }, 10_000, 1],
    [{ graceSeconds: 10 }, 9_999, 0],
    [{ graceSeconds: 86_401 }, grace, 1],
    [{ graceSeconds: -1 }, grace - 1, 0],
    ['sweep', grace, 1],
  ])('%j: a message that is %d ms old is sent %d times', async (event, ageMs, times) => {
    await message(ageMs);
    expect((await sweeper()(event)).sent['external-call'] ?? 0).toBe(times);
  });

  test('without a grace sends all that a queue can hold', async () => {
    await message(0);
    await timer(now + 1_000);
    expect(await sweeper()({ graceSeconds: 0 })).toMatchObject({ sent: { 'external-call': 1, timer: 1 } });
  });
});

test.each([
  [limits.reserveMs, 1, true],
  [limits.reserveMs + 1, 2, false],
  [undefined, 2, false],
])('with %s ms left of two timers one after the other %d are sent', async (left, sent, more) => {
  for (const late of [1, 2]) await timer(now - timerGrace - late);
  const context = left === undefined ? undefined : { getRemainingTimeInMillis: () => left };
  const report = await sweeper({ fewTimers: 1, timersPerShard: 1 })({}, context);
  expect(report).toEqual({ sent: { timer: sent }, more });
});

const failing = (
  isFailing: (command: string, index: unknown) => boolean,
  error: Error,
): TestOutbox['client'] => {
  const client = outbox.anotherClient();
  intercept(client, {
    before: ({ command, input }) => {
      if (isFailing(command, (input as { readonly IndexName?: string }).IndexName)) throw error;
    },
  });
  return client;
};

test.each<[string, (command: string, index: unknown) => boolean, readonly string[]]>([
  ['the messages', (_, index) => index === 'open', ['timer']],
  ['the timers', (_, index) => index === 'due', ['external-call']],
  ['the heartbeats', (command) => command.startsWith('BatchWrite'), ['external-call', 'timer']],
])('a run fails where %s do, and the others have their turn', async (_, isFailing, sent) => {
  await message(grace);
  await timer(now - timerGrace);
  const error = new Error('a defect');
  await expect(sweeper({ client: failing(isFailing, error) })({})).rejects.toBe(error);
  expect(new Set(counted)).toEqual(new Set(sent.map((topic) => ['MessagesSwept', 1, topic])));
});
