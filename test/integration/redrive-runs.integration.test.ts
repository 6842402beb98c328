/** Dead letters by group, and redrives as a rollout: the routes, and what a run does step by step. */
import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTimerRelay } from '../../functions/outbox/timer-stream.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { createRunTimer } from '../../functions/workers/run-timer.ts';
import { createTimerWorker } from '../../functions/workers/timer-worker.ts';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend } from '../support/backend.ts';
import { deadLetter, dyingMs, putDeadLetters, putLetters, startOfYear } from '../support/dead-letters.ts';
import { relayOf } from '../support/faults/delivery.ts';
import { startOutbox, silent, streamEvent } from '../support/outbox.ts';
import { carryOn, carryToEnd, messagesOf, rawRun, timerOfRun, workOff } from '../support/redrive-runs.ts';
import { difference, dump } from '../support/table-dump.ts';
import { createTestClock } from '../support/test-clock.ts';

const clock = createTestClock();
let api: TestBackend;
let tenant: string;
beforeAll(async () => {
  api = await startBackend({ clock });
});
beforeEach(() => {
  tenant = randomUUID();
});

describe('GET /v1/messages/groups', () => {
  it('counts by topic, type, code and receiver, the largest first, of one tenant', async () => {
    const { store } = api.backend;
    const day = 86_400_000;
    await putDeadLetters(store, 3, { tenant });
    await putDeadLetters(store, 1, { tenant, at: startOfYear + day });
    await putDeadLetters(store, 2, { tenant, code: '404' });
    const call = { tenant, topic: 'external-call', type: 'payment.capture', receiver: 'payments' } as const;
    await putDeadLetters(store, 1, call);
    const held = deadLetter({ ...call, at: startOfYear + 2, onUncertain: 'hold' });
    await putLetters(store, [{ ...held, unsettled: 1 }]);
    await putDeadLetters(store, 1, { ...call, receiver: 'bank' });
    await putDeadLetters(store, 9, { tenant: randomUUID() });

    const mail = { topic: 'notification', type: 'payment.receipt', held: 0 };
    const at = (ms: number): string => timestamp(startOfYear + dyingMs + ms);
    const { status, json } = await api.get('/v1/messages/groups?status=dead', { tenant });
    expect(status).toBe(200);
    expect(json).toEqual({
      counted: 9,
      items: [
        { ...mail, code: '503', count: 4, firstAt: at(0), lastAt: at(day) },
        {
          topic: 'external-call',
          type: 'payment.capture',
          code: '503',
          receiver: 'payments',
          count: 2,
          held: 1,
          firstAt: at(0),
          lastAt: at(2),
        },
        { ...mail, code: '404', count: 2, firstAt: at(0), lastAt: at(1) },
        expect.objectContaining({ receiver: 'bank', count: 1 }),
      ],
    });
    expect((await api.get('/v1/messages/groups', { tenant })).json).toEqual(json);
  });

  it('wants the scope ops, knows no other status, and takes no cursor of another list', async () => {
    expect((await api.get('/v1/messages/groups', { scope: 'commands' })).status).toBe(403);
    expect((await api.get('/v1/messages/groups?status=done')).status).toBe(400);
    expect((await api.get('/v1/messages/groups?cursor=abc')).status).toBe(400);
  });
});

const begin = (body: object, options: object = {}): Promise<Reply> =>
  api.post('/v1/redrives', body, { tenant, ...options });
const seen = async (id: string): Promise<Reply['json']> =>
  (await api.get(`/v1/redrives/${id}`, { tenant })).json;
const everything = { match: {} };

describe('POST /v1/redrives', () => {
  it('wants the scope ops, a key, and a body of its schema', async () => {
    expect((await begin(everything, { scope: 'commands' })).status).toBe(403);
    const keyless = await api.request('POST', '/v1/redrives', { tenant, body: everything });
    expect(verdictOf(keyless)).toEqual([400, 'idempotency_key_missing']);
    for (const body of [
      {},
      { match: { topics: 'llm' } },
      { match: { since: 'yesterday' } },
      { match: {}, startWith: 0 },
      { match: {}, startWith: 1_001 },
      { match: {}, factor: 0.5 },
      { match: {}, factor: 101 },
      { match: {}, stopAtFailureShare: 1.1 },
      { match: {}, speed: 1 },
    ]) {
      expect(verdictOf(await begin(body)), JSON.stringify(body)).toEqual([400, 'invalid_request']);
    }
    const most = { match: {}, startWith: 1_000, factor: 100, stopAtFailureShare: 1 };
    expect((await begin(most)).status).toBe(202);
  });

  it('says with dryRun what a run would do, and writes nothing', async () => {
    await putDeadLetters(api.backend.store, 30, { tenant });
    await putDeadLetters(api.backend.store, 3, { tenant, code: '404' });
    const before = await dump(api.backend.store);
    const { status, json } = await begin({ match: { code: '503' }, startWith: 2, factor: 3, dryRun: true });
    expect([status, json]).toEqual([
      202,
      {
        dryRun: true,
        match: { code: '503' },
        startWith: 2,
        factor: 3,
        stopAtFailureShare: 0.2,
        matched: 30,
        matchedAtLeast: false,
        held: 0,
        ramp: [2, 6, 18, 4],
      },
    ]);
    expect(difference(before, await dump(api.backend.store))).toEqual([]);
  });

  it('begins one run for a key, and answers a repetition with the same bytes', async () => {
    await putDeadLetters(api.backend.store, 3, { tenant });
    const key = randomUUID();
    const body = { match: { topic: 'notification' }, note: 'The mail server is repaired.' };
    const [first, again] = [await begin(body, { key }), await begin(body, { key })];
    expect(first.status).toBe(202);
    expect([again.status, again.text]).toEqual([first.status, first.text]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(verdictOf(await begin(everything, { key }))).toEqual([422, 'idempotency_key_reused']);
    expect(first.json).toMatchObject({
      state: 'running',
      matched: 3,
      matchedAtLeast: false,
      startedBy: 'alice',
      sent: 0,
    });
    expect(await seen(idOf(first))).toEqual(first.json);
    expect(itemsOf(await api.get('/v1/redrives', { tenant }))).toHaveLength(1);
  });

  it('lets one run of a match go on at a time, and tells the second of the first', async () => {
    await putDeadLetters(api.backend.store, 3, { tenant });
    const match = { topic: 'notification', code: '503' };
    const both = await Promise.all([
      begin({ match }),
      begin({ match: { ...match, since: '2026-01-01T00:00:00Z' } }),
    ]);
    const [winner, loser] = both.sort((one, other) => one.status - other.status);
    expect(both.map(verdictOf)).toEqual([
      [202, undefined],
      [409, 'redrive_running'],
    ]);
    expect(loser.json['run']).toBe(winner.json['id']);
    expect((await begin({ match: { ...match, code: '404' } })).status).toBe(202);
    const id = String(winner.json['id']);
    expect((await api.post(`/v1/redrives/${id}/stop`, undefined, { tenant })).json).toMatchObject({
      state: 'stopped',
      stoppedBecause: 'operator',
      stoppedBy: 'alice',
    });
    expect((await begin({ match })).status).toBe(202);
  });

  it('keeps tenants apart', async () => {
    await putDeadLetters(api.backend.store, 3, { tenant });
    const id = idOf(await begin(everything));
    const stranger = { tenant: randomUUID() };
    const other = await api.post('/v1/redrives', everything, stranger);
    expect(other.json).toMatchObject({ state: 'done', matched: 0, steps: [] });
    expect(verdictOf(await api.get(`/v1/redrives/${id}`, stranger))).toEqual([404, 'not_found']);
    expect(verdictOf(await api.post(`/v1/redrives/${id}/stop`, undefined, stranger))).toEqual([
      404,
      'not_found',
    ]);
    expect(verdictOf(await api.get('/v1/redrives/rdr_nonsense', { tenant }))).toEqual([404, 'not_found']);
    expect(await seen(id)).toMatchObject({ state: 'running' });
  });

  it('is listed newest first, page by page', async () => {
    const ids: string[] = [];
    for (let runs = 0; runs < 3; runs += 1) ids.unshift(idOf(await begin(everything)));
    const first = await api.get('/v1/redrives?limit=2', { tenant });
    const rest = await api.get(`/v1/redrives?limit=2&cursor=${String(first.json['nextCursor'])}`, { tenant });
    expect([...itemsOf(first), ...itemsOf(rest)].map(({ id }) => id)).toEqual(ids);
    expect(rest.json).not.toHaveProperty('nextCursor');
  });
});

describe('a redrive run', () => {
  const sizes = (json: Reply['json']): unknown[] =>
    (json['steps'] as { size: number }[]).map(({ size }) => size);

  it('takes ever more as long as they end well, each message once', async () => {
    await putDeadLetters(api.backend.store, 60, { tenant });
    await putDeadLetters(api.backend.store, 5, { tenant, code: '404' });
    const id = idOf(await begin({ match: { code: '503' }, startWith: 2, factor: 3 }));
    await carryToEnd(api.backend, clock, tenant, id);
    const json = await seen(id);
    expect(json).toMatchObject({ state: 'done', matched: 60, sent: 60, done: 60, deadAgain: 0, skipped: 0 });
    expect(sizes(json)).toEqual([2, 6, 18, 34]);
    expect(json['endedAt']).toEqual(json['updatedAt']);
    const messages = await messagesOf(api.backend, tenant);
    expect(messages.filter(({ run, status }) => run === 2 && status === 'done')).toHaveLength(60);
    expect(messages.filter(({ run, status }) => run === 1 && status === 'dead')).toHaveLength(5);
    // Nothing holds its match any more, and nothing is due.
    expect(await timerOfRun(api.backend, tenant, id)).toBeUndefined();
    expect((await begin({ match: { code: '503' } })).json).toMatchObject({ state: 'done', matched: 0 });
  });

  it('begins no step while a message of the one before is on its way', async () => {
    await putDeadLetters(api.backend.store, 9, { tenant });
    const id = idOf(await begin({ match: {}, startWith: 2, factor: 2 }));
    let isStuck = true;
    const [first] = await messagesOf(api.backend, tenant);
    const fate = (item: { id: string }) => (isStuck && item.id === first?.id ? 'open' : 'done');
    for (let turns = 0; turns < 6; turns += 1) {
      await carryOn(api.backend, clock, tenant, id);
      await workOff(api.backend, tenant, fate);
    }
    expect(await seen(id)).toMatchObject({ sent: 2, done: 1, steps: [{ size: 2, sent: 2, done: 1 }] });
    isStuck = false;
    await workOff(api.backend, tenant, fate);
    await carryToEnd(api.backend, clock, tenant, id);
    expect(sizes(await seen(id))).toEqual([2, 4, 3]);
  });

  it('stops by itself where the cause is still there, after its first step', async () => {
    await putDeadLetters(api.backend.store, 40, { tenant });
    const id = idOf(await begin(everything));
    await carryToEnd(api.backend, clock, tenant, id, () => 'dead');
    expect(await seen(id)).toMatchObject({
      state: 'stopped',
      stoppedBecause: 'failure_share',
      sent: 5,
      deadAgain: 5,
      steps: [{ size: 5, deadAgain: 5 }],
    });
    const messages = await messagesOf(api.backend, tenant);
    expect(messages.map(({ run }) => run)).toEqual([
      ...Array<number>(5).fill(2),
      ...Array<number>(35).fill(1),
    ]);
  });

  it('goes on past a share of failures that it bears, and stops at the first step with more', async () => {
    await putDeadLetters(api.backend.store, 40, { tenant });
    const dying = (await messagesOf(api.backend, tenant)).filter((_, index) => index === 0 || index > 19);
    const ids = new Set(dying.map(({ id }) => id));
    const id = idOf(await begin({ match: {}, startWith: 5, factor: 2 }));
    await carryToEnd(api.backend, clock, tenant, id, (item) => (ids.has(item.id) ? 'dead' : 'done'));
    const json = await seen(id);
    expect(json).toMatchObject({ state: 'stopped', sent: 35, done: 19, deadAgain: 16 });
    expect(sizes(json)).toEqual([5, 10, 20]);
  });

  it('leaves alone what somebody else took on, what waits, and what must not be called again', async () => {
    const { store } = api.backend;
    const held = { ...deadLetter({ tenant, onUncertain: 'hold', at: startOfYear - 1 }), unsettled: 1 };
    await putLetters(store, [held]);
    const [first] = await putDeadLetters(store, 3, { tenant });
    const id = idOf(await begin({ match: {}, startWith: 3 }));
    expect(await seen(id)).toMatchObject({ matched: 3, held: 1 });
    expect((await api.post(`/v1/messages/${String(first?.id)}/redrive`, undefined, { tenant })).status).toBe(
      202,
    );
    let others = 0;
    await carryToEnd(api.backend, clock, tenant, id, () => ((others += 1) === 1 ? 'waiting' : 'done'));
    expect(await seen(id)).toMatchObject({ state: 'done', sent: 2, skipped: 1 });
    const messages = await messagesOf(api.backend, tenant);
    expect(messages.map(({ run }) => run)).toEqual([1, 2, 2, 2]);
  });

  it('is about what was dead when it began, by entity and by the time of death too', async () => {
    const { store } = api.backend;
    const [early, late] = [
      await putDeadLetters(store, 2, { tenant }),
      await putDeadLetters(store, 2, { tenant, at: startOfYear + 60_000 }),
    ];
    const matched = async (match: object): Promise<unknown> =>
      (await begin({ match, dryRun: true })).json['matched'];
    const at = (ms: number): string => timestamp(startOfYear + dyingMs + ms);
    expect(await matched({ entity: early[0]?.entity })).toBe(1);
    expect(await matched({ since: at(60_000) })).toBe(2);
    expect(await matched({ since: at(1), until: at(60_000) })).toBe(2);
    expect(await matched({ until: at(-1) })).toBe(0);
    expect(await matched({ type: 'payment.capture' })).toBe(0);
    await putLetters(store, [deadLetter({ tenant, at: clock.now() + 3_600_000 })]);
    const id = idOf(await begin(everything));
    await carryToEnd(api.backend, clock, tenant, id);
    expect(await seen(id)).toMatchObject({ matched: early.length + late.length, state: 'done' });
  });

  it('that is stopped begins no further step, and its numbers follow what was on its way', async () => {
    await putDeadLetters(api.backend.store, 20, { tenant });
    const id = idOf(await begin({ match: {}, startWith: 4 }));
    await carryOn(api.backend, clock, tenant, id);
    const stop = (): Promise<Reply> => api.post(`/v1/redrives/${id}/stop`, undefined, { tenant });
    expect((await stop()).json).toMatchObject({
      state: 'stopped',
      stoppedBecause: 'operator',
      sent: 4,
      done: 0,
    });
    const [once, twice] = [await stop(), await stop()];
    expect(twice.text).toBe(once.text);
    await workOff(api.backend, tenant, () => 'done');
    await carryToEnd(api.backend, clock, tenant, id);
    expect(await seen(id)).toMatchObject({
      state: 'stopped',
      sent: 4,
      done: 4,
      steps: [{ size: 4, done: 4 }],
    });
    expect((await messagesOf(api.backend, tenant)).filter(({ run }) => run === 2)).toHaveLength(4);
  });

  it('carried on by two workers at once, and by late copies of its timers, takes each message once', async () => {
    await putDeadLetters(api.backend.store, 30, { tenant });
    const id = idOf(await begin({ match: {}, startWith: 3, factor: 3 }));
    const run = createRunTimer(api.backend, silent);
    for (let turns = 0; turns < 50; turns += 1) {
      const timer = await timerOfRun(api.backend, tenant, id);
      if (timer === undefined) break;
      clock.moveTo(timer.dueAt);
      await Promise.all([run(timer), run(timer)]);
      expect(await run(timer)).toBe('not_needed');
      await workOff(api.backend, tenant, () => 'done');
    }
    expect(await seen(id)).toMatchObject({ state: 'done', sent: 30, done: 30 });
    expect((await messagesOf(api.backend, tenant)).every((item) => item.run === 2)).toBe(true);
  });

  it('goes on by the stream and the queues alone', async () => {
    const outbox = await startOutbox();
    try {
      const through = await startBackend({ clock: outbox.clock, tables: outbox.tables });
      await putDeadLetters(through.backend.store, 3, { tenant, topic: 'external-call' });
      const begun = await through.post('/v1/redrives', { match: {}, startWith: 1, factor: 2 }, { tenant });
      const parts = { sqs: outbox.sqs, clock: outbox.clock, log: silent };
      const timerRelay = createTimerRelay({
        ...parts,
        sqs: outbox.sender,
        queueUrl: outbox.queues.timer.url,
      });
      const timerWorker = createTimerWorker({ ...parts, run: createRunTimer(through.backend, silent) });
      const relay = relayOf(outbox, outbox);
      const called: string[] = [];
      const worker = outbox.worker((message) => {
        called.push(message.id);
        return Promise.resolve({ kind: 'done', result: {} });
      });
      const state = async (): Promise<unknown> => {
        await timerRelay(streamEvent(await rawRun(through.backend, tenant, idOf(begun))));
        await outbox.poll(outbox.queues.timer, timerWorker);
        const pending = (await outbox.all()).filter(({ status }) => status === 'pending');
        if (pending.length > 0) await relay(streamEvent(...pending));
        await outbox.poll(outbox.queues['external-call'], worker);
        return (await through.get(`/v1/redrives/${idOf(begun)}`, { tenant })).json['state'];
      };
      await expect.poll(state, { timeout: 60_000, interval: 100 }).toBe('done');
      expect(called.sort()).toEqual((await outbox.all()).map(({ id }) => id).sort());
    } finally {
      await outbox.stop();
    }
  });
});

describe('the operator’s log', () => {
  it('tells who did what, when and why, newest first, page by page, each act once', async () => {
    const [one, other, third] = await putDeadLetters(api.backend.store, 4, { tenant });
    const options = { tenant, subject: 'bob' };
    const act = (path: string, body?: object): Promise<Reply> => api.post(path, body, options);
    for (let times = 0; times < 2; times += 1) await act(`/v1/messages/${String(one?.id)}/redrive`);
    const said = { outcome: 'refused', note: 'The address is gone.' };
    for (let times = 0; times < 2; times += 1)
      expect((await act(`/v1/messages/${String(other?.id)}/resolve`, said)).json).toMatchObject({
        status: 'done',
      });
    const match = { entity: third?.entity };
    const run = idOf(await act('/v1/redrives', { match, note: 'It is repaired.' }));
    for (let times = 0; times < 2; times += 1) await act(`/v1/redrives/${run}/stop`, { note: 'It is not.' });
    await act('/v1/messages/redrive', { topic: 'llm' });

    const pages = [await api.get('/v1/operations?limit=3', { tenant })];
    const cursor = String(pages[0]?.json['nextCursor']);
    pages.push(await api.get(`/v1/operations?limit=3&cursor=${cursor}`, { tenant }));
    const entries = pages.flatMap(itemsOf);
    expect(
      entries.map(({ operation, by, message, run, match, outcome, note }) => ({
        ...{ operation, by, message, run, match, outcome, note },
      })),
    ).toEqual([
      { operation: 'redriveMessages', by: 'bob', match: { topic: 'llm' } },
      { operation: 'stopRedrive', by: 'bob', run, note: 'It is not.' },
      { operation: 'beginRedrive', by: 'bob', run, match, note: 'It is repaired.' },
      { operation: 'resolveMessage', by: 'bob', message: other?.id, ...said },
      { operation: 'redriveMessage', by: 'bob', message: one?.id },
    ]);
    expect(pages[1]?.json).not.toHaveProperty('nextCursor');
    expect((await api.get('/v1/operations', { tenant: randomUUID() })).json).toEqual({ items: [] });
    expect((await api.get('/v1/operations', { tenant, scope: 'commands' })).status).toBe(403);
  });
});
