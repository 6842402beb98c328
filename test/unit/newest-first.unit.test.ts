/** Lists that are read beside each other, as one list: nothing is left out, and nothing comes twice. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newestFirst } from '../../functions/store/newest-first.ts';
import type { ReadList } from '../../functions/store/newest-first.ts';

const same = (key: string): string => key;
const merged = (limit: number, ...lists: readonly (readonly [string, string])[]) =>
  newestFirst(
    lists.map(([items, readDownTo]) => ({ items: items.split(''), readDownTo })),
    limit,
    same,
  );

describe('the newest of several lists', () => {
  test('are told down to where all of them were read', () => {
    expect(merged(9, ['fca', ''], ['eb', ''])).toEqual({ items: ['f', 'e', 'c', 'b', 'a'] });
    // What may lie below `d` in the second list would come before `c`.
    expect(merged(9, ['fca', ''], ['ed', 'd'])).toEqual({ items: ['f', 'e', 'd'], next: 'd' });
    expect(merged(9, ['fc', 'c'], ['ed', 'd'])).toEqual({ items: ['f', 'e', 'd'], next: 'd' });
    expect(merged(9, ['', ''], ['', ''])).toEqual({ items: [] });
    // A list that was read so far and showed nothing.
    expect(merged(9, ['fa', ''], ['', 'b'])).toEqual({ items: ['f'], next: 'b' });
  });

  test('are no more than asked for, and go on below the last of them', () => {
    expect(merged(2, ['fca', ''], ['eb', ''])).toEqual({ items: ['f', 'e'], next: 'e' });
    expect(merged(3, ['fca', ''], ['ed', 'd'])).toEqual({ items: ['f', 'e', 'd'], next: 'd' });
    expect(merged(2, ['f', ''], ['e', ''])).toEqual({ items: ['f', 'e'] });
  });

  test('have each key once, by the later of its two items', () => {
    type Item = { readonly key: string; readonly version: number };
    const lists = (first: number, second: number): readonly ReadList<Item>[] =>
      [first, second].map((version) => ({ items: [{ key: 'a', version }], readDownTo: '' }));
    const keyOf = ({ key }: Item): string => key;
    const isLater = (one: Item, other: Item): boolean => one.version > other.version;
    const versions = (given: readonly ReadList<Item>[], later?: typeof isLater) =>
      newestFirst(given, 9, keyOf, later).items.map(({ version }) => version);
    expect(versions(lists(1, 2), isLater)).toEqual([2]);
    expect(versions(lists(2, 1), isLater)).toEqual([2]);
    expect(versions(lists(1, 2))).toEqual([1]);
  });

  test('page by page are all there is, each once', () => {
    const key = fc.string({ minLength: 1, maxLength: 3 });
    const lists = fc
      .uniqueArray(key, { maxLength: 30 })
      .chain((keys) =>
        fc.tuple(fc.constant(keys), fc.array(fc.nat(2), { minLength: keys.length, maxLength: keys.length })),
      );
    const size = fc.integer({ min: 1, max: 7 });
    fc.assert(
      fc.property(lists, size, size, ([keys, places], limit, perRead) => {
        const sorted = keys.toSorted((one, other) => (one < other ? 1 : -1));
        const readBelow = (place: number, before: string | undefined): ReadList<string> => {
          const left = sorted.filter(
            (each) => places[keys.indexOf(each)] === place && (before === undefined || each < before),
          );
          const items = left.slice(0, perRead);
          return { items, readDownTo: left.length > items.length ? (items.at(-1) ?? '') : '' };
        };
        const seen: string[] = [];
        let next: string | undefined;
        do {
          const page = newestFirst(
            [0, 1, 2].map((place) => readBelow(place, next)),
            limit,
            same,
          );
          expect(page.items.length).toBeLessThanOrEqual(limit);
          seen.push(...page.items);
          expect(page.next === undefined || next === undefined || page.next < next).toBe(true);
          next = page.next;
        } while (next !== undefined);
        expect(seen).toEqual(sorted);
      }),
    );
  });
});
