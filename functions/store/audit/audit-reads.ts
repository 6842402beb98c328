/**
 * Reads of the audit. Most can be made for half the units, and then may show what was there a moment ago: the audit reads
 * so at first, and strongly what looked wrong. The list of a tenant's entities comes from an index, whose answer is
 * always of a moment ago.
 */
import { GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { ownedAccount } from '../../core/owned-accounts.ts';
import type { Registry } from '../../core/registry.ts';
import type { UniqueReservation } from '../../core/unique-holds.ts';
import type { Consistency } from '../metering/capacity.ts';
import { shareKeysOf } from '../entities/shares.ts';
import type { Store } from '../store.ts';
import type { BalanceItem, EntityItem } from '../entities/items.ts';
import { balanceKeys, uniqueKey, entityKey, entityPartition, listPartitions } from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import { messagePartition } from '../outbox/message-items.ts';
import type { MessageItem } from '../outbox/message-items.ts';
import { byKey, readByKey } from '../batches.ts';
import { newestFirst } from '../newest-first.ts';

export type RawItem = Readonly<Record<string, unknown>>;

/**
 * Ids of a collection's entities below `before`, newest first, in any of these statuses: at most `limit`. Newest first,
 * so that a walk through all of them ends while new ones are made. An entity that changes its status while the
 * statuses are asked can be missed.
 */
export async function readIds(
  { client, tables }: Store,
  tenant: string,
  { collection, statuses }: { readonly collection: string; readonly statuses: readonly string[] },
  { limit, before }: { readonly limit: number; readonly before?: string | undefined },
): Promise<{ readonly ids: readonly string[]; readonly isComplete: boolean }> {
  const partitions = statuses.flatMap((status) => listPartitions(tenant, { collection, status }));
  const lists = await Promise.all(
    partitions.map(async (partition) => {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: tables.data,
          IndexName: 'byStatus',
          KeyConditionExpression: before === undefined ? '#pk = :pk' : '#pk = :pk AND #sk < :before',
          ProjectionExpression: '#sk',
          ExpressionAttributeNames: { '#pk': 'listPk', '#sk': 'listSk' },
          ExpressionAttributeValues: {
            ':pk': partition,
            ...(before !== undefined && { ':before': before }),
          },
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      const ids = Items.map((item) => String(item['listSk']));
      return { items: ids, readDownTo: LastEvaluatedKey === undefined ? '' : (ids.at(-1) ?? '') };
    }),
  );
  const { items, next } = newestFirst(lists, limit, (id) => id);
  return { ids: items, isComplete: next === undefined };
}

/** Items of a partition after a sort key, or all: at most `limit` of them, or what fits into a megabyte. */
export async function readPartition(
  { client, tables }: Store,
  pk: string,
  {
    after,
    limit,
    consistency,
  }: {
    readonly after?: string | undefined;
    readonly limit: number;
    readonly consistency: Consistency;
  },
): Promise<{ readonly items: readonly RawItem[]; readonly isComplete: boolean }> {
  const { Items = [], LastEvaluatedKey } = await client.send(
    new QueryCommand({
      TableName: tables.data,
      KeyConditionExpression: after === undefined ? '#pk = :pk' : '#pk = :pk AND #sk > :after',
      ExpressionAttributeNames: { '#pk': 'pk', ...(after !== undefined && { '#sk': 'sk' }) },
      ExpressionAttributeValues: { ':pk': pk, ...(after !== undefined && { ':after': after }) },
      ConsistentRead: consistency === 'strong',
      Limit: limit,
    }),
  );
  return { items: Items, isComplete: LastEvaluatedKey === undefined };
}

export async function readEntityItem(
  store: Store,
  tenant: string,
  id: string,
): Promise<EntityItem | undefined> {
  const { Item } = await store.client.send(
    new GetCommand({ TableName: store.tables.data, Key: entityKey(tenant, id), ConsistentRead: true }),
  );
  return Item as EntityItem | undefined;
}

/** Entities that exist, by id. */
export async function readEntityItems(
  store: Store,
  tenant: string,
  ids: readonly string[],
  consistency: Consistency,
): Promise<ReadonlyMap<string, EntityItem>> {
  const keys = ids.map((id) => entityKey(tenant, id));
  const { client, tables } = store;
  const items = await readByKey<EntityItem>(client, tables.data, keys, undefined, consistency);
  const byPartition = new Map(items.map((item) => [item.pk, item]));
  return new Map(
    ids.flatMap((id) => {
      const item = byPartition.get(entityPartition(tenant, id));
      return item ? [[id, item] as const] : [];
    }),
  );
}

/** What lies in each of the places that were read. */
export type Places = (key: ItemKey) => RawItem | undefined;

/** Reads places of the data table, whatever lies there, in as few requests as can be. */
export async function readPlaces(
  { client, tables }: Store,
  keys: readonly ItemKey[],
  consistency: Consistency,
): Promise<Places> {
  return byKey(await readByKey<RawItem & ItemKey>(client, tables.data, keys, undefined, consistency));
}

/** Who holds each value, in their order; `undefined` where it is free. */
export async function readHolders(
  store: Store,
  tenant: string,
  holds: readonly Pick<UniqueReservation, 'constraint' | 'hash'>[],
): Promise<readonly unknown[]> {
  const keys = holds.map((hold) => uniqueKey(tenant, hold));
  const items = await readByKey<ItemKey & { readonly entity?: unknown }>(
    store.client,
    store.tables.data,
    keys,
  );
  const holders = new Map(items.map(({ pk, entity }) => [pk, entity]));
  return keys.map(({ pk }) => holders.get(pk));
}

export type AuditedMessage = Pick<
  MessageItem,
  | 'pk'
  | 'sk'
  | 'id'
  | 'tenant'
  | 'topic'
  | 'type'
  | 'status'
  | 'attempts'
  | 'createdAt'
  | 'redrivenAt'
  | 'leaseUntil'
  | 'openPk'
  | 'closedPk'
  | 'payload'
  | 'sensitive'
>;

const audited = [
  ...['pk', 'sk', 'id', 'tenant', 'topic', 'type', 'status', 'attempts', 'createdAt', 'redrivenAt'],
  ...['leaseUntil', 'openPk', 'closedPk', 'payload', 'sensitive'],
];
const messageProjection = {
  ProjectionExpression: audited.map((name) => `#${name}`).join(', '),
  ExpressionAttributeNames: Object.fromEntries(audited.map((name) => [`#${name}`, name])),
};

/** An entity's messages of the entries from `from` to `to`, or to the end of all. */
export async function readMessages(
  { client, tables }: Store,
  tenant: string,
  id: string,
  {
    from,
    to,
    consistency,
  }: { readonly from: number; readonly to?: number | undefined; readonly consistency: Consistency },
): Promise<readonly AuditedMessage[]> {
  const sortKey = (seq: number): string => String(seq).padStart(10, '0');
  const isBounded = from > 1 || to !== undefined;
  const messages: AuditedMessage[] = [];
  let startKey: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: tables.outbox,
        ...messageProjection,
        KeyConditionExpression: isBounded ? '#pk = :pk AND #sk BETWEEN :from AND :to' : '#pk = :pk',
        ExpressionAttributeValues: {
          ':pk': messagePartition(tenant, id),
          // A tilde follows every digit and the separator.
          ...(isBounded && { ':from': sortKey(from), ':to': to === undefined ? '~' : `${sortKey(to)}~` }),
        },
        ConsistentRead: consistency === 'strong',
        ...(startKey && { ExclusiveStartKey: startKey }),
      }),
    );
    messages.push(...(Items as AuditedMessage[]));
    startKey = LastEvaluatedKey;
  } while (startKey);
  return messages;
}

/** Which of these messages exist. */
export async function readExistingMessages(
  store: Store,
  keys: readonly ItemKey[],
): Promise<readonly ItemKey[]> {
  return readByKey<ItemKey>(store.client, store.tables.outbox, keys);
}

/** What an account holds; without a unit where nothing tells it. */
export interface Held {
  readonly unit: unknown;
  readonly balance: unknown;
}

/** What accounts hold, wherever they lie, also in several items; `undefined` for one that does not exist. */
export async function readHeld(
  store: Store,
  registry: Registry,
  tenant: string,
  accounts: readonly string[],
  consistency: Consistency,
): Promise<readonly (Held | undefined)[]> {
  const places = accounts.map((account) => {
    const owned = ownedAccount(registry, account);
    const keys = owned
      ? [entityKey(tenant, owned.id)]
      : balanceKeys(tenant, account, registry.spreadOf(account));
    return { owned, keys };
  });
  const byPartition = new Map<string, HeldItem>();
  const read = async (keys: readonly ItemKey[]): Promise<void> => {
    const { client, tables } = store;
    const items = await readByKey<HeldItem>(client, tables.data, keys, undefined, consistency);
    for (const item of items) byPartition.set(item.pk, item);
  };
  await read(places.flatMap(({ keys }) => keys));
  // The entity's own item tells in which others its account lies.
  const shared = places.map(({ owned, keys: [own] }) => {
    const spread = owned && byPartition.get(own?.pk ?? '')?.spread?.[owned.key];
    return owned && spread !== undefined
      ? shareKeysOf(tenant, { id: owned.id, spread: { [owned.key]: spread } })
      : [];
  });
  await read(shared.flat());
  return places.map(({ owned, keys }, index) => {
    const found = keys.flatMap(({ pk }) => byPartition.get(pk) ?? []);
    if (!owned) return heldBy(found);
    const [item] = found;
    if (!item) return undefined;
    const shares = (shared[index] ?? []).flatMap(({ pk }) => byPartition.get(pk) ?? []);
    const own = { unit: item.units?.[owned.key] ?? owned.unit, balance: item.balances?.[owned.key] ?? 0 };
    return shares.length > 0 ? heldBy([own, ...shares]) : own;
  });
}

type HeldItem = ItemKey & Partial<BalanceItem & EntityItem>;

/** What the items of an account hold together. One of them in another unit than the rest makes the unit no unit. */
function heldBy(
  items: readonly { readonly unit?: string | undefined; readonly balance?: unknown }[],
): Held | undefined {
  if (items.length === 0) return undefined;
  const units = new Set(items.map(({ unit }) => unit ?? null));
  const balance = items.reduce((sum, item) => sum + Number(item.balance), 0);
  return { unit: [...units].join(' and '), balance };
}
