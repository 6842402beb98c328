/** What may be released while entities of the older version live: 20 bad changes and 20 safe ones. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import { amount, integer, secret, text } from '../../functions/core/fields.ts';
import { changesBetween, isSame } from '../../functions/evolution/compare.ts';
import type { Verdict } from '../../functions/evolution/compare.ts';
import { snapshotOf } from '../../functions/evolution/snapshot.ts';
import { lacking, later, members as toy } from '../support/changing-domain.ts';

const floored = {
  dues: {
    unit: 'EUR',
    shown: true,
    statement: true,
    floor: { minimum: 0, code: 'short', otherwise: 'Not paid in.' },
  },
};
/** The toy domain with one of everything. */
const live: Domain = {
  ...toy,
  accounts: floored,
  attributes: toy.attributes.extend({ note: text('a note').optional() }),
  hidden: z.strictObject({ code: z.string().optional() }),
  transitions: {
    ...toy.transitions,
    rate: {
      summary: 'Say how it is',
      from: ['active'],
      to: ['active'],
      input: z.strictObject({ stars: integer(1, 5, 3), word: secret(text('open').optional()) }),
    },
    purge: { summary: 'Forget it', internal: true, from: ['left'], to: ['left'] },
  },
};

const transition = (name: string, change: Partial<AnyTransition>): Partial<Domain> => {
  const was = live.transitions[name];
  if (!was) throw new Error(`there is no "${name}"`);
  return { transitions: { ...live.transitions, [name]: { ...was, ...change } } };
};
const without = (...names: readonly string[]): Domain['transitions'] =>
  Object.fromEntries(Object.entries(live.transitions).filter(([name]) => !names.includes(name)));
const attributes = (shape: z.ZodRawShape, ...gone: readonly string[]): Partial<Domain> => ({
  attributes: z.strictObject(
    Object.fromEntries(
      Object.entries({ ...live.attributes.shape, ...shape }).filter(([name]) => !gone.includes(name)),
    ),
  ),
});
const created = (shape: z.ZodRawShape): Partial<Domain> => ({
  create: { ...live.create, input: z.strictObject(shape) },
});
const unique = (change: object): Partial<Domain> => ({
  unique: [{ ...live.unique?.[0], ...change }] as NonNullable<Domain['unique']>,
});
const deadline = (change: object): Partial<Domain> => ({
  deadline: { ...live.deadline, ...change } as NonNullable<Domain['deadline']>,
});
const paying = (shape: z.ZodRawShape): Partial<Domain> => transition('pay', { input: z.strictObject(shape) });

const bad: Record<string, Domain | Partial<Domain>> = {
  'a required attribute': attributes({ tier: text('gold') }),
  'an attribute removed': attributes({}, 'note'),
  'an attribute renamed': attributes({ fullName: text('Ada') }, 'name'),
  'an attribute hidden': {
    ...attributes({}, 'note'),
    hidden: z.strictObject({ code: z.string().optional(), note: text('a note').optional() }),
  },
  'an attribute of another type': attributes({ note: integer(1, 5, 3).optional() }),
  'an attribute shortened': attributes({ name: text('Ada', 10) }),
  'a hidden attribute removed': lacking(live, 'hidden'),
  'a state removed': {
    states: ['waiting', 'left'],
    transitions: without('join', 'pay', 'rate'),
  },
  'no way out of a state': {
    transitions: {
      ...without('leave', 'rate', 'pay'),
      leave: { ...live.transitions['leave'], from: ['waiting'] } as AnyTransition,
    },
  },
  'a statement kept no more': { accounts: { dues: { ...floored.dues, statement: false } } },
  'an account removed': lacking({ ...live, transitions: without('pay') }, 'accounts'),
  "an account's unit": { accounts: { dues: { ...floored.dues, unit: 'USD' } } },
  'a higher floor': { accounts: { dues: { ...floored.dues, floor: { ...floored.dues.floor, minimum: 5 } } } },
  'an account shown no more': { accounts: { dues: { ...floored.dues, shown: false } } },
  'another id prefix': { idPrefix: 'mem' },
  'another type': { type: 'fellow' },
  'a required field of an input': created({ name: text('Ada'), tier: text('gold') }),
  'a field of an input removed': transition('rate', { input: z.strictObject({ stars: integer(1, 5, 3) }) }),
  'a bound of an input': paying({ amount: integer(1, 100, 10) }),
  'a field that was optional': transition('rate', {
    input: z.strictObject({ stars: integer(1, 5, 3), word: secret(text('open')) }),
  }),
  'a secret that is none any more': transition('rate', {
    input: z.strictObject({ stars: integer(1, 5, 3), word: text('open').optional() }),
  }),
  'a transition that callers ask for removed': { transitions: without('remind') },
  'a transition closed to callers': transition('remind', { internal: true }),
  'the transition of a deadline removed': lacking({ ...live, transitions: without('lapse') }, 'deadline'),
};

const good: Record<string, Domain | Partial<Domain>> = {
  'an optional attribute': attributes({ tier: text('gold').optional() }),
  'an attribute that takes more': attributes({ name: text('Ada', 500) }),
  'a hidden attribute': {
    hidden: z.strictObject({ code: z.string().optional(), more: z.string().optional() }),
  },
  'a hidden attribute shown': {
    ...attributes({ code: z.string().optional() }),
    hidden: z.strictObject({}),
  },
  'a state': {
    states: [...live.states, 'banned'],
    transitions: { ...live.transitions, ban: { summary: 'Out', from: ['active'], to: ['banned'] } },
  },
  'a state that is kept as a former one': {
    states: ['waiting', 'left'],
    formerStates: ['active'],
    transitions: {
      ...live.transitions,
      join: { ...live.transitions['join'], to: ['waiting'] } as AnyTransition,
      rate: { ...live.transitions['rate'], to: ['left'] } as AnyTransition,
      pay: { ...live.transitions['pay'], from: ['waiting'], to: ['waiting'] } as AnyTransition,
    },
    ...unique({ while: ['waiting'] }),
  },
  'another first state': {
    initial: 'active',
    transitions: { ...live.transitions, demote: { summary: 'Wait', from: ['active'], to: ['waiting'] } },
  },
  'a statement of a named account': { statements: ['fees'] },
  'an account': { accounts: { ...floored, points: { unit: 'point' } } },
  'an account shown': { accounts: { ...floored, points: { unit: 'point', shown: true } } },
  'a lower floor': { accounts: { dues: { ...floored.dues, floor: { ...floored.dues.floor, minimum: -5 } } } },
  'no floor': { accounts: { dues: { unit: 'EUR', shown: true, statement: true } } },
  'no unique value': lacking(live, 'unique'),
  'a unique value held in fewer states': unique({ while: ['waiting'] }),
  'no deadline': lacking(live, 'deadline'),
  'another time of a deadline': deadline({
    at: ({ until }: { readonly until: string }) => Date.parse(until) + 1,
  }),
  'an optional field of an input': created({ name: text('Ada'), tier: text('gold').optional() }),
  'a field of an input with a default': created({ name: text('Ada'), tier: text('gold').default('plain') }),
  'an input that takes more': transition('rate', {
    input: z.strictObject({ stars: integer(1, 10, 3), word: secret(text('open').optional()) }),
  }),
  'a field that may be left out': paying({ amount: amount(10).optional() }),
  'a transition': {
    transitions: { ...live.transitions, praise: { summary: 'Well', from: ['active'], to: ['active'] } },
  },
  'a transition opened to callers': transition('purge', { internal: false }),
  'a transition from more states': transition('remind', {
    from: ['waiting', 'active'],
    to: ['waiting', 'active'],
    next: () => 'waiting',
  }),
  'a transition from fewer states': transition('leave', { from: ['active'] }),
  'other messages': transition('join', { messages: [] }),
};

const stepwise: Record<string, Domain | Partial<Domain>> = {
  'a unique value': {
    unique: [...(live.unique ?? []), { name: 'member_note', while: ['active'], of: () => ['x'] }],
  },
  'a unique value in another form': unique({
    of: ({ name }: { readonly name: string }) => [name.toLowerCase()],
  }),
  'a unique value held in more states': unique({ while: ['waiting', 'active', 'left'] }),
  'an attribute required': attributes({ note: text('a note') }),
  'an attribute that may be left out': attributes({ name: text('Ada').optional() }),
  'another transition of a deadline': deadline({ transition: 'leave' }),
  'an internal transition removed': { transitions: without('purge') },
};

const verdictsOf = (next: Domain | Partial<Domain>): readonly Verdict[] => {
  const whole = 'collection' in next ? (next as Domain) : { ...live, ...next };
  return changesBetween(snapshotOf(live), snapshotOf(later({}, whole))).map(({ verdict }) => verdict);
};

describe('evolve', () => {
  it('has at least 20 of each', () => {
    expect([Object.keys(bad).length >= 20, Object.keys(good).length >= 20]).toEqual([true, true]);
  });

  it.each(Object.entries(bad))('refuses %s, and says what to do instead', (_name, next) => {
    const whole = 'collection' in next ? (next as Domain) : { ...live, ...next };
    const changes = changesBetween(snapshotOf(live), snapshotOf(whole));
    expect(changes.map(({ verdict }) => verdict)).toContain('refused');
    for (const { verdict, effect, todo } of changes) {
      expect(effect).toMatch(/\.$/);
      if (verdict !== 'safe') expect(todo).toMatch(/\.$/);
    }
  });

  it.each(Object.entries(good))('lets %s pass', (_name, next) => {
    expect(verdictsOf(next).filter((verdict) => verdict !== 'safe')).toEqual([]);
  });

  it.each(Object.entries(stepwise))('lets %s pass in two steps', (_name, next) => {
    const verdicts = verdictsOf(next);
    expect(verdicts).toContain('two-steps');
    expect(verdicts).not.toContain('refused');
  });

  it('tells two versions that differ by their number alone from others', () => {
    expect(isSame(snapshotOf(live), snapshotOf(later({}, live)))).toBe(true);
    expect(isSame(snapshotOf(live), snapshotOf({ ...live, ...created({ name: text('Ada', 9) }) }))).toBe(
      false,
    );
  });
});
