import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asRead } from '../../functions/core/as-read.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { integer, moment, prose, text } from '../../functions/core/fields.ts';
import { many } from '../../functions/core/others.ts';
import { named, transfer } from '../../functions/core/postings.ts';
import type { NamedAccount } from '../../functions/core/postings.ts';
import type { AnyRule } from '../../functions/core/rules.ts';
import { itemsAtMost } from '../../functions/core/bounds.ts';
import { allowedTransitions, messagesOf, registerDomains } from '../../functions/core/registry.ts';
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
  attributes: z.strictObject({ place: text('hall'), watts: integer(1, 100, 5), until: moment().optional() }),
  hidden: z.strictObject({ serial: text('1') }),
  accounts: { hours: { unit: 'hour' } },
  unique: [{ name: 'lamp_place', while: ['off', 'on'], of: () => ['hall'] }],
  deadlines: { break: { while: ['on'], at: 'until' } },
  create: { summary: 'Hang it up', input: z.strictObject({}), set: () => ({}) },
  transitions: {
    switch: { summary: 'On', from: ['off'], to: ['on'] },
    break: { summary: 'Break', from: ['off', 'on'], to: ['broken'] },
  },
};

const { transitions, accounts } = lamps;
const on = { summary: '', from: ['off'], to: ['on'] };
const mail = { topic: 'notification', type: 'lamp.on', payload: () => undefined } as const;
const linking = (link: object): Partial<Domain> => ({
  transitions: {
    ...transitions,
    dim: { ...on, links: { other: { of: 'self', id: () => [], transition: 'switch', ...link } } },
  },
});
const creating = (creation: object): Partial<Domain> => ({
  transitions: {
    ...transitions,
    dim: { ...on, creates: { other: { of: 'self', input: () => ({}), ...creation } } },
  },
});
const ruled = (rule: object): Partial<Domain> => ({
  transitions: { ...transitions, dim: { ...on, rules: { x: { otherwise: '', ...rule } } } },
});
const posting = (account: NamedAccount): Partial<Domain> => ({
  transitions: {
    ...transitions,
    tip: { ...on, transfers: () => transfer(named('guest', 'hall', account.unit), account, 1) },
  },
});
/** As an author writes it. */
function read(change: object): Domain {
  const { initial: _, ...written } = lamps;
  return asRead({
    ...written,
    attributes: {},
    hidden: {},
    accounts: {},
    unique: {},
    deadlines: {},
    ...change,
  });
}
const stays = (transition: object): Domain =>
  read({
    formerStates: ['dusk'],
    transitions: { ...transitions, dim: { summary: '', from: ['off'], ...transition } },
  });
const closing = (open: object) => ({
  unit: 'hour',
  open: { while: ['on'], code: 'dark', otherwise: 'It is dark.', ...open },
});
const exampled = (example: object, more: object = {}): Partial<Domain> => ({
  create: {
    ...more,
    summary: 'Hang it up',
    input: z.strictObject({ place: text('hall') }),
    example,
    rules: {
      too_dark: {
        holds: ({ input }: { input: { place: string } }) => input.place !== 'cellar',
        otherwise: 'Nobody would see it there.',
      },
      not_yours: {
        holds: ({ actor }: { actor: string }) => actor !== 'mallory' && actor !== 'alice',
        otherwise: 'It is not yours.',
      },
    },
    set: () => ({}),
  },
});
const waiting = (deadline: object): Partial<Domain> => ({
  deadlines: { break: { while: ['on'], at: 'until', ...deadline } },
});
const sending = (message: object): Partial<Domain> => ({
  transitions: { ...transitions, dim: { ...on, messages: [{ ...mail, ...message }] } },
});

describe('a definition that makes no sense is refused by name', () => {
  const cases: readonly [fault: string, change: Partial<Domain>][] = [
    ['a collection that is no path segment', { collection: 'Lamps/' }],
    ['a collection whose route is taken', { collection: 'messages' }],
    ['an id prefix that is none', { idPrefix: 'l_' }],
    ['a state twice', { states: ['off', 'on', 'broken', 'on'] }],
    ['an attribute that may be null', { attributes: z.strictObject({ watt: z.number().nullable() }) }],
    [
      'a creation of more messages than a transaction holds',
      { create: { ...lamps.create, messages: [{ ...mail, atMost: 96 }] } },
    ],
    ['a state that is no word', { states: ['off', 'on', 'broken', 'a#b'] }],
    ['an unknown first state', { initial: 'new' }],
    ['an unreachable state', { states: ['off', 'on', 'broken', 'dim'] }],
    [
      'a state that only itself leads to',
      {
        states: ['off', 'on', 'broken', 'dim'],
        transitions: { ...transitions, dim: { summary: '', from: ['dim'], to: ['dim'] } },
      },
    ],
    ['a transition from nowhere', { transitions: { ...transitions, dim: { ...on, from: [] } } }],
    ['a transition to nowhere', { transitions: { ...transitions, dim: { ...on, to: [] } } }],
    [
      'a transition from an unknown state',
      { transitions: { ...transitions, dim: { ...on, from: ['dusk'] } } },
    ],
    ['a transition to an unknown state', { transitions: { ...transitions, dim: { ...on, to: ['dusk'] } } }],
    [
      'a choice of ends that nothing decides',
      { transitions: { ...transitions, dim: { ...on, to: ['on', 'off'] } } },
    ],
    ['a transition that stays in a former state', stays({ from: ['off', 'dusk'] })],
    ['a transition to a former state', stays({ to: ['dusk'] })],
    ['a choice among ends that are not named', stays({ next: () => 'off' })],
    ['a choice where each state has its end', stays({ to: { off: 'on' }, next: () => 'off' })],
    ['a state whose end is not said', stays({ from: ['off', 'on'], to: { off: 'on' } })],
    ['an end of a state that it does not start from', stays({ to: { off: 'on', on: 'off' } })],
    ['an end that is no state', stays({ to: { off: 'bright' } })],
    ['no states', read({ states: [] })],
    ['a transition named like a route', { transitions: { ...transitions, ledger: on } }],
    ['a transition that is no path segment', { transitions: { ...transitions, 'a/b': on } }],
    [
      'more than 100 items by messages',
      {
        transitions: {
          ...transitions,
          dim: {
            ...on,
            messages: [
              { ...mail, atMost: 92 },
              { ...mail, atMost: 4 },
            ],
          },
        },
      },
    ],
    [
      'an internal transition that says who may',
      { transitions: { ...transitions, dim: { ...on, internal: true, role: 'keeper' } } },
    ],
    [
      'an internal transition with an example',
      {
        transitions: { ...transitions, dim: { ...on, internal: true, example: { input: () => ({}) } } },
      },
    ],
    [
      'a step before an example that is no transition',
      { transitions: { ...transitions, dim: { ...on, example: { after: ['lit'] } } } },
    ],
    [
      'a step before an example that is of no collection',
      { transitions: { ...transitions, dim: { ...on, example: { after: ['rooms/enter'] } } } },
    ],
    [
      'a step before a creation that comes after it',
      { create: { ...lamps.create, example: { after: ['lamps/switch'] } } },
    ],
    [
      'steps after which a rule refuses that are no transitions',
      {
        transitions: {
          ...transitions,
          dim: { ...on, rules: { lit: { holds: () => true, otherwise: 'No.', refusedAfter: ['lit'] } } },
        },
      },
    ],
    [
      'steps after which a creation refuses',
      {
        create: {
          ...lamps.create,
          rules: { dark: { holds: () => true, otherwise: 'No.', refusedAfter: ['switch'] } },
        },
      },
    ],
    ['a list by what is no attribute', { listed: ['colour'] }],
    ['a list by what is hidden', { hidden: z.strictObject({ maker: z.string() }), listed: ['maker'] }],
    ['a list by what is no text', { listed: ['watts'] }],
    [
      'a list by what a list is asked for anyway',
      { attributes: z.strictObject({ limit: z.string() }), listed: ['limit'] },
    ],
    ['a list twice', { attributes: z.strictObject({ maker: z.string() }), listed: ['maker', 'maker'] }],
    ['a fixed attribute that is not there', { fixed: ['height'] }],
    ['a fixed attribute twice', { fixed: ['place', 'place'] }],
    ['a spread of one item', { spread: { tips: 1 } }],
    ['a spread over more items than one request reads', { spread: { tips: 101 } }],
    ['a spread of half an item', { spread: { tips: 2.5 } }],
    ['a spread of one account', { spread: { 'tips:hall': 8 } }],
    ['an account of an entity over one item', { accounts: { hours: { unit: 'hour', spread: 1 } } }],
    ['an account of an entity over 33 items', { accounts: { hours: { unit: 'hour', spread: 33 } } }],
    ['an account of an entity over half an item', { accounts: { hours: { unit: 'hour', spread: 2.5 } } }],
    [
      'an account that is spread in what an attribute says',
      {
        attributes: z.strictObject({ ...lamps.attributes.shape, per: text('hour') }),
        accounts: { hours: { unit: { from: 'per' }, spread: 8 } },
      },
    ],
    [
      'a rule on an account that is spread',
      { accounts: { hours: { unit: 'hour', spread: 8 } }, ...ruled({ path: 'hours', atLeast: 1 }) },
    ],
    [
      'four accounts whose items have the state of their entity, which one transaction writes',
      {
        accounts: Object.fromEntries(
          ['a', 'b', 'c', 'd'].map((key) => [key, { unit: 'hour', spread: 32 }] as const),
        ),
      },
    ],
    [
      'a spread of what has a floor',
      {
        spread: { tips: 8 },
        ...posting(named('tips', 'hall', 'EUR', { minimum: 0, code: 'short', otherwise: '' })),
      },
    ],
    [
      'a spread of what does not tell its unit by its name',
      { spread: { tips: 8 }, ...posting({ name: 'tips:hall', unit: 'EUR' }) },
    ],
    [
      'a creation by whom no field names',
      exampled({}, { authorize: { x: { actorIs: 'owner', otherwise: '' } } }),
    ],
    ['an example that its schema does not allow', exampled({ input: () => ({ place: 7 }) })],
    ['an example that a rule refuses', exampled({ input: () => ({ place: 'cellar' }) })],
    ['an example of somebody who may not', exampled({ actor: () => 'mallory' })],
    [
      'an example without the role that its creation wants',
      exampled({ roles: ['visitor'] }, { role: 'keeper' }),
    ],
    ['a role with a space', { create: { ...lamps.create, role: 'store manager' } }],
    [
      'an authorization on what is not there',
      {
        transitions: {
          ...transitions,
          dim: { ...on, authorize: { x: { actorIs: 'owner', otherwise: '' } } },
        },
      },
    ],
    ['a rule on what is not there', ruled({ path: 'colour', is: 'red' })],
    ['a rule on a state that is none', ruled({ path: 'status', is: 'dusk' })],
    ['a rule without a test', ruled({ path: 'watts' })],
    ['a rule until what is no moment', ruled({ until: 'watts' })],
    ['a rule since a moment and of another test', ruled({ since: 'until', path: 'watts', atLeast: 1 })],
    [
      'a rule until a moment that is not there yet',
      { create: { ...lamps.create, rules: { x: { until: 'until', otherwise: '' } } } },
    ],
    ['a rule until a moment of another entity', linking({ rules: { x: { until: 'until', otherwise: '' } } })],
    ['a rule of two tests', ruled({ path: 'watts', atLeast: 1, atMost: 2 })],
    [
      'a rule on an entity that is not there yet',
      { create: { ...lamps.create, rules: { x: { path: 'watts', is: 1, otherwise: '' } as AnyRule } } },
    ],
    [
      'a rule on what another entity has not',
      linking({ rules: { x: { path: 'colour', is: 'red', otherwise: '' } } }),
    ],
    ['an attribute that is always there anyway', { always: { watts: ['on'] } }],
    ['an attribute that is always there and nowhere', { always: { colour: ['on'] } }],
    [
      'an attribute that is always there in an unknown state',
      {
        attributes: z.strictObject({ since: text('x').optional() }),
        always: { since: ['dusk'] },
      },
    ],
    [
      'attributes that no item holds',
      {
        attributes: z.strictObject(
          Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [name, prose('x')])),
        ),
      },
    ],
    [
      'more bytes than a transaction holds',
      { attributes: z.strictObject({ a: prose('x'), b: prose('x') }), ...sending({ atMost: 40 }) },
    ],
    [
      'an input that lets unknown fields pass',
      { create: { ...lamps.create, input: z.object({ place: text('hall') }) } },
    ],
    ['a message that is sent no times', sending({ atMost: 0 })],
    ['a message that is sent half', sending({ atMost: 1.5 })],
    ['a receiver that is no name', sending({ receiver: 'A B' })],
    ['an answer that brings about nothing', sending({ done: 'fade' })],
    ['an answer that a caller could give', sending({ refused: 'break' })],
    ['more than 100 items by linked transitions', linking({ of: many('self', 25) })],
    ['links that nest', linking({ transition: 'dim' })],
    ['a link to no transition', linking({ transition: 'fade' })],
    ['a link into a domain that is not there', linking({ of: { ...lamps, collection: 'torches' } })],
    ['more than 100 items by what it creates', creating({ of: many('self', 33) })],
    ['what is created in a domain that is not there', creating({ of: { ...lamps, collection: 'torches' } })],
    [
      'creations that nest',
      {
        create: { ...lamps.create, creates: { other: { of: 'self', input: () => ({}) } } },
        ...creating({}),
      },
    ],
    ['a word that a definition has not', { status: 'off' } as object],
    ['a creation that begins in a state that is none', { create: { ...lamps.create, to: ['dusk'] } }],
    ['a creation that begins nowhere', { create: { ...lamps.create, to: [] } }],
    ['a creation that begins in either of two', { create: { ...lamps.create, to: ['off', 'on'] } }],
    ['a creation that chooses among none', { create: { ...lamps.create, to: [], next: () => 'off' } }],
    [
      'a creation that begins in a former state',
      { formerStates: ['dusk'], create: { ...lamps.create, to: ['dusk'] } },
    ],
    ['a creation without a route that no command makes', { create: { ...lamps.create, internal: true } }],
    [
      'a creation without a route that says who may',
      { create: { ...lamps.create, internal: true, role: 'keeper' }, ...creating({}) },
    ],
    ['a misspelt role', { transitions: { ...transitions, dim: { ...on, roles: 'janitor' } as never } }],
    ['a rule with a word too many', ruled({ path: 'place', is: 'hall', unless: 'on' })],
    [
      'a message to nobody',
      { transitions: { ...transitions, dim: { ...on, messages: [{ ...mail, to: 'ada' } as never] } } },
    ],
    ['a link in other words', linking({ name: 'switch' })],
    ['an account with a limit', { accounts: { hours: { unit: 'hour', minimum: 0 } as never } }],
    ['a deadline after a time', waiting({ after: 'P1D' })],
    ['an attribute that hides the status', { attributes: z.strictObject({ status: text('x') }) }],
    ['an attribute both shown and hidden', { hidden: z.strictObject({ place: text('x') }) }],
    ['an account named like an attribute', { accounts: { watts: { unit: 'W' } } }],
    ['an account that is no name', { accounts: { 'a:b': { unit: 'W' } } }],
    ['a statement of what is no role', { statements: ['payer:ada'] }],
    [
      'an account that begins below its floor',
      { accounts: { ...accounts, oil: { unit: 'l', floor: { minimum: 1, code: 'x', otherwise: 'x' } } } },
    ],
    ['an account that is open in an unknown state', { accounts: { hours: closing({ while: ['dusk'] }) } }],
    ['an account in a unit that no attribute says', { accounts: { hours: { unit: { from: 'plase' } } } }],
    ['an account in a unit that may be missing', { accounts: { hours: { unit: { from: 'until' } } } }],
    ['an account that is never open', { accounts: { hours: closing({ while: [] }) } }],
    ['a unique value held in an unknown state', { unique: [{ name: 'u', while: ['dusk'], of: () => [] }] }],
    ['a unique value of what is not there', read({ unique: { u: { while: ['on'], of: ['colour'] } } })],
    ['a unique value held in no state', { unique: [{ name: 'u', while: [], of: () => [] }] }],
    ['a deadline that brings about nothing', { deadlines: { fade: { while: ['on'], at: 'until' } } }],
    ['a deadline in no state', waiting({ while: [] })],
    ['a deadline where its transition is not allowed', waiting({ while: ['broken'] })],
    ['a deadline in an unknown state', waiting({ while: ['dusk'] })],
    ['a deadline at no attribute', waiting({ at: 'untill' })],
    ['a deadline at what is no moment', waiting({ at: 'place' })],
    ['a deadline that comes again since no moment', waiting({ every: 'month', since: 'watts' })],
    ['a deadline that comes again since never', waiting({ every: 'month' })],
    ['a deadline that comes again nobody knows when', waiting({ since: 'until' })],
    ['a deadline that comes again in a period that is none', waiting({ every: 'moon', since: 'until' })],
    [
      'a deadline whose transition needs input',
      {
        transitions: { ...transitions, break: { ...on, input: z.strictObject({ why: text('x') }) } },
        ...waiting({ while: ['off'] }),
        states: ['off', 'on'],
        unique: [],
      },
    ],
  ];

  it('each says where, what was found and what would be right', async () => {
    const told = cases.map(([fault, change]) => {
      try {
        registerDomains([{ ...lamps, ...change }]);
        return `${fault}\n  TAKEN`;
      } catch (error) {
        return `${fault}\n  ${(error as Error).message}`;
      }
    });
    expect(told.filter((text) => text.includes('TAKEN'))).toEqual([]);
    await expect(`${told.join('\n\n')}\n`).toMatchFileSnapshot('load-errors.txt');
  });

  it('a word that follows from another one, which says it', () => {
    expect(() => read({ initial: 'on' })).toThrow(
      'definition "lamps", initial: it is the first of "states"; put that state first',
    );
    expect(() => stays({ leads: { off: 'on' } })).toThrow(
      'definition "lamps", transition "dim", leads: say the end for each state in "to"',
    );
  });

  it('two definitions of one collection, prefix or unique value, naming both', () => {
    const other: Domain = { ...lamps, collection: 'torches', idPrefix: 'trc', unique: [] };
    expect(() => registerDomains([lamps, other])).not.toThrow();
    expect(() => registerDomains([lamps, { ...other, collection: 'lamps' }])).toThrow(
      /definitions "lamps" and "lamps" both are called "lamps"/,
    );
    expect(() => registerDomains([lamps, { ...other, idPrefix: 'lmp' }])).toThrow(
      /"lamps" and "torches" both begin their ids with "lmp"/,
    );
    expect(() =>
      registerDomains([
        { ...lamps, spread: { tips: 8 } },
        { ...other, spread: { tips: 8 } },
      ]),
    ).toThrow(/"lamps" and "torches" both spread "tips", which is one for all/);
    expect(() => registerDomains([lamps, { ...other, unique: lamps.unique ?? [] }])).toThrow(
      /"lamps" and "torches" both have a unique value "lamp_place"/,
    );
  });
});

describe('the registry', () => {
  it('takes a spread over 2 and over 100 items, and knows it for all domains', () => {
    const registry = registerDomains([
      { ...lamps, ...posting(named('tips', 'hall', 'EUR')), spread: { tips: 2, jar: 100 } },
    ]);
    expect(['tips:hall:EUR', 'jar::EUR', 'tip:hall:EUR', 'tips', ''].map(registry.spreadOf)).toEqual([
      2, 100, 1, 1, 1,
    ]);
  });

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

  it('takes an example that somebody may send, and leaves one that others have a say in to the tests', () => {
    const taken = (given: Partial<Domain>) => () => registerDomains([{ ...lamps, ...given }]);
    expect(taken(exampled({ input: () => ({ place: 'attic' }) }))).not.toThrow();
    expect(taken(exampled({}, { role: 'keeper' }))).not.toThrow();
    const reads = { other: { of: 'self', id: () => 'lmp_1' } } as const;
    const actor = ({ others }: { others: { other: { place: string } } }) => others.other.place;
    expect(taken(exampled({ actor }, { reads }))).not.toThrow();
  });

  it('offers a caller what is allowed in a state and is a route', () => {
    expect(allowedTransitions(lamps, 'off')).toEqual(['switch', 'break']);
    expect(allowedTransitions(lamps, 'broken')).toEqual([]);
    const payments = registerDomains(domains).byCollection('payments');
    expect(allowedTransitions(payments, 'confirmed')).toEqual(['refund']);
  });

  it('takes 100 items, and answers that are internal transitions', () => {
    const answered = { ...mail, done: 'glow', refused: 'glow', dead: 'glow', receiver: 'grid', atMost: 94 };
    const sendingMany: Domain = {
      ...lamps,
      transitions: {
        ...transitions,
        glow: { ...on, from: ['on'], ignoredIn: ['broken'], internal: true },
        dim: { ...on, messages: [mail, answered] },
      },
    };
    expect(itemsAtMost(sendingMany, { summary: '', messages: [mail, answered] })).toBe(100);
    expect(messagesOf(registerDomains([sendingMany]).byCollection('lamps'))).toEqual([
      { command: 'dim', message: mail },
      { command: 'dim', message: answered },
    ]);
  });

  it('counts the items of the largest command of the eight domains below the limit', () => {
    const { transitions: of } = registerDomains(domains).byCollection('settlements');
    const confirm = of['confirm'];
    if (!confirm) throw new Error('settlements have no confirm');
    expect(itemsAtMost(registerDomains(domains).byCollection('settlements'), confirm)).toBe(84);
  });
});
