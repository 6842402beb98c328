/** What the audit reads: all of it and nothing else, page by page, and as strongly as it is asked for. */
import { randomUUID } from 'node:crypto';
import type { BatchGetCommandInput } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { putAll } from '../../functions/store/batches.ts';
import { balanceKey, entityKey, listPartitions, uniqueKey } from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import {
  readEntityItem,
  readEntityItems,
  readExistingMessages,
  readHeld,
  readHolders,
  readIds,
  readMessages,
  readPartition,
  readPlaces,
} from '../../functions/store/audit/audit-reads.ts';
import type { Store } from '../../functions/store/store.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { madeMessage } from '../support/messages.ts';
import { intercept } from '../support/sdk-faults.ts';

let backend: TestBackend['backend'];
let store: Store;
/** Whether each read asked for what is there now. */
let strong: (boolean | undefined)[] = [];
let tenant: string;
beforeAll(async () => {
  ({ backend } = await startBackend({
    prepare: (client) => {
      intercept(client, {
        before: ({ input }) => {
          const { RequestItems, ConsistentRead } = input as Partial<BatchGetCommandInput> & {
            readonly ConsistentRead?: boolean;
          };
          strong.push(
            ConsistentRead,
            ...Object.values(RequestItems ?? {}).map((each) => each.ConsistentRead),
          );
        },
      });
    },
  }));
  ({ store } = backend);
});
beforeEach(() => {
  tenant = randomUUID();
});

const put = (items: readonly object[], table: 'data' | 'outbox' = 'data'): Promise<void> =>
  putAll(store.client, store.tables[table], items as Record<string, unknown>[]);
/** The reads of one call, without what a write before them was. */
async function strengths(read: () => Promise<unknown>): Promise<readonly unknown[]> {
  strong = [];
  await read();
  return strong.filter((each) => each !== undefined);
}
const id = (n: number): string => `pay_${String(n).padStart(26, '0')}`;
const entity = (n: number, more: object = {}) => ({ ...entityKey(tenant, id(n)), id: id(n), ...more });

describe('ids of a collection', () => {
  const collection = 'payments';
  const read = (statuses: readonly string[], page: { limit: number; before?: string }) =>
    readIds(store, tenant, { collection, statuses }, page);
  const listed = (n: number, status: string, shard: number) =>
    entity(n, { listPk: listPartitions(tenant, { collection, status })[shard], listSk: id(n) });

  test('come newest first, of all that is asked for, page by page', async () => {
    await put([
      ...[listed(1, 'new', 0), listed(2, 'new', 1), listed(3, 'paid', 0), listed(4, 'new', 0)],
      ...[listed(5, 'paid', 1), listed(6, 'void', 0)],
    ]);
    const first = await read(['new', 'paid'], { limit: 3 });
    expect(first).toEqual({ ids: [id(5), id(4), id(3)], isComplete: false });
    const rest = await read(['new', 'paid'], { limit: 3, before: id(3) });
    expect(rest).toEqual({ ids: [id(2), id(1)], isComplete: true });
  });

  test('are not all where one list has more than a page', async () => {
    await put([1, 2, 3, 4].map((n) => listed(n, 'new', 0)));
    expect(await read(['new'], { limit: 3 })).toEqual({ ids: [id(4), id(3), id(2)], isComplete: false });
  });
});

test('a partition is read after a place, a page at a time, as strongly as it is asked for', async () => {
  const { pk } = entityKey(tenant, id(1));
  await put(['a', 'b', 'c', 'd'].map((sk) => ({ pk, sk })));
  const read = async (consistency: 'strong' | 'eventual', limit: number, after?: string) => {
    const { items, isComplete } = await readPartition(store, pk, { limit, after, consistency });
    return [items.map(({ sk }) => sk).join(''), isComplete];
  };
  expect(await read('strong', 2)).toEqual(['ab', false]);
  expect(await read('strong', 2, 'a')).toEqual(['bc', false]);
  expect(await read('strong', 2, 'c')).toEqual(['d', true]);
  expect(await strengths(() => read('strong', 9))).toEqual([true]);
  expect(await strengths(() => read('eventual', 9))).toEqual([false]);
});

test('entities are read by id, as far as they are there', async () => {
  await put([entity(1), entity(2), { ...entityKey(tenant, id(3)), sk: 'entry#0000000001' }]);
  expect(await readEntityItem(store, tenant, id(1))).toEqual(entity(1));
  expect(await readEntityItem(store, tenant, id(3))).toBeUndefined();
  expect(await strengths(() => readEntityItem(store, tenant, id(1)))).toEqual([true]);
  const found = await readEntityItems(store, tenant, [id(3), id(2), id(1)], 'eventual');
  expect([...found]).toEqual([
    [id(2), entity(2)],
    [id(1), entity(1)],
  ]);
  expect(await strengths(() => readEntityItems(store, tenant, [id(1)], 'eventual'))).toEqual([false]);
});

test('places are read whatever lies there, and values by who holds them', async () => {
  const here = { pk: `${tenant}#here`, sk: 'a' };
  const hold = (hash: string) => ({ constraint: 'one', hash });
  await put([
    { ...here, what: 'lies here' },
    { ...uniqueKey(tenant, hold('x')), entity: id(1) },
    { ...uniqueKey(tenant, hold('z')), entity: id(2) },
  ]);
  const places = await readPlaces(store, [here, { ...here, sk: 'b' }], 'eventual');
  expect(places({ ...here })).toEqual({ ...here, what: 'lies here' });
  expect(places({ ...here, sk: 'b' })).toBeUndefined();
  expect(await strengths(() => readPlaces(store, [here], 'eventual'))).toEqual([false]);
  const holders = await readHolders(store, tenant, ['z', 'y', 'x'].map(hold));
  expect(holders).toEqual([id(2), undefined, id(1)]);
});

describe('messages of an entity', () => {
  const made = (seq: number, more: object = {}) => ({
    ...madeMessage(0, { tenant, entityId: id(1), seq, payload: {} }),
    ...more,
  });
  const read = (from: number, to?: number, consistency: 'strong' | 'eventual' = 'strong') =>
    readMessages(store, tenant, id(1), { from, to, consistency });
  const seqs = async (...range: Parameters<typeof read>) =>
    (await read(...range)).map(({ sk }) => Number(sk.split('#')[0]));

  test('are those of the entries that are asked for, with what the audit looks at', async () => {
    const last = 1_000_000_000;
    await put(
      [0, 1, 2, 3, 12, last].map((seq) => made(seq, { leaseUntil: seq, lastError: 'not looked at' })),
      'outbox',
    );
    // From the first entry means all there are: what belongs to no entry must be seen, too.
    expect(await seqs(1)).toEqual([0, 1, 2, 3, 12, last]);
    expect(await seqs(2)).toEqual([2, 3, 12, last]);
    expect(await seqs(2, 3)).toEqual([2, 3]);
    expect(await seqs(1, 2)).toEqual([1, 2]);
    const [first] = await read(1, 1);
    const { pk, sk, topic, type, status, attempts, createdAt, openPk, payload } = made(1);
    expect(first).toEqual({
      ...{ pk, sk, tenant, topic, type, status, attempts, createdAt, openPk, payload },
      ...{ id: made(1).id, leaseUntil: 1 },
    });
    expect(await strengths(() => read(1))).toEqual([true]);
    expect(await strengths(() => read(1, 2, 'eventual'))).toEqual([false]);
  });

  test('are read to their end, also where they fill more than a megabyte', async () => {
    await put(
      [1, 2, 3, 4].map((seq) => made(seq, { payload: 'x'.repeat(350_000) })),
      'outbox',
    );
    expect(await seqs(1)).toEqual([1, 2, 3, 4]);
    expect((await strengths(() => read(1))).length).toBeGreaterThan(1);
  });

  test('exist or not', async () => {
    await put([made(1)], 'outbox');
    const keyOf = ({ pk, sk }: ItemKey): ItemKey => ({ pk, sk });
    const found = await readExistingMessages(store, [keyOf(made(1)), keyOf(made(2))]);
    expect(found.map(keyOf)).toEqual([keyOf(made(1))]);
  });
});

describe('what accounts hold', () => {
  const read = (accounts: readonly string[], items = 1) =>
    readHeld(store, { ...backend.registry, spreadOf: () => items }, tenant, accounts, 'eventual');
  const pts = `pts_${'0'.repeat(26)}`;

  test('is on their entities, in the unit that these name, or that their definition does', async () => {
    const own = `${pts}:balance`;
    expect(await read([own])).toEqual([undefined]);
    const item = { ...entityKey(tenant, pts), id: pts };
    await put([item]);
    expect(await read([own])).toEqual([{ unit: 'point', balance: 0 }]);
    await put([{ ...item, balances: { balance: 7 }, units: { balance: 'miles' } }]);
    expect(await read([own])).toEqual([{ unit: 'miles', balance: 7 }]);
    await put([{ ...item, balances: { other: 7 }, units: { other: 'miles' } }]);
    expect(await read([own])).toEqual([{ unit: 'point', balance: 0 }]);
    expect(await strengths(() => read([own]))).toEqual([false]);
  });

  test('is in one item or in several, in one unit or in none', async () => {
    const [one, spread, torn] = ['bank:one:EUR', 'bank:spread:EUR', 'bank:torn:EUR'];
    const at = (account: string, place: number, balance: number, more: object = { unit: 'EUR' }) => ({
      ...balanceKey(tenant, account, place),
      ...{ account, balance, ...more },
    });
    await put([
      ...[at(one, 0, 5), at(spread, 0, 5), at(spread, 2, -2)],
      ...[at(torn, 0, 1), at(torn, 1, 1, { unit: 'USD' }), at('bank:old:EUR', 0, 3, {})],
    ]);
    expect(await read([one, 'bank:nobody:EUR', spread])).toEqual([
      { unit: 'EUR', balance: 5 },
      undefined,
      { unit: 'EUR', balance: 5 },
    ]);
    expect(await read([spread, torn, 'bank:old:EUR', one], 3)).toEqual([
      { unit: 'EUR', balance: 3 },
      { unit: 'EUR and USD', balance: 2 },
      { unit: '', balance: 3 },
      { unit: 'EUR', balance: 5 },
    ]);
  });
});
