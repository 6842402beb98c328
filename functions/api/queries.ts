/** Reads of the API: entities, lists, ledgers and balances, each within its tenant. */
import type { Backend } from '../commands/backend.ts';
import type { Domain } from '../core/definition.ts';
import type { EntityState } from '../core/entity.ts';
import { ownedAccount } from '../core/owned-accounts.ts';
import { statesOf } from '../core/registry.ts';
import * as rejections from '../core/rejections.ts';
import { keepsStatement } from '../core/statements.ts';
import type { StatementLine } from '../core/statements.ts';
import { timestamp } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/clock.ts';
import { readBalance, readEntity, readLedger, readListed, readTogether } from '../store/entities/reads.ts';
import { listPartitions } from '../store/keys.ts';
import { newestFirst } from '../store/newest-first.ts';
import { linePosition, readListedIds, readStatement } from '../store/statements/lines.ts';
import { readWatermark } from '../store/statements/watermark.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { problemOf, ProblemError } from './problem.ts';
import { entityView, entryView } from './view.ts';

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What every read works with: whose data it is about, and how much time it has. */
export interface ReadContext {
  readonly backend: Backend;
  readonly tenant: string;
  readonly deadline: Deadline;
}

/** @throws ProblemError 404 */
export async function getEntity(
  { backend: { store }, tenant, deadline }: ReadContext,
  domain: Domain,
  id: string,
): Promise<EntityState> {
  const entity = await readEntity(store, tenant, id, deadline.signal);
  if (entity?.collection !== domain.collection) throw new ProblemError(problemOf(rejections.notFound));
  return entity;
}

/** Positions: of a list the last entity's id, of a ledger the last entry's number. */
const entityId = /^[a-z]+_[0-9A-HJKMNP-TV-Z]{26}$/;
const sequenceNumber = /^\d{1,10}$/;

/**
 * Newest first. Each list lies in some partitions of the index, and without a status all lists are asked for; the answers
 * are merged by id, which is by time.
 */
export async function listEntities(
  { backend: { store }, tenant, deadline }: ReadContext,
  domain: Domain,
  { status, limit, cursor }: PageRequest & { readonly status?: string | undefined },
): Promise<Page<Record<string, unknown>>> {
  const list = [tenant, domain.collection, status];
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor, entityId);
  const { collection } = domain;
  const statuses = status === undefined ? statesOf(domain) : [status];
  const partitions = statuses.flatMap((one) => listPartitions(tenant, { collection, status: one }));
  const lists = await Promise.all(
    partitions.map((partition) => readListed(store, tenant, partition, { limit, before }, deadline.signal)),
  );
  const { items, next } = newestFirst(
    lists,
    limit,
    ({ id }) => id,
    (one, other) => one.version > other.version,
  );
  return {
    items: items.map((entity) => entityView(domain, entity)),
    ...(next !== undefined && { nextCursor: encodeCursor(list, next) }),
  };
}

export interface ListedPage extends Page<Record<string, unknown>> {
  /** RFC 3339: all that was committed up to then is in the list. Newer ones may be, too. */
  readonly asOf: string;
}

/**
 * Newest first. The list names entities that hold the value, or once held it; each is read as it is now, and shown where
 * it holds the value still. So what is shown is never old, and the list alone may lag.
 */
export async function listByAttribute(
  { backend: { store }, tenant, deadline: { signal } }: ReadContext,
  domain: Domain,
  {
    attribute,
    value,
    status,
    limit,
    cursor,
  }: PageRequest & {
    readonly attribute: string;
    readonly value: string;
    readonly status?: string | undefined;
  },
): Promise<ListedPage> {
  const { collection } = domain;
  const list = [tenant, collection, status, attribute, value];
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor, entityId);
  // First how far it is, then what there is: the other way round it would promise what was not read.
  const asOf = await readWatermark(store.client, store.tables.data, signal);
  const page = { limit: limit + 1, before };
  const { ids, complete } = await readListedIds(
    store,
    tenant,
    { collection, attribute, value },
    page,
    signal,
  );
  const named = ids.slice(0, limit);
  const { entities } = await readTogether(store, tenant, named, undefined, signal);
  const last = named.at(-1);
  const isLast = named.length === ids.length && complete;
  return {
    items: named.flatMap((id) => {
      const entity = entities.get(id);
      if (entity?.collection !== collection) return [];
      const view = entityView(domain, entity);
      const isMeant = view[attribute] === value && (status === undefined || view['status'] === status);
      return isMeant ? [view] : [];
    }),
    asOf: timestamp(asOf),
    ...(!isLast && last !== undefined && { nextCursor: encodeCursor(list, last) }),
  };
}

/** Oldest first. */
export async function listLedger(
  context: ReadContext,
  domain: Domain,
  id: string,
  { limit, cursor }: PageRequest,
): Promise<Page<ReturnType<typeof entryView>>> {
  const { backend, tenant, deadline } = context;
  const list = [tenant, domain.collection, id, 'ledger'];
  const afterSeq = cursor === undefined ? 0 : Number(decodeCursor(list, cursor, sequenceNumber));
  const { entries, complete } = await readLedger(
    backend.store,
    tenant,
    id,
    { limit: limit + 1, afterSeq },
    deadline.signal,
  );
  // Every entity has a first entry, so only an empty answer needs a second look.
  if (entries.length === 0) await getEntity(context, domain, id);
  const page = entries.slice(0, limit);
  const last = page.at(-1);
  const isLast = page.length === entries.length && complete;
  return {
    items: page.map(entryView),
    ...(!isLast && last && { nextCursor: encodeCursor(list, String(last.seq)) }),
  };
}

/**
 * An account of an entity lies on the entity; any other is an item of its own, or several where it is spread.
 * @returns balance 0 and no unit where the account was never used
 */
export async function getBalance(
  { backend: { registry, store }, tenant, deadline }: ReadContext,
  account: string,
): Promise<{ account: string; unit?: string; balance: number }> {
  const owned = ownedAccount(registry, account);
  if (owned) {
    const entity = await readEntity(store, tenant, owned.id, deadline.signal);
    // By its own names alone: an account may be asked for by any.
    const kept = new Map(Object.entries(entity?.units ?? {}));
    const unit = kept.get(owned.key) ?? owned.unit;
    if (!entity || unit === undefined) return { account, balance: 0 };
    return { account, unit, balance: entity.balances[owned.key] ?? 0 };
  }
  const item = await readBalance(store, tenant, account, registry.spreadOf(account), deadline.signal);
  return item ? { account, unit: item.unit, balance: item.balance } : { account, balance: 0 };
}

export interface StatementPage extends Page<Omit<StatementLine, 'account'>> {
  /** RFC 3339: every entry up to then is in the statement. Newer ones may be, too. */
  readonly asOf: string;
}

const noStatement = new ProblemError({
  status: 404,
  code: 'no_statement',
  detail: 'The definition of this account keeps no statement.',
});

/** Newest first. @throws ProblemError 404 for an account that keeps no statement */
export async function listStatement(
  { backend: { registry, store }, tenant, deadline }: ReadContext,
  account: string,
  { limit, cursor }: PageRequest,
): Promise<StatementPage> {
  if (!keepsStatement(registry, account)) throw noStatement;
  const list = [tenant, 'statement', account];
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor, linePosition);
  // First how far it is, then what there is: the other way round it would promise what was not read.
  const asOf = await readWatermark(store.client, store.tables.data, deadline.signal);
  const { lines, complete } = await readStatement(
    store,
    tenant,
    account,
    { limit: limit + 1, before },
    deadline.signal,
  );
  const page = lines.slice(0, limit);
  const last = page.at(-1);
  const isLast = page.length === lines.length && complete;
  return {
    items: page.map(({ entity, seq, at, amount, command }) => ({ entity, seq, at, amount, command })),
    asOf: timestamp(asOf),
    ...(!isLast && last && { nextCursor: encodeCursor(list, last.sk) }),
  };
}
