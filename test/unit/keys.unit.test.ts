/** The keys of what is stored: another form of one would not find what was written under this one. */
import { describe, expect, test } from 'vitest';
import {
  balanceKey,
  balanceKeys,
  dueShard,
  dueShardOf,
  dueShards,
  entityKey,
  entryKey,
  entryPrefix,
  firstEntrySortKey,
  fixedKey,
  listedPartition,
  listPartitionOf,
  listPartitions,
  operationKey,
  partitionOwner,
  redriveKey,
  redriveListPartition,
  redriveListSortKey,
  redriveMatchKey,
  shardOf,
  statementPartition,
  uniqueKey,
} from '../../functions/store/keys.ts';

const id = 'pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D';
/** The separator in a tenant's name is encoded in each key. */
const tenant = 'a#b';

test.each([
  ['an entity', () => entityKey(tenant, id), `a%23b#${id}`, 'entity'],
  ['what is fixed of it', () => fixedKey(tenant, id), `a%23b#${id}`, 'fixed'],
  ['an entry', () => entryKey(tenant, id, 12), `a%23b#${id}`, 'entry#0000000012'],
  ['a balance', () => balanceKey(tenant, 'cash:EUR'), 'a%23b#balance#cash:EUR', 'balance'],
  ['a place of one', () => balanceKey(tenant, 'cash:EUR', 3), 'a%23b#balance.3#cash:EUR', 'balance'],
  [
    'a unique value',
    () => uniqueKey(tenant, { constraint: 'code', hash: 'abc' }),
    'a%23b#unique#code#abc',
    'unique',
  ],
  ['a redrive run', () => redriveKey(tenant, 'run'), 'a%23b#redrives', 'run'],
  ['what a run is about', () => redriveMatchKey(tenant, 'abc'), 'a%23b#redrive-match#abc', 'match'],
  ['an operation', () => operationKey(tenant, 'op'), 'a%23b#operations', 'op'],
])('the key of %s', (_, keyOf, pk, sk) => {
  expect(keyOf()).toEqual({ pk, sk });
});

test.each([
  ['an account', () => statementPartition(tenant, 'cash:EUR'), 'a%23b#statement#cash:EUR'],
  [
    'what is listed',
    () => listedPartition(tenant, { collection: 'payments', attribute: 'payer', value: 'ann' }),
    'a%23b#listed#payments#payer#SZFeDX1LQC4wF9AQvBwOg8rGx5fWwW5mNA_jJoaTpqE',
  ],
  ['the messages of a run', () => redriveListPartition(tenant, 'run'), 'a%23b#redrive#run'],
  ['what is due', () => dueShard(7), 'due#7'],
])('the partition of %s', (_, partitionOf, expected) => {
  expect(partitionOf()).toBe(expected);
});

test('entries and the messages of a run sort by their numbers', () => {
  expect(firstEntrySortKey).toBe(entryKey(tenant, id, 1).sk);
  expect(firstEntrySortKey.startsWith(entryPrefix)).toBe(true);
  expect(redriveListSortKey(12)).toBe('list#0000000012');
});

test('an account has its first item where it lies while it is not spread', () => {
  expect(balanceKeys(tenant, 'cash:EUR', 2)).toEqual([
    balanceKey(tenant, 'cash:EUR'),
    balanceKey(tenant, 'cash:EUR', 1),
  ]);
});

test('lists lie in two partitions, an entity in one of them by its id', () => {
  const list = { collection: 'payments', status: 'open' };
  expect(listPartitions(tenant, list)).toEqual(['a%23b#payments#open#0', 'a%23b#payments#open#1']);
  const partitions = new Set(
    Array.from({ length: 50 }, (_, n) => listPartitionOf(tenant, { ...list, id: `pay_${n}` })),
  );
  expect([...partitions].sort()).toEqual(listPartitions(tenant, list));
});

test('what is due spreads over all partitions of the index, by its id', () => {
  const found = new Set(Array.from({ length: 5_000 }, (_, n) => dueShardOf(`pay_${n}`)));
  expect(found).toEqual(new Set(Array.from({ length: dueShards }, (_, shard) => dueShard(shard))));
  expect(dueShardOf(id)).toBe(dueShard(shardOf(id, dueShards)));
});

describe('the owner of a partition', () => {
  test('is the entity whose key it is', () => {
    expect(partitionOwner(entityKey(tenant, id).pk)).toEqual({ tenant, id });
  });

  test.each(['a%23b#balance#cash', 'a%23b#unique#code#abc', 'a%23b#redrive#run', '#definitions', 'sweeper'])(
    'is nobody for %j',
    (pk) => {
      expect(partitionOwner(pk)).toBeUndefined();
    },
  );
});
