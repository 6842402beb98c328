/** Verifies entities and keeps the sums of their postings. */
import { readWalk, writeSums, writeWalk } from '../store/audit/audit-runs.ts';
import { visitEntities } from './visit-entities.ts';
import type { Visit } from './visit-entities.ts';
import type { Walked } from './ledger-walk.ts';
import type { AuditContext, Part } from './part.ts';
import { noCursor } from './position.ts';
import type { PositionIn } from './position.ts';
import { lineMissing } from './statement-check.ts';
import { verifyEntity } from './verify-entity.ts';
import type { Verified } from './verify-entity.ts';

type Visited = Verified & {
  readonly isBegun: boolean;
  readonly restSeq?: number | undefined;
};

export async function checkEntities(context: AuditContext, position: PositionIn<'entities'>): Promise<Part> {
  const { backend, run, heal } = context;
  const visit: Visit<Visited> = async (domain, id, afterSeq) => {
    const walked = afterSeq === 0 ? undefined : await readWalk(backend.store, run, id, afterSeq);
    // A run that was never there, or whose notes are gone, or are a version's that told less.
    if (afterSeq > 0 && !isWalk(walked)) throw noCursor;
    const subject = { tenant: run.tenant, domain, id };
    const verified = await verifyEntity(backend, subject, walked as Walked | undefined);
    const { rest } = verified;
    if (rest) await writeWalk(backend.store, run, id, rest.seq, rest);
    return { ...verified, isBegun: afterSeq === 0, restSeq: rest?.seq };
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

const isWalk = (walked: unknown): boolean =>
  typeof walked === 'object' && walked !== null && 'held' in walked && 'reserved' in walked;
