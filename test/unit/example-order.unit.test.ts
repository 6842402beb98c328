import { expect, test } from 'vitest';
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, count, reference, text } from '../../functions/core/fields.ts';
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

test('what its definition says goes before an example comes before it, each with what leads to it', () => {
  const coffers = defineDomain({
    collection: 'coffers',
    type: 'coffer',
    idPrefix: 'cof',
    summary: 'A coffer that work fills.',
    states: ['shut', 'ajar'],
    attributes: { turns: count(0) },
    accounts: {
      filled: { unit: 'EUR', floor: { minimum: 0, code: 'too_empty', otherwise: 'There is less in it.' } },
    },
    create: { summary: 'Put it up', input: {}, set: () => ({ turns: 0 }) },
    transitions: {
      open: { summary: 'Open it', from: ['shut'], to: ['ajar'] },
      shut: {
        summary: 'Shut it',
        from: ['ajar'],
        to: ['shut'],
        set: ({ entity }) => ({ turns: entity.turns + 1 }),
      },
      empty: {
        summary: 'Take 800 out, after three turns',
        from: ['shut'],
        rules: { stuck: { path: 'turns', atLeast: 3, otherwise: 'It has to be moved first.' } },
        transfers: () => transfer(own('filled'), named('taken', 'coffers', 'EUR'), 800),
        example: { after: ['shut', 'shut', 'shut', 'tasks/finish', 'tasks/finish'] },
      },
    },
  });
  const task = { coffer: reference('coffers', 'cof') };
  const tasks = defineDomain({
    collection: 'tasks',
    type: 'task',
    idPrefix: 'tsk',
    summary: 'Work.',
    states: ['begun', 'finished'],
    attributes: task,
    create: { summary: 'Begin it', input: task },
    transitions: {
      finish: {
        summary: 'Finish it',
        from: ['begun'],
        to: ['finished'],
        transfers: ({ entity }) =>
          transfer(named('wages', 'house', 'EUR'), accountOf(coffers, entity.coffer, 'filled'), 400),
      },
    },
  });
  const { after } = exampleOf(registerDomains([coffers, tasks]), coffers, 'empty');
  expect(after?.map(({ domain, name }) => `${domain.type} ${name}`)).toEqual([
    'coffer create',
    ...['coffer open', 'coffer shut', 'coffer open', 'coffer shut', 'coffer open', 'coffer shut'],
    ...['task create', 'task finish', 'task create', 'task finish'],
  ]);
});

test('what others have to post once they are moved on comes before an example', () => {
  const work = defineDomain({
    collection: 'work',
    type: 'work',
    idPrefix: 'wrk',
    summary: 'Work that fills a jar when it is done.',
    states: ['begun', 'done'],
    attributes: gift,
    create: { summary: 'Begin', input: gift },
    transitions: {
      finish: {
        summary: 'Finish it',
        from: ['begun'],
        to: ['done'],
        transfers: ({ entity }) =>
          transfer(named('wages', 'house', 'EUR'), accountOf(jars, entity.jar, 'filled'), entity.amount),
      },
    },
  });
  const { after } = exampleOf(registerDomains([jars, work]), jars, 'open');
  expect(after?.map(({ domain, name }) => `${domain.type} ${name}`)).toEqual([
    'jar create',
    ...['work create', 'work finish', 'work create', 'work finish'],
  ]);
});
