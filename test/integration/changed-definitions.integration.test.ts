/** A definition changes while its entities live: what was written is what counts, for the old version and the new. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createAudit } from '../../functions/audit/audit.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import type { Domain, UniqueValue } from '../../functions/core/definition.ts';
import { amount, moment, text } from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { createRunScheduledTransition } from '../../functions/workers/scheduled-transition.ts';
import { verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend } from '../support/backend.ts';
import { lacking, later, members } from '../support/changing-domain.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';

const tenant = 'acme';

interface Versions {
  readonly before: TestBackend;
  readonly after: TestBackend;
  readonly clock: TestClock;
  /** What the audit finds, with the eyes of both. */
  readonly problems: () => Promise<unknown>;
}

/** Two versions of a definition at work on one store. */
async function bothAtWork(old: Domain, next: Domain): Promise<Versions> {
  const clock = createTestClock();
  const before = await startBackend({ clock, domains: [old] });
  const after = await startBackend({ clock, domains: [next], tables: before.tables });
  const seenBy = async (api: TestBackend): Promise<unknown> =>
    (await auditWhole(createAudit(api.backend), tenant)).problems;
  return {
    before,
    after,
    clock,
    problems: async () => [await seenBy(before), await seenBy(after)],
  };
}

const none = [[], []];
const pathOf = ({ headers }: Reply): string => headers['location'] ?? '';
const called = (name: string) => ({ name });
const unique = (change: Partial<UniqueValue<string, { readonly name: string }>>) => [
  {
    name: 'member_name',
    while: ['waiting', 'active'],
    of: ({ name }: { readonly name: string }) => [name],
    ...change,
  },
];

/** Pays into another entity's account, which it does not read. */
const gifts = defineDomain({
  collection: 'gifts',
  type: 'gift',
  idPrefix: 'gft',
  summary: 'A gift for a member.',
  states: ['given'],
  attributes: { member: text('mbr_1'), amount: amount(5) },
  create: {
    summary: 'Give',
    input: { member: text('mbr_1'), amount: amount(5) },
    set: ({ input }) => input,
    transfers: ({ input }) =>
      transfer(named('bank', 'club', 'EUR'), accountOf(members, input.member, 'dues'), input.amount),
  },
  transitions: {},
});

describe('a unique value', () => {
  it('that was added is not asked of older entities when they leave', async () => {
    const { before, after, problems } = await bothAtWork(lacking(members, 'unique'), later({}));
    const path = pathOf(await before.post('/v1/members', called('Ada')));
    expect(verdictOf(await after.post(`${path}/join`))).toEqual([200, undefined]);
    expect(verdictOf(await after.post(`${path}/leave`))).toEqual([200, undefined]);
    expect(await problems()).toEqual(none);
  });

  it('that is normalised in another way is released as it was taken', async () => {
    const lowerCase = later({ unique: unique({ of: ({ name }) => [name.toLowerCase()] }) });
    const { before, after, problems } = await bothAtWork(members, lowerCase);
    const path = pathOf(await before.post('/v1/members', called('Ada')));
    expect(verdictOf(await after.post(`${path}/join`))).toEqual([200, undefined]);
    expect(verdictOf(await before.post('/v1/members', called('Ada')))).toEqual([409, 'already_exists']);
    expect(verdictOf(await after.post(`${path}/leave`))).toEqual([200, undefined]);
    expect(verdictOf(await before.post('/v1/members', called('Ada')))).toEqual([201, undefined]);
    expect(await problems()).toEqual(none);
  });

  it('that the new version took is released by the old one, which does not know it', async () => {
    const { before, after, problems } = await bothAtWork(lacking(members, 'unique'), later({}));
    const path = pathOf(await after.post('/v1/members', called('Ada')));
    await before.post(`${path}/join`);
    expect(verdictOf(await after.post('/v1/members', called('Ada')))).toEqual([409, 'already_exists']);
    expect(verdictOf(await before.post(`${path}/leave`))).toEqual([200, undefined]);
    expect(verdictOf(await after.post('/v1/members', called('Ada')))).toEqual([201, undefined]);
    expect(await problems()).toEqual(none);
  });

  it('is held on in the states in which it was taken, and in those that were added', async () => {
    const narrow = later({ unique: unique({ while: ['waiting'] }) });
    for (const [old, next] of [
      [members, narrow],
      [lacking(narrow, 'version'), later({})],
    ] as const) {
      const { before, after, problems } = await bothAtWork(old, next);
      const path = pathOf(await before.post('/v1/members', called('Ada')));
      await after.post(`${path}/join`);
      expect(verdictOf(await after.post('/v1/members', called('Ada')))).toEqual([409, 'already_exists']);
      await after.post(`${path}/leave`);
      expect(verdictOf(await before.post('/v1/members', called('Ada')))).toEqual([201, undefined]);
      expect(await problems()).toEqual(none);
    }
  });
});

describe('an account', () => {
  it('that was added counts as 0 for older entities, and the old version leaves it as it is', async () => {
    const { before, after, problems } = await bothAtWork(
      lacking(later({ transitions: without('pay') }), 'accounts', 'version'),
      later({}),
    );
    const created = await before.post('/v1/members', called('Ada'));
    const path = pathOf(created);
    expect((await after.get(path)).json['dues']).toBe(0);
    expect(verdictOf(await after.post(`${path}/pay`, { amount: 7 }))).toEqual([200, undefined]);
    await before.post(`${path}/join`);
    expect((await after.post(`${path}/pay`, { amount: 3 })).json['dues']).toBe(10);
    const account = `/v1/balances/${String(created.json['id'])}:dues`;
    expect((await before.get(account)).json).toMatchObject({ unit: 'EUR', balance: 10 });
    expect(await problems()).toEqual(none);
  });

  it('that was added to a definition without any is moved by other entities too', async () => {
    const old = { ...lacking({ ...members, transitions: without('pay') }, 'accounts'), version: 1 };
    const clock = createTestClock();
    const before = await startBackend({ clock, domains: [old] });
    const after = await startBackend({ clock, domains: [later({}), gifts], tables: before.tables });
    const created = await before.post('/v1/members', called('Ada'));
    const member = String(created.json['id']);
    for (const each of [4, 5])
      expect(verdictOf(await after.post('/v1/gifts', { member, amount: each }))).toEqual([201, undefined]);
    expect(verdictOf(await after.post(`${pathOf(created)}/pay`, { amount: 1 }))).toEqual([200, undefined]);
    expect((await after.get(pathOf(created))).json['dues']).toBe(10);
    expect((await auditWhole(createAudit(after.backend), tenant)).problems).toEqual([]);
  });

  it('that is open in fewer states refuses what was possible, also of an entity that an upgrade would lead elsewhere', async () => {
    const only = (...states: readonly string[]): Partial<Domain> => ({
      accounts: {
        dues: { unit: 'EUR', open: { while: states, code: 'not_open', otherwise: 'It is shut.' } },
      },
    });
    const renamed: Partial<Domain> = {
      ...only('asking', 'active'),
      states: ['asking', 'active', 'left'],
      formerStates: ['waiting'],
      initial: 'asking',
      deadlines: {},
      unique: [],
      upgrades: {
        1: (older) => ({ ...older, status: older['status'] === 'waiting' ? 'asking' : older['status'] }),
      },
      transitions: {
        ask: { summary: 'Ask', from: ['waiting', 'asking'], to: ['active'] },
        leave: { summary: 'Leave', from: ['active'], to: ['left'] },
      },
    };
    const clock = createTestClock();
    const before = await startBackend({ clock, domains: [members, gifts] });
    const of = (change: Partial<Domain>): Promise<TestBackend> =>
      startBackend({ clock, domains: [later(change), gifts], tables: before.tables });
    const [shut, after] = [await of(only('active')), await of(renamed)];
    const member = String((await before.post('/v1/members', called('Ada'))).json['id']);
    const give = async (api: TestBackend) => verdictOf(await api.post('/v1/gifts', { member, amount: 5 }));
    expect(await give(before)).toEqual([201, undefined]);
    expect(await give(shut)).toEqual([409, 'not_open']);
    // The database looks at what is stored: the older state, until the entity is written again.
    expect(await give(after)).toEqual([409, 'not_open']);
    expect(verdictOf(await after.post(`/v1/members/${member}/ask`))).toEqual([200, undefined]);
    expect(await give(after)).toEqual([201, undefined]);
    expect(verdictOf(await after.post(`/v1/members/${member}/leave`))).toEqual([200, undefined]);
    expect(await give(after)).toEqual([409, 'not_open']);
  });

  it('whose unit was changed is moved in the unit in which it was begun, or not at all', async () => {
    const { pay } = members.transitions;
    if (!pay) throw new Error('the definition has changed');
    const dollars = later({
      accounts: { dues: { unit: 'USD', shown: true } },
      transitions: {
        ...members.transitions,
        pay: {
          ...pay,
          transfers: ({ input }: { input: { amount: number } }) =>
            transfer(named('bank', 'club', 'USD'), own('dues'), input.amount),
        },
      },
    });
    const { before, after, problems } = await bothAtWork(members, dollars);
    const created = await before.post('/v1/members', called('Ada'));
    const path = pathOf(created);
    await before.post(`${path}/pay`, { amount: 10 });
    expect(verdictOf(await after.post(`${path}/pay`, { amount: 10 }))).toEqual([409, 'unit_differs']);
    const account = `/v1/balances/${String(created.json['id'])}:dues`;
    expect((await after.get(account)).json).toMatchObject({ unit: 'EUR', balance: 10 });
    expect(await problems()).toEqual(none);
  });
});

function without(...names: readonly string[]): Domain['transitions'] {
  return Object.fromEntries(Object.entries(members.transitions).filter(([name]) => !names.includes(name)));
}

describe('a deadline', () => {
  const timer = async (api: TestBackend, entity: unknown, dueAt: number): Promise<string> =>
    createRunScheduledTransition(api.backend)({
      tenant,
      collection: 'members',
      entity: String(entity),
      transition: 'lapse',
      dueAt,
    });
  it('that was changed fires at the time that was written', async () => {
    const next = later({
      attributes: members.attributes.extend({ trialEnds: moment().optional() }),
      deadlines: { lapse: { while: ['waiting'], at: 'trialEnds' } },
    });
    const { before, after, clock, problems } = await bothAtWork(members, next);
    const { id, until } = (await before.post('/v1/members', called('Ada'))).json;
    const dueAt = Date.parse(String(until));
    expect(await problems()).toEqual(none);
    clock.moveTo(dueAt + 1);
    expect(await timer(after, id, dueAt)).toBe('done');
    expect((await after.get(`/v1/members/${String(id)}`)).json['status']).toBe('left');
    expect(await problems()).toEqual(none);
  });

  it('that was added leaves older entities alone that lack what it is made of', async () => {
    const old = lacking(members, 'deadlines');
    const next = later({
      attributes: members.attributes.extend({ trialEnds: moment().optional() }),
      deadlines: { lapse: { while: ['waiting'], at: 'trialEnds' } },
    });
    const { before, after, problems } = await bothAtWork(old, next);
    const path = pathOf(await before.post('/v1/members', called('Ada')));
    expect(verdictOf(await after.post(`${path}/remind`))).toEqual([200, undefined]);
    expect(await problems()).toEqual(none);
  });

  it('that the new version set is left to it by the old one, which does not know it, and ends with its state', async () => {
    const old = later({ transitions: without('lapse') }, lacking(members, 'deadlines'));
    const { before, after, clock, problems } = await bothAtWork(lacking(old, 'version'), later({}));
    const [one, other] = [
      (await after.post('/v1/members', called('Ada'))).json,
      (await after.post('/v1/members', called('Bob'))).json,
    ];
    await before.post(`/v1/members/${String(one['id'])}/remind`);
    await before.post(`/v1/members/${String(other['id'])}/join`);
    expect(await problems()).toEqual(none);
    clock.moveTo(Date.parse(String(other['until'])) + 1);
    expect(await timer(before, one['id'], Date.parse(String(one['until'])))).toBe('retry');
    expect(await timer(after, one['id'], Date.parse(String(one['until'])))).toBe('done');
    expect(await timer(after, other['id'], Date.parse(String(other['until'])))).toBe('not_needed');
    expect(await problems()).toEqual(none);
  });
});

describe('a key', () => {
  it('gives its answer when the schema of its input has got a field with a default', async () => {
    const input = z.strictObject({ name: text('Ada'), tier: text('gold').default('plain') });
    const next = later({ create: { ...members.create, input } });
    const { before, after } = await bothAtWork(members, next);
    const key = randomUUID();
    const first = await before.post('/v1/members', called('Ada'), { key });
    const again = await after.post('/v1/members', called('Ada'), { key });
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(verdictOf(await after.post('/v1/members', { name: 'Ada', tier: 'gold' }, { key }))).toEqual([
      422,
      'idempotency_key_reused',
    ]);
  });
});

describe('the audit', () => {
  it('asks older entries for no message that was added, and the new ones for it', async () => {
    const { join } = members.transitions;
    if (!join) throw new Error('the definition has changed');
    const payload = () => ({ to: 'club', subject: 'In', text: 'In.' });
    const more = ['member.joined', 'member.news'].map(
      (type) => ({ topic: 'notification', type, payload }) as const,
    );
    const next = later({ transitions: { ...members.transitions, join: { ...join, messages: more } } });
    const { before, after, problems } = await bothAtWork(members, next);
    await before.post(`${pathOf(await before.post('/v1/members', called('Ada')))}/join`);
    await after.post(`${pathOf(await before.post('/v1/members', called('Bob')))}/join`);
    expect(await problems()).toEqual(none);
  });

  it('follows older entries by what they say, where a transition was renamed or removed', async () => {
    const { join } = members.transitions;
    if (!join) throw new Error('the definition has changed');
    const next = later({ transitions: { ...without('join', 'remind'), admit: join } });
    const { before, after, problems } = await bothAtWork(members, next);
    const path = pathOf(await before.post('/v1/members', called('Ada')));
    await before.post(`${path}/remind`);
    await before.post(`${path}/join`);
    await after.post(`${pathOf(await before.post('/v1/members', called('Bob')))}/admit`);
    expect(await problems()).toEqual(none);
  });

  it('takes the first entry at its own word for which fields were attributes', async () => {
    const attributes = members.attributes.extend({ tier: text('gold') });
    const input = z.strictObject({ name: text('Ada'), tier: text('gold').default('plain') });
    const set = ({ input: { name, tier } }: { input: { name: string; tier: string } }) => ({
      name,
      tier,
      until: '2030-01-01T00:00:00.000Z',
    });
    // The old version takes the field and keeps it to itself; the new one keeps it as an attribute.
    const old = { ...members, create: { ...members.create, input } };
    const next = later({ attributes, create: { ...members.create, input, set } });
    const { before, after, problems } = await bothAtWork(old, next);
    const [one, other] = [
      pathOf(await before.post('/v1/members', { name: 'Ada', tier: 'gold' })),
      pathOf(await after.post('/v1/members', { name: 'Bob', tier: 'gold' })),
    ];
    await after.post(`${one}/remind`);
    await before.post(`${other}/remind`);
    expect((await after.get(other)).json['tier']).toBe('gold');
    expect(await problems()).toEqual(none);
  });
});

describe('a state that was removed', () => {
  it('is kept as a former one: entities in it are listed, audited, and led out', async () => {
    const { leave } = members.transitions;
    if (!leave) throw new Error('the definition has changed');
    const next = later({
      states: ['waiting', 'left'],
      formerStates: ['active'],
      transitions: {
        remind: members.transitions['remind'],
        leave,
        lapse: members.transitions['lapse'],
      } as never,
      unique: unique({ while: ['waiting'] }) as never,
    });
    const { before, after, problems } = await bothAtWork(members, next);
    const path = pathOf(await before.post('/v1/members', called('Ada')));
    await before.post(`${path}/pay`, { amount: 5 });
    await before.post(`${path}/join`);
    const listed = async (query: string): Promise<unknown> =>
      ((await after.get(`/v1/members${query}`)).json['items'] as { status: string }[]).map(
        ({ status }) => status,
      );
    expect([await listed(''), await listed('?status=active')]).toEqual([['active'], ['active']]);
    expect(await problems()).toEqual(none);
    expect((await after.get(path)).json['allowedTransitions']).toEqual(['leave']);
    expect(verdictOf(await after.post(`${path}/leave`))).toEqual([200, undefined]);
    expect(await problems()).toEqual(none);
  });
});
