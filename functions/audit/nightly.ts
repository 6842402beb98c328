/**
 * The audit of all tenants, in the time that a function has:
 *
 *     search for tenants (bounded) -- turn of the tenant that waited longest -- turn of the next -- ...
 *
 * A turn is a bounded number of pages of one tenant's audit. After each page the tenant's record is written, so that
 * a run that is stopped or killed at any point is gone on with from there: by the next night, or by another run.
 */
import { randomUUID } from 'node:crypto';
import type { AuditPage } from '../api/audit.ts';
import { ProblemError } from '../api/problem.ts';
import { timestamp } from '../runtime/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/logger.ts';
import { readSearches, readTenant, readTenants, writeTenant } from '../store/audit/tenant-register.ts';
import type { OpenAudit, TenantRecord } from '../store/audit/tenant-register.ts';
import type { Store } from '../store/store.ts';
import type { TenantAudit } from './audit.ts';
import { nightly, retentionFactor, retentionSeconds, tenantSearch } from './limits.ts';
import { addTenant, searchTenants } from './tenant-search.ts';
import { isDue, nextTurn, standing, standingProblems } from './turns.ts';
import type { Standing } from './turns.ts';

export interface Night {
  readonly store: Store;
  readonly audit: TenantAudit;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds left. */
  readonly remainingMs: () => number;
  /** By hand: just these, in full from now on. */
  readonly tenants?: readonly string[] | undefined;
  /** By hand, RFC 3339: all whose last full audit began before; the beginning of the last night by default. */
  readonly since?: string | undefined;
}

export interface NightReport extends Standing {
  /** Full audits that came to their end. */
  readonly tenants: number;
  readonly checkedEntities: number;
  readonly checkedEntries: number;
  /** Problems found in this run. */
  readonly problems: number;
  /** Tenants whose audit failed; their problems are not known. */
  readonly failed: number;
  /** Whether the search for tenants failed. */
  readonly searchFailed: boolean;
  /** Whether no tenant is due any more. */
  readonly isFinished: boolean;
}

type Counts = { -readonly [Name in 'tenants' | 'checkedEntities' | 'checkedEntries' | 'problems']: number };

/** One run over the tenants. */
interface Run extends Night {
  readonly writer: string;
  readonly dueBefore: string;
  readonly hasTime: () => boolean;
  readonly counts: Counts;
}

export async function auditAll(night: Night): Promise<NightReport> {
  const { store, clock, log } = night;
  const startedAt = clock.now();
  const byDefault = timestamp(startedAt - (night.tenants ? 0 : nightly.dueAfterMs));
  const run: Run = {
    ...night,
    writer: randomUUID(),
    dueBefore: night.since ?? byDefault,
    hasTime: () => night.remainingMs() >= nightly.reserveMs,
    counts: { tenants: 0, checkedEntities: 0, checkedEntries: 0, problems: 0 },
  };
  const searchFailed = !(await complete(run, startedAt));
  const named = night.tenants && new Set(night.tenants);
  const tenants = new Map(
    (await readTenants(store)).flatMap((record) =>
      !named || named.has(record.tenant) ? [[record.tenant, record] as const] : [],
    ),
  );
  const failed = await takeTurns(run, tenants);
  const records = await readTenants(store);
  for (const record of records) {
    const problems = standingProblems(record);
    if (problems > 0) log.error('problems of a tenant stand', { tenant: record.tenant, problems });
  }
  const isOpen = [...tenants.values()].some((record) => isDue(record, run.dueBefore));
  return {
    ...run.counts,
    ...standing(records, await readSearches(store, tenantSearch.segments), clock.now()),
    failed,
    searchFailed,
    isFinished: failed === 0 && !isOpen,
  };
}

/** Makes the register as complete as the time allows. @returns whether that went without a failure */
async function complete(run: Run, startedAt: number): Promise<boolean> {
  const { store, clock, log, writer, dueBefore } = run;
  const known = new Set((await readTenants(store)).map(({ tenant }) => tenant));
  const search = { store, clock, writer, known, dueBefore };
  if (run.tenants) {
    for (const tenant of run.tenants) await addTenant(search, tenant);
    return true;
  }
  const hasTime = (): boolean => run.hasTime() && clock.now() < startedAt + tenantSearch.timeMs;
  try {
    await searchTenants({ ...search, hasTime });
    return true;
  } catch (error) {
    // Those that are known are audited all the same.
    log.error('the search for tenants failed', { error: error as Error });
    return false;
  }
}

/** @returns how many tenants could not be audited */
async function takeTurns(run: Run, tenants: Map<string, TenantRecord>): Promise<number> {
  const { clock, log, dueBefore } = run;
  const open = new Map(tenants);
  while (run.hasTime()) {
    const record = nextTurn(open.values(), { dueBefore, now: clock.now() });
    if (!record) return tenants.size - open.size;
    const { tenant } = record;
    try {
      const after = await takeTurn(run, record);
      tenants.set(tenant, after);
      open.set(tenant, after);
    } catch (error) {
      // One tenant's data, or a service that is away for a moment, does not keep the others from being audited.
      open.delete(tenant);
      log.error('the audit of a tenant failed', { tenant, error: error as Error });
    }
  }
  log.warn('the audit goes on the next night');
  return tenants.size - open.size;
}

/** @returns the record after the turn, or as another run wrote it that is at work on this tenant */
async function takeTurn(run: Run, before: TenantRecord): Promise<TenantRecord> {
  const { store, clock, log, writer } = run;
  const { tenant } = before;
  const turnAt = clock.now();
  const leased = (): number => clock.now() + nightly.leaseMs;
  // Noted at its beginning: a tenant whose data kill the function does not come first again.
  const begun = { ...before, turnAt: timestamp(turnAt), leaseUntil: leased() };
  let record = await writeTenant(store, writer, begun);
  while (record) {
    const { page, audited } = await nextPage(run, record);
    for (const problem of page.problems) log.error('the audit found a problem', { tenant, ...problem });
    const cursor = page.nextCursor;
    const goesOn = cursor !== undefined && run.hasTime() && clock.now() < turnAt + nightly.turnMs;
    const { startedAt, checkedEntities, checkedEntries, problems, firstProblems } = audited;
    const found = { startedAt, checkedEntities, checkedEntries, problems, firstProblems };
    const written: TenantRecord | undefined = await writeTenant(store, writer, {
      ...record,
      leaseUntil: goesOn ? leased() : undefined,
      openAudit: cursor === undefined ? undefined : { ...audited, cursor },
      ...(cursor === undefined && { lastAudit: { ...found, endedAt: timestamp(clock.now()) } }),
    });
    if (!written) break;
    run.counts.checkedEntities += page.checkedEntities;
    run.counts.checkedEntries += page.checkedEntries;
    run.counts.problems += page.problems.length;
    if (cursor === undefined) run.counts.tenants += 1;
    if (!goesOn) return written;
    record = written;
  }
  log.warn('another run is at work on a tenant', { tenant });
  return (await readTenant(store, tenant)) ?? before;
}

type Audited = Omit<OpenAudit, 'cursor'>;

/** @returns the next page of the tenant's audit, and what the audit has found with it */
async function nextPage(
  { audit, clock }: Run,
  { tenant, openAudit, lastAudit }: TenantRecord,
): Promise<{ readonly page: AuditPage; readonly audited: Audited }> {
  if (openAudit) {
    const { cursor, ...before } = openAudit;
    try {
      const page = await audit(tenant, cursor, before.retentionSeconds);
      return { page, audited: added(before, page) };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      // Its partial sums are about to go, or the definitions have changed: it begins anew and keeps them for longer.
    }
  }
  const took = lastAudit ? Date.parse(lastAudit.endedAt) - Date.parse(lastAudit.startedAt) : 0;
  const audited: Audited = {
    startedAt: timestamp(clock.now()),
    checkedEntities: 0,
    checkedEntries: 0,
    problems: 0,
    firstProblems: [],
    retentionSeconds: openAudit
      ? openAudit.retentionSeconds * retentionFactor
      : Math.max(retentionSeconds, Math.ceil((2 * took) / 1000)),
    // What the one before had found stands until this one has ended.
    ...(openAudit && { problemsBefore: Math.max(openAudit.problems, openAudit.problemsBefore ?? 0) }),
  };
  const page = await audit(tenant, undefined, audited.retentionSeconds);
  return { page, audited: added(audited, page) };
}

const added = (before: Audited, page: AuditPage): Audited => ({
  ...before,
  checkedEntities: before.checkedEntities + page.checkedEntities,
  checkedEntries: before.checkedEntries + page.checkedEntries,
  problems: before.problems + page.problems.length,
  firstProblems: [...before.firstProblems, ...page.problems].slice(0, nightly.problemsKept),
});
