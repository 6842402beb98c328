/** Items of entities and entries, as they are read: what is stored, what is left out, and what older versions have left. */
import { describe, expect, test } from 'vitest';
import type { LedgerEntry } from '../../functions/core/ledger.ts';
import {
  dueAttributeNames,
  dueAttributes,
  dueIn,
  entityState,
  entryItem,
  ledgerEntry,
} from '../../functions/store/entities/items.ts';
import type { EntityItem } from '../../functions/store/entities/items.ts';
import { dueShardOf, entryKey } from '../../functions/store/keys.ts';

const key = entryKey('acme', 'pay_1', 1);
const plain: LedgerEntry = {
  ...{ seq: 1, command: 'create', from: null, to: 'pending', actor: 'alice', at: '2026-11-26T12:00:00.000Z' },
  ...{ data: {}, changes: {}, postings: [], hash: 'b', previousHash: 'a' },
};
const full: LedgerEntry = {
  ...plain,
  ...{ seq: 2, command: 'confirm', from: 'pending', to: 'confirmed', definition: 4 },
  // Names that a marshaller drops or refuses.
  data: { '': 1, nothing: null, list: [] },
  changes: { note: null },
  postings: [{ account: 'payer:ada', unit: 'EUR', amount: -5 }],
  effects: {},
};

describe('a ledger entry', () => {
  test.each([plain, full])('is read as it was written: $command', (entry) => {
    expect(ledgerEntry(entryItem(key, entry))).toStrictEqual(entry);
  });

  test('leaves out what is empty, for which every entry would be paid', () => {
    const always = ['pk', 'sk', 'seq', 'command', 'to', 'actor', 'at', 'data', 'hash', 'previousHash'];
    expect(Object.keys(entryItem(key, plain)).toSorted()).toEqual(always.toSorted());
    const more = ['from', 'changes', 'postings', 'definition', 'effects'];
    expect(Object.keys(entryItem(key, full)).toSorted()).toEqual([...always, ...more].toSorted());
  });
});

describe('an entity', () => {
  const oldest: EntityItem = {
    ...{ pk: 'acme#pay_1', sk: 'entity', id: 'pay_1', tenant: 'acme', collection: 'payments', version: 1 },
    ...{ status: 'pending', createdAt: plain.at, updatedAt: plain.at, attributes: { payer: 'ada' } },
    ...{ headHash: 'b', listPk: 'list', listSk: 'pay_1' },
  };
  const { pk: _pk, sk: _sk, tenant: _tenant, listPk: _listPk, listSk: _listSk, ...stored } = oldest;

  test('that is older than balances and versions has none of them', () => {
    expect(entityState(oldest)).toStrictEqual({ ...stored, balances: {}, units: {} });
  });

  test('has all that is stored of it', () => {
    const lock = { token: 't', fence: 1, expiresAt: 2 };
    const held = { name: { hash: 'h', while: ['pending'] } };
    const more = { balances: { places: 3 }, units: { places: 'place' }, fixed: ['seats'], held, lock };
    const due = { at: 5, transition: 'expire', while: ['pending', 'held'] };
    expect(entityState({ ...oldest, ...more, def: 2, ...dueAttributes('pay_1', due) })).toStrictEqual({
      ...stored,
      ...more,
      ...{ definition: 2, due },
    });
    // Versions are older than the record of unique values.
    expect(entityState({ ...oldest, def: 1 })).toMatchObject({ definition: 1, held: {} });
  });

  test('waits for a deadline that it names whole, in the states that it names', () => {
    const due = { at: 5, transition: 'expire', while: ['held'] };
    const attributes = dueAttributes('pay_1', due);
    expect(attributes.dueShard).toBe(dueShardOf('pay_1'));
    expect(Object.keys(attributes).toSorted()).toEqual([...dueAttributeNames].toSorted());
    expect(dueIn({ status: 'pending', ...attributes })).toEqual(due);
    expect(dueIn({ status: 'pending', dueAt: 5, timerTransition: 'expire' })).toEqual({
      ...due,
      while: ['pending'],
    });
    expect(dueIn({ status: 'pending', dueAt: 5 })).toBeUndefined();
    expect(dueIn({ status: 'pending', timerTransition: 'expire' })).toBeUndefined();
  });
});
