import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { WaitingRoom } from '../../functions/commands/waiting-room.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, RequestOptions, TestBackend } from '../support/backend.ts';
import { whileRecordsAreWritten } from '../support/contention.ts';
import { startBlackhole } from '../support/faults/blackhole.ts';
import { intercept } from '../support/sdk-faults.ts';
import { createTestClock } from '../support/test-clock.ts';

const clock = createTestClock();
let api: TestBackend;
beforeAll(async () => {
  api = await startBackend({ clock });
});

async function account(): Promise<string> {
  return `/v1/point-accounts/${idOf(await api.post('/v1/point-accounts', { owner: 'ada' }))}`;
}
const lock = (path: string, ttlSeconds = 60, wait = 'nowait', options: RequestOptions = {}) =>
  api.post(`${path}/lock`, { ttlSeconds, wait }, options);
const withToken = (reply: Reply): RequestOptions => ({
  headers: { 'lock-token': String(reply.json['token']) },
});
const unlock = (path: string, held: Reply) => api.post(`${path}/unlock`, undefined, withToken(held));
const earn = (path: string, options: RequestOptions = {}) =>
  api.post(`${path}/earn`, { amount: 1, reason: 'x' }, options);

describe('a lock', () => {
  it('is a token, a fence and an end, and leaves the version alone', async () => {
    const path = await account();
    const before = clock.now();
    const held = await lock(path, 30);
    expect(held.status).toBe(200);
    expect(held.json).toEqual({
      token: expect.any(String) as string,
      fence: 1,
      expiresAt: expect.any(String) as string,
    });
    const endsIn = Date.parse(String(held.json['expiresAt'])) - before;
    expect(endsIn).toBeGreaterThanOrEqual(30_000);
    expect((await api.get(path)).json).toMatchObject({ version: 1 });
    expect((await api.get(path)).text).not.toContain(String(held.json['token']));
  });

  it('is shown with its holder and its end, and without its token', async () => {
    const path = await account();
    const timing = async () => (await api.get(`${path}/timing`, { subject: 'bob' })).json;
    expect(await timing()).toEqual({});
    const held = await lock(path, 30, 'nowait', { subject: 'carol' });
    const { fence, expiresAt } = held.json;
    expect(await timing()).toEqual({ lock: { by: 'carol', fence, expiresAt } });
    const end = Date.parse(String(expiresAt));
    expect(await clock.at(end - 1, timing)).toHaveProperty('lock');
    expect(await clock.at(end, timing)).toEqual({});
    await unlock(path, held);
    expect(await timing()).toEqual({});
  });

  it('lets its holder work and nobody else', async () => {
    const path = await account();
    const held = await lock(path);
    expect(verdictOf(await earn(path))).toEqual([423, 'locked']);
    expect(verdictOf(await earn(path, { headers: { 'lock-token': 'x' } }))).toEqual([412, 'lock_lost']);
    expect((await earn(path, withToken(held))).status).toBe(200);
    expect((await earn(path, withToken(held))).status).toBe(200);
    expect((await unlock(path, held)).status).toBe(204);
    expect((await earn(path)).status).toBe(200);
  });

  it('says to whoever it keeps out when to ask again, in whole seconds and not after its end', async () => {
    const path = await account();
    await lock(path, 30);
    const other = await account();
    await earn(other);
    const transfer = { to: path.split('/').at(-1), amount: 1 };
    const replies = [await earn(path), await lock(path), await api.post(`${other}/transfer`, transfer)];
    for (const { status, headers } of replies) {
      expect([status, headers['retry-after']]).toEqual([423, expect.stringMatching(/^(?:[1-9]|[12]\d|30)$/)]);
    }
  });

  it('is in nobody’s way who only reads', async () => {
    const path = await account();
    await lock(path);
    for (const suffix of ['', '/ledger', '/messages'])
      expect((await api.get(path + suffix)).status).toBe(200);
  });

  it('is refused at once with nowait, and the same key may try again', async () => {
    const path = await account();
    const held = await lock(path);
    const key = 'patient';
    const refused = await lock(path, 60, 'nowait', { key });
    expect(verdictOf(refused)).toEqual([423, 'locked']);
    await unlock(path, held);
    expect((await lock(path, 60, 'nowait', { key })).json['fence']).toBe(2);
  });

  it.each(['lock', 'confirm'])(
    'is no answer to a duplicate whose first call has committed and is still being written: %s',
    async (name) => {
      const payment = { payer: 'ada', payee: 'shop', amount: 1, currency: 'EUR' };
      const path = `/v1/payments/${idOf(await api.post('/v1/payments', payment))}`;
      const body = name === 'lock' ? { ttlSeconds: 60, wait: 'nowait' } : undefined;
      const key = randomUUID();
      const first = await api.post(`${path}/${name}`, body, { key });
      if (name === 'confirm') await lock(path);
      const late: { conflicts?: () => number } = {};
      const other = await startBackend({
        clock,
        tables: api.tables,
        prepare: (client) => {
          late.conflicts = whileRecordsAreWritten(client, api.tables.idempotency).conflicts;
        },
      });
      const again = await other.post(`${path}/${name}`, body, { key });
      expect([again.status, again.text, again.headers['idempotent-replayed']]).toEqual([
        200,
        first.text,
        'true',
      ]);
      expect(late.conflicts?.()).toBe(2);
    },
  );

  it('is waited for', async () => {
    const path = await account();
    const held = await lock(path);
    const waiting = lock(path, 60, 'wait');
    const freed = new Promise((resolve) => setTimeout(resolve, 150)).then(() => unlock(path, held));
    const [next] = await Promise.all([waiting, freed]);
    expect([next.status, next.json['fence']]).toEqual([200, 2]);
    expect(verdictOf(await earn(path, withToken(held)))).toEqual([412, 'lock_lost']);
  });

  it('is waited for by no more than there is room for: one more is told at once to ask again', async () => {
    const waitingRoom = createWaitingRoom({ perEntityMax: 2, perTenantMax: 9 });
    const crowded = await startBackend({ clock, tables: api.tables, waitingRoom });
    const path = await account();
    const held = await lock(path);
    const waiting = [1, 2, 3].map(() => crowded.post(`${path}/lock`, { ttlSeconds: 60, wait: 'wait' }));
    const first = await Promise.race(waiting);
    expect([...verdictOf(first), first.headers['retry-after']]).toEqual([503, 'contended', '1']);
    // The room is theirs until they have the lock, one after the other.
    await unlock(path, held);
    const next = waiting.map(async (reply) => {
      const got = await reply;
      if (got.status === 200) await unlock(path, got);
      return got.status;
    });
    expect((await Promise.all(next)).sort()).toEqual([200, 200, 503]);
  });

  it('is waited for in a place that is given up with the answer', async () => {
    const room = createWaitingRoom({ perEntityMax: 1, perTenantMax: 9 });
    let entered: () => void = () => undefined;
    const waitingRoom: WaitingRoom = {
      ...room,
      enter: (...whose) => {
        entered();
        return room.enter(...whose);
      },
    };
    const crowded = await startBackend({ clock, tables: api.tables, waitingRoom });
    const path = await account();
    for (let round = 0; round < 2; round += 1) {
      const held = await lock(path);
      const isWaiting = new Promise<void>((resolve) => {
        entered = resolve;
      });
      const waiting = crowded.post(`${path}/lock`, { ttlSeconds: 60, wait: 'wait' });
      await isWaiting;
      await unlock(path, held);
      const next = await waiting;
      expect(next.status).toBe(200);
      await unlock(path, next);
    }
  });

  it('is taken by one of 16 that ask at once, and each later fence is higher', async () => {
    const path = await account();
    const replies = await Promise.all(Array.from({ length: 16 }, () => lock(path)));
    const won = replies.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(
      new Set(replies.filter(({ status }) => status !== 200).map((each) => verdictOf(each).join())),
    ).toEqual(new Set(['423,locked']));
    const fences = [won[0]?.json['fence']];
    await unlock(path, won[0] as Reply);
    for (let round = 0; round < 3; round += 1) {
      const held = await lock(path);
      fences.push(held.json['fence']);
      await unlock(path, held);
    }
    expect(fences).toEqual([1, 2, 3, 4]);
  });

  it('that has run out lets its holder commit no more, and everybody else', async () => {
    const path = await account();
    const held = await lock(path, 1);
    const endsAt = Date.parse(String(held.json['expiresAt']));
    const atTheEnd = await clock.at(endsAt, () => earn(path, withToken(held)));
    expect(verdictOf(atTheEnd)).toEqual([412, 'lock_lost']);
    // A commit is given up with the lock, so it needs some of it: `decide.unit.test.ts` has the edge to the millisecond.
    const before = await clock.at(endsAt - 999, () => earn(path, withToken(held)));
    expect(before.status).toBe(200);
    expect((await clock.at(endsAt, () => earn(path))).status).toBe(200);
    expect(verdictOf(await clock.at(endsAt, () => unlock(path, held)))).toEqual([412, 'lock_lost']);
    const next = await clock.at(endsAt, () => lock(path));
    expect(next.json['fence']).toBe(2);
    expect(verdictOf(await earn(path, withToken(held)))).toEqual([412, 'lock_lost']);
  });

  it('that runs out while its holder commits ends the commit, however late that reaches the database', async () => {
    const hole = await startBlackhole(inject('dynamodbEndpoint'));
    const holder = await startBackend({ tables: api.tables, client: { endpoint: hole.endpoint } });
    const path = await account();
    const held = await lock(path, 2);
    intercept(holder.backend.store.client, {
      before: ({ command }) => {
        if (command !== 'TransactWriteItemsCommand') return;
        // The first transaction is on its way for longer than the lock lasts.
        hole.swallow = 'towards';
        setTimeout(
          () => {
            hole.swallow = 'nothing';
          },
          Date.parse(String(held.json['expiresAt'])) - Date.now() + 100,
        );
      },
    });
    const options = { ...withToken(held), key: 'too-late' };
    const late = await holder.post(`${path}/earn`, { amount: 1, reason: 'x' }, options);
    expect(verdictOf(late)).toEqual([412, 'lock_lost']);
    expect((await api.get(path)).json).toMatchObject({ version: 1, balance: 0 });
    expect((await api.post(`${path}/earn`, { amount: 1, reason: 'x' }, options)).text).toBe(late.text);
    await hole.stop();
  });

  it('of an entity keeps others from moving its accounts, until it has run out', async () => {
    const showing = await api.post('/v1/showings', { title: 'Evening show', capacity: 3 });
    const path = `/v1/showings/${idOf(showing)}`;
    const reserve = () => api.post('/v1/reservations', { showingId: idOf(showing), customer: 'ada' });
    const reservation = await reserve();
    const held = await lock(path, 30);
    const endsAt = Date.parse(String(held.json['expiresAt']));
    const refused = await reserve();
    expect([...verdictOf(refused), refused.json['id']]).toEqual([423, 'locked', idOf(showing)]);
    const cancel = `/v1/reservations/${idOf(reservation)}/cancel`;
    const key = 'cancel-later';
    expect(verdictOf(await api.post(cancel, undefined, { key }))).toEqual([423, 'locked']);
    expect((await api.get(path)).json['remaining']).toBe(2);
    expect((await clock.at(endsAt, reserve)).status).toBe(201);
    await unlock(path, held);
    expect((await api.post(cancel, undefined, { key })).status).toBe(200);
    expect((await api.get(path)).json['remaining']).toBe(2);
  });

  it('is replayed: the same key gets the same token, and unlocking twice is one unlock', async () => {
    const path = await account();
    const first = await lock(path, 60, 'nowait', { key: 'lock-once' });
    const again = await lock(path, 60, 'nowait', { key: 'lock-once' });
    expect([again.text, again.headers['idempotent-replayed']]).toEqual([first.text, 'true']);
    const give = (key: string) => api.post(`${path}/unlock`, undefined, { ...withToken(first), key });
    expect([(await give('a')).status, (await give('a')).status]).toEqual([204, 204]);
    expect(verdictOf(await give('b'))).toEqual([412, 'lock_lost']);
  });

  it('needs an entity, and unlocking a token', async () => {
    const path = await account();
    for (const id of ['pts_01JD2X5T9ZK4M8Q7W6V5B3N2HC', 'pts_x', 'pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC']) {
      expect(verdictOf(await lock(`/v1/point-accounts/${id}`))).toEqual([404, 'not_found']);
    }
    expect(verdictOf(await api.post(`${path}/unlock`))).toEqual([400, 'lock_token_missing']);
    expect(
      verdictOf(await api.post(`${path}/unlock`, undefined, { headers: { 'lock-token': 'x' } })),
    ).toEqual([412, 'lock_lost']);
  });

  it.each([
    {},
    { ttlSeconds: 0 },
    { ttlSeconds: 301 },
    { ttlSeconds: 1.5 },
    { ttlSeconds: 1, wait: 'maybe' },
    { ttlSeconds: 1, more: 1 },
  ])('is not taken with %j', async (body) => {
    const path = await account();
    expect(verdictOf(await api.post(`${path}/lock`, body))).toEqual([400, 'invalid_request']);
    expect((await earn(path)).status).toBe(200);
  });

  it('is of 1 to 300 seconds, and waits unless told', async () => {
    for (const ttlSeconds of [1, 300]) {
      expect((await api.post(`${await account()}/lock`, { ttlSeconds })).status).toBe(200);
    }
  });
});
