/** The guide of `functions/domains/README.md`, step by step: how a domain changes while its entities live. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createAudit } from '../../functions/audit/audit.ts';
import { migrate } from '../../functions/commands/migrate.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { moment, text } from '../../functions/core/fields.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { mayNotBeDeployed, releaseOver } from '../../functions/evolution/release.ts';
import { snapshotOf } from '../../functions/evolution/snapshot.ts';
import { surveyed } from '../../infra/tools/evolve/survey.ts';
import type { Survey } from '../../infra/tools/evolve/survey.ts';
import { verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { lacking, later, members } from '../support/changing-domain.ts';
import { renamed } from '../support/renamed-domain.ts';

const tenant = 'acme';

/** What `evolve` says of a release; whether it may be. */
const mayRelease = (before: Domain, after: Domain): boolean =>
  !releaseOver([snapshotOf(before)], [after]).some(mayNotBeDeployed);

const release = (over: TestBackend, domain: Domain): Promise<TestBackend> =>
  startBackend({ domains: [domain], tables: over.tables });

async function create(api: TestBackend, name: string): Promise<string> {
  const reply = await api.post('/v1/members', { name });
  expect(verdictOf(reply)).toEqual([201, undefined]);
  return reply.headers['location'] ?? '';
}

async function migrateAll(api: TestBackend): Promise<unknown> {
  let [migrated, left] = [0, 0];
  for await (const page of migrate(api.backend, { collection: 'members' })) {
    migrated += page.migrated;
    left += page.left.length;
  }
  return { migrated, left };
}

async function look({ backend }: TestBackend, domain: Domain): Promise<Survey | undefined> {
  let seen: Survey | undefined;
  for await (seen of surveyed({ ...backend, registry: registerDomains([domain]) }));
  return seen;
}

const problems = async (api: TestBackend): Promise<unknown> =>
  (await auditWhole(createAudit(api.backend), tenant)).problems;

describe('the guide', () => {
  it('renames an attribute: both names are written, then the old one goes, then the rest is migrated', async () => {
    const both = later({
      attributes: members.attributes.extend({ fullName: text('Ada').optional() }),
      create: {
        ...members.create,
        set: (context: { readonly input: { readonly name: string } }) => ({
          ...members.create.set(context),
          fullName: context.input.name,
        }),
      },
    });
    const one = later(
      {
        attributes: z.strictObject({ fullName: text('Ada'), until: moment() }),
        unique: [
          {
            name: 'member_name',
            while: ['waiting', 'active'],
            of: ({ fullName }: { readonly fullName: string }) => [fullName],
          },
        ],
        upgrades: { 2: ({ name, fullName = name, until }) => ({ fullName, until }) },
        create: {
          ...members.create,
          set: (context) => {
            const { name, until } = members.create.set(context) as Readonly<Record<string, unknown>>;
            return { fullName: name, until };
          },
        },
      },
      both,
    );
    expect([mayRelease(members, both), mayRelease(both, one)]).toEqual([true, true]);
    const first = await startBackend({ domains: [members] });
    const ada = await create(first, 'Ada');
    const second = await release(first, both);
    const bob = await create(second, 'Bob');
    const third = await release(first, one);
    for (const [path, name] of [
      [ada, 'Ada'],
      [bob, 'Bob'],
    ] as const) {
      const { json } = await third.get(path);
      expect([json['fullName'], 'name' in json]).toEqual([name, false]);
    }
    expect(await migrateAll(third)).toEqual({ migrated: 2, left: 0 });
    expect(verdictOf(await third.post(`${ada}/leave`))).toEqual([200, undefined]);
    expect((await look(third, one))?.stranded).toEqual({});
    expect(await problems(third)).toEqual([]);
  });

  it('splits a state: it is kept as a former one, migrated, and goes when none is in it', async () => {
    const gone = later({ formerStates: [] }, renamed);
    expect(mayRelease(renamed, gone)).toBe(true);
    const first = await startBackend({ domains: [members] });
    const path = await create(first, 'Ada');
    const second = await release(first, renamed);
    expect((await look(second, lacking(gone, 'upgrades')))?.stranded).toHaveProperty([
      'members: is in "waiting", a state that is gone',
    ]);
    expect(await migrateAll(second)).toEqual({ migrated: 1, left: 0 });
    const seen = await look(second, gone);
    expect([seen?.stranded, seen?.ledgers.problems]).toEqual([{}, {}]);
    const third = await release(first, gone);
    expect((await third.get(path)).json['status']).toBe('new');
    expect(verdictOf(await third.post(`${path}/join`))).toEqual([200, undefined]);
    expect(await problems(third)).toEqual([]);
  });

  it('adds a unique value: it binds new entities, then `migrate` takes those of older ones', async () => {
    const old = lacking(members, 'unique');
    const next = later({ unique: members.unique as NonNullable<Domain['unique']> }, old);
    expect(mayRelease(old, next)).toBe(true);
    const before = await startBackend({ domains: [old] });
    const [ada] = [await create(before, 'Ada'), await create(before, 'Bob'), await create(before, 'Bob')];
    const after = await release(before, next);
    await create(after, 'Cyd');
    expect(verdictOf(await after.post('/v1/members', { name: 'Cyd' }))).toEqual([409, 'already_exists']);
    // Two hold the same one: the second is named, and waits for the first to leave.
    expect(await migrateAll(after)).toEqual({ migrated: 2, left: 1 });
    expect(verdictOf(await after.post('/v1/members', { name: 'Ada' }))).toEqual([409, 'already_exists']);
    expect((await look(after, next))?.stranded).toMatchObject({
      'members: its "member_name" is held by another': { count: 1 },
    });
    await after.post(`${ada}/leave`);
    await create(after, 'Ada');
    expect(await problems(after)).toEqual([]);
  });

  it('retires a transition: a rule refuses it, then it goes, and the past stays in order', async () => {
    const { remind, ...rest } = members.transitions;
    if (!remind) throw new Error('the definition has changed');
    const rules = { retired: { holds: () => false, otherwise: 'Nobody is reminded any more.' } };
    const refusing = later({ transitions: { ...rest, remind: { ...remind, rules } } });
    const without = later({ transitions: rest }, refusing);
    // The second one is agreed to by `--anyway`.
    expect([mayRelease(members, refusing), mayRelease(refusing, without)]).toEqual([true, false]);
    const first = await startBackend({ domains: [members] });
    const path = await create(first, 'Ada');
    expect(verdictOf(await first.post(`${path}/remind`))).toEqual([200, undefined]);
    const second = await release(first, refusing);
    expect(verdictOf(await second.post(`${path}/remind`))).toEqual([409, 'retired']);
    const third = await release(first, without);
    expect((await third.post(`${path}/remind`)).status).toBe(404);
    expect((await look(third, without))?.ledgers).toMatchObject({
      steps: { 'members: remind from waiting to waiting': 1 },
      problems: {},
    });
    expect(await problems(third)).toEqual([]);
  });
});
