import { readFileSync } from 'node:fs';
import { GetCommand, PutCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { ulid } from 'ulid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSweeper } from '../../functions/outbox/sweep.ts';
import type { Sweeper, SweeperParts } from '../../functions/outbox/sweep.ts';
import { sweepMessages } from '../../functions/outbox/sweep-messages.ts';
import { createTimerRelay } from '../../functions/outbox/timer-stream.ts';
import { sweep as limits } from '../../functions/runtime/delivery-limits.ts';
import { putAll } from '../../functions/store/batches.ts';
import { dueShardOf, dueShards, shardOf } from '../../functions/store/keys.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import { walkOpen } from '../../functions/store/outbox/open-messages.ts';
import { lanes } from '../../functions/store/statements/watermark.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { createTimerWorker } from '../../functions/workers/timer-worker.ts';
import type { ScheduledOutcome } from '../../functions/workers/scheduled-transition.ts';
import { intercept } from '../support/sdk-faults.ts';
import { bodyOf, silent, sqsEvent, startOutbox, streamEvent } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';

let outbox: TestOutbox;
let sweep: Sweeper;
let handler: QueueHandler;
let calls: string[];
beforeEach(async () => {
  outbox = await startOutbox();
  calls = [];
  handler = outbox.worker((message) => {
    calls.push(message.id);
    return Promise.resolve({ kind: 'done', result: {} });
  });
  sweep = createSweeper(parts());
});
afterEach(() => outbox.stop());

const parts = (): SweeperParts => ({
  client: outbox.client,
  sqs: outbox.sqs,
  clock: outbox.clock,
  tables: outbox.tables,
  queueUrls: outbox.queueUrls,
  timerQueueUrl: outbox.queues.timer.url,
  log: silent,
});
const pastGrace = (): void => {
  outbox.clock.ahead((limits.graceSeconds + 1) * 1000);
};
const queue = (): TestOutbox['queues']['llm'] => outbox.queues['external-call'];
async function drain(): Promise<void> {
  while ((await outbox.poll(queue(), handler)) > 0);
}
const openMessages = (count: number): Promise<MessageItem[]> =>
  Promise.all(Array.from({ length: count }, () => outbox.put()));
/** As many commands leave them: written in batches, for their number. */
async function putMany(count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, n) => outbox.made({ tenant: `tenant ${n % 40}` }));
  const batches = Array.from({ length: Math.ceil(count / 25) }, (_, at) =>
    items.slice(at * 25, at * 25 + 25),
  );
  await pMap(
    batches,
    (batch) =>
      putAll(
        outbox.client,
        outbox.tables.outbox,
        batch.map((item) => ({ ...item })),
      ),
    { concurrency: 8 },
  );
}
const statuses = async (): Promise<Set<string>> => new Set((await outbox.all()).map(({ status }) => status));

describe('the sweeper', () => {
  test('sends what the stream lost, once it is old enough', async () => {
    await outbox.put();
    await outbox.put({ tenant: 'other' });
    expect((await sweep({})).sent).toEqual({ timer: 0 });
    pastGrace();
    expect((await sweep({})).sent['external-call']).toBe(2);
    await drain();
    expect(await statuses()).toEqual(new Set(['done']));
    expect(calls).toHaveLength(2);
  });

  test('sends again what a queue lost, once a grace', async () => {
    await openMessages(12);
    pastGrace();
    expect((await sweep({})).sent['external-call']).toBe(12);
    expect((await sweep({})).sent['external-call']).toBeUndefined();
    await drain();
    expect(await statuses()).toEqual(new Set(['done']));
    expect(new Set(calls).size).toBe(12);
    expect(calls).toHaveLength(12);
  });

  test('sends what is lost again and again at ever longer intervals', async () => {
    await openMessages(1);
    const sent: number[] = [];
    for (let grace = 0; grace < 9; grace += 1) {
      pastGrace();
      sent.push((await sweep({})).sent['external-call'] ?? 0);
    }
    expect(sent.flatMap((count, index) => (count > 0 ? [index + 1] : []))).toEqual([1, 2, 4, 8]);
  });

  test('sends a lost message however many others its queue holds', async () => {
    const [lost] = await openMessages(1);
    await outbox.send(queue(), bodyOf(await outbox.put({ tenant: 'other' })));
    for (let foreign = 0; foreign < 20; foreign += 1) await outbox.send(queue(), `{"foreign":${foreign}}`);
    pastGrace();
    await sweep({});
    const bodies = await outbox.look(queue());
    expect(bodies.some((body) => lost !== undefined && body.includes(lost.id))).toBe(true);
  });

  test('adds to a queue that is slow a number of copies that grows with the logarithm of the time', async () => {
    const items = await openMessages(3);
    for (const item of items) await outbox.send(queue(), bodyOf(item));
    const graces = 16;
    for (let run = 0; run < graces; run += 1) {
      pastGrace();
      await sweep({});
    }
    expect(await outbox.look(queue())).toHaveLength(3 * (1 + 1 + Math.log2(graces)));
    await drain();
    expect(new Set(calls).size).toBe(3);
    expect(calls).toHaveLength(3);
  });

  test('adds no more to a queue in one run than it may', async () => {
    await openMessages(8);
    const bounded = createSweeper({ ...parts(), copiesPerQueue: 3 });
    pastGrace();
    expect(await bounded({})).toMatchObject({ sent: { 'external-call': 3 }, more: true });
    expect(await bounded({})).toMatchObject({ sent: { 'external-call': 3 }, more: true });
    expect(await bounded({})).toMatchObject({ sent: { 'external-call': 2 }, more: false });
    await drain();
    expect(calls).toHaveLength(8);
  });

  test('counts the lateness of a redriven message from its redrive', async () => {
    const item = await outbox.put();
    await outbox.worker(() => Promise.resolve({ kind: 'refused', code: '400', reason: 'no' }))(
      sqsEvent(queue(), bodyOf(item)),
    );
    outbox.clock.ahead(10 * 24 * 3_600_000);
    await redriveMessage(outbox.access, item);
    pastGrace();
    expect((await sweep({})).sent['external-call']).toBe(1);
  });

  test('goes on from page to page until its time is nearly over, and the next run from there', async () => {
    await openMessages(25);
    const paged = createSweeper({ ...parts(), pageSize: 2 });
    const noTime = { getRemainingTimeInMillis: () => limits.reserveMs };
    pastGrace();
    let [runs, sent] = [0, 0];
    for (; sent < 25 && runs < 25; runs += 1) {
      const report = await paged({}, noTime);
      const { 'external-call': now = 0 } = report.sent;
      expect(now).toBeLessThanOrEqual(2 * limits.segments);
      sent += now;
      if (sent < 25) expect(report.more).toBe(true);
    }
    expect(sent).toBe(25);
    // One page of each segment that has some, in each run.
    expect(runs).toBeGreaterThan(1);
    await drain();
    expect(new Set(calls).size).toBe(25);
    expect(calls).toHaveLength(25);
  });

  test('sends many pages of lost messages in one run, each once', async () => {
    const count = 200;
    await putMany(count);
    pastGrace();
    const paged = createSweeper({ ...parts(), pageSize: 5 });
    expect(await paged({})).toMatchObject({ sent: { 'external-call': count }, more: false });
    expect((await paged({})).sent['external-call']).toBeUndefined();
    expect(await outbox.depth(queue())).toBe(count);
  });

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['whose receiver has to tell what it did', { unsettled: 1 }],
    [
      'whose answer waits for its entity',
      { answer: { outcome: 'done', by: 'receiver:external-call', at: '' } },
    ],
    ['behind another one', { behind: 'msg' }],
  ])('tells how long a message waits %s', async (_, attributes) => {
    const tell = async (): Promise<number | undefined> => {
      const swept = { ...parts(), outbox: outbox.access, onSent: () => undefined };
      const scope = { graceMs: limits.graceSeconds * 1000, everything: false, at: outbox.clock.now() };
      return (await sweepMessages(swept, scope, () => true)).oldestWaitingMs;
    };
    const [item] = await openMessages(1);
    pastGrace();
    // One that waits for its turn in a queue waits for nobody.
    expect(await tell()).toBeUndefined();
    const [[name, value] = ['', '']] = Object.entries(attributes);
    const at = item?.createdAt;
    await outbox.client.send(
      new UpdateCommand({
        TableName: outbox.tables.outbox,
        Key: { pk: item?.pk, sk: item?.sk },
        UpdateExpression: 'SET #name = :value',
        ExpressionAttributeNames: { '#name': name },
        ExpressionAttributeValues: { ':value': typeof value === 'object' ? { ...value, at } : value },
      }),
    );
    pastGrace();
    expect(await tell()).toBeGreaterThan(2 * limits.graceSeconds * 1000);
  });

  test('leaves alone what waits for its next attempt', async () => {
    const item = await outbox.put();
    const failing = outbox.worker(() =>
      Promise.resolve({ kind: 'did_not_act', code: '503', reason: 'busy', retryAfterMs: 3_000_000 }),
    );
    await failing(sqsEvent(queue(), bodyOf(item)));
    pastGrace();
    expect((await sweep({})).sent['external-call']).toBeUndefined();
  });

  test('without a grace, after a restart, sends everything that is open, leases of the dead included', async () => {
    await outbox.put();
    await openMessages(3);
    const claimed = await outbox.put();
    void outbox.worker(() => new Promise(() => undefined))(sqsEvent(queue(), bodyOf(claimed)));
    await expect.poll(async () => (await outbox.read(claimed)).attempts).toBe(1);
    expect((await sweep({ graceSeconds: 0 })).sent['external-call']).toBe(5);
    outbox.clock.ahead(60_000);
    await drain();
    expect(await statuses()).toEqual(new Set(['done']));
  });

  test('buries what used up its attempts without an outcome', async () => {
    const [item] = await openMessages(1);
    if (item === undefined) throw new Error('one message was made');
    await outbox.client.send(
      new UpdateCommand({
        TableName: outbox.tables.outbox,
        Key: { pk: item.pk, sk: item.sk },
        UpdateExpression: 'SET attempts = :five',
        ExpressionAttributeValues: { ':five': 5 },
      }),
    );
    pastGrace();
    await sweep({});
    while ((await outbox.depth(queue())) > 0) await outbox.poll(queue(), handler);
    expect(calls).toEqual([]);
    expect(await outbox.read(item)).toMatchObject({
      status: 'dead',
      lastError: { code: 'attempts_exhausted' },
    });
    const left = await outbox.look(outbox.queues.dead);
    expect(left.map((body) => (JSON.parse(body) as { id: string }).id)).toEqual([item.id]);
  });

  test('reads a part of a long segment, goes on from there, and then looks at what was before', async () => {
    for (let index = 0; index < 5; index += 1) await outbox.put();
    const walk = async (pages: number): Promise<{ seen: string[]; isComplete: boolean }> => {
      const seen: string[] = [];
      let left = pages;
      const isComplete = await walkOpen(outbox.access, 1, {
        pageSize: 2,
        visit: (page) => {
          seen.push(...page.map(({ pk }) => pk));
          return Promise.resolve();
        },
        hasTime: () => (left -= 1) > 0,
      });
      return { seen, isComplete };
    };
    const first = await walk(1);
    const second = await walk(1);
    expect([first.isComplete, second.isComplete]).toEqual([false, false]);
    expect(new Set([...first.seen, ...second.seen]).size).toBe(4);
    const third = await walk(100);
    expect(third).toMatchObject({ isComplete: true });
    expect(new Set(third.seen).size).toBe(5);
    expect(await walk(100)).toMatchObject({ isComplete: true });
    expect(new Set((await walk(100)).seen).size).toBe(5);
  });

  test('costs one request where few messages are open, and a page of each segment where more are', async () => {
    await openMessages(3);
    const asked: unknown[] = [];
    intercept(outbox.client, {
      before: ({ command, input }) => {
        const { IndexName, Segment } = input as { IndexName?: string; Segment?: number };
        if (command === 'ScanCommand' && IndexName === 'open') asked.push(Segment);
      },
    });
    await sweep({});
    expect(asked).toEqual([undefined]);
    await createSweeper({ ...parts(), pageSize: 2 })({});
    expect(new Set(asked.slice(1))).toEqual(new Set([undefined, ...Array(limits.segments).keys()]));
  });

  test('writes a heartbeat of each lane, by which statements know how far the stream is', async () => {
    const at = outbox.clock.now();
    await sweep({});
    const found = await outbox.client.send(
      new ScanCommand({
        TableName: outbox.tables.data,
        FilterExpression: 'sk = :heartbeat',
        ExpressionAttributeValues: { ':heartbeat': 'heartbeat' },
      }),
    );
    const beats = (found.Items ?? []) as { readonly lane: number; readonly beatAt: number }[];
    expect(new Set(beats.map(({ lane }) => lane)).size).toBe(lanes);
    expect(Math.min(...beats.map(({ beatAt }) => beatAt))).toBeGreaterThanOrEqual(at);
  });

  test.each(['sweep', 'sweep-now'])('takes the event %s', async (file) => {
    const event: unknown = JSON.parse(
      readFileSync(new URL(`../../events/schedule/${file}.json`, import.meta.url), 'utf8'),
    );
    expect(await sweep(event)).toMatchObject({ more: false });
  });

  test.each([null, 'sweep', { graceSeconds: -1 }, { graceSeconds: 'now' }])(
    'takes %j for a plain run',
    async (event) => {
      await openMessages(1);
      expect((await sweep(event)).sent['external-call']).toBeUndefined();
    },
  );
});

describe('a scheduled transition', () => {
  /** An entity that waits, in the first so many shards of the index. */
  const waitingUntil = async (dueAt: number, shards = dueShards): Promise<string> => {
    let id = `rsv_${ulid()}`;
    while (shardOf(id, dueShards) >= shards) id = `rsv_${ulid()}`;
    const Item = {
      pk: `acme#${id}`,
      sk: 'entity',
      id,
      tenant: 'acme',
      collection: 'reservations',
      dueAt,
      dueShard: dueShardOf(id),
      timerTransition: 'expire',
    };
    await outbox.client.send(new PutCommand({ TableName: outbox.tables.data, Item }));
    return id;
  };
  const waiting = (dueInMs: number, shards?: number): Promise<string> =>
    waitingUntil(outbox.clock.now() + dueInMs, shards);
  const timers = (run: (entity: string) => ScheduledOutcome): QueueHandler =>
    createTimerWorker({
      run: ({ entity }) => {
        calls.push(entity);
        return Promise.resolve(run(entity));
      },
      sqs: outbox.sqs,
      clock: outbox.clock,
      log: silent,
    });

  const graces = (count: number): void => {
    outbox.clock.ahead(count * limits.timerGraceSeconds * 1000);
  };

  test('that was lost is sent once it is overdue', async () => {
    const id = await waiting(1_000);
    expect((await sweep({})).sent.timer).toBe(0);
    graces(1.1);
    expect((await sweep({})).sent.timer).toBe(1);
    expect((await sweep({})).sent.timer).toBe(0);
    await outbox.poll(
      outbox.queues.timer,
      timers(() => 'done'),
    );
    expect(calls).toEqual([id]);
    expect(await outbox.look(outbox.queues.timer)).toEqual([]);
  });

  test('that is lost again is sent again, at ever longer intervals', async () => {
    await waiting(0);
    const sent: number[] = [];
    for (let minute = 0; minute < 10; minute += 1) {
      graces(1);
      sent.push((await sweep({})).sent.timer ?? 0);
    }
    expect(sent).toEqual([1, 1, 0, 1, 0, 0, 0, 1, 0, 0]);
  });

  test('that was lost is sent however many others the queue holds', async () => {
    for (let other = 0; other < 20; other += 1) {
      await outbox.send(outbox.queues.timer, `{"other":${other}}`);
    }
    await waiting(0);
    graces(1.1);
    expect((await sweep({})).sent.timer).toBe(1);
  });

  test('keeps its turn where its queue did not take it, or where sweeps were missed', async () => {
    await waiting(0);
    const isBack = { ...parts(), timerQueueUrl: outbox.queues.timer.url };
    graces(1.1);
    await createSweeper({ ...isBack, timerQueueUrl: `${outbox.queues.timer.url}-that-is-gone` })({});
    expect((await createSweeper(isBack)({})).sent.timer).toBe(1);
    graces(50);
    expect((await createSweeper(isBack)({})).sent.timer).toBe(1);
  });

  test('is not hidden by others that are overdue and fail each time', async () => {
    const few = createSweeper({ ...parts(), fewTimers: 1, timersPerShard: 2 });
    const ids = [];
    for (let index = 0; index < 6; index += 1) ids.push(await waiting(index, 2));
    graces(1.1);
    const sent: (number | undefined)[] = [];
    const noTime = { getRemainingTimeInMillis: () => 0 };
    let report = await few({}, noTime);
    for (; report.more; report = await few({}, noTime)) sent.push(report.sent.timer);
    sent.push(report.sent.timer);
    expect(sent.length).toBeGreaterThan(2);
    expect(sent.reduce<number>((sum, count = 0) => sum + count, 0)).toBe(6);
    const bodies = await outbox.look(outbox.queues.timer);
    expect(new Set(bodies.map((body) => (JSON.parse(body) as { entity: string }).entity))).toEqual(
      new Set(ids),
    );
  });

  test('is sent in one run however many there are, while there is time', async () => {
    const few = createSweeper({ ...parts(), fewTimers: 1, timersPerShard: 2 });
    for (let index = 0; index < 6; index += 1) await waiting(index, 2);
    graces(1.1);
    expect(await few({})).toMatchObject({ sent: { timer: 6 }, more: false });
  });

  test('is sent however many others of its shard are due at the same moment', async () => {
    const few = createSweeper({ ...parts(), fewTimers: 1, timersPerShard: 2 });
    const dueAt = outbox.clock.now();
    for (let index = 0; index < 7; index += 1) await waitingUntil(dueAt, 1);
    graces(1.1);
    expect(await few({})).toMatchObject({ sent: { timer: 7 }, more: false });
  });

  test('costs one request to look for where few wait, and one of each shard where more do', async () => {
    await waiting(0);
    const asked: string[] = [];
    intercept(outbox.client, {
      before: ({ command, input }) => {
        if ((input as { IndexName?: string }).IndexName === 'due') asked.push(command);
      },
    });
    await sweep({});
    expect(asked).toEqual(['ScanCommand']);
    await waiting(0);
    await createSweeper({ ...parts(), fewTimers: 2 })({});
    expect(asked).toEqual(['ScanCommand', 'ScanCommand', ...Array<string>(dueShards).fill('QueryCommand')]);
  });

  test('that is too far away for the queue is left to the sweeper, which sends it when its time has come', async () => {
    const dayMs = 24 * 60 * 60 * 1000;
    const id = await waiting(14 * dayMs);
    const { Item } = await outbox.client.send(
      new GetCommand({ TableName: outbox.tables.data, Key: { pk: `acme#${id}`, sk: 'entity' } }),
    );
    const relay = createTimerRelay({ ...parts(), queueUrl: outbox.queues.timer.url });
    expect(await relay(streamEvent(Item ?? {}))).toEqual({ batchItemFailures: [] });
    expect(await outbox.depth(outbox.queues.timer)).toBe(0);
    outbox.clock.ahead(14 * dayMs);
    expect((await sweep({})).sent.timer).toBe(0);
    graces(1.1);
    expect((await sweep({})).sent.timer).toBe(1);
  });

  test('is sent ahead of its time after a restart', async () => {
    await waiting(600_000);
    await waiting(3_600_000);
    expect((await sweep({ graceSeconds: 0 })).sent.timer).toBe(1);
  });

  test('that comes early is hidden until it is due', async () => {
    const body = JSON.stringify({
      entity: 'rsv_1',
      collection: 'reservations',
      tenant: 'acme',
      transition: 'expire',
      dueAt: outbox.clock.now() + 60_000,
    });
    const event = sqsEvent(outbox.queues.timer, body);
    expect((await timers(() => 'done')(event)).batchItemFailures).toHaveLength(1);
    expect(calls).toEqual([]);
    outbox.clock.ahead(60_000);
    expect((await timers(() => 'retry')(event)).batchItemFailures).toHaveLength(1);
    expect((await timers(() => 'not_due')(event)).batchItemFailures).toHaveLength(1);
    expect(await timers(() => 'not_needed')(event)).toEqual({ batchItemFailures: [] });
  });

  test('nobody can read is a dead letter', async () => {
    await outbox.send(outbox.queues.timer, '{"entity":');
    const worker = timers(() => 'done');
    while ((await outbox.depth(outbox.queues.timer)) > 0) await outbox.poll(outbox.queues.timer, worker);
    expect(await outbox.look(outbox.queues.dead)).toEqual(['{"entity":']);
  });
});
