/** Whose turn it is in the nightly audit, and what the register says of all tenants together. Pure. */
import type { SearchRecord, TenantRecord } from '../store/audit/tenant-register.ts';

/** @param dueBefore RFC 3339: who was last audited before, and in full, is due */
export const isDue = ({ lastAudit }: TenantRecord, dueBefore: string): boolean =>
  lastAudit === undefined || lastAudit.startedAt < dueBefore;

/**
 * The one whose last turn was longest ago. A tenant that fits into a turn is audited in it, so among those this is
 * the one whose last full audit is oldest; a huge one gets a turn like everybody, and goes on in its next.
 */
export function nextTurn(
  tenants: Iterable<TenantRecord>,
  { dueBefore, now }: { readonly dueBefore: string; readonly now: number },
): TenantRecord | undefined {
  let next: TenantRecord | undefined;
  for (const tenant of tenants) {
    const isFree = (tenant.leaseUntil ?? 0) <= now;
    if (isFree && isDue(tenant, dueBefore) && (!next || isBefore(tenant, next))) next = tenant;
  }
  return next;
}

function isBefore(one: TenantRecord, other: TenantRecord): boolean {
  const [a, b] = [one.turnAt ?? '', other.turnAt ?? ''];
  return a === b ? one.tenant < other.tenant : a < b;
}

export interface Standing {
  readonly knownTenants: number;
  /** Problems of all tenants' last full audits, and of those that are open where they have found more already. */
  readonly problemsStanding: number;
  /**
   * Whatever is in the table was part of a full audit that began this long ago, or less. A tenant that was never
   * audited counts from when it was found, and one that is not found yet from the last search that came to its end.
   */
  readonly oldestAuditSeconds: number;
}

/** What a tenant's audits say of it now: a problem stands until a full audit has ended without it. */
export const standingProblems = ({ openAudit, lastAudit }: TenantRecord): number =>
  Math.max(openAudit?.problems ?? 0, openAudit?.problemsBefore ?? 0, lastAudit?.problems ?? 0);

/** RFC 3339 */
export const auditedSince = ({ lastAudit, foundAt }: TenantRecord): string => lastAudit?.startedAt ?? foundAt;

/** @param now epoch milliseconds */
export function standing(
  tenants: readonly TenantRecord[],
  searches: readonly SearchRecord[],
  now: number,
): Standing {
  const searched = searches.flatMap(
    ({ lastPass, openPass }) => lastPass?.startedAt ?? openPass?.startedAt ?? [],
  );
  const since = [...tenants.map(auditedSince), ...searched].map((time) => Date.parse(time));
  return {
    knownTenants: tenants.length,
    problemsStanding: tenants.reduce((sum, tenant) => sum + standingProblems(tenant), 0),
    oldestAuditSeconds: since.reduce((oldest, time) => Math.max(oldest, Math.round((now - time) / 1000)), 0),
  };
}
