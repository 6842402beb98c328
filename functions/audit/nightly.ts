/** The audit of all tenants, one after the other, within the time a function has; the next night goes on. */
import type { Audit, AuditPage } from '../api/audit.ts';
import { ProblemError } from '../api/problem.ts';
import type { Log } from '../runtime/logger.ts';
import { readTenants } from '../store/audit/audit-reads.ts';
import { readCheckpoint, writeCheckpoint } from '../store/audit/audit-runs.ts';
import type { Checkpoint } from '../store/audit/audit-runs.ts';
import type { Store } from '../store/store.ts';
import { nightlyReserveMs } from './limits.ts';

export interface Night {
  readonly store: Store;
  readonly audit: Audit;
  readonly log: Log;
  /** Milliseconds left. */
  readonly remainingMs: () => number;
  /** By hand: just these. */
  readonly tenants?: readonly string[] | undefined;
}

export interface NightReport {
  readonly tenants: number;
  readonly checkedEntities: number;
  readonly checkedEntries: number;
  readonly problems: number;
  /** Tenants whose audit failed; their problems are not known. */
  readonly failed: number;
  /** Whether all tenants were audited to their end. */
  readonly isFinished: boolean;
}

export async function auditAll(night: Night): Promise<NightReport> {
  const { store, log } = night;
  const checkpoint = night.tenants ? undefined : await readCheckpoint(store);
  const tenants = from(checkpoint?.tenant, night.tenants ?? (await readTenants(store)));
  const report = { tenants: 0, checkedEntities: 0, checkedEntries: 0, problems: 0, failed: 0 };
  for (const tenant of tenants) {
    let cursor = tenant === checkpoint?.tenant ? checkpoint.cursor : undefined;
    try {
      do {
        if (night.remainingMs() < nightlyReserveMs) {
          if (!night.tenants) await writeCheckpoint(store, { tenant, cursor });
          log.warn('the audit goes on the next night', { tenant });
          return { ...report, isFinished: false };
        }
        const page = await nextPage(night, tenant, cursor);
        report.checkedEntities += page.checkedEntities;
        report.checkedEntries += page.checkedEntries;
        report.problems += page.problems.length;
        for (const problem of page.problems) log.error('the audit found a problem', { tenant, ...problem });
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      report.tenants += 1;
    } catch (error) {
      // One tenant's data, or a service that is away for a moment, does not keep the others from being audited.
      report.failed += 1;
      log.error('the audit of a tenant failed', { tenant, error: error as Error });
    }
  }
  if (!night.tenants) await writeCheckpoint(store, undefined);
  return { ...report, isFinished: true };
}

/** In their order, beginning with the one at which the last night ended. */
function from(tenant: Checkpoint['tenant'] | undefined, tenants: readonly string[]): readonly string[] {
  const index = tenants.findIndex((each) => tenant !== undefined && each >= tenant);
  return index > 0 ? [...tenants.slice(index), ...tenants.slice(0, index)] : tenants;
}

async function nextPage({ audit }: Night, tenant: string, cursor: string | undefined): Promise<AuditPage> {
  try {
    return await audit(tenant, cursor);
  } catch (error) {
    // What the last night has kept is too old, or the definitions have changed: begin anew.
    if (cursor !== undefined && error instanceof ProblemError) return audit(tenant, undefined);
    throw error;
  }
}
