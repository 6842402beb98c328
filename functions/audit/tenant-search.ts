/**
 * The search for tenants: a scan of the index of all entities, a bounded part a night. It finds every tenant with an
 * entity, whether or not anything was ever sent for it and however long ago, and costs no command a write.
 */
import type { Clock } from '../runtime/clock.ts';
import { timestamp } from '../runtime/clock.ts';
import { readSearches, scanTenants, writeSearch, writeTenant } from '../store/audit/tenant-register.ts';
import type { SearchRecord } from '../store/audit/tenant-register.ts';
import type { Store } from '../store/store.ts';
import { tenantSearch } from './limits.ts';

export interface Search {
  readonly store: Store;
  readonly clock: Clock;
  /** Names the run that writes. */
  readonly writer: string;
  /** Those in the register; what is found is added. */
  readonly known: Set<string>;
  /** RFC 3339: a pass that began later is not repeated. */
  readonly dueBefore: string;
  readonly hasTime: () => boolean;
}

/** Goes on where the last night ended. Each page is noted down before the next one is read. */
export async function searchTenants(search: Search): Promise<void> {
  const { segments } = tenantSearch;
  const records = new Map(
    (await readSearches(search.store, segments)).map((record) => [record.segment, record]),
  );
  await Promise.all(
    Array.from({ length: segments }, (_, segment) =>
      searchSegment(search, records.get(segment) ?? { segment, revision: 0, writer: '' }),
    ),
  );
}

async function searchSegment(search: Search, before: SearchRecord): Promise<void> {
  const { store, clock, writer, dueBefore, hasTime } = search;
  const { segments } = tenantSearch;
  let record = before;
  while (hasTime() && (record.openPass || !record.lastPass || record.lastPass.startedAt < dueBefore)) {
    const { startedAt, startKey: from } = record.openPass ?? { startedAt: timestamp(clock.now()) };
    const { tenants, startKey } = await scanTenants(store, { segment: record.segment, segments }, from);
    for (const tenant of tenants) await addTenant(search, tenant);
    const written = await writeSearch(store, writer, segments, {
      ...record,
      openPass: startKey && { startedAt, startKey },
      ...(!startKey && { lastPass: { startedAt, endedAt: timestamp(clock.now()) } }),
    });
    // Another run searches here.
    if (!written) return;
    record = written;
  }
}

/** Puts a tenant into the register where it is not there yet. */
export async function addTenant(
  { store, clock, writer, known }: Pick<Search, 'store' | 'clock' | 'writer' | 'known'>,
  tenant: string,
): Promise<void> {
  if (known.has(tenant)) return;
  known.add(tenant);
  await writeTenant(store, writer, { tenant, foundAt: timestamp(clock.now()), revision: 0 });
}
