/** Sums the postings of suspect accounts up once more. */
import type { Domain } from '../core/definition.ts';
import { readSuspects, writeSums } from '../store/audit/audit-runs.ts';
import type { StretchSums } from '../store/audit/audit-runs.ts';
import { visitEntities } from './visit-entities.ts';
import type { Done, Visit, Visited } from './visit-entities.ts';
import { uncounted } from './part.ts';
import type { AuditContext, Part } from './part.ts';
import type { PositionIn } from './position.ts';
import { postingsOf } from './raw-entry.ts';
import { readSegment, stretchName } from './segments.ts';
import { openAccounts, post } from './sums.ts';
import type { Sums } from './sums.ts';

export async function recount(context: AuditContext, position: PositionIn<'recount'>): Promise<Part> {
  const { backend, run } = context;
  const sumUp = async (domain: Domain, { id, afterSeq }: Visited): Promise<StretchSums & Done> => {
    const segment = await readSegment(backend.store, run.tenant, id, afterSeq);
    const sums: Sums = new Map();
    for (const item of segment.items) for (const posting of postingsOf(item)) post(sums, posting);
    if (segment.entity) openAccounts(sums, domain, segment.entity);
    const stretch = stretchName(id, segment.end);
    return { stretch, sums, ...(!segment.isLast && { restSeq: segment.end }) };
  };
  const visit: Visit<StretchSums & Done> = (domain, entities) =>
    Promise.all(entities.map((entity) => sumUp(domain, entity)));
  const { results, next } = await visitEntities(context, position, visit);
  const accounts = new Set(results.flatMap(({ sums }) => [...sums.keys()]));
  const suspects = await readSuspects(backend.store, run, accounts);
  const suspected = results.map(({ stretch, sums }) => ({
    stretch,
    sums: new Map([...sums].filter(([account]) => suspects.has(account))),
  }));
  await writeSums(backend.store, run, 2, suspected);
  return uncounted(
    next
      ? { phase: 'recount', run: run.id, ...next }
      : { phase: 'accounts', run: run.id, pass: 2, hasSuspects: true },
    [],
    results.length,
  );
}
