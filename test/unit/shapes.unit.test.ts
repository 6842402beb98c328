import { expect, test } from 'vitest';
import { oneOfEachShape, shapeOf } from '../support/faults/shapes.ts';
import type { Recording } from '../support/faults/shapes.ts';

const read = { command: 'BatchGetItemCommand', writes: [] };
const commit = (...writes: readonly string[]) => ({ command: 'TransactWriteItemsCommand', writes });

function recording(name: string, made: Partial<Omit<Recording, 'command'>> = {}): Recording {
  const command = { domain: 'parcels', name, prepare: () => Promise.reject(new Error('it is never run')) };
  return {
    command,
    by: 'request',
    calls: [read, commit('record Put', 'entity Update')],
    end: '200',
    ...made,
  };
}

const chosen = (...recordings: readonly Recording[]): readonly string[] =>
  oneOfEachShape(recordings).map(({ name }) => name);

test('commands of one shape are one, and the first of them stands for all', () => {
  expect(chosen(recording('collect'), recording('return'))).toEqual(['collect']);
});

test('neither the order of the items nor their number makes a shape', () => {
  const other = recording('other', { calls: [read, commit('entity Update', 'record Put', 'record Put')] });
  expect(shapeOf(other)).toBe(shapeOf(recording('collect')));
});

test.each<[string, Partial<Omit<Recording, 'command'>>]>([
  ['an item of another kind', { calls: [read, commit('record Put', 'entity Update', 'message Put')] }],
  ['another action on an item', { calls: [read, commit('record Put', 'entity Put')] }],
  ['a call more', { calls: [read, read, commit('record Put', 'entity Update')] }],
  ['calls in another order', { calls: [commit('record Put', 'entity Update'), read] }],
  ['another end', { end: '409 sold_out' }],
  ['a timer instead of a caller', { by: 'timer' }],
])('%s makes a shape of its own', (_what, made) => {
  expect(chosen(recording('collect'), recording('other', made))).toEqual(['collect', 'other']);
});
