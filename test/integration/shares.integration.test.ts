/** An account of an entity that lies in several items: when it comes to, who finds what it holds, and in which state. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { domains } from '../../functions/domains/index.ts';
import { shareKey } from '../../functions/store/entities/shares.ts';
import { entityKey } from '../../functions/store/keys.ts';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { auditWhole, Tampered } from '../support/audited.ts';
import type { Reply } from '../support/backend.ts';
import { lacking } from '../support/changing-domain.ts';
import { cancelledAt } from '../support/command-processes.ts';
import { injectConflicts } from '../support/contention.ts';
import { layOut } from '../support/laid-out.ts';
import { intercept } from '../support/sdk-faults.ts';
import {
  begin,
  draw,
  draws,
  heldBy,
  items,
  problemsIn,
  spreadVault,
  vaultProcess,
  vaults,
} from '../support/vaults.ts';
import type { VaultProcess } from '../support/vaults.ts';

let here: VaultProcess;
let there: VaultProcess;
beforeAll(async () => {
  here = await vaultProcess();
});
beforeEach(async () => {
  // It remembers nothing.
  there = await vaultProcess({ tables: here.api.tables });
});

const shown = async (vault: string): Promise<unknown> =>
  (await here.api.get(`/v1/vaults/${vault}`)).json['gold'];
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const times = (count: number): readonly number[] => [...new Array(count).keys()];

/** Of the transactions of a draw that meets others twice, the one that shares the gold out. */
const sharingOut = 3;

describe('the gold of a vault', () => {
  it.each([0, 1])('lies in one item while a draw meets others %i times', async (meetings) => {
    const vault = await begin(here, 100);
    here.meet(meetings);
    expect(verdictOf(await draw(here, vault, 1))).toEqual([201, undefined]);
    expect(await heldBy(here, vault)).toEqual([99]);
  });

  it('comes to lie in several, with as much in each, where one meets others there again', async () => {
    const vault = await spreadVault(here, 99);
    const held = await heldBy(here, vault);
    expect(held.toSorted((one, other) => one - other)).toEqual([24, 25, 25, 25]);
    expect(await shown(vault)).toBe(99);
    expect(await problemsIn(here)).toEqual([]);
  });

  it('stays in one where there is not some for each', async () => {
    const vault = await begin(here, items - 1);
    here.meet(2);
    here.made.splice(0);
    expect(verdictOf(await draw(here, vault, 1))).toEqual([201, undefined]);
    // Nothing was moved, so it reads no more than after any race.
    const attempt = ['TransactWrite', 'BatchGet'];
    expect(here.made).toEqual([...attempt, ...attempt, 'TransactWrite']);
    expect(await heldBy(here, vault)).toEqual([items - 2]);
  });

  it('is the sum of all items wherever it is shown', async () => {
    const vault = await spreadVault(here, 99);
    // Those of one process go to an item each.
    for (const _ of times(2)) await Promise.all(times(items).map(() => draw(here, vault, 1)));
    const held = await heldBy(here, vault);
    expect(held.toSorted((one, other) => one - other)).toEqual([22, 23, 23, 23]);
    expect(await shown(vault)).toBe(91);
    const listed = itemsOf(await here.api.get('/v1/vaults?status=open&limit=100'));
    expect(listed.find(({ id }) => id === vault)).toMatchObject({ gold: 91 });
    const balance = await here.api.get(`/v1/balances/${vault}:gold`);
    expect(balance.json).toMatchObject({ unit: 'gold', balance: 91 });
    expect((await here.api.post(`/v1/vaults/${vault}/close`)).json).toMatchObject({ gold: 91 });
  });

  it('is asked for by who knows that it is spread without a read, and after one by who does not', async () => {
    const vault = await spreadVault(here, 99);
    here.made.splice(0);
    for (const _ of times(20)) await draw(here, vault, 1);
    expect(new Set(here.made)).toEqual(new Set(['TransactWrite']));
    there.meet(1);
    await draw(there, vault, 1);
    expect(there.made).toEqual(['TransactWrite', 'BatchGet', 'BatchGet', 'TransactWrite']);
    expect(await shown(vault)).toBe(78);
  });

  it('is drawn by one process from items that none of its transactions is at, so that none meets another', async () => {
    let conflicts = (): number => 0;
    const of = await vaultProcess({
      tables: here.api.tables,
      prepare: (client) => {
        conflicts = injectConflicts(client, { holdMs: 30 }).count;
      },
    });
    const vault = await begin(here, 100);
    await layOut(here.api, 'acme', vault, [25, 25, 25, 25]);
    // It learns by reading.
    of.meet(1);
    await draw(of, vault, 1);
    for (const _ of times(3)) await Promise.all(times(2 * items).map(() => draw(of, vault, 1)));
    expect(conflicts()).toBe(0);
    expect(await shown(vault)).toBe(100 - 1 - 3 * 2 * items);
  });

  it('lets those go on at once that waited for their turn at the one item', async () => {
    const of = await vaultProcess({
      prepare: (client) => {
        injectConflicts(client, { holdMs: 30 });
      },
    });
    const vault = await begin(of, 400);
    const replies = await Promise.all(times(40).map(() => draw(of, vault, 1)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([201]));
    expect(await heldBy(of, vault)).toHaveLength(items);
    expect((await of.api.get(`/v1/vaults/${vault}`)).json).toMatchObject({ gold: 360 });
    expect(await problemsIn(of)).toEqual([]);
  });

  it('is drawn to the last piece, by two processes at once, and no further', async () => {
    const vault = await spreadVault(here, 40);
    const replies = await Promise.all(
      times(30).map((n) => draw([here, there][n % 2] ?? here, vault, 1 + (n % 3))),
    );
    const drawn = replies.flatMap(({ status }, n) => (status === 201 ? [1 + (n % 3)] : []));
    const refused = replies.filter(({ status }) => status !== 201);
    expect(new Set(refused.map(verdictOf).map(String))).toEqual(new Set(['409,too_little']));
    expect(sum(drawn) + Number(await shown(vault))).toBe(40);
    expect(await problemsIn(here)).toEqual([]);
    const left = Number(await shown(vault));
    if (left > 0) expect(verdictOf(await draw(there, vault, left))).toEqual([201, undefined]);
    for (const of of [here, there]) expect(verdictOf(await draw(of, vault, 1))).toEqual([409, 'too_little']);
    expect(await heldBy(here, vault)).toEqual([0, 0, 0, 0]);
  });

  it('is gathered where no item has what all of them have, and what is more is refused', async () => {
    const vault = await spreadVault(here, 100);
    expect(verdictOf(await draw(there, vault, 101))).toEqual([409, 'too_little']);
    expect(verdictOf(await draw(there, vault, 90))).toEqual([201, undefined]);
    expect(await shown(vault)).toBe(10);
    expect(verdictOf(await draw(here, vault, 10))).toEqual([201, undefined]);
    expect(await problemsIn(here)).toEqual([]);
  });

  it('is taken by a command of its own entity beyond what that one has, and not beyond all', async () => {
    const vault = await spreadVault(here, 100);
    const skim = (amount: number) => there.api.post(`/v1/vaults/${vault}/skim`, { sum: amount });
    expect(verdictOf(await skim(101))).toEqual([409, 'too_little']);
    expect((await skim(70)).json).toMatchObject({ gold: 30, version: 2 });
    expect(await shown(vault)).toBe(30);
    expect(await problemsIn(here)).toEqual([]);
  });

  it.each([
    ['the own item', [10, 0, 0, 0]],
    ['another one', [0, 0, 0, 10]],
  ])('is not missed where it goes to %s of a vault whose items are being read', async (_, moved) => {
    const vault = await begin(here, 10);
    await layOut(here.api, 'acme', vault, [0, 10, 0, 0]);
    let reads = 0;
    const slow = await vaultProcess({
      tables: here.api.tables,
      prepare: (client) => {
        intercept(client, {
          before: async ({ command }) => {
            if (command !== 'BatchGetItemCommand') return;
            reads += 1;
            // The first read is of the vault's own item, and the second one of the others.
            if (reads === 2) await layOut(here.api, 'acme', vault, moved);
          },
        });
      },
    });
    expect(verdictOf(await draw(slow, vault, 10))).toEqual([201, undefined]);
    expect(await problemsIn(here)).toEqual([]);
  });

  it('is spread anew where new gold lies in one item and many want it', async () => {
    const vault = await spreadVault(here, 4);
    await here.api.post(`/v1/vaults/${vault}/fill`, { sum: 396 });
    there.meet(2);
    expect(verdictOf(await draw(there, vault, 1))).toEqual([201, undefined]);
    const held = await heldBy(here, vault);
    expect(Math.min(...held)).toBeGreaterThanOrEqual(99);
    expect(sum(held)).toBe(399);
    expect(await problemsIn(here)).toEqual([]);
  });

  it('comes back to any item', async () => {
    const vault = await spreadVault(here, 99);
    const drawn = await draw(here, vault, 5);
    expect((await here.api.post(`/v1/draws/${idOf(drawn)}/return`)).status).toBe(200);
    expect(await shown(vault)).toBe(99);
    expect(await problemsIn(here)).toEqual([]);
  });

  it('is moved under a key once, whatever item a duplicate would come to', async () => {
    const vault = await spreadVault(here, 99);
    const key = 'a-key-of-its-own';
    const replies = await Promise.all([here, there].map((of) => draw(of, vault, 7, { key })));
    expect(replies.map(({ status, json }) => [status, json['id']])).toEqual(
      replies.map(() => [201, replies[0]?.json['id']]),
    );
    expect(await shown(vault)).toBe(92);
  });
});

describe('gold that is drawn while it is being shared out', () => {
  it('is gone, and no item has less than nothing', async () => {
    const vault = await begin(here, 100);
    there.meet(2);
    const most: Reply[] = [];
    there.interrupt(async () => most.push(await draw(here, vault, 90)), sharingOut);
    expect(verdictOf(await draw(there, vault, 1))).toEqual([201, undefined]);
    expect(most.map(verdictOf)).toEqual([[201, undefined]]);
    const held = await heldBy(here, vault);
    expect(Math.min(...held)).toBeGreaterThanOrEqual(0);
    expect(sum(held)).toBe(9);
    expect(await problemsIn(here)).toEqual([]);
  });
});

describe('sharing out that the database does not take', () => {
  const drawnWhere = async (code: string): Promise<unknown> => {
    const vault = await begin(here, 100);
    const of = await vaultProcess({ tables: here.api.tables });
    of.meet(2);
    of.interrupt(() => Promise.reject(cancelledAt([0], code)), sharingOut);
    const { status } = await draw(of, vault, 1);
    return [status, await heldBy(here, vault)];
  };

  it('does not matter where somebody else was faster', async () => {
    expect(await drawnWhere('ConditionalCheckFailed')).toEqual([201, [99]]);
  });

  it('is told as the defect that it is where it can never be taken', async () => {
    expect(await drawnWhere('ValidationError')).toEqual([500, [100]]);
  });
});

describe('the state of a vault', () => {
  it('is on each of its items: once it is closed, nobody draws from any', async () => {
    const vault = await spreadVault(here, 99);
    expect((await there.api.post(`/v1/vaults/${vault}/close`)).status).toBe(200);
    for (const _ of times(8)) expect(verdictOf(await draw(here, vault, 1))).toEqual([409, 'vault_closed']);
    expect(await problemsIn(here)).toEqual([]);
  });

  it('is not left behind on items that are begun while it changes', async () => {
    const vault = await begin(here, 100);
    there.interrupt(async () => {
      here.meet(2);
      expect(verdictOf(await draw(here, vault, 1))).toEqual([201, undefined]);
    });
    expect((await there.api.post(`/v1/vaults/${vault}/close`)).json).toMatchObject({ gold: 99 });
    expect(await heldBy(here, vault)).toHaveLength(items);
    expect(await problemsIn(here)).toEqual([]);
    for (const _ of times(8)) expect(verdictOf(await draw(here, vault, 1))).toEqual([409, 'vault_closed']);
  });

  it('is that of the vault on items that are begun as it changes', async () => {
    const vault = await begin(here, 100);
    there.meet(2);
    there.interrupt(() => here.api.post(`/v1/vaults/${vault}/close`), sharingOut);
    expect(verdictOf(await draw(there, vault, 1))).toEqual([409, 'vault_closed']);
    expect(await heldBy(here, vault)).toEqual([100]);
    expect(await problemsIn(here)).toEqual([]);
  });

  it('is locked on each of its items, also on those that are begun while the lock is taken', async () => {
    const [one, other] = [await spreadVault(here, 99), await begin(here, 100)];
    const lock = (vault: string) => there.api.post(`/v1/vaults/${vault}/lock`, { ttlSeconds: 30 });
    await lock(one);
    there.interrupt(async () => {
      here.meet(2);
      await draw(here, other, 1);
    });
    const { json } = await lock(other);
    for (const vault of [one, other]) {
      expect(await heldBy(here, vault)).toHaveLength(items);
      for (const _ of times(4)) expect(verdictOf(await draw(here, vault, 1))).toEqual([423, 'locked']);
    }
    expect(await problemsIn(here)).toEqual([]);
    const headers = { 'lock-token': String(json['token']) };
    await there.api.post(`/v1/vaults/${other}/unlock`, undefined, { headers });
    expect(verdictOf(await draw(here, other, 1))).toEqual([201, undefined]);
    expect(await problemsIn(here)).toEqual([]);
  });
});

describe('a version of the definition that does not spread it', () => {
  it('posts, reads and closes what another one has spread', async () => {
    const { gold = { unit: 'gold' } } = vaults.accounts ?? {};
    const older = await vaultProcess({
      tables: here.api.tables,
      domains: [{ ...vaults, accounts: { gold: lacking(gold, 'spread') } }, draws],
    });
    const vault = await spreadVault(here, 100);
    const ten = await Promise.all(times(10).map(() => draw(older, vault, 9)));
    expect(ten.map(({ status }) => status)).toEqual(ten.map(() => 201));
    expect((await older.api.get(`/v1/vaults/${vault}`)).json).toMatchObject({ gold: 10 });
    expect(verdictOf(await draw(older, vault, 11))).toEqual([409, 'too_little']);
    expect((await older.api.post(`/v1/vaults/${vault}/close`)).json).toMatchObject({ gold: 10 });
    for (const _ of times(4)) expect(verdictOf(await draw(here, vault, 1))).toEqual([409, 'vault_closed']);
    expect(await problemsIn(here)).toEqual([]);
  });
});

describe('a showing', () => {
  it('with seats is reserved at any of its items, and one without them, too', async () => {
    const of = await vaultProcess({ domains });
    const seats = times(704).map((n) => `S${n}`);
    for (const [capacity, plan] of [[704, { seats }] as const, [704, {}] as const]) {
      const showing = idOf(await of.api.post('/v1/showings', { title: 'Play', capacity, ...plan }));
      const reserve = (n: number) =>
        of.api.post('/v1/reservations', {
          showingId: showing,
          customer: 'ada',
          ...('seats' in plan && { seat: seats[n] }),
        });
      of.meet(2);
      expect((await reserve(0)).status).toBe(201);
      of.made.splice(0);
      for (const n of times(20)) expect((await reserve(n + 1)).status).toBe(201);
      // Where the showing has seats, these are read.
      expect(new Set(of.made).has('BatchGet')).toBe('seats' in plan);
      expect((await of.api.get(`/v1/showings/${showing}`)).json).toMatchObject({ remaining: 683 });
      if ('seats' in plan)
        expect(
          verdictOf(await of.api.post('/v1/reservations', { showingId: showing, customer: 'bob' })),
        ).toEqual([422, 'unprocessable']);
    }
    expect(await problemsIn(of)).toEqual([]);
  });
});

describe('the audit', () => {
  /** A vault of a tenant of its own, over four items, from which was drawn. */
  const laidOut = async () => {
    const data = new Tampered(here.api);
    const vault = await data.create('vaults', { size: 1, sum: 100 });
    await layOut(here.api, data.tenant, vault, [25, 25, 25, 25]);
    for (const sum of [3, 4, 5]) await data.create('draws', { vault, sum });
    const audit = async () => {
      const { problems } = await auditWhole(createAudit(here.api.backend), data.tenant);
      return problems.map(({ problem, entity, account }) => [problem, entity ?? account]);
    };
    return { data, vault, audit, key: shareKey(data.tenant, vault, 'gold', 2) };
  };

  it('finds nothing wrong with an account that lies in several items', async () => {
    expect(await (await laidOut()).audit()).toEqual([]);
  });

  it.each([
    ['holds more', { balance: 90 }, [/^balance_differs: it holds /]],
    [
      'holds no whole number',
      { balance: 0.5 },
      [/^balance_differs/, /^entity_changed: item 2 of "gold" .*: balance$/],
    ],
    ['has another state', { status: 'closed' }, [/^entity_changed: item 2 of "gold" .*: status$/]],
    ['has a lock', { lock: { token: 'x', fence: 9, expiresAt: 1 } }, [/^entity_changed: item 2 .*: lock$/]],
    ['is kept in another unit', { unit: 'silver' }, [/^balance_differs: .* gold and silver/]],
  ])('names the entity one of whose items %s', async (_, change, problems) => {
    const { data, vault, audit, key } = await laidOut();
    await data.change(key, (item) => ({ ...item, ...change }));
    const found = (await audit()).toSorted();
    expect(found).toEqual(problems.map((each): unknown[] => [expect.stringMatching(each), vault]));
  });

  it('names the entity one of whose items is gone, or which has forgotten them', async () => {
    const { data, vault, audit, key } = await laidOut();
    const item = await data.read(key);
    await data.remove(key);
    const shownTo = { tenant: data.tenant };
    expect((await here.api.get(`/v1/vaults/${vault}`, shownTo)).json).toMatchObject({ gold: 100 - 12 - 25 });
    expect((await audit()).map(([problem]) => String(problem).split(':')[0]).toSorted()).toEqual([
      'balance_differs',
      'entity_changed',
    ]);
    await data.write(item);
    expect(await audit()).toEqual([]);
    for (const spread of [{}, { gold: 2 }, { gold: 1_000_000_000 }, { gold: 'four' }]) {
      await data.change(entityKey(data.tenant, vault), (entity) => ({ ...entity, spread }));
      expect((await audit()).length).toBeGreaterThan(0);
    }
  });
});
