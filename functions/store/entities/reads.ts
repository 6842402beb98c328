/** Reads of entities, ledgers and balances. All are strongly consistent but the lists, which an index answers. */
import { BatchGetCommand, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { EntityState } from '../../core/entity.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Store } from '../store.ts';
import type { IdempotencyItem } from '../transaction/idempotency-record.ts';
import { entityState, ledgerEntry } from './items.ts';
import type { BalanceItem, EntityItem, EntryItem } from './items.ts';
import {
  balanceKey,
  entityKey,
  entityPartition,
  entryKey,
  entryPrefix,
  listPartition,
  partitionKeyMaxBytes,
} from '../keys.ts';
import { pauseBeforeRest } from '../read-by-key.ts';

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
  return Item && entityState(Item as EntityItem);
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
  const found: Record<string, Record<string, unknown>[]> = {};
  let request = {
    ...(distinct.length > 0 && {
      [data]: { Keys: distinct.map((id) => entityKey(tenant, id)), ConsistentRead: true },
    }),
    ...(recordKey !== undefined && { [idempotency]: { Keys: [{ pk: recordKey }], ConsistentRead: true } }),
  };
  let fruitless = 0;
  // What the service could not give in one piece (16 MB, throttling) is asked for again, until the time is over.
  while (Object.keys(request).length > 0) {
    const { Responses = {}, UnprocessedKeys = {} } = await store.client.send(
      new BatchGetCommand({ RequestItems: request }),
      { abortSignal: signal },
    );
    for (const [table, items] of Object.entries(Responses)) (found[table] ??= []).push(...items);
    request = UnprocessedKeys as typeof request;
    const isFruitless = Object.values(Responses).every((items) => items.length === 0);
    fruitless = isFruitless ? fruitless + 1 : 0;
    if (Object.keys(request).length > 0) await pauseBeforeRest(fruitless, signal);
  }
  const entities = (found[data] ?? []).map((item) => entityState(item as unknown as EntityItem));
  const [record] = (found[idempotency] ?? []) as unknown as IdempotencyItem[];
  return { entities: new Map(entities.map((entity) => [entity.id, entity])), ...(record && { record }) };
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
 * Entities of one status with ids below `before`, newest first: at most `limit`, and at most the megabyte that
 * one query reads. `complete` tells that there are no older ones.
 */
export async function readByStatus(
  store: Store,
  tenant: string,
  {
    collection,
    status,
    limit,
    before,
  }: { collection: string; status: string; limit: number; before?: string },
  signal: AbortSignal,
): Promise<{ readonly entities: readonly EntityState[]; readonly complete: boolean }> {
  const { Items = [], LastEvaluatedKey } = await store.client.send(
    new QueryCommand({
      TableName: store.tables.data,
      IndexName: 'byStatus',
      KeyConditionExpression: before === undefined ? '#pk = :pk' : '#pk = :pk AND #sk < :before',
      ExpressionAttributeNames: { '#pk': 'listPk', ...(before !== undefined && { '#sk': 'listSk' }) },
      ExpressionAttributeValues: {
        ':pk': listPartition(tenant, collection, status),
        ...(before !== undefined && { ':before': before }),
      },
      ScanIndexForward: false,
      Limit: limit,
    }),
    { abortSignal: signal },
  );
  const entities = Items.map((item) => entityState(item as EntityItem));
  return { entities, complete: LastEvaluatedKey === undefined };
}

export async function readBalance(
  store: Store,
  tenant: string,
  account: string,
  signal: AbortSignal,
): Promise<BalanceItem | undefined> {
  const key = balanceKey(tenant, account);
  // No account has a name that no key can hold.
  if (Buffer.byteLength(key.pk) > partitionKeyMaxBytes) return undefined;
  const { Item } = await store.client.send(
    new GetCommand({ TableName: store.tables.data, Key: key, ConsistentRead: true }),
    { abortSignal: signal },
  );
  return Item as BalanceItem | undefined;
}
