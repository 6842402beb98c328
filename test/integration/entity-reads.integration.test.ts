/** Reads of entities, ledgers, lists and balances: what they show, page by page, and how strongly they ask. */
import { randomUUID } from 'node:crypto';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EntityState } from '../../functions/core/entity.ts';
import { putAll } from '../../functions/store/batches.ts';
import { readAllEntities } from '../../functions/store/entities/all-entities.ts';
import type { ScanKey } from '../../functions/store/entities/all-entities.ts';
import {
  readBalance,
  readEntity,
  readLedger,
  readListed,
  readSnapshot,
  readTogether,
} from '../../functions/store/entities/reads.ts';
import { balanceKey, listPartitions, partitionKeyMaxBytes } from '../../functions/store/keys.ts';
import type { Store } from '../../functions/store/store.ts';
import { payment } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { History } from '../support/history.ts';
import { intercept } from '../support/sdk-faults.ts';

const { signal } = new AbortController();
const seats = ['A1', 'A2'];
let api: TestBackend;
let store: Store;
/** Whether each read asked for what is there now. */
let strong: unknown[] = [];
let tenant: string;
let history: History;
beforeAll(async () => {
  const watch = (client: Store['client']): void => {
    intercept(client, {
      before: ({ input }) => void strong.push((input as { ConsistentRead?: boolean }).ConsistentRead),
    });
  };
  api = await startBackend({ prepare: watch });
  ({ store } = api.backend);
});
beforeEach(() => {
  tenant = randomUUID();
  history = new History(api.backend.registry, tenant);
});
const paid = (): EntityState => history.entity('payments', payment, [{ name: 'confirm' }]);
const showing = (): EntityState =>
  history.entity('showings', { title: 'A show', capacity: seats.length, seats }, []);
/** Another process whose transactional read fails. */
async function failing(error: Error): Promise<Store> {
  const prepare = (client: Store['client']): void => {
    intercept(client, {
      before: ({ command }) => {
        if (command === 'TransactGetItemsCommand') throw error;
      },
    });
  };
  return (await startBackend({ tables: api.tables, prepare })).backend.store;
}

describe('an entity', () => {
  test('is read with all its attributes, as it is now', async () => {
    const { id } = showing();
    await history.write(store);
    strong = [];
    expect(await readEntity(store, tenant, id, signal)).toMatchObject({ id, attributes: { seats } });
    expect(strong[0]).toBe(true);
    expect(await readEntity(store, tenant, `shw_${'0'.repeat(26)}`, signal)).toBeUndefined();
    expect(await readEntity(store, 'another', id, signal)).toBeUndefined();
  });

  test('is read with others and with a record, each once', async () => {
    const [one, other] = [showing(), paid()];
    await history.write(store);
    const record = { pk: randomUUID(), payloadHash: 'hash' };
    await putAll(store.client, store.tables.idempotency, [record]);
    const ids = [one.id, other.id, one.id, `pay_${'0'.repeat(26)}`];
    const found = await readTogether(store, tenant, ids, record.pk, signal);
    expect(found.record).toEqual(record);
    expect([...found.entities.keys()].sort()).toEqual([one.id, other.id].sort());
    expect(found.entities.get(one.id)).toMatchObject({ attributes: { seats } });
    expect((await readTogether(store, tenant, [], record.pk, signal)).entities.size).toBe(0);
    for (const key of [undefined, randomUUID()])
      expect(await readTogether(store, tenant, [one.id], key, signal)).not.toHaveProperty('record');
  });

  test('is read with others of one moment, or not at all where a transaction is at one of them', async () => {
    const [one, other] = [showing(), paid()];
    await history.write(store);
    const asked = [one.id, other.id, `pay_${'0'.repeat(26)}`].map((id) => ({ id }));
    const found = await readSnapshot(store, tenant, asked, signal);
    expect([...(found ?? []).keys()].sort()).toEqual([one.id, other.id].sort());
    expect(found?.get(one.id)).toMatchObject({ attributes: { seats } });
    const conflict = new TransactionCanceledException({
      ...{ message: 'canceled', $metadata: {} },
      CancellationReasons: [{ Code: 'TransactionConflict' }],
    });
    expect(await readSnapshot(await failing(conflict), tenant, asked.slice(0, 1), signal)).toBeUndefined();
    await expect(
      readSnapshot(await failing(new Error('away')), tenant, asked.slice(0, 1), signal),
    ).rejects.toThrow('away');
  });
});

test('a ledger is read from an entry on, oldest first, and nothing beside it', async () => {
  const { id } = history.entity('showings', { title: 'A show', capacity: seats.length, seats }, []);
  const earn = { name: 'earn', input: { amount: 1, reason: 'r' } };
  const account = history.entity('point-accounts', { owner: 'ada' }, [earn, earn, earn]);
  await history.write(store);
  const read = async (of: string, limit: number, afterSeq?: number) => {
    const options = { limit, ...(afterSeq !== undefined && { afterSeq }) };
    const { entries, complete } = await readLedger(store, tenant, of, options, signal);
    return [entries.map(({ seq }) => seq), complete];
  };
  expect(await read(account.id, 9)).toEqual([[1, 2, 3, 4], true]);
  expect(await read(account.id, 2)).toEqual([[1, 2], false]);
  expect(await read(account.id, 9, 2)).toEqual([[3, 4], true]);
  // Its fixed attributes lie in the same partition.
  expect(await read(id, 9)).toEqual([[1], true]);
  strong = [];
  await read(id, 9);
  expect(strong).toEqual([true]);
});

test('a list is read below a place, newest first, with all attributes', async () => {
  const made = Array.from({ length: 10 }, showing);
  await history.write(store);
  const lists = await Promise.all(
    listPartitions(tenant, { collection: 'showings', status: 'open' }).map(async (partition) => ({
      partition,
      all: await readListed(store, tenant, partition, { limit: 100 }, signal),
    })),
  );
  // Of two partitions the longer one has five at least.
  const [longer] = lists.toSorted((one, other) => other.all.items.length - one.all.items.length);
  if (!longer) throw new Error('there are two');
  const { partition, all } = longer;
  const ids = all.items.map(({ id }) => id);
  expect(all.readDownTo).toBe('');
  expect(ids).toEqual(ids.toSorted().toReversed());
  expect(made.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
  const page = await readListed(store, tenant, partition, { limit: 3, before: ids[0] }, signal);
  expect(page.items.map(({ id }) => id)).toEqual(ids.slice(1, 4));
  expect(page.readDownTo).toBe(ids[3]);
  for (const item of all.items) expect(item.attributes).toMatchObject({ seats });
});

describe('a balance', () => {
  const put = (account: string, place: number, balance: number): Promise<void> =>
    putAll(store.client, store.tables.data, [
      { ...balanceKey(tenant, account, place), account, unit: 'EUR', balance },
    ]);
  const read = (account: string, items = 1) => readBalance(store, tenant, account, items, signal);

  test('is what its items hold together', async () => {
    await put('bank:a:EUR', 0, 5);
    await put('bank:a:EUR', 2, -2);
    strong = [];
    expect(await read('bank:a:EUR')).toMatchObject({ unit: 'EUR', balance: 5 });
    expect(strong).toEqual([true]);
    expect(await read('bank:a:EUR', 3)).toEqual({ unit: 'EUR', balance: 3 });
    expect(await read('bank:b:EUR')).toBeUndefined();
    expect(await read('bank:b:EUR', 3)).toBeUndefined();
  });

  test('of a name that no key can hold is none, to the byte', async () => {
    const room = partitionKeyMaxBytes - Buffer.byteLength(balanceKey(tenant, '').pk);
    const longest = 'x'.repeat(room);
    await put(longest, 0, 7);
    expect(await read(longest)).toMatchObject({ balance: 7 });
    expect(await read(`${longest}x`)).toBeUndefined();
    // The second of its items would have a longer key.
    expect(await read(longest, 2)).toBeUndefined();
  });
});

test('all entities are read page by page, of whatever tenant', async () => {
  const own = await startBackend();
  const ids: string[] = [];
  for (const each of ['one', 'two']) {
    const of = new History(own.backend.registry, each);
    ids.push(of.entity('payments', payment, []).id, of.entity('payments', payment, []).id);
    await of.write(own.backend.store);
  }
  const found: string[] = [];
  let start: ScanKey | undefined;
  let pages = 0;
  do {
    const page = await readAllEntities(own.backend.store, 3, start);
    expect(page.items.length).toBeLessThanOrEqual(3);
    found.push(...page.items.map(({ id }) => id));
    pages += 1;
    start = page.next;
    if (start === undefined) expect(page).not.toHaveProperty('next');
  } while (start !== undefined);
  expect(found.sort()).toEqual(ids.sort());
  expect(pages).toBe(2);
});
