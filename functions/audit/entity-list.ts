/** The list of a tenant's entities, for one call of the audit. */
import type { Domain } from '../core/definition.ts';
import { readIds } from '../store/audit/audit-reads.ts';
import type { Store } from '../store/store.ts';

export interface ListQuery {
  readonly domain: Domain;
  /** All from here upwards are done; absent at the beginning. */
  readonly before?: string | undefined;
  readonly wanted: number;
  /** How many the call can come to want. */
  readonly wantedInAll: number;
}

export interface ListedIds {
  /** Newest first. */
  readonly ids: readonly string[];
  /** There are no more. */
  readonly isComplete: boolean;
}

export type EntityList = (query: ListQuery) => Promise<ListedIds>;

/**
 * A part of the list costs a request to each status that the entities may be in, so a call asks for all that it can
 * come to want, and takes them from what it was told.
 */
export function createEntityList(
  store: Store,
  tenant: string,
  statesOf: (domain: Domain) => readonly string[],
): EntityList {
  let told: (ListedIds & { readonly collection: string }) | undefined;
  return async ({ domain, before, wanted, wantedInAll }) => {
    const { collection } = domain;
    let from = before !== undefined && told?.collection === collection ? told.ids.indexOf(before) + 1 : 0;
    if (!told || from === 0 || (from === told.ids.length && !told.isComplete)) {
      const list = { collection, statuses: statesOf(domain) };
      told = { collection, ...(await readIds(store, tenant, list, { limit: wantedInAll, before })) };
      from = 0;
    }
    const ids = told.ids.slice(from, from + wanted);
    return { ids, isComplete: told.isComplete && from + ids.length === told.ids.length };
  };
}
