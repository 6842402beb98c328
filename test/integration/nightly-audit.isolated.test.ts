/** The nightly audit of all tenants: who is found, whose turn it is, and what a night leaves to the next. */
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import type { TenantAudit } from '../../functions/audit/audit.ts';
import { nightly, retentionFactor, retentionSeconds, tenantSearch } from '../../functions/audit/limits.ts';
import type { page as pageLimits } from '../../functions/audit/limits.ts';
import { auditAll } from '../../functions/audit/nightly.ts';
import type { Night, NightReport } from '../../functions/audit/nightly.ts';
import { createStatementWriter } from '../../functions/statements/statement-writer.ts';
import { entityKey } from '../../functions/store/keys.ts';
import { readTenants } from '../../functions/store/audit/tenant-register.ts';
import type { TenantRecord } from '../../functions/store/audit/tenant-register.ts';
import { payment } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { History } from '../support/history.ts';
import { silent, streamEvent } from '../support/outbox.ts';
import { intercept, loseFirstAnswer } from '../support/sdk-faults.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** A page of the audits here, so that a tenant of several pages is a small one; that of production stays what it is. */
const { entitiesMax } = vi.hoisted(() => ({ entitiesMax: 5 }));
vi.mock('../../functions/audit/limits.ts', async (original) => {
  const real: { page: typeof pageLimits } = await original();
  return { ...real, page: { ...real.page, entitiesMax } };
});
/** A tenant of three pages: two whole ones and two entities. */
const threePages = 2 * entitiesMax + 2;

/** Stands still, so that ages are exact. */
let clock: { now: () => number; advance: (ms: number) => void };
let api: TestBackend;
let audit: TenantAudit;

beforeEach(async () => {
  let now = Date.now();
  clock = {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
  api = await startBackend({ clock });
  audit = createAudit(api.backend);
});

/**
 * Point accounts of a tenant, of two entries each. No message is sent for them, and their statements are written as
 * the stream has it, so that nothing is late where a test moves the clock by days.
 * @returns the id of the first
 */
async function fill(tenant: string, accounts: number): Promise<string> {
  const history = new History(api.backend.registry, tenant, clock.now());
  const earn = { name: 'earn', input: { amount: 10, reason: 'start' } };
  const made = Array.from({ length: accounts }, () =>
    history.entity('point-accounts', { owner: 'ada' }, [earn]),
  );
  const entries = made.flatMap(({ id }) => history.entries(id));
  const { registry, store } = api.backend;
  await history.write(store);
  await createStatementWriter({ registry, store, log: silent })(streamEvent(...entries));
  return made[0]?.id ?? '';
}

/** Changes what an account holds, behind the API. */
async function book(tenant: string, id: string, change: number): Promise<void> {
  const { client, tables } = api.backend.store;
  const Key = { ...entityKey(tenant, id) };
  const { Item = {} } = await client.send(new GetCommand({ TableName: tables.data, Key }));
  const { balances } = Item as { balances: { balance: number } };
  const changed = { ...Item, balances: { ...balances, balance: balances.balance + change } };
  await client.send(new PutCommand({ TableName: tables.data, Item: changed }));
}

const night = (options: Partial<Night> = {}): Promise<NightReport> =>
  auditAll({
    store: api.backend.store,
    audit,
    clock,
    log: silent,
    remainingMs: () => 15 * minute,
    ...options,
  });

/** Another process on the same tables, with a client of its own. */
async function another(): Promise<Pick<Night, 'store' | 'audit'>> {
  const { backend } = await startBackend({ clock, tables: api.tables });
  return { store: backend.store, audit: createAudit(backend) };
}

const records = (): Promise<readonly TenantRecord[]> => readTenants(api.backend.store);
const recordOf = async (tenant: string): Promise<TenantRecord | undefined> =>
  (await records()).find((record) => record.tenant === tenant);

describe('a night', () => {
  it('audits every tenant that has an entity, with messages or without, and counts what it finds', async () => {
    const history = new History(api.backend.registry, 'with-messages', clock.now());
    for (let n = 0; n < 3; n += 1) history.entity('payments', payment, [{ name: 'confirm' }]);
    await history.write(api.backend.store);
    await fill('without-messages', 2);
    const wrong = await fill('wrong', 2);
    await book('wrong', wrong, 1);
    expect(await night()).toEqual({
      tenants: 3,
      checkedEntities: 7,
      checkedEntries: 14,
      problems: 1,
      failed: 0,
      searchFailed: false,
      isFinished: true,
      knownTenants: 3,
      problemsStanding: 1,
      oldestAuditSeconds: 0,
    });
    expect(await recordOf('wrong')).toMatchObject({
      lastAudit: { checkedEntities: 2, problems: 1, firstProblems: [{ entity: wrong }] },
    });
  });

  it('audits again what the night before audited, and nothing twice in one night', async () => {
    await fill('acme', 3);
    await night();
    clock.advance(60 * minute);
    expect(await night()).toMatchObject({ tenants: 0, checkedEntities: 0, isFinished: true });
    clock.advance(day - 60 * minute);
    expect(await night()).toMatchObject({ tenants: 1, checkedEntities: 3, isFinished: true });
  });

  it('audits by hand what it is told to, in full and at any time', async () => {
    await fill('acme', 3);
    await fill('globex', 3);
    await night();
    clock.advance(minute);
    expect(await night({ tenants: ['acme'] })).toMatchObject({
      tenants: 1,
      checkedEntities: 3,
      isFinished: true,
    });
    clock.advance(minute);
    const since = new Date(clock.now()).toISOString();
    expect(await night({ since })).toMatchObject({ tenants: 2, isFinished: true });
    await fill('a new one', 1);
    expect(await night({ tenants: ['a new one'] })).toMatchObject({ tenants: 1, checkedEntities: 1 });
  });

  it('audits the other tenants where one cannot be, and where the search cannot be', async () => {
    await fill('a', 1);
    await fill('b', 1);
    const failing: TenantAudit = (tenant, ...rest) =>
      tenant === 'a' ? Promise.reject(new Error('no data for one')) : audit(tenant, ...rest);
    const failed = { tenants: 1, failed: 1, isFinished: false };
    expect(await night({ audit: failing })).toMatchObject(failed);
    clock.advance(day);
    const other = await another();
    intercept(other.store.client, {
      before: ({ command }) => {
        if (command === 'ScanCommand') throw new Error('no index');
      },
    });
    expect(await night(other)).toMatchObject({ tenants: 2, searchFailed: true, isFinished: true });
  });
});

describe('a run that was stopped', () => {
  it('is gone on with the next night, from its last page', async () => {
    await fill('acme', threePages);
    const counted: TenantAudit = async (...input) => {
      const result = await audit(...input);
      pages += 1;
      return result;
    };
    let pages = 0;
    const first = await night({ audit: counted, remainingMs: () => (pages < 1 ? 15 * minute : 0) });
    expect(first).toMatchObject({ checkedEntities: entitiesMax, isFinished: false });
    clock.advance(minute);
    const rest = threePages - entitiesMax;
    expect(await night()).toMatchObject({ tenants: 1, checkedEntities: rest, problems: 0, isFinished: true });
    expect((await recordOf('acme'))?.lastAudit).toMatchObject({
      checkedEntities: threePages,
      checkedEntries: 2 * threePages,
    });
  });

  it.each(['before', 'after'] as const)(
    'killed %s it has noted a page down is gone on with from what is noted, and counts nothing twice',
    async (moment) => {
      await book('acme', await fill('acme', threePages), 1);
      const killed = await another();
      let [notes, isDead] = [0, false];
      const dies = ({ command, input }: { command: string; input: unknown }): void => {
        const { Item } = input as { Item?: { openAudit?: unknown } };
        if (command.startsWith('Put') && Item?.openAudit !== undefined) notes += 1;
        if (notes === 2) isDead = true;
      };
      intercept(killed.store.client, {
        before: (call) => {
          if (moment === 'before') dies(call);
          if (isDead) throw new Error('killed');
        },
        after: (call) => {
          if (moment === 'after') dies(call);
          if (isDead) throw new Error('killed');
        },
      });
      await expect(night(killed)).rejects.toThrow('killed');
      const noted = (await recordOf('acme'))?.openAudit?.checkedEntities ?? 0;
      expect(noted).toBe(entitiesMax * (moment === 'before' ? 1 : 2));
      clock.advance(nightly.leaseMs);
      const rest = await night();
      expect(rest).toMatchObject({
        tenants: 1,
        checkedEntities: threePages - noted,
        problems: 1,
        isFinished: true,
      });
      expect((await recordOf('acme'))?.lastAudit).toMatchObject({
        checkedEntities: threePages,
        checkedEntries: 2 * threePages,
        problems: 1,
      });
    },
  );

  it('that was too long for its partial sums begins anew and keeps them for longer', async () => {
    await book('acme', await fill('acme', threePages), 1);
    const short = { remainingMs: () => (pages < 2 ? 15 * minute : 0) };
    let pages = 0;
    const counted: TenantAudit = async (...input) => {
      const result = await audit(...input);
      pages += 1;
      return result;
    };
    await night({ audit: counted, ...short });
    expect((await recordOf('acme'))?.openAudit).toMatchObject({
      retentionSeconds,
      checkedEntities: 2 * entitiesMax,
    });
    const expiries = await sumExpiries();
    expect(expiries).toEqual([Math.floor(clock.now() / 1000) + retentionSeconds]);
    clock.advance(retentionSeconds * 1000);
    pages = 1;
    await night({ audit: counted, ...short });
    const { openAudit } = (await recordOf('acme')) ?? {};
    expect(openAudit).toMatchObject({
      retentionSeconds: retentionSeconds * retentionFactor,
      checkedEntities: entitiesMax,
    });
    clock.advance(retentionSeconds * 1000);
    // It ends with all its sums, and is due again since it began so long ago.
    expect(await night()).toMatchObject({ tenants: 2, problems: 2, problemsStanding: 1, isFinished: true });
    expect((await recordOf('acme'))?.lastAudit).toMatchObject({ checkedEntities: threePages, problems: 1 });
  });

  /** When what runs have kept may go, each value once. */
  async function sumExpiries(): Promise<readonly number[]> {
    const { client, tables } = api.backend.store;
    const { openAudit } = (await recordOf('acme')) ?? {};
    const cursor = Buffer.from(openAudit?.cursor ?? '', 'base64url').toString();
    const [run = ''] = /[0-7][0-9A-HJKMNP-TV-Z]{25}/.exec(cursor) ?? [];
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: tables.data,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': `acme#audit#${run}` },
      }),
    );
    return [...new Set(Items.map((item) => Number(item['auditExpiresAt'])))];
  }
});

describe('turns', () => {
  it('are taken by all, so that a huge tenant holds up nobody', async () => {
    await fill('a-huge', 5 * entitiesMax);
    await fill('b', 2);
    await fill('c', 2);
    const turns: string[] = [];
    const slow: TenantAudit = (tenant, ...rest) => {
      turns.push(tenant);
      clock.advance(nightly.turnMs / 2);
      return audit(tenant, ...rest);
    };
    const endsAt = clock.now() + nightly.reserveMs + 3 * nightly.turnMs - 1;
    const first = await night({ audit: slow, remainingMs: () => endsAt - clock.now() });
    expect(turns).toEqual(['a-huge', 'a-huge', 'b', 'c', 'a-huge', 'a-huge']);
    expect(first).toMatchObject({ tenants: 2, checkedEntities: 4 + 4 * entitiesMax, isFinished: false });
    clock.advance(day);
    turns.length = 0;
    // A full audit that began a night ago is due again when it ends.
    expect(await night({ audit: slow })).toMatchObject({
      tenants: 4,
      checkedEntities: 4 + entitiesMax + 5 * entitiesMax,
      isFinished: true,
    });
    expect(turns.slice(0, 3)).toEqual(['b', 'c', 'a-huge']);
  });

  it('begin with the tenant whose last full audit is oldest', async () => {
    for (const tenant of ['a', 'b', 'c']) await fill(tenant, 1);
    for (const tenant of ['c', 'a', 'b']) {
      await night({ tenants: [tenant] });
      clock.advance(minute);
    }
    clock.advance(day);
    const turns: string[] = [];
    await night({
      audit: (tenant, ...rest) => {
        turns.push(tenant);
        return audit(tenant, ...rest);
      },
    });
    expect(turns).toEqual(['c', 'a', 'b']);
  });

  it('of a tenant whose audit kills the function do not come first again', async () => {
    await fill('a', 1);
    await fill('b', 1);
    const killed = await another();
    const lethal: TenantAudit = (tenant, ...rest) => {
      if (tenant === 'a') {
        intercept(killed.store.client, {
          before: () => {
            throw new Error('killed');
          },
        });
      }
      return killed.audit(tenant, ...rest);
    };
    await expect(night({ ...killed, audit: lethal })).rejects.toThrow('killed');
    clock.advance(nightly.leaseMs);
    const turns: string[] = [];
    await night({
      audit: (tenant, ...rest) => {
        turns.push(tenant);
        return audit(tenant, ...rest);
      },
    });
    expect(turns).toEqual(['b', 'a']);
  });

  it('of two runs at once are each tenant once', async () => {
    for (const tenant of ['a', 'b', 'c', 'd']) await fill(tenant, entitiesMax + 1);
    const both = await Promise.all([night(), night(await another())]);
    const sum = (name: 'tenants' | 'checkedEntities' | 'checkedEntries' | 'problems'): number =>
      both.reduce((total, report) => total + report[name], 0);
    expect([sum('tenants'), sum('checkedEntities'), sum('checkedEntries'), sum('problems')]).toEqual([
      4,
      4 * (entitiesMax + 1),
      8 * (entitiesMax + 1),
      0,
    ]);
    for (const { lastAudit, openAudit } of await records()) {
      expect(lastAudit).toMatchObject({
        checkedEntities: entitiesMax + 1,
        checkedEntries: 2 * (entitiesMax + 1),
        problems: 0,
      });
      expect(openAudit).toBeUndefined();
    }
  });

  it('are taken over from a run that stood still, which then counts nothing', async () => {
    await fill('acme', threePages);
    let wake = (): void => undefined;
    const sleeping = new Promise<void>((resolve) => (wake = resolve));
    let asleep = (): void => undefined;
    const isAsleep = new Promise<void>((resolve) => (asleep = resolve));
    const stalled: TenantAudit = async (tenant, cursor, retention) => {
      const result = await audit(tenant, cursor, retention);
      if (cursor === undefined) return result;
      asleep();
      await sleeping;
      return result;
    };
    const first = night({ audit: stalled });
    await isAsleep;
    clock.advance(nightly.leaseMs);
    const second = await night(await another());
    wake();
    expect(second).toMatchObject({ tenants: 1, checkedEntities: threePages - entitiesMax });
    expect(await first).toMatchObject({ tenants: 0, checkedEntities: entitiesMax, isFinished: true });
    expect((await recordOf('acme'))?.lastAudit).toMatchObject({
      checkedEntities: threePages,
      checkedEntries: 2 * threePages,
    });
  });

  it('are not lost with the answer to a note', async () => {
    await fill('acme', 1);
    const other = await another();
    loseFirstAnswer(other.store.client, 'PutItemCommand');
    expect(await night(other)).toMatchObject({ tenants: 1, isFinished: true });
  });
});

describe('the search for tenants', () => {
  it('reads a bounded part a night, goes on where it was, and nothing twice', async () => {
    const names = Array.from({ length: 24 }, (_, n) => `tenant-${n}`);
    for (const tenant of names) await fill(tenant, 1);
    const other = await another();
    let scans = 0;
    intercept(other.store.client, {
      before: ({ command, input }) => {
        if (command !== 'ScanCommand') return;
        scans += 1;
        (input as { Limit?: number }).Limit = 1;
        clock.advance(tenantSearch.timeMs / 8);
      },
    });
    const found: number[] = [];
    while (found.length < 20 && found.at(-1) !== names.length) {
      found.push((await night(other)).knownTenants);
      clock.advance(minute);
    }
    expect(found[0]).toBeLessThan(names.length / 2);
    expect(found.at(-1)).toBe(names.length);
    expect((await records()).map(({ tenant }) => tenant).sort()).toEqual([...names].sort());
    // One request an item, and one more where a segment ends.
    expect(scans).toBeLessThanOrEqual(names.length + 2 * tenantSearch.segments);
  });

  it('by two runs at once finds each tenant once', async () => {
    for (let n = 0; n < 8; n += 1) await fill(`tenant-${n}`, 1);
    await Promise.all([night(), night(await another())]);
    expect(await records()).toHaveLength(8);
  });
});

describe('what stands', () => {
  it('is a problem until a full audit has ended without it, however many nights that takes', async () => {
    const id = await fill('acme', threePages);
    await book('acme', id, 1);
    expect((await night()).problemsStanding).toBe(1);
    await book('acme', id, -1);
    clock.advance(day);
    let pages = 0;
    const part: TenantAudit = (...input) => {
      pages += 1;
      return audit(...input);
    };
    const open = await night({ audit: part, remainingMs: () => (pages < 1 ? 15 * minute : 0) });
    expect(open).toMatchObject({ problems: 0, problemsStanding: 1, isFinished: false });
    clock.advance(minute);
    expect(await night()).toMatchObject({ tenants: 1, problems: 0, problemsStanding: 0 });
  });

  it('is how long ago the oldest full audit began, of tenants never audited too', async () => {
    await fill('a', 1);
    await fill('b', 1);
    const failing: TenantAudit = (tenant, ...rest) =>
      tenant === 'a' ? Promise.reject(new Error('no data for one')) : audit(tenant, ...rest);
    for (const days of [0, 1, 2]) {
      expect(await night({ audit: failing })).toMatchObject({ oldestAuditSeconds: (days * day) / 1000 });
      clock.advance(day);
    }
    expect(await night()).toMatchObject({ oldestAuditSeconds: 0, isFinished: true });
  });

  it('is how long ago the last search came to its end, since nobody knows who is missing', async () => {
    await fill('a', 1);
    await night();
    const other = await another();
    intercept(other.store.client, {
      before: ({ command }) => {
        if (command === 'ScanCommand') throw new Error('no index');
      },
    });
    clock.advance(2 * day);
    expect(await night(other)).toMatchObject({ tenants: 1, oldestAuditSeconds: (2 * day) / 1000 });
  });
});
