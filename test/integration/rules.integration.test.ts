/** A rule is evaluated by the server and compiled for the database: on any item, both say the same. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fingerprint, holds } from '../../functions/core/rules.ts';
import type { Test } from '../../functions/core/rules.ts';
import { Expression } from '../../functions/store/transaction/expression.ts';
import { startBackend } from '../support/backend.ts';

// Few of each, so that they often meet.
const word = fc.constantFrom('a', 'b', 'size', '#a', 'ä😀');
const number = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);
const path = fc.constantFrom('text', 'number', 'list', 'flag', 'status', 'secret');

const attributes = fc.record(
  {
    text: word,
    number,
    list: fc.uniqueArray(word),
    flag: fc.boolean(),
    status: word,
    secret: word.map(fingerprint),
  },
  { requiredKeys: [] },
);
const test: fc.Arbitrary<Test> = fc.oneof(
  fc.record({
    op: fc.constantFrom('is' as const, 'isNot' as const),
    path,
    value: fc.oneof(word, number, fc.boolean()),
  }),
  fc.record({
    op: fc.constantFrom('atLeast' as const, 'atMost' as const),
    path: fc.constant('number'),
    value: number,
  }),
  fc.record({
    op: fc.constantFrom('contains' as const, 'lacks' as const),
    path: fc.constant('list'),
    value: word,
  }),
  fc.record({ op: fc.constant('missing' as const), path }),
  fc.record({
    op: fc.constant('secret' as const),
    path: fc.constant('secret'),
    value: word.map(fingerprint),
  }),
);

/** Each kind of test once where it holds and once where it fails, whatever the random ones happen to ask. */
const bothSides: [item: object, tests: Test[]][] = [
  [{ text: 'a' }, ['a', 'size'].map((value) => ({ op: 'is', path: 'text', value }))],
  [{ text: 'a' }, ['a', 'size'].map((value) => ({ op: 'isNot', path: 'text', value }))],
  [{ number: 1 }, [1, 2].map((value) => ({ op: 'atLeast', path: 'number', value }))],
  [{ number: 1 }, [1, 0].map((value) => ({ op: 'atMost', path: 'number', value }))],
  [{ list: ['a'] }, ['a', 'size'].map((value) => ({ op: 'contains', path: 'list', value }))],
  [{ list: ['a'] }, ['a', 'size'].map((value) => ({ op: 'lacks', path: 'list', value }))],
  [{ flag: false }, ['flag', 'text'].map((path) => ({ op: 'missing', path }))],
  [
    { secret: fingerprint('a') },
    ['a', 'size'].map((word) => ({ op: 'secret', path: 'secret', value: fingerprint(word) })),
  ],
];

it('a rule and its condition agree on every item', async () => {
  const { backend } = await startBackend();
  const { client, tables } = backend.store;
  const Key = { pk: 'item', sk: 'item' };
  const asked = new Map<string, Set<boolean>>();
  await fc.assert(
    fc.asyncProperty(attributes, fc.array(test, { minLength: 1, maxLength: 6 }), async (item, tests) => {
      await client.send(new PutCommand({ TableName: tables.data, Item: { ...Key, attributes: item } }));
      for (const each of tests) {
        const expression = new Expression();
        const condition = expression.condition(each, (name) => ['attributes', name]);
        const update = new UpdateCommand({
          TableName: tables.data,
          Key,
          ConditionExpression: condition,
          ...expression.parameters(),
        });
        const isMet = await client.send(update).then(
          () => true,
          (error: unknown) => {
            if (error instanceof ConditionalCheckFailedException) return false;
            throw error;
          },
        );
        expect(isMet, JSON.stringify([item, each])).toBe(
          holds(each, (name) => (item as Readonly<Record<string, unknown>>)[name]),
        );
        asked.set(each.op, (asked.get(each.op) ?? new Set()).add(isMet));
      }
    }),
    { numRuns: 80, examples: bothSides },
  );
  // Each kind was seen to hold and to fail, so that agreement means something.
  for (const [op, answers] of asked) expect(answers.size, op).toBe(2);
  expect(asked.size).toBe(8);
});
