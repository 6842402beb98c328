import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Domain } from '../../functions/core/definition.ts';
import { integer, text } from '../../functions/core/fields.ts';
import {
  allowedTransitions,
  itemsAtMost,
  messagesOf,
  registerDomains,
} from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { loans } from '../support/toy-domain.ts';

/** A definition that makes sense; each case breaks one thing. */
const lamps: Domain = {
  collection: 'lamps',
  type: 'lamp',
  idPrefix: 'lmp',
  summary: 'A lamp.',
  states: ['off', 'on', 'broken'],
  initial: 'off',
  attributes: z.strictObject({ place: text('hall'), watts: integer(1, 100, 5) }),
  hidden: z.strictObject({ serial: text('1') }),
  accounts: { hours: { unit: 'hour' } },
  unique: [{ name: 'lamp_place', while: ['off', 'on'], of: () => ['hall'] }],
  deadline: { while: ['on'], transition: 'break', at: () => 0 },
  create: { summary: 'Hang it up', input: z.strictObject({}), set: () => ({}) },
  transitions: {
    switch: { summary: 'On', from: ['off'], to: ['on'] },
    break: { summary: 'Break', from: ['off', 'on'], to: ['broken'] },
  },
};

const { transitions, accounts } = lamps;
const on = { summary: '', from: ['off'], to: ['on'] };
const mail = { topic: 'notification', type: 'lamp.on', payload: () => undefined } as const;
const sending = (message: object): Partial<Domain> => ({
  transitions: { ...transitions, dim: { ...on, messages: [{ ...mail, ...message }] } },
});

describe('a definition that makes no sense is refused by name', () => {
  const cases: readonly [fault: string, change: Partial<Domain>, says: RegExp][] = [
    ['a collection that is no path segment', { collection: 'Lamps/' }, /"Lamps\/".*lower-case/],
    ['a collection whose route is taken', { collection: 'messages' }, /"messages".*route is taken/],
    ['an id prefix that is none', { idPrefix: 'l_' }, /id prefix/],
    ['a state twice', { states: ['off', 'on', 'broken', 'on'] }, /state stands twice/],
    [
      'an attribute that may be null',
      { attributes: z.strictObject({ watt: z.number().nullable() }) },
      /attribute "watt" may be null/,
    ],
    [
      'a creation of more messages than a transaction holds',
      { create: { ...lamps.create, messages: [{ ...mail, atMost: 94 }] } },
      /"create" may write 101 items/,
    ],
    ['a state that is no word', { states: ['off', 'on', 'broken', 'a#b'] }, /"a#b"/],
    ['an unknown first state', { initial: 'new' }, /initial state "new"/],
    ['an unreachable state', { states: ['off', 'on', 'broken', 'dim'] }, /"dim" cannot be reached/],
    [
      'a state that only itself leads to',
      {
        states: ['off', 'on', 'broken', 'dim'],
        transitions: { ...transitions, dim: { summary: '', from: ['dim'], to: ['dim'] } },
      },
      /"dim" cannot be reached/,
    ],
    [
      'a transition from nowhere',
      { transitions: { ...transitions, dim: { ...on, from: [] } } },
      /"dim" starts nowhere/,
    ],
    [
      'a transition to nowhere',
      { transitions: { ...transitions, dim: { ...on, to: [] } } },
      /"dim" leads nowhere/,
    ],
    [
      'a transition from an unknown state',
      { transitions: { ...transitions, dim: { ...on, from: ['dusk'] } } },
      /"dim" names "dusk"/,
    ],
    [
      'a transition to an unknown state',
      { transitions: { ...transitions, dim: { ...on, to: ['dusk'] } } },
      /"dim" names "dusk"/,
    ],
    [
      'a choice of ends that nothing decides',
      { transitions: { ...transitions, dim: { ...on, to: ['on', 'off'] } } },
      /"dim" may lead to on or off/,
    ],
    ['a transition named like a route', { transitions: { ...transitions, ledger: on } }, /"ledger"/],
    ['a transition that is no path segment', { transitions: { ...transitions, 'a/b': on } }, /"a\/b"/],
    [
      'more than 100 items by messages',
      {
        transitions: {
          ...transitions,
          dim: {
            ...on,
            messages: [
              { ...mail, atMost: 90 },
              { ...mail, atMost: 4 },
            ],
          },
        },
      },
      /"dim" may write 101 items/,
    ],
    [
      'an internal transition that says who may',
      { transitions: { ...transitions, dim: { ...on, internal: true, role: 'keeper' } } },
      /"dim" is internal, so nobody asks for it/,
    ],
    [
      'a role with a space',
      { create: { ...lamps.create, role: 'store manager' } },
      /"create" wants the role "store manager"; a role has no spaces/,
    ],
    [
      'an authorization on what is not there',
      {
        transitions: {
          ...transitions,
          dim: { ...on, authorize: { x: { actorIs: 'owner', text: '' } } },
        },
      },
      /"x" of "dim" looks at "owner", which is not an attribute/,
    ],
    ['a message that is sent no times', sending({ atMost: 0 }), /"lamp.on" of "dim" is sent 0 times at most/],
    ['a message that is sent half', sending({ atMost: 1.5 }), /"lamp.on" of "dim" is sent 1.5 times at most/],
    ['a receiver that is no name', sending({ receiver: 'A B' }), /"lamp.on" of "dim" goes to "A B"/],
    [
      'an answer that brings about nothing',
      sending({ done: 'fade' }),
      /"lamp.on" of "dim" brings about "fade" when it is done, which is not a transition/,
    ],
    [
      'an answer that a caller could give',
      sending({ refused: 'break' }),
      /"lamp.on" of "dim" brings about "break" when it is refused, which a caller may ask for/,
    ],
    [
      'more than 100 items by moves',
      { transitions: { ...transitions, dim: { ...on, moves: () => [], most: { moves: 24 } } } },
      /"dim" may write 103 items/,
    ],
    [
      'moves that nest',
      { transitions: { ...transitions, dim: { ...on, internal: true, moves: () => [] } } },
      /"dim" is moved by others and moves others/,
    ],
    [
      'a refusal of moves without moves',
      { transitions: { ...transitions, dim: { ...on, moveRefused: { code: 'x', detail: 'x' } } } },
      /"dim".*moves nothing/,
    ],
    [
      'an attribute that hides the status',
      { attributes: z.strictObject({ status: text('x') }) },
      /"status" names two/,
    ],
    [
      'an attribute both shown and hidden',
      { hidden: z.strictObject({ place: text('x') }) },
      /"place" names two/,
    ],
    ['an account named like an attribute', { accounts: { watts: { unit: 'W' } } }, /"watts" names two/],
    ['an account that is no name', { accounts: { 'a:b': { unit: 'W' } } }, /"a:b" cannot be an account/],
    [
      'an account that begins below its floor',
      { accounts: { ...accounts, oil: { unit: 'l', floor: { minimum: 1, code: 'x', detail: 'x' } } } },
      /"oil" begins at 0/,
    ],
    [
      'a unique value held in an unknown state',
      { unique: [{ name: 'u', while: ['dusk'], of: () => [] }] },
      /"u".*"dusk"/,
    ],
    [
      'a unique value held in no state',
      { unique: [{ name: 'u', while: [], of: () => [] }] },
      /"u" is held in no state/,
    ],
    [
      'two unique values of one name',
      { unique: [...(lamps.unique ?? []), ...(lamps.unique ?? [])] },
      /definition "lamps": unique constraint "lamp_place" stands twice/,
    ],
    [
      'a deadline that brings about nothing',
      { deadline: { while: ['on'], transition: 'fade', at: () => 0 } },
      /"fade"/,
    ],
    [
      'a deadline in no state',
      { deadline: { while: [], transition: 'break', at: () => 0 } },
      /waits in no state/,
    ],
    [
      'a deadline where its transition is not allowed',
      { deadline: { while: ['broken'], transition: 'break', at: () => 0 } },
      /waits in "broken", where "break" is not allowed/,
    ],
    [
      'a deadline in an unknown state',
      { deadline: { while: ['dusk'], transition: 'break', at: () => 0 } },
      /waits in "dusk"/,
    ],
    [
      'a deadline whose transition needs input',
      {
        transitions: { ...transitions, break: { ...on, input: z.strictObject({ why: text('x') }) } },
        deadline: { while: ['off'], transition: 'break', at: () => 0 },
        states: ['off', 'on'],
        unique: [],
      },
      /"break", which needs input/,
    ],
  ];

  it.each(cases)('%s', (_fault, change, says) => {
    const broken = { ...lamps, ...change };
    const load = (): unknown => registerDomains([broken]);
    expect(load).toThrow(says);
    expect(load).toThrow(broken.collection);
  });

  it('two definitions of one collection, prefix or unique value, naming both', () => {
    const other: Domain = { ...lamps, collection: 'torches', idPrefix: 'trc', unique: [] };
    expect(() => registerDomains([lamps, other])).not.toThrow();
    expect(() => registerDomains([lamps, { ...other, collection: 'lamps' }])).toThrow(
      /collection "lamps" stands twice/,
    );
    expect(() => registerDomains([lamps, { ...other, idPrefix: 'lmp' }])).toThrow(
      /"lamps" and "torches": id prefix "lmp"/,
    );
    expect(() => registerDomains([lamps, { ...other, unique: lamps.unique ?? [] }])).toThrow(
      /"lamps" and "torches": unique constraint "lamp_place"/,
    );
  });
});

describe('the registry', () => {
  it('takes definitions that make sense', () => {
    expect(registerDomains([lamps]).domains).toHaveLength(1);
    expect(registerDomains([...domains, loans]).domains).toEqual([...domains, loans]);
  });

  it('finds a definition by collection and by the prefix of an id', () => {
    const registry = registerDomains([lamps]);
    expect(registry.find('lamps')).toBe(lamps);
    expect(registry.find('toString')).toBeUndefined();
    expect(registry.ofId('lmp_01JD2X5T9ZK4M8Q7W6V5B3N2HC')).toBe(lamps);
    expect(registry.ofId('lm_01JD2X5T9ZK4M8Q7W6V5B3N2HC')).toBeUndefined();
    expect(registry.ofId('no prefix')).toBeUndefined();
    expect(() => registry.byCollection('torches')).toThrow(/torches/);
  });

  it('offers a caller what is allowed in a state and is a route', () => {
    expect(allowedTransitions(lamps, 'off')).toEqual(['switch', 'break']);
    expect(allowedTransitions(lamps, 'broken')).toEqual([]);
    const payments = registerDomains(domains).byCollection('payments');
    expect(allowedTransitions(payments, 'confirmed')).toEqual(['refund']);
  });

  it('takes 100 items, and answers that are internal transitions', () => {
    const answered = { ...mail, done: 'glow', refused: 'glow', dead: 'glow', receiver: 'grid', atMost: 92 };
    const many: Domain = {
      ...lamps,
      transitions: {
        ...transitions,
        glow: { ...on, from: ['on'], ignoredIn: ['broken'], internal: true },
        dim: { ...on, messages: [mail, answered] },
      },
    };
    expect(itemsAtMost(many, { messages: [mail, answered] })).toBe(100);
    expect(messagesOf(registerDomains([many]).byCollection('lamps'))).toEqual([
      { command: 'dim', message: mail },
      { command: 'dim', message: answered },
    ]);
  });

  it('counts the items of the largest command of the eight domains below the limit', () => {
    const { transitions: of } = registerDomains(domains).byCollection('settlements');
    const confirm = of['confirm'];
    if (!confirm) throw new Error('settlements have no confirm');
    expect(itemsAtMost(registerDomains(domains).byCollection('settlements'), confirm)).toBe(86);
  });
});
