/** How older entities become newer ones: shown at once, written with their next command, or by `migrate`. */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { migrate } from '../../functions/commands/migrate.ts';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import type { Migrated } from '../../functions/commands/migrate.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend } from '../support/backend.ts';
import { later, members } from '../support/changing-domain.ts';
import { conflictAt } from '../support/command-processes.ts';
import { renamed } from '../support/renamed-domain.ts';
import { intercept } from '../support/sdk-faults.ts';

const tenant = 'acme';
const pathOf = ({ headers }: Reply): string => headers['location'] ?? '';
const scan = ({ backend: { store } }: TestBackend) =>
  store.client.send(new ScanCommand({ TableName: store.tables.data, ConsistentRead: true }));
const audited = async (api: TestBackend): Promise<unknown> =>
  (await auditWhole(createAudit(api.backend), tenant)).problems;

async function versions(): Promise<{ readonly before: TestBackend; readonly after: TestBackend }> {
  const before = await startBackend({ domains: [members] });
  return { before, after: await startBackend({ domains: [renamed], tables: before.tables }) };
}

async function migrated(api: TestBackend, dryRun?: boolean): Promise<Omit<Migrated, 'looked'>> {
  const sum = { older: 0, migrated: 0, left: [] as Migrated['left'][number][] };
  for await (const page of migrate(api.backend, { collection: 'members', ...(dryRun && { dryRun }) })) {
    sum.older += page.older;
    sum.migrated += page.migrated;
    sum.left.push(...page.left);
  }
  return sum;
}

describe('an older entity', () => {
  it('is shown as the newest version has it, and written so with its next command', async () => {
    const { before, after } = await versions();
    const path = pathOf(await before.post('/v1/members', { name: 'Ada' }));
    expect((await after.get(path)).json).toMatchObject({
      status: 'new',
      version: 1,
      fullName: 'Ada',
      allowedTransitions: ['ask', 'join', 'leave'],
    });
    expect((await after.get(path)).json).not.toHaveProperty('name');
    const asked = await after.post(`${path}/ask`);
    expect([asked.status, asked.json['status'], asked.json['fullName']]).toEqual([200, 'asked', 'Ada']);
    const { json } = await after.get(`${path}/ledger`);
    expect(json['items']).toMatchObject([
      { command: 'create', to: 'waiting' },
      { command: 'ask', from: 'waiting', to: 'asked' },
    ]);
    expect(await audited(after)).toEqual([]);
  });

  it('that stays in its state by a command changes its list with it', async () => {
    const { before, after } = await versions();
    const path = pathOf(await before.post('/v1/members', { name: 'Ada' }));
    expect(await migrated(after)).toEqual({ older: 1, migrated: 1, left: [] });
    const listed = (await after.get('/v1/members?status=new')).json['items'] as { id: string }[];
    expect(listed.map(({ id }) => `/v1/members/${id}`)).toEqual([path]);
    expect((await after.get('/v1/members?status=waiting')).json['items']).toEqual([]);
  });
});

describe('migrate', () => {
  it('counts without a change, then upgrades each by a command of its own, and again nothing', async () => {
    const { before, after } = await versions();
    for (const name of ['Ada', 'Bob', 'Cleo']) await before.post('/v1/members', { name });
    await after.post('/v1/members', { name: 'Dora' });
    expect(await migrated(after, true)).toEqual({ older: 3, migrated: 0, left: [] });
    expect(await migrated(after)).toEqual({ older: 3, migrated: 3, left: [] });
    expect(await migrated(after)).toEqual({ older: 0, migrated: 0, left: [] });
    expect(await audited(after)).toEqual([]);
    // The old form of the name is free, and the new one is held.
    expect(verdictOf(await after.post('/v1/members', { name: 'ADA' }))).toEqual([409, 'already_exists']);
  });

  it('goes page by page, and tells what each came to', async () => {
    const { before, after } = await versions();
    for (const name of ['Ada', 'Bob', 'Cleo']) await before.post('/v1/members', { name });
    await after.post('/v1/members', { name: 'Dora' });
    const pages: Migrated[] = [];
    for await (const page of migrate(after.backend, { collection: 'members', pageEntities: 1 }))
      pages.push(page);
    const found = pages.filter(({ looked }) => looked > 0);
    expect(found.map(({ looked }) => looked)).toEqual([1, 1, 1, 1]);
    expect(found.map((page) => page.migrated).toSorted()).toEqual([0, 1, 1, 1]);
  });

  it('takes an entity from each version to the next, once each', async () => {
    const { before, after } = await versions();
    const path = pathOf(await before.post('/v1/members', { name: 'Ada' }));
    const upgrades = {
      ...renamed.upgrades,
      2: ({ fullName, ...rest }: Record<string, unknown>) => ({
        ...rest,
        fullName: `${String(fullName)} L.`,
      }),
    };
    const newest = await startBackend({ domains: [later({ upgrades }, renamed)], tables: before.tables });
    expect(await migrated(after)).toEqual({ older: 1, migrated: 1, left: [] });
    expect(await migrated(newest)).toEqual({ older: 1, migrated: 1, left: [] });
    const { items } = (await newest.get(`${path}/ledger`)).json as { items: object[] };
    expect(items).toMatchObject([
      { command: 'create' },
      { command: 'upgrade', actor: 'system:migrate', to: 'new' },
      { command: 'upgrade', actor: 'system:migrate', to: 'new' },
    ]);
    expect((await newest.get(path)).json).toMatchObject({ version: 3, fullName: 'Ada L.' });
  });

  it('has nothing left to do where a command came first', async () => {
    const { before, after } = await versions();
    const path = pathOf(await before.post('/v1/members', { name: 'Ada' }));
    let asked: Promise<Reply> | undefined;
    const late = await startBackend({
      ...{ domains: [renamed], tables: before.tables },
      prepare: (client) => {
        intercept(client, {
          before: async ({ command }) => {
            if (!command.startsWith('Scan')) await (asked ??= after.post(`${path}/ask`));
          },
        });
      },
    });
    expect(await migrated(late)).toEqual({ older: 1, migrated: 1, left: [] });
    expect((await asked)?.status).toBe(200);
    expect((await after.get(path)).json).toMatchObject({ status: 'asked', version: 2 });
  });

  it('names those that a lock or others keep it from', async () => {
    const { before, after } = await versions();
    const path = pathOf(await before.post('/v1/members', { name: 'Ada' }));
    const crowded = await startBackend({
      ...{ domains: [renamed], tables: before.tables },
      waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }),
      prepare: (client) => {
        intercept(client, {
          before: ({ command }) => {
            if (command.startsWith('TransactWrite')) throw conflictAt(1);
          },
        });
      },
    });
    const id = path.split('/').at(-1);
    const left = (code: string) => ({ older: 1, migrated: 0, left: [{ tenant, id, code }] });
    expect(await migrated(crowded)).toEqual(left('contended'));
    expect((await after.post(`${path}/lock`, { ttlSeconds: 300 })).status).toBe(200);
    expect(await migrated(after)).toEqual(left('locked'));
  });

  it('sets the deadline anew', async () => {
    const { before, after } = await versions();
    const { json } = await before.post('/v1/members', { name: 'Ada' });
    await migrated(after);
    const { Items = [] } = await scan(after);
    const due = Items.find(({ sk, id }) => sk === 'entity' && id === json['id']);
    expect(due?.['dueAt']).toBe(Date.parse(String(json['until'])) + 60_000);
    expect(await audited(after)).toEqual([]);
  });

  it('names those whose unique value is held by another, and takes it once it is free', async () => {
    const { before, after } = await versions();
    const [one, other] = [
      await before.post('/v1/members', { name: 'Ada' }),
      await before.post('/v1/members', { name: 'ada' }),
    ];
    const first = await migrated(after);
    expect([first.older, first.migrated, first.left.map(({ code }) => code)]).toEqual([
      2,
      1,
      ['already_exists'],
    ]);
    const [left] = first.left;
    const holder = left?.id === idOf(one) ? other : one;
    expect(verdictOf(await after.post(`${pathOf(holder)}/leave`))).toEqual([200, undefined]);
    expect(await migrated(after)).toEqual({ older: 1, migrated: 1, left: [] });
    expect(await audited(after)).toEqual([]);
  });
});
