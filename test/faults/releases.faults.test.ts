/**
 * G20: two versions of a definition at work beside each other, in any order, under faults. Each safe change is released
 * into a random history; callers, checker and audit are satisfied with the eyes of both versions.
 */
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Domain } from '../../functions/core/definition.ts';
import { dueBy } from '../../functions/core/deadlines.ts';
import { amount, moment, text } from '../../functions/core/fields.ts';
import { named, own, transfer } from '../../functions/core/postings.ts';
import { dueAttributeNames, dueAttributes } from '../../functions/store/entities/items.ts';
import type { EntityItem } from '../../functions/store/entities/items.ts';
import { later } from '../support/changing-domain.ts';
import { changed, floored, live, safeChanges } from '../support/domain-changes.ts';
import { firstOf } from '../support/faults/checker.ts';
import type { Violation } from '../support/faults/checker.ts';
import { count } from '../support/faults/counts.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { runMixed } from '../support/faults/mixed-versions.ts';
import type { BrokenVersions } from '../support/faults/mixed-versions.ts';
import { edited, kindOf, puts, readsEntities, transactions } from '../support/faults/mutants.ts';
import type { Mutate } from '../support/faults/mutants.ts';
import { seedOf } from '../support/faults/random.ts';

/** Changes whose new part is put to use. */
const used = {
  'an attribute that a creation sets': {
    ...changed.attributes({ tier: text('gold').optional() }),
    create: {
      ...live.create,
      input: z.strictObject({ name: text('Ada'), tier: text('gold').default('plain') }),
      set: (context: { readonly input: { readonly tier: string } }) => ({
        ...live.create.set(context),
        tier: context.input.tier,
      }),
    },
  },
  'an account that is paid into': {
    accounts: { ...floored, points: { unit: 'point', shown: true } },
    transitions: {
      ...live.transitions,
      award: {
        summary: 'Give points',
        from: ['waiting', 'active'],
        to: ['waiting', 'active'],
        input: z.strictObject({ amount: amount(3) }),
        transfers: ({ input }: { readonly input: { readonly amount: number } }) =>
          transfer(named('points', 'club', 'point'), own('points'), input.amount),
      },
    },
  },
  'a deadline at another moment': {
    ...changed.attributes({ trialEnds: moment().optional() }),
    create: {
      ...live.create,
      set: (context: { readonly input: { readonly name: string }; readonly now: number }) => ({
        ...live.create.set(context),
        trialEnds: new Date(context.now + 20 * 60 * 1000).toISOString(),
      }),
    },
    deadlines: { lapse: { while: ['waiting'], at: 'trialEnds' } },
  },
} satisfies Record<string, Partial<Domain>>;

const changes: Record<string, Domain | Partial<Domain>> = { ...safeChanges, ...used };
const first = seedOf();
/** Histories in which a broken build has to show. */
const historiesMax = 8;

/** Releases a change into a history; whatever is violated is that the release changed the past. */
async function release(
  name: string,
  broken: BrokenVersions = {},
  history = 0,
): Promise<readonly Violation[]> {
  const change = changes[name] ?? {};
  const whole = 'collection' in change ? (change as Domain) : { ...live, ...change };
  const seed = first + Object.keys(changes).indexOf(name) + history * Object.keys(changes).length;
  const { faults, violations } = await runMixed({ versions: [live, later({}, whole)], seed, ...broken });
  // What a broken build violates is what it is there for.
  if (Object.keys(broken).length === 0)
    count({ subject: 'releases', what: 'random history', cases: 1, faults, violations: violations.length });
  return violations.map(({ guarantee: number, what, tenant }) => ({
    guarantee: 'G20',
    what: `FAULT_SEED=${first}, ${name}: ${number}: ${what}`,
    tenant,
  }));
}

const entityUpdates = (change: (expression: string) => string): Mutate =>
  transactions((items) =>
    items.map((item) =>
      kindOf(item) === 'entity' && item.Update
        ? edited(item, (part) => ({ ...part, UpdateExpression: change(String(part['UpdateExpression'])) }))
        : item,
    ),
  );
const removing = (path: string): Mutate =>
  entityUpdates((expression) =>
    expression.includes(' REMOVE ') ? `${expression}, ${path}` : `${expression} REMOVE ${path}`,
  );

test.for(Object.keys(safeChanges))('G20 holds while this is released: %s', async (name) => {
  expect((await release(name)).map((violation) => firstOf([violation]))).toEqual([]);
});

const isOfDeadline = (name: string): boolean => dueAttributeNames.some((one) => one === name);
/** What a version waits for by its own definition, instead of what was written. */
const waitingAsToday = (deadlines: Domain['deadlines']): Mutate =>
  readsEntities((item) => {
    const kept = Object.fromEntries(Object.entries(item).filter(([name]) => !isOfDeadline(name)));
    const due = dueBy({ deadlines: deadlines ?? {} }, kept as unknown as EntityItem);
    return { ...kept, ...(due && dueAttributes(String(item['id']), due)) };
  });

/** A body as the schema of a version reads it, with its defaults. */
const parsedFirst: NonNullable<BrokenVersions['reads']> = (domain, { path, body }) => {
  const name = path.split('/')[4];
  const schema = name === undefined ? domain.create.input : domain.transitions[name]?.input;
  return schema ? schema.parse(body) : body;
};

interface Release extends BrokenVersions {
  /** Name of a change. */
  readonly change: string;
}

guarantee<Release>(
  'G20 a release changes no past',
  async (build) => {
    const violations: Violation[] = [];
    // What is broken does not show in every history: one may have nobody in the state that it takes.
    if (build) {
      for (let history = 0; history < historiesMax && violations.length === 0; history += 1)
        violations.push(...(await release(build.change, build, history)));
      return violations;
    }
    for (const name of Object.keys(used)) violations.push(...(await release(name)));
    return violations;
  },
  {
    'the old version drops attributes that it does not know': {
      change: 'an attribute that a creation sets',
      old: removing('attributes.tier'),
    },
    'a unique value is released as today’s definition computes it': {
      change: 'no unique value',
      old: puts('entity', (item) =>
        Object.fromEntries(Object.entries(item).filter(([name]) => name !== 'held' && name !== 'def')),
      ),
    },
    'a timer fires at the time that today’s definition computes': {
      change: 'a deadline at another moment',
      old: waitingAsToday(live.deadlines),
      next: waitingAsToday(used['a deadline at another moment'].deadlines),
    },
    'a payload is hashed after the schema has read it': {
      change: 'a field of an input with a default',
      reads: parsedFirst,
    },
    'the audit asks today’s definition about every entry': {
      change: 'a transition from fewer states',
      audits: (domain) => ({ ...domain, version: 1 }),
    },
    'an entry is told by another version than made it': {
      change: 'other messages',
      old: puts('entry', (item) => ({ ...item, definition: 2 })),
    },
  },
);
