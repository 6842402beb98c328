/** Lambda `audit`: the nightly audit of all tenants, or by hand of those that the event names. */
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { domains } from '../application.ts';
import { registerDomains } from '../core/registry.ts';
import { systemClock, timestamp } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createDocumentClient } from '../store/client.ts';
import { writeLines } from '../store/statements/lines.ts';
import { createAudit } from './audit.ts';
import { auditAll } from './nightly.ts';
import type { NightReport } from './nightly.ts';

const environment = readEnvironment(['DATA_TABLE', 'OUTBOX_TABLE']);
const store = {
  client: createDocumentClient(),
  // The audit has nothing to do with answers and is not told where they lie.
  tables: { data: environment.DATA_TABLE, outbox: environment.OUTBOX_TABLE, idempotency: '' },
};
const { log, metrics, measured } = telemetryOf('audit');
const audit = createAudit(
  { registry: registerDomains(domains), store, clock: systemClock },
  async (tenant, missing) => {
    await writeLines(
      store,
      missing.map((line) => ({ ...line, tenant })),
    );
    log.warn('lines written that statements and lists lacked', { tenant, lines: missing.length });
  },
);

/**
 * By hand `{ "tenants": ["acme"] }`, or `{ "since": "2026-11-25T03:00:00Z" }` for all whose last full audit began
 * before; what the schedule sends names neither.
 */
const auditEvent = z.object({
  tenants: z.array(z.string().min(1)).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
});

/** @throws where some tenant could not be audited, so that the function counts as failed */
export const handler = measured(async (event: unknown, context: Context): Promise<NightReport> => {
  log.addContext(context);
  const { tenants, since } = auditEvent.parse(event);
  const remainingMs = (): number => context.getRemainingTimeInMillis();
  const report = await auditAll({
    store,
    audit,
    clock: systemClock,
    log,
    remainingMs,
    tenants,
    // The form in which the register keeps its times, which are compared as text.
    since: since === undefined ? undefined : timestamp(Date.parse(since)),
  });
  log.info('audited', { ...report });
  metrics.add('AuditProblems', report.problemsStanding);
  metrics.add('OldestAuditAge', report.oldestAuditSeconds);
  if (report.searchFailed) throw new Error('the search for tenants failed');
  if (report.failed > 0) throw new Error(`the audit of ${report.failed} tenants failed`);
  return report;
});
