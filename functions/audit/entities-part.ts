/** Verifies entities and keeps the sums of their postings. */
import type { Domain } from '../core/definition.ts';
import { readWalk, writeSums, writeWalk } from '../store/audit/audit-runs.ts';
import { visitEntities } from './visit-entities.ts';
import type { Done, Visit, Visited } from './visit-entities.ts';
import { beginning } from './ledger-walk.ts';
import type { Walked } from './ledger-walk.ts';
import type { AuditContext, Part } from './part.ts';
import { noCursor } from './position.ts';
import type { PositionIn } from './position.ts';
import { lineMissing } from './statement-check.ts';
import { verifyEntities } from './verify-entities.ts';
import type { Begun, Verified } from './verify-entities.ts';

type Checked = Verified & Done & { readonly isBegun: boolean };

export async function checkEntities(context: AuditContext, position: PositionIn<'entities'>): Promise<Part> {
  const { backend, run, heal } = context;
  const begun = async (domain: Domain, { id, afterSeq }: Visited): Promise<Begun> => {
    const subject = { tenant: run.tenant, domain, id };
    if (afterSeq === 0) return { subject, from: beginning };
    const walked = await readWalk(backend.store, run, id, afterSeq);
    // A run that was never there, or whose notes are gone, or are a version's that told less.
    if (!isWalk(walked)) throw noCursor;
    return { subject, from: walked };
  };
  const visit: Visit<Checked> = async (domain, entities) => {
    const all = await Promise.all(entities.map((entity) => begun(domain, entity)));
    const verified = await verifyEntities(backend, run.tenant, all);
    for (const [index, { id }] of entities.entries()) {
      const rest = verified[index]?.rest;
      if (rest) await writeWalk(backend.store, run, id, rest.seq, rest);
    }
    return verified.map((each, index) => ({
      ...each,
      isBegun: entities[index]?.afterSeq === 0,
      restSeq: each.rest?.seq,
    }));
  };
  const { results, next } = await visitEntities(context, position, visit);
  const missing = results.flatMap(({ missingLines }) => missingLines);
  if (missing.length > 0) await heal?.(run.tenant, missing);
  await writeSums(backend.store, run, 1, results);
  return {
    checkedEntities: results.filter(({ isBegun }) => isBegun).length,
    checkedEntries: results.reduce((sum, { entries }) => sum + entries, 0),
    problems: [
      ...results.flatMap(({ problems }) => problems),
      // What was written in this moment is no problem any more.
      ...(heal ? [] : missing.map(lineMissing)),
    ],
    entitiesRead: results.length,
    next: next
      ? { phase: 'entities', run: run.id, ...next }
      : { phase: 'messages', run: run.id, group: 'open' },
  };
}

const isWalk = (walked: unknown): walked is Walked =>
  typeof walked === 'object' && walked !== null && 'held' in walked && 'reserved' in walked;
