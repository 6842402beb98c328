/** Changes of a small domain that may be released in one step, while entities of the older version live. */
import { z } from 'zod';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import { amount, integer, secret, text } from '../../functions/core/fields.ts';
import { lacking, members as toy } from './changing-domain.ts';

export const floored = {
  dues: {
    unit: 'EUR',
    shown: true,
    statement: true,
    floor: { minimum: 0, code: 'short', otherwise: 'Not paid in.' },
  },
};
const opened = (...states: readonly string[]) => ({
  ...floored.dues,
  open: { while: states, code: 'gone', otherwise: 'It is no member any more.' },
});
/** The toy domain with one of everything. */
export const live: Domain = {
  ...toy,
  accounts: floored,
  spread: { fees: 8 },
  fixed: ['code'],
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
const paying = (shape: z.ZodRawShape): Partial<Domain> => transition('pay', { input: z.strictObject(shape) });

/** Changes in few words. */
export const changed = { attributes, created, opened, paying, transition, unique, without };

export const safeChanges: Record<string, Domain | Partial<Domain>> = {
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
  'several first states': {
    create: { ...live.create, to: ['waiting', 'active'], next: () => 'active' },
  },
  'a statement of a named account': { statements: ['fees'] },
  'a list by an attribute': { listed: ['name'] },
  'an account': { accounts: { ...floored, points: { unit: 'point' } } },
  'an account shown': { accounts: { ...floored, points: { unit: 'point', shown: true } } },
  'an account open in more states': { accounts: { dues: opened('waiting', 'active', 'left') } },
  'a lower floor': { accounts: { dues: { ...floored.dues, floor: { ...floored.dues.floor, minimum: -5 } } } },
  'no floor': { accounts: { dues: { unit: 'EUR', shown: true, statement: true } } },
  'no unique value': lacking(live, 'unique'),
  'a unique value held in fewer states': unique({ while: ['waiting'] }),
  'no deadline': lacking(live, 'deadlines'),
  'another deadline': { deadlines: { ...live.deadlines, leave: { while: ['waiting'], at: 'until' } } },
  'another transition of a deadline': { deadlines: { leave: { while: ['waiting'], at: 'until' } } },
  'a deadline that comes again': {
    deadlines: { lapse: { while: ['waiting'], at: 'until', every: 'month', since: 'until' } },
  },
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
