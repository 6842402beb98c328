/** Which timers a sweep sends, to the millisecond, and where the next one goes on. On a clock that stands still. */
import { DeleteCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sweepAllTimers, sweepOverdueTimers } from '../../functions/outbox/sweep-timers.ts';
import type { TimerSweepParts } from '../../functions/outbox/sweep-timers.ts';
import { horizon } from '../../functions/outbox/timer-stream.ts';
import { sweep as limits } from '../../functions/runtime/delivery-limits.ts';
import { dueShardOf, dueShards, shardOf } from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import { startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

const start = Date.parse('2026-11-26T12:00:00.000Z');
const grace = limits.timerGraceSeconds * 1000;
let now: number;
let outbox: TestOutbox;
beforeAll(async () => {
  outbox = await startOutbox();
});
afterAll(() => outbox.stop());
beforeEach(() => {
  now = start;
});
afterEach(async () => {
  const { data, outbox: messages } = outbox.tables;
  for (const TableName of [data, messages]) {
    const { Items = [] } = await outbox.client.send(new ScanCommand({ TableName }));
    for (const { pk, sk } of Items as ItemKey[])
      await outbox.client.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
  }
});

/** Another entity of the same shard, that waits. */
function waiting(dueAt: number, more: object = {}): Record<string, unknown> {
  let id = `rsv_${ulid()}`;
  while (shardOf(id, dueShards) > 0) id = `rsv_${ulid()}`;
  const key = { pk: `acme#${id}`, sk: 'entity', id, tenant: 'acme', collection: 'reservations' };
  return { ...key, dueAt, dueShard: dueShardOf(id), timerTransition: 'expire', ...more };
}
async function put(dueAt: number, more?: object): Promise<Record<string, unknown>> {
  const Item = waiting(dueAt, more);
  await outbox.client.send(new PutCommand({ TableName: outbox.tables.data, Item }));
  return Item;
}
const parts = (more: Partial<TimerSweepParts> = {}): TimerSweepParts => ({
  ...{ client: outbox.client, sqs: outbox.sender, clock: { now: () => now }, tables: outbox.tables },
  ...{ timerQueueUrl: outbox.queues.timer.url, ...more },
});
/** One request tells of no more than one, and one answer of a shard holds one. */
const few = { fewTimers: 1, timersPerShard: 1 };
const isAway = (): Partial<TimerSweepParts> => ({ timerQueueUrl: `${outbox.queues.timer.url}-gone` });
const overdue = (more?: Partial<TimerSweepParts>, hasTime = true) =>
  sweepOverdueTimers(parts(more), () => hasTime);
const ahead = (more?: Partial<TimerSweepParts>, hasTime = true) => sweepAllTimers(parts(more), () => hasTime);
const swept = (sent: number, failed = 0, more = false) => ({ sent, failed, more });

describe('a timer that is overdue', () => {
  test('is sent when it is late by a grace, once, and again when it is late by two', async () => {
    const item = await put(start - grace + 1);
    expect(await overdue()).toEqual(swept(0));
    now += 1;
    expect(await overdue()).toEqual(swept(1));
    expect(await overdue()).toEqual(swept(0));
    now += grace - 1;
    expect(await overdue()).toEqual(swept(0));
    now += 1;
    expect(await overdue()).toEqual(swept(1));
    const bodies = (await outbox.look(outbox.queues.timer)).map((body): unknown => JSON.parse(body));
    const timer = { entity: item['id'], collection: 'reservations', tenant: 'acme', transition: 'expire' };
    expect(bodies).toContainEqual({ ...timer, dueAt: start - grace + 1 });
  });

  test('is not sent where its entity waits no more, or for what is far away', async () => {
    await put(start - grace, { timerTransition: undefined });
    const item = await put(start - grace);
    const client = outbox.anotherClient();
    intercept(client, {
      before: async ({ command }) => {
        if (!command.startsWith('BatchGet')) return;
        const Item = { ...item, dueAt: horizon(now) + 1 };
        await outbox.client.send(new PutCommand({ TableName: outbox.tables.data, Item }));
      },
    });
    expect(await overdue({ client })).toEqual(swept(0));
  });

  test('keeps its turn where its queue did not take it', async () => {
    await put(start - grace);
    await put(start - grace);
    expect(await overdue(isAway())).toEqual(swept(0, 2));
    expect(await overdue()).toEqual(swept(2));
  });

  test('beside others is sent part by part while there is time, and by the next run from there', async () => {
    for (const late of [3, 2, 1]) await put(start - grace - late);
    expect(await overdue(few, false)).toEqual(swept(1, 0, true));
    // This sweep is of the moment when it began, however long it takes.
    await put(start - grace + 1);
    now += 1;
    expect(await overdue(few)).toEqual(swept(2));
    expect(await overdue()).toEqual(swept(1));
    expect(await overdue()).toEqual(swept(0));
  });

  test('is not tried for with the next part where its queue takes nothing', async () => {
    for (const late of [2, 1]) await put(start - grace - late);
    expect(await overdue({ ...few, ...isAway() })).toEqual(swept(0, 1, true));
    expect(await overdue()).toEqual(swept(2));
  });
});

describe('after a queue was lost', () => {
  test('all is sent that a queue can hold, due or not, and as often as it is asked for', async () => {
    await put(start - 9 * grace);
    await put(horizon(start));
    await put(horizon(start) + 1);
    expect(await ahead()).toEqual(swept(2));
    expect(await ahead()).toEqual(swept(2));
  });

  test('it is sent part by part while there is time', async () => {
    for (const late of [2, 1]) await put(start - late);
    expect(await ahead(few, false)).toEqual(swept(1, 0, true));
    expect(await ahead(few)).toEqual(swept(2));
    expect(await ahead(isAway())).toEqual(swept(0, 2));
  });
});
