import { expect, test } from 'vitest';
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, reference, text } from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { exampleOf } from '../../functions/docs/example-order.ts';

const jars = defineDomain({
  collection: 'jars',
  type: 'jar',
  idPrefix: 'jar',
  summary: 'A jar that others fill.',
  states: ['closed', 'open'],
  attributes: { owner: text('alice') },
  accounts: {
    filled: { unit: 'EUR', floor: { minimum: 0, code: 'too_empty', otherwise: 'There is less in it.' } },
  },
  create: { summary: 'Put a jar up', input: {}, set: ({ actor }) => ({ owner: actor }) },
  transitions: {
    open: {
      summary: 'Take 800 out',
      from: ['closed'],
      to: ['open'],
      transfers: () => transfer(own('filled'), named('taken', 'jars', 'EUR'), 800),
    },
  },
});

const gift = { jar: reference('jars', 'jar'), amount: amount(400) };
const gifts = defineDomain({
  collection: 'gifts',
  type: 'gift',
  idPrefix: 'gif',
  summary: 'What somebody puts into a jar.',
  states: ['given'],
  attributes: gift,
  create: {
    summary: 'Give',
    input: gift,
    set: ({ input }) => input,
    transfers: ({ input }) =>
      transfer(named('given', 'gifts', 'EUR'), accountOf(jars, input.jar, 'filled'), input.amount),
  },
  transitions: {},
});

test('what others have to post comes before an example, as often as it takes', () => {
  const { after } = exampleOf(registerDomains([jars, gifts]), jars, 'open');
  expect(after?.map(({ domain, name }) => `${domain.type} ${name}`)).toEqual([
    'jar create',
    'gift create',
    'gift create',
  ]);
});

test('a value that only one may hold is held by one example alone', () => {
  const once = [{ name: 'gift_of_jar', while: ['given'] as const, of: (of: { jar: string }) => [of.jar] }];
  const { after } = exampleOf(registerDomains([jars, { ...gifts, unique: once }]), jars, 'open');
  expect(after).toBeUndefined();
});

test('whom an entity names sends what only they may', () => {
  const mine = { not_yours: { actorIs: 'owner', otherwise: 'It is not yours.' } } as const;
  const desks = defineDomain({
    collection: 'desks',
    type: 'desk',
    idPrefix: 'dsk',
    summary: 'A desk of somebody.',
    states: ['free', 'left'],
    attributes: { owner: text('dora') },
    create: { summary: 'Give somebody a desk', input: { owner: text('dora') } },
    transitions: { leave: { summary: 'Leave it', authorize: mine, from: ['free'], to: ['left'] } },
  });
  const { after, actor } = exampleOf(registerDomains([desks]), desks, 'leave');
  expect(after?.map(({ name }) => name)).toEqual(['create']);
  expect(actor).toBe('dora');
});
