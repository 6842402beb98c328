import pMap from 'p-map';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Audit } from '../../functions/api/audit.ts';
import { createAudit } from '../../functions/audit/audit.ts';
import { entityKey } from '../../functions/store/keys.ts';
import { auditWhole, located, payment, Tampered } from '../support/audited.ts';
import type { Item } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { History } from '../support/history.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const clock = createTestClock();
let api: TestBackend;
let audit: Audit;

async function startAudited(time: TestClock): Promise<{ api: TestBackend; audit: Audit }> {
  const started = await startBackend({ clock: time });
  const made = createAudit(started.backend);
  return { audit: made, api: await startBackend({ clock: time, tables: started.tables, audit: made }) };
}

beforeAll(async () => {
  ({ api, audit } = await startAudited(clock));
});

async function allFound(tampered: Tampered) {
  const { problems } = await auditWhole(audit, tampered.tenant);
  return located(problems);
}

describe('the audit of untouched data', () => {
  it('finds every state of every domain in order', async () => {
    // A state that is reached by waiting moves the clock, for the others too.
    const time = createTestClock();
    const own = await startAudited(time);
    const { domains } = own.api.backend.registry;
    const most = Math.max(...domains.map(({ states }) => states.length));
    for (let index = 0; index < most; index += 1) {
      // A tenant for the first state of each domain, one for the second: an example's unique values can be held once.
      let [tenant, reached, entries]: [string | undefined, number, number] = [undefined, 0, 0];
      for (const domain of domains) {
        const status = domain.states[index];
        if (status === undefined) continue;
        const walk: Walk = new Walk(own.api, time, tenant);
        tenant = walk.tenant;
        const { version } = await walk.reach(domain, status);
        [reached, entries] = [reached + 1, entries + version];
      }
      const { problems, checkedEntities, checkedEntries } = await auditWhole(own.audit, tenant ?? '');
      // Nobody carries the messages out here, or reads the stream for statements.
      const found = located(problems).filter(([code]) => code !== 'message_stuck' && code !== 'line_missing');
      expect([index, found]).toEqual([index, []]);
      expect(checkedEntities).toBeGreaterThanOrEqual(reached);
      expect(checkedEntries).toBeGreaterThanOrEqual(entries);
    }
  });

  it('answers over HTTP, a bounded part a call, to the operations scope alone', async () => {
    const tampered = new Tampered(api);
    const { tenant } = tampered;
    const history = new History(api.backend.registry, tenant);
    for (let n = 0; n < 60; n += 1) history.entity('payments', payment, []);
    await history.write(api.backend.store);
    expect((await api.get('/v1/audit', { tenant, scope: 'commands' })).status).toBe(403);
    const first = await api.get('/v1/audit', { tenant });
    expect(first.status).toBe(200);
    expect(first.json).toMatchObject({ ok: true, problems: [] });
    expect(first.json['checkedEntities']).toBeLessThan(60);
    const cursor = String(first.json['nextCursor']);
    const second = await api.get(`/v1/audit?cursor=${cursor}`, { tenant });
    expect(second.json).toMatchObject({ ok: true, problems: [] });
    const checked = [first, second].map(({ json }) => Number(json['checkedEntities']));
    expect(checked.reduce((sum, each) => sum + each)).toBe(60);
    expect((await api.get(`/v1/audit?cursor=${cursor}`, { tenant: 'another' })).status).toBe(400);
    expect((await api.get('/v1/audit?cursor=bm90IG9uZQ', { tenant })).status).toBe(400);
    expect((await api.get('/v1/audit', { tenant: 'a tenant without data' })).json).toEqual({
      ok: true,
      checkedEntities: 0,
      checkedEntries: 0,
      problems: [],
    });
  });

  it('counts nothing twice when calls are repeated', async () => {
    const tampered = new Tampered(api);
    const { tenant } = tampered;
    const history = new History(api.backend.registry, tenant);
    for (let n = 0; n < 60; n += 1) history.entity('payments', payment, [{ name: 'confirm' }]);
    await history.write(api.backend.store);
    let cursor: string | undefined;
    let checked = 0;
    do {
      const [page, again] = await Promise.all([audit(tenant, cursor), audit(tenant, cursor)]);
      expect(again.problems).toEqual([]);
      const pages = [page, await audit(tenant, cursor)];
      expect(pages.flatMap(({ problems }) => problems)).toEqual([]);
      checked += page.checkedEntries;
      // A first call without a cursor begins a run of its own each time.
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(checked).toBe(120);
  });

  it('reads a long ledger in segments', async () => {
    const tampered = new Tampered(api);
    const history = new History(api.backend.registry, tampered.tenant);
    const earn = { name: 'earn', input: { amount: 10, reason: 'long' } };
    const { id } = history.entity(
      'point-accounts',
      { owner: 'ada' },
      Array.from({ length: 620 }, () => earn),
    );
    await history.write(api.backend.store);
    const whole = await auditWhole(audit, tampered.tenant);
    expect(whole.problems).toEqual([]);
    expect([whole.checkedEntities, whole.checkedEntries]).toEqual([1, 621]);
    await tampered.post(`/v1/point-accounts/${id}/earn`, earn.input);
    const entry = await tampered.read(tampered.entry(id, 300));
    await tampered.write({ ...entry, actor: 'eve' });
    expect(await allFound(tampered)).toEqual([['entry_changed', id, 300]]);
    await tampered.remove(tampered.entry(id, 300));
    expect((await allFound(tampered))[0]).toEqual(['entry_missing', id, 300]);
    await pMap(
      Array.from({ length: 320 }, (_, n) => tampered.entry(id, 200 + n)),
      (key) => tampered.remove(key),
      { concurrency: 16 },
    );
    expect((await allFound(tampered))[0]).toEqual(['entry_missing', id, 200]);
  });
});

describe('an audit while commands go on', () => {
  it('reports no problem', { timeout: 90_000 }, async () => {
    const tampered = new Tampered(api);
    const { tenant } = tampered;
    const accounts = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const id = await tampered.create('point-accounts', { owner: 'ada' });
        await tampered.post(`/v1/point-accounts/${id}/earn`, { amount: 1_000, reason: 'start' });
        return id;
      }),
    );
    const showing = await tampered.create('showings', { title: 'A show', capacity: 1_000 });
    const send = (path: string, body?: unknown) => api.post(path, body, { tenant });
    const rounds = 7;
    const load = async (worker: number): Promise<void> => {
      for (let n = worker * rounds; n < (worker + 1) * rounds; n += 1) {
        const [from, to] = [accounts[n % 12] ?? '', accounts[(n * 5 + 1) % 12] ?? ''];
        if (from !== to) await send(`/v1/point-accounts/${from}/transfer`, { to, amount: 1 });
        const held = await send('/v1/reservations', { showingId: showing, customer: 'ada' });
        if (n % 2 === 0) await send(`/v1/reservations/${String(held.json['id'])}/cancel`);
        const paid = await send('/v1/payments', payment);
        await send(`/v1/payments/${String(paid.json['id'])}/confirm`);
      }
    };
    let isOver = false as boolean;
    const commands = Promise.all([0, 1, 2].map(load)).finally(() => (isOver = true));
    const found: unknown[] = [];
    while (!isOver) found.push(...(await auditWhole(audit, tenant)).problems);
    await commands;
    expect(found).toEqual([]);
    const { problems, checkedEntities } = await auditWhole(audit, tenant);
    expect([problems, checkedEntities]).toEqual([[], accounts.length + 1 + 2 * 3 * rounds]);
    const remaining = entityKey(tenant, showing);
    await tampered.change(remaining, (item) => ({
      ...item,
      balances: { ...(item['balances'] as Item), remaining: 1_000 },
    }));
    expect(await allFound(tampered)).toEqual([['balance_differs', showing]]);
  });
});
