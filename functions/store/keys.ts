/** The keys of the data table. A tenant is encoded, so that none can write the separator into its name. */
import { createHash } from 'node:crypto';
import type { UniqueReservation } from '../core/unique-holds.ts';

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
export const partitionKeyMaxBytes = 2_048;

const encoded = (tenant: string): string => encodeURIComponent(tenant);

/** An entity and its ledger share a partition, so that a ledger is one query. */
export const entityPartition = (tenant: string, id: string): string => `${encoded(tenant)}#${id}`;

export const entityKey = (tenant: string, id: string): ItemKey => ({
  pk: entityPartition(tenant, id),
  sk: 'entity',
});

/** What never changes of an entity. */
export const fixedKey = (tenant: string, id: string): ItemKey => ({
  pk: entityPartition(tenant, id),
  sk: 'fixed',
});

/** What the sort keys of a ledger begin with. */
export const entryPrefix = 'entry#';

/** Padded, so that entries sort by number. */
const entrySortKey = (seq: number): string => `${entryPrefix}${String(seq).padStart(10, '0')}`;

export const entryKey = (tenant: string, id: string, seq: number): ItemKey => ({
  pk: entityPartition(tenant, id),
  sk: entrySortKey(seq),
});

/** Of what began an entity. */
export const firstEntrySortKey = entrySortKey(1);

/**
 * The item of a named account.
 * @param place of one that is spread, from 0. The first is where the account lies while it is not spread, so that what is
 *   in it stays where it is. An account's name may hold anything, and is behind the place.
 */
export const balanceKey = (tenant: string, account: string, place = 0): ItemKey => ({
  pk: `${encoded(tenant)}#balance${place === 0 ? '' : `.${place}`}#${account}`,
  sk: 'balance',
});

/** All the items of a named account. @param items over which it is spread */
export const balanceKeys = (tenant: string, account: string, items: number): readonly ItemKey[] =>
  Array.from({ length: items }, (_, place) => balanceKey(tenant, account, place));

/**
 * The place among the items of a spread account that a command adds to. It follows from the ledger entry that the
 * command writes, so that commands go to all of them alike, and one that met another there goes to another place.
 * Which of them it is does not matter to a duplicate: the key's record lets one attempt commit.
 * @param meetings how often it has met another transaction
 */
export function balancePlace(
  items: number,
  { id, seq }: { readonly id: string; readonly seq: number },
  meetings: number,
): number {
  if (items === 1) return 0;
  const hash = createHash('sha256').update(`${id}#${seq}`).digest();
  const stride = 1 + (hash.readUInt32BE(4) % (items - 1));
  return (hash.readUInt32BE(0) + meetings * stride) % items;
}

/** The statement of an account: its lines by time. */
export const statementPartition = (tenant: string, account: string): string =>
  `${encoded(tenant)}#statement#${account}`;

/** Entities by what an attribute holds, by time. The value may be long and hold anything, so the key carries its hash. */
export const listedPartition = (
  tenant: string,
  {
    collection,
    attribute,
    value,
  }: { readonly collection: string; readonly attribute: string; readonly value: string },
): string =>
  `${encoded(tenant)}#listed#${collection}#${attribute}#${createHash('sha256').update(value).digest('base64url')}`;

/** The entity to whose partition a key belongs; `undefined` of any other. */
export function partitionOwner(pk: string): { readonly tenant: string; readonly id: string } | undefined {
  const [, tenant, id] = /^([^#]+)#([^#]+)$/.exec(pk) ?? [];
  return tenant === undefined || id === undefined ? undefined : { tenant: decodeURIComponent(tenant), id };
}

/** Values may be long and hold anything, so the key carries their hash. */
export const uniqueKey = (
  tenant: string,
  { constraint, hash }: Pick<UniqueReservation, 'constraint' | 'hash'>,
): ItemKey => ({ pk: `${encoded(tenant)}#unique#${constraint}#${hash}`, sk: 'unique' });

/** A tenant's redrive runs lie in one partition, by time. */
export const redrivePartition = (tenant: string): string => `${encoded(tenant)}#redrives`;
export const redriveKey = (tenant: string, id: string): ItemKey => ({ pk: redrivePartition(tenant), sk: id });

/** The messages of a run, by their place among all of them. */
export const redriveListPartition = (tenant: string, id: string): string =>
  `${encoded(tenant)}#redrive#${id}`;
export const redriveListSortKey = (place: number): string => `list#${String(place).padStart(10, '0')}`;

/** A tenant's operator's log lies in one partition, by time. */
export const operationsPartition = (tenant: string): string => `${encoded(tenant)}#operations`;
export const operationKey = (tenant: string, id: string): ItemKey => ({
  pk: operationsPartition(tenant),
  sk: id,
});

/** Held by the one run of a match that goes on. What it is about may be long and hold anything. */
export const redriveMatchKey = (tenant: string, hash: string): ItemKey => ({
  pk: `${encoded(tenant)}#redrive-match#${hash}`,
  sk: 'match',
});

/** Which of so many partition keys something goes to: by its hash, so that each gets its share. At most 256 of them. */
export const shardOf = (name: string, shards: number): number =>
  createHash('sha256').update(name).digest().readUInt8(0) % shards;

/**
 * Partition keys of one list of the index `byStatus`. A key takes 1,000 writes a second, and a command writes a list
 * once: two keys take more commands than the index of open messages takes messages. Each more would cost a list without
 * a status one request more for each status there is. See `test/unit/throughput.unit.test.ts`.
 */
export const listShards = 2;

/** What an entity's place in the lists depends on. */
export interface Listed {
  readonly id: string;
  readonly collection: string;
  readonly status: string;
}

const listPartition = (tenant: string, { collection, status }: Omit<Listed, 'id'>, shard: number): string =>
  `${encoded(tenant)}#${collection}#${status}#${shard}`;

/** The partitions of one list. */
export const listPartitions = (tenant: string, list: Omit<Listed, 'id'>): readonly string[] =>
  Array.from({ length: listShards }, (_, shard) => listPartition(tenant, list, shard));

/** The partition in which an entity is listed. */
export const listPartitionOf = (tenant: string, entity: Listed): string =>
  listPartition(tenant, entity, shardOf(entity.id, listShards));

/**
 * Partition keys of the index `due`, which all tenants share, since the sweeper asks for what is due and not for whom.
 * A key takes 1,000 writes a second; so many take what a deployment does, also where each command ends one wait and
 * begins another. See `test/unit/throughput.unit.test.ts`.
 */
export const dueShards = 128;
export const dueShard = (shard: number): string => `due#${shard}`;
export const dueShardOf = (id: string): string => dueShard(shardOf(id, dueShards));
