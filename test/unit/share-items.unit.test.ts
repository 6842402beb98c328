/** What is written to the items of an account that is spread: no more than changes, and each with the entity's state. */
import { expect, it } from 'vitest';
import type { EntityState } from '../../functions/core/entity.ts';
import { levelItems } from '../../functions/store/transaction/level-items.ts';
import type { Leveling } from '../../functions/store/transaction/level-items.ts';
import { shareStates } from '../../functions/store/transaction/share-items.ts';

const id = `shw_${'0'.repeat(26)}`;
const entity: EntityState = {
  ...{ id, collection: 'showings', status: 'open', version: 1, createdAt: '', updatedAt: '', headHash: '' },
  ...{ attributes: {}, balances: { remaining: 9 }, units: { remaining: 'place' } },
};
const lock = { token: '', fence: 3, expiresAt: 0 };
const floor = { minimum: 0, code: 'sold_out', otherwise: '' };

const levelled = (more: Pick<Leveling, 'wanted'> & Partial<Leveling>) =>
  levelItems('data', { tenant: 'acme', entity, key: 'remaining', unit: 'place', floor, ...more });
const begun = (of: EntityState): readonly unknown[] =>
  levelled({ entity: of, wanted: [3, 3, 3] }).flatMap(({ Put }) => (Put ? [Put.Item] : []));

it('begins each item with the state of its entity', () => {
  const item = { account: `${id}:remaining`, unit: 'place', balance: 3, status: 'open' };
  const keys = { pk: expect.any(String) as string, sk: expect.any(String) as string };
  expect(begun(entity)).toEqual([
    { ...keys, ...item },
    { ...keys, ...item },
  ]);
  expect(begun({ ...entity, lock })).toEqual([
    { ...keys, ...item, lock },
    { ...keys, ...item, lock },
  ]);
});

it('leaves an item alone that has what it is to hold', () => {
  const spread = { remaining: 3 };
  const laid = { ...entity, spread, balances: { remaining: 9 }, shares: { remaining: [5, 3, 1] } };
  expect(levelled({ entity: laid, wanted: [3, 3, 3] })).toHaveLength(2);
  expect(levelled({ entity: laid, wanted: [5, 2, 2] })).toHaveLength(3);
});

it('asks for no floor where there is none', () => {
  const conditionOf = (of: typeof floor | undefined): unknown =>
    levelled({ wanted: [9, 0], floor: of })[0]?.Update?.ConditionExpression;
  const withoutFloor = String(conditionOf(undefined));
  expect(String(conditionOf(floor)).replace(/ AND [^ ]+ >= :v\d+$/, '')).toBe(withoutFloor);
  expect(withoutFloor).not.toContain('>=');
});

it('writes a state to all of them, and none where it stays', () => {
  const before = { ...entity, spread: { remaining: 3 } };
  const written = (status: string) =>
    shareStates('data', { tenant: 'acme' }, { before, after: { ...before, status } });
  expect(written('closed')).toHaveLength(2);
  expect(written('open')).toEqual([]);
});
