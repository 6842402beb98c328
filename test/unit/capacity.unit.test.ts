import { describe, expect, it } from 'vitest';
import { indexWriteUnits, readUnits, writeUnits } from '../../functions/store/metering/capacity.ts';
import { itemSize, valueSize } from '../../functions/store/metering/item-size.ts';
import type { WireItem } from '../../functions/store/metering/item-size.ts';
import { dataTable, outboxTable } from '../../functions/store/tables.ts';

describe('the size of an item', () => {
  it.each([
    ['0', 1],
    ['1', 2],
    ['12', 2],
    ['123', 3],
    ['-12', 3],
    ['120', 3],
    ['1200', 2],
    ['1.5', 3],
    ['0.01', 2],
    ['1.23e-5', 3],
    ['1e100', 2],
    ['1700000000123', 8],
    ['99999999999999999999999999999999999999', 20],
  ])('counts the number %s as %d bytes', (number, bytes) => {
    expect(valueSize({ N: number })).toBe(bytes);
  });

  it('counts names and values in UTF-8, and the overhead of lists and maps', () => {
    expect(itemSize({ é: { S: '€😀' } })).toBe(2 + 7);
    expect(itemSize({ l: { L: [{ S: 'ab' }, { BOOL: true }] } })).toBe(1 + 3 + 3 + 2);
    expect(itemSize({ m: { M: { a: { S: 'ab' } } } })).toBe(1 + 3 + 1 + 1 + 2);
  });
});

const entity = (attributes: Record<string, string>): WireItem =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, { S: value }]));

describe('units', () => {
  it('of reads go in steps of 4 KB, and by half where they may be stale', () => {
    expect([0, 4096, 4097].map((bytes) => readUnits(bytes, 'strong'))).toEqual([1, 1, 2]);
    expect(readUnits(4097, 'eventual')).toBe(1);
  });

  it('of writes take the larger image, and double in a transaction', () => {
    const [small, large] = [entity({ pk: 'x' }), entity({ pk: 'x'.repeat(1_500) })];
    expect(writeUnits({ before: large, after: small }, false)).toBe(2);
    expect(writeUnits({ before: small, after: large }, true)).toBe(4);
    expect(writeUnits({}, true)).toBe(2);
  });

  const [byStatus, due] = dataTable.indexes;
  const open = entity({ pk: 'p', sk: 's', listPk: 'open', listSk: '1' });
  it.each([
    ['a new entry', undefined, open, 1],
    ['an entry that goes', open, undefined, 1],
    ['a new key', open, { ...open, listPk: { S: 'closed' } }, 2],
    ['a change of what is projected', open, { ...open, title: { S: 'new' } }, 1],
    ['no change', open, { ...open }, 0],
    ['an item without the key', entity({ pk: 'p', sk: 's' }), entity({ pk: 'p', sk: 's', a: '1' }), 0],
  ])('of an index count %s', (_, before, after, units) => {
    expect(indexWriteUnits(dataTable, byStatus, { before, after })).toBe(units);
  });

  it('of an index leave alone what it does not project', () => {
    const waiting = { ...open, dueShard: { S: 'due#1' }, dueAt: { N: '1' } };
    expect(indexWriteUnits(dataTable, due, { before: waiting, after: { ...waiting, x: { S: 'y' } } })).toBe(
      0,
    );
    const [onItsWay] = outboxTable.indexes;
    const message = entity({ pk: 'p', sk: 's', openPk: 'acme#open#1', stateSk: 'x', attempts: '1' });
    const claimed = { ...message, attempts: { S: '2' } };
    expect(indexWriteUnits(outboxTable, onItsWay, { before: message, after: claimed })).toBe(0);
  });
});
