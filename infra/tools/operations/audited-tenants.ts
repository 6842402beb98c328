/**
 * `DATA_TABLE=... npm run audit:tenants` lists the tenants that the nightly audit knows, the one whose last full audit
 * is oldest first. Region, credentials and endpoint come from the environment, as everywhere. It only reads.
 */
import { auditedSince, standingProblems } from '../../../functions/audit/turns.ts';
import { createDocumentClient } from '../../../functions/store/client.ts';
import { readTenants } from '../../../functions/store/audit/tenant-register.ts';
import type { TenantRecord } from '../../../functions/store/audit/tenant-register.ts';
import { runCommand, UsageError } from '../../local/command-line.ts';

const usage = 'usage: DATA_TABLE=<table> npm run audit:tenants [-- --table <table>] [--json]';

interface Row {
  readonly tenant: string;
  /** When the last full audit began; absent where there was none. */
  readonly lastFullAudit?: string;
  readonly ageHours: number;
  readonly result: string;
  /** Of the audit that goes on. */
  readonly checkedSoFar?: number;
}

function rowOf(record: TenantRecord, now: number): Row {
  const { tenant, lastAudit, openAudit } = record;
  const problems = standingProblems(record);
  return {
    tenant,
    ...(lastAudit && { lastFullAudit: lastAudit.startedAt }),
    ageHours: Math.round((now - Date.parse(auditedSince(record))) / 360_000) / 10,
    result: problems > 0 ? `${problems} problems` : lastAudit ? 'in order' : 'not known yet',
    ...(openAudit && { checkedSoFar: openAudit.checkedEntities }),
  };
}

async function list(table: string, json: boolean): Promise<void> {
  const client = createDocumentClient();
  const records = await readTenants({ client, tables: { data: table, outbox: '', idempotency: '' } });
  const oldestFirst = records.toSorted((a, b) => (auditedSince(a) < auditedSince(b) ? -1 : 1));
  const rows = oldestFirst.map((record) => rowOf(record, Date.now()));
  if (json) console.log(JSON.stringify(rows, null, 2));
  else if (rows.length > 0) console.table(rows);
  else console.log('no tenant is known: the first nightly audit looks for them');
}

await runCommand({
  usage,
  flags: { table: { type: 'string' }, json: { type: 'boolean', default: false } },
  run: async ({ table = process.env['DATA_TABLE'] ?? '', json }) => {
    if (table === '') throw new UsageError('the table is not given');
    await list(table, json).catch((error: unknown) => {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    });
    return 0;
  },
});
