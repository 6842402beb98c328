/**
 * Many callers, few entities: each gets its own true answer within the deadline. DynamoDB Local takes one
 * transaction after the other, so each story is told again with conflicts as the service has them.
 */
import { randomUUID } from 'node:crypto';
import pMap from 'p-map';
import { describe, expect, it } from 'vitest';
import { request } from '../../functions/runtime/limits.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend, TestBackendOptions } from '../support/backend.ts';
import { countRequests, injectConflicts } from '../support/contention.ts';
import type { ConflictOptions, RequestCount } from '../support/contention.ts';
import { randomOf } from '../support/faults/random.ts';
import { isFullScope } from '../support/faults/scope.ts';
import { openLoop } from '../support/open-loop.ts';
import { problemsOf } from '../support/store-invariants.ts';
import { dump } from '../support/table-dump.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

interface Setting {
  readonly api: TestBackend;
  readonly requests: RequestCount;
  readonly conflicts: () => number;
  /** Asks again with the same key where the answer is that nothing was changed, as the contract says one may. */
  readonly isPatient: boolean;
}

/** Where the answers count and not the times, a machine that is busy with other tests is waited for. */
const patientClient = { requestHandler: { connectionTimeout: 8_000, requestTimeout: 8_000 } };

async function start(
  options: ConflictOptions | undefined,
  client: TestBackendOptions['client'] = {},
): Promise<Setting> {
  const found: { requests?: RequestCount; conflicts?: () => number } = {};
  const api = await startBackend({
    client,
    prepare: (own) => {
      found.requests = countRequests(own);
      if (options) found.conflicts = injectConflicts(own, options).count;
    },
  });
  if (!found.requests) throw new Error('requests are not counted');
  return {
    api,
    requests: found.requests,
    conflicts: found.conflicts ?? (() => 0),
    isPatient: options !== undefined,
  };
}

/** What was answered how often, e.g. `200` or `409 sold_out`. */
function tally(replies: readonly Reply[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status, json } of replies) {
    const answer = status < 300 ? String(status) : `${status} ${String(json['code'])}`;
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

/** Does it for each, and tells how it went. The slowest is no assertion of speed: it is the contract's deadline. */
async function told<T>(
  what: string,
  { requests, conflicts, isPatient }: Setting,
  inputs: readonly T[],
  concurrency: number,
  send: (input: T, key: string) => Promise<Reply>,
): Promise<{ replies: readonly Reply[]; requestsEach: number }> {
  requests.reset();
  const began = performance.now();
  let slowest = 0;
  let askedAgain = 0;
  const replies = await pMap(
    inputs,
    async (input) => {
      const key = randomUUID();
      for (;;) {
        const from = performance.now();
        const reply = await send(input, key);
        slowest = Math.max(slowest, performance.now() - from);
        if (!isPatient || reply.status !== 503) return reply;
        askedAgain += 1;
      }
    },
    { concurrency },
  );
  const requestsEach = requests.total() / inputs.length;
  console.log(
    `${what}: ${JSON.stringify(tally(replies))}, ${requestsEach.toFixed(2)} requests each, ` +
      `${conflicts()} conflicts, ${askedAgain} asked again, slowest ${Math.round(slowest)} ms of ${Math.round(performance.now() - began)} ms`,
  );
  expect(slowest).toBeLessThan(request.deadlineMs);
  return { replies, requestsEach };
}

const expectSound = async ({ api }: Setting): Promise<void> => {
  expect(problemsOf(api.backend.registry, await dump(api.backend.store))).toEqual([]);
};

const idOf = ({ json }: Reply): string => String(json['id']);
const times = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe.each<{ name: string; conflicts?: ConflictOptions }>([
  { name: 'transactions one after the other' },
  { name: 'transactions that meet cancel each other', conflicts: { holdMs: 10 } },
  { name: 'a third of all transactions cancelled', conflicts: { rate: 0.33 } },
])('$name', { timeout: 60_000 }, ({ name, conflicts }) => {
  // Commands that meet take their time: fewer of them show the same. `npm run test:all` takes
  // the whole crowds.
  const crowd = (of: number): number => (isFullScope ? of : of / (conflicts ? 4 : 2));
  const [claims, places] = [crowd(400), crowd(40)];
  const [spends, points] = [crowd(80), crowd(60)];
  const transfers = crowd(120);
  it(`${claims} claims by 64 callers on ${places} places: ${places} are sold, the others are told sold_out`, async () => {
    const here = await start(conflicts);
    const showing = await here.api.post('/v1/showings', { title: 'Evening show', capacity: places });
    const showingId = idOf(showing);
    const { replies, requestsEach } = await told(
      `${claims} claims, ${name}`,
      here,
      times(claims),
      64,
      (index, key) => here.api.post('/v1/reservations', { showingId, customer: `caller ${index}` }, { key }),
    );
    expect(tally(replies)).toEqual({ 201: places, '409 sold_out': claims - places });
    // A claim is one transaction, and a refusal is kept with one write more.
    if (!conflicts) expect(requestsEach).toBeLessThanOrEqual(2.5);
    expect((await here.api.get(`/v1/showings/${showingId}`)).json).toMatchObject({
      remaining: 0,
      version: 1,
    });
    await expectSound(here);
  });

  it(`${spends} spends at once on ${points} points: ${points} are spent, the others are told insufficient_balance`, async () => {
    const here = await start(conflicts);
    const path = `/v1/point-accounts/${idOf(await here.api.post('/v1/point-accounts', { owner: 'ada' }))}`;
    await here.api.post(`${path}/earn`, { amount: points, reason: 'welcome' });
    const { replies } = await told(`${spends} spends, ${name}`, here, times(spends), spends, (_, key) =>
      here.api.post(`${path}/spend`, { amount: 1, reason: 'coffee' }, { key }),
    );
    expect(tally(replies)).toEqual({ 200: points, '409 insufficient_balance': spends - points });
    expect((await here.api.get(path)).json).toMatchObject({ balance: 0, version: points + 2 });
    await expectSound(here);
  });

  it(`${transfers} crossing transfers: all go through, and the sum stays`, async () => {
    const here = await start(conflicts);
    const ids = await pMap(times(4), async () => {
      const id = idOf(await here.api.post('/v1/point-accounts', { owner: 'ada' }));
      await here.api.post(`/v1/point-accounts/${id}/earn`, { amount: 1_000, reason: 'welcome' });
      return id;
    });
    const pairs = times(transfers).map(
      (index) => [ids[index % 4], ids[(index + 1 + (index % 3)) % 4]] as const,
    );
    const { replies } = await told(`${transfers} transfers, ${name}`, here, pairs, 16, ([from, to], key) =>
      here.api.post(`/v1/point-accounts/${from}/transfer`, { to, amount: 7 }, { key }),
    );
    expect(tally(replies)).toEqual({ 200: transfers });
    const accounts = await Promise.all(ids.map((id) => here.api.get(`/v1/point-accounts/${id}`)));
    expect(accounts.reduce((sum, { json }) => sum + Number(json['balance']), 0)).toBe(4_000);
    await expectSound(here);
  });

  it('one seat claimed by 32 at once: one has it, 31 are told already_exists', async () => {
    const here = await start(conflicts);
    const showing = await here.api.post('/v1/showings', {
      title: 'Play',
      capacity: 40,
      seats: times(40).map((n) => `A${n}`),
    });
    const { replies } = await told(`32 claims of a seat, ${name}`, here, times(32), 32, (_, key) =>
      here.api.post('/v1/reservations', { showingId: idOf(showing), customer: 'ada', seat: 'A7' }, { key }),
    );
    expect(tally(replies)).toEqual({ 201: 1, '409 already_exists': 31 });
    const again = await here.api.get(`/v1/showings/${idOf(showing)}`);
    expect(again.json).toMatchObject({ remaining: 39 });
    await expectSound(here);
  });

  it('one address invited by 16 at once, written in two ways: one invite is open', async () => {
    const here = await start(conflicts);
    const { replies } = await told(`16 invites, ${name}`, here, times(16), 16, (index, key) =>
      here.api.post(
        '/v1/invites',
        {
          workspace: 'press',
          email: index % 2 ? 'Ada@Example.com' : 'ada@example.com',
          role: 'editor',
        },
        { key },
      ),
    );
    expect(tally(replies)).toEqual({ 201: 1, '409 already_exists': 15 });
    await expectSound(here);
  });
});

describe('a hot item', { timeout: 240_000 }, () => {
  it('bears callers who come at a rate: what each was told is true, and nothing happens twice', async () => {
    const { api } = await start({ holdMs: 10 }, patientClient);
    const path = `/v1/point-accounts/${idOf(await api.post('/v1/point-accounts', { owner: 'ada' }))}`;
    const amounts = times(40).map((index) => index + 1);
    const told: Reply[] = [];
    const replies = await openLoop(
      { rate: 50, count: amounts.length, random: randomOf(1) },
      async (index) => {
        const key = randomUUID();
        for (;;) {
          const body = { amount: amounts[index], reason: `caller ${index}` };
          const reply = await api.post(`${path}/earn`, body, { key });
          if (reply.status < 500) return reply;
          told.push(reply);
        }
      },
    );
    expect(tally(replies)).toEqual({ 200: amounts.length });
    // Nothing but contention is an excuse.
    expect(Object.keys(tally(told)).filter((answer) => answer !== '503 contended')).toEqual([]);
    const sum = amounts.reduce((total, amount) => total + amount, 0);
    expect((await api.get(path)).json).toMatchObject({ balance: sum, version: amounts.length + 1 });
    const entries = (await api.get(`${path}/ledger?limit=100`)).json['items'] as {
      data: { reason?: string };
    }[];
    const reasons = entries.flatMap(({ data }) => data.reason ?? []);
    expect(new Set(reasons).size).toBe(reasons.length);
    expect(problemsOf(api.backend.registry, await dump(api.backend.store))).toEqual([]);
  });
});

describe('a lock', () => {
  it('is waited for until the deadline, and then it is said who could not have it', async () => {
    const api = await startBackend();
    const path = `/v1/point-accounts/${idOf(await api.post('/v1/point-accounts', { owner: 'ada' }))}/lock`;
    expect((await api.post(path, { ttlSeconds: 300 })).status).toBe(200);
    const tooLate = await api.post(path, { ttlSeconds: 60, wait: 'wait' });
    expect([tooLate.status, tooLate.json['code']]).toEqual([423, 'locked']);
    expect(tooLate.headers['retry-after']).toBeDefined();
  });
});

describe('a hold that runs out', () => {
  it('just as its confirmation arrives is one or the other', async () => {
    // Two execution environments whose clocks differ: for one the hold runs for another moment.
    const [early, late] = [createTestClock(), createTestClock()];
    const api = await startBackend({ clock: early });
    const timer = await startBackend({ clock: late, tables: api.tables });
    const showing = await api.post('/v1/showings', { title: 'Evening show', capacity: 100 });
    for (const round of times(12)) {
      const held = await api.post('/v1/reservations', {
        showingId: idOf(showing),
        customer: `caller ${round}`,
      });
      const id = idOf(held);
      const heldUntil = Date.parse(String(held.json['heldUntil']));
      const worker = new Walk(timer, late, 'acme');
      const entity = await worker.state(id);
      const [confirmed, expired] = await Promise.all([
        early.at(heldUntil - 1, () => api.post(`/v1/reservations/${id}/confirm`)),
        late.at(heldUntil, () => worker.runDue(entity)),
      ]);
      const { status, version } = await worker.state(id);
      expect([confirmed.status, expired.status].sort((a, b) => a - b)).toEqual([200, 409]);
      expect([status, version]).toEqual([confirmed.status === 200 ? 'confirmed' : 'expired', 2]);
    }
    expect(problemsOf(api.backend.registry, await dump(api.backend.store))).toEqual([]);
  });

  it('is not confirmed at the very moment it ends, and not expired the moment before', async () => {
    const clock = createTestClock();
    const api = await startBackend({ clock });
    const showing = await api.post('/v1/showings', { title: 'Evening show', capacity: 2 });
    const held = await api.post('/v1/reservations', {
      showingId: idOf(showing),
      customer: 'ada',
      holdSeconds: 1,
    });
    const heldUntil = Date.parse(String(held.json['heldUntil']));
    const walk = new Walk(api, clock, 'acme');
    const entity = await walk.state(idOf(held));
    const tooEarly = await clock.at(heldUntil - 1, () => walk.runDue(entity));
    const tooLate = await clock.at(heldUntil, () => api.post(`/v1/reservations/${entity.id}/confirm`));
    expect([tooEarly.json['code'], tooLate.json['code']]).toEqual(['hold_not_over', 'hold_expired']);
    const expired = await clock.at(heldUntil, () => walk.runDue(entity));
    expect([expired.status, expired.json['status']]).toEqual([200, 'expired']);
    expect((await api.get(`/v1/showings/${idOf(showing)}`)).json['remaining']).toBe(2);
  });
});
