/** What a definition reads in the answer of a receiver. */
import { expect, test } from 'vitest';
import { reasonOf, textIn } from '../../functions/core/answers.ts';

test.each([
  ['{"reference":"ch_1"}', 'ch_1'],
  ['{"id":"x","reference":"ch_1"}', 'ch_1'],
  ['{"reference":"","id":"x"}', 'x'],
  ['{"reference":4711}', '4711'],
  ['{"reference":0}', '0'],
  ['{"reference":9007199254740991}', '9007199254740991'],
  ['{"reference":9007199254740993,"id":"x"}', 'x'],
  ['{"reference":1.5,"id":"x"}', 'x'],
  ['{"reference":{"a":1},"id":null}', undefined],
  ['["reference"]', undefined],
  ['null', undefined],
  ['ch_1', undefined],
])('in %s the reference, or else the id, is %j', (body, text) => {
  expect(textIn(body, 'reference', 'id')).toBe(text);
});

test('a refusal is told in the words of the receiver, where it has some', () => {
  expect(reasonOf({ reason: 'It answered 402.', answer: '{"message":"Declined"}' })).toBe('Declined');
  expect(reasonOf({ reason: 'It answered 402.', answer: 'no' })).toBe('It answered 402.');
  expect(reasonOf({ reason: 'It answered 402.' })).toBe('It answered 402.');
});
