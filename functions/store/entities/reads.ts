/** Reads of entities, ledgers and balances. All are strongly consistent but the lists, which an index answers. */
import { isDeepStrictEqual } from 'node:util';
import { GetCommand, QueryCommand, TransactGetCommand } from '@aws-sdk/lib-dynamodb';
import type { EntityState } from '../../core/entity.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import { transaction } from '../../runtime/limits.ts';
import type { Store } from '../store.ts';
import type { IdempotencyItem } from '../transaction/idempotency-record.ts';
import { entityState, ledgerEntry } from './items.ts';
import type { BalanceItem, EntityItem, EntryItem, ShareItem } from './items.ts';
import { shareKeysOf, withShares } from './shares.ts';
import { whole } from './whole.ts';
import {
  balanceKeys,
  entityKey,
  entityPartition,
  entryKey,
  entryPrefix,
  partitionKeyMaxBytes,
} from '../keys.ts';
import { byKey, readBatches, readByKey } from '../batches.ts';
import type { ReadList } from '../newest-first.ts';
import { isConflict } from '../transaction/conflict.ts';

export async function readEntity(
  store: Store,
  tenant: string,
  id: string,
  signal: AbortSignal,
): Promise<EntityState | undefined> {
  const { Item } = await store.client.send(
    new GetCommand({ TableName: store.tables.data, Key: entityKey(tenant, id), ConsistentRead: true }),
    { abortSignal: signal },
  );
  if (!Item) return undefined;
  const [entity] = await whole(store, tenant, [entityState(Item as EntityItem)], signal);
  return entity;
}

/** The key's record where one is asked for, and entities by id, in one request. At most 99 ids. */
export async function readTogether(
  store: Store,
  tenant: string,
  ids: readonly string[],
  recordKey: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly record?: IdempotencyItem; readonly entities: ReadonlyMap<string, EntityState> }> {
  const { data, idempotency } = store.tables;
  const distinct = [...new Set(ids)];
  const keys = [
    ...distinct.map((id) => ({ table: data, key: { ...entityKey(tenant, id) } })),
    ...(recordKey === undefined ? [] : [{ table: idempotency, key: { pk: recordKey } }]),
  ];
  const found = await readBatches(store.client, keys, signal);
  const entities = (found.get(data) ?? []).map((item) => entityState(item as unknown as EntityItem));
  const [record] = (found.get(idempotency) ?? []) as unknown as IdempotencyItem[];
  const known = await whole(store, tenant, entities, signal);
  return { entities: new Map(known.map((entity) => [entity.id, entity])), ...(record && { record }) };
}

/**
 * Entities by id, as they were at one moment. A transaction that has committed is written item by item, so plain reads
 * may find one of its entities changed and another one not yet; a read that is a transaction itself meets a conflict then.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
 * @param asked ids, and how the accounts of each are spread whose balances matter
 * @returns `undefined` where another transaction is at one of them, where an account has been spread meanwhile, or where
 *   it would be more items than one transaction reads
 * @throws what the client throws where the database does not answer
 */
export async function readSnapshot(
  store: Store,
  tenant: string,
  asked: readonly Pick<EntityState, 'id' | 'spread'>[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, EntityState> | undefined> {
  const { client, tables } = store;
  const keys = [
    ...asked.map(({ id }) => entityKey(tenant, id)),
    ...asked.flatMap((each) => shareKeysOf(tenant, each)),
  ];
  if (keys.length > transaction.itemsMax) return undefined;
  const TransactItems = keys.map((key) => ({ Get: { TableName: tables.data, Key: { ...key } } }));
  try {
    const { Responses = [] } = await client.send(new TransactGetCommand({ TransactItems }), {
      abortSignal: signal,
    });
    const items = Responses.map(({ Item }) => Item);
    const entities = items
      .slice(0, asked.length)
      .flatMap((item) => (item ? [entityState(item as EntityItem)] : []));
    const shares = items.slice(asked.length).flatMap((item) => (item ? [item as ShareItem] : []));
    const spread = new Map(asked.map((each) => [each.id, each.spread]));
    if (entities.some(({ id, spread: now }) => spread.get(id) && !isDeepStrictEqual(spread.get(id), now)))
      return undefined;
    const beside = byKey(shares);
    const known = entities.map((entity) =>
      spread.get(entity.id) ? withShares(tenant, entity, beside) : entity,
    );
    return new Map((await whole(store, tenant, known, signal)).map((entity) => [entity.id, entity]));
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}

/**
 * Entries after `afterSeq`, oldest first: at most `limit`, and at most the megabyte that one query reads. `complete`
 * tells that there are no newer ones.
 */
export async function readLedger(
  store: Store,
  tenant: string,
  id: string,
  { limit, afterSeq = 0 }: { readonly limit: number; readonly afterSeq?: number },
  signal: AbortSignal,
): Promise<{ readonly entries: readonly LedgerEntry[]; readonly complete: boolean }> {
  const { Items = [], LastEvaluatedKey } = await store.client.send(
    new QueryCommand({
      TableName: store.tables.data,
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: {
        ':pk': entityPartition(tenant, id),
        ':from': entryKey(tenant, id, afterSeq + 1).sk,
        ':to': `${entryPrefix}:`,
      },
      ConsistentRead: true,
      Limit: limit,
    }),
    { abortSignal: signal },
  );
  const entries = Items.map((item) => ledgerEntry(item as EntryItem));
  return { entries, complete: LastEvaluatedKey === undefined };
}

/**
 * Entities of one partition of a list with ids below `before`, newest first: at most `limit`, and at most the megabyte
 * that one query reads.
 */
export async function readListed(
  store: Store,
  tenant: string,
  partition: string,
  { limit, before }: { readonly limit: number; readonly before?: string | undefined },
  signal: AbortSignal,
): Promise<ReadList<EntityState>> {
  const { Items = [], LastEvaluatedKey } = await store.client.send(
    new QueryCommand({
      TableName: store.tables.data,
      IndexName: 'byStatus',
      KeyConditionExpression: before === undefined ? '#pk = :pk' : '#pk = :pk AND #sk < :before',
      ExpressionAttributeNames: { '#pk': 'listPk', ...(before !== undefined && { '#sk': 'listSk' }) },
      ExpressionAttributeValues: {
        ':pk': partition,
        ...(before !== undefined && { ':before': before }),
      },
      ScanIndexForward: false,
      Limit: limit,
    }),
    { abortSignal: signal },
  );
  const items = Items.map((item) => entityState(item as EntityItem));
  return {
    items: await whole(store, tenant, items, signal),
    readDownTo: LastEvaluatedKey === undefined ? '' : (items.at(-1)?.id ?? ''),
  };
}

/**
 * What a named account holds. One that is spread is the sum of its items, which are read one by one: while commands post to
 * it, the sum may hold a later posting and lack an earlier one.
 * @param items over which it is spread
 * @returns `undefined` where it was never used
 */
export async function readBalance(
  store: Store,
  tenant: string,
  account: string,
  items: number,
  signal: AbortSignal,
): Promise<Pick<BalanceItem, 'unit' | 'balance'> | undefined> {
  const keys = balanceKeys(tenant, account, items);
  const [first] = keys;
  // No account has a name that no key can hold.
  if (keys.some(({ pk }) => Buffer.byteLength(pk) > partitionKeyMaxBytes)) return undefined;
  if (items > 1) return summed(await readByKey(store.client, store.tables.data, keys, signal));
  const { Item } = await store.client.send(
    new GetCommand({ TableName: store.tables.data, Key: { ...first }, ConsistentRead: true }),
    { abortSignal: signal },
  );
  return Item as BalanceItem | undefined;
}

/** The balance of an account from its items; `undefined` where it has none. All of them are kept in one unit. */
function summed(
  items: readonly Pick<BalanceItem, 'unit' | 'balance'>[],
): Pick<BalanceItem, 'unit' | 'balance'> | undefined {
  const [first] = items;
  return first && { unit: first.unit, balance: items.reduce((sum, { balance }) => sum + balance, 0) };
}
