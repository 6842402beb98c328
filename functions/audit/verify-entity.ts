/** Verifies one entity: its ledger, its item, the unique values it holds and the messages it caused. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditProblem } from '../api/audit.ts';
import type { Backend } from '../commands/backend.ts';
import type { Line } from '../core/lines.ts';
import { readEntityItem, readHolders, readMessages } from '../store/audit/audit-reads.ts';
import { wholeItem } from '../store/entities/fixed-attributes.ts';
import type { EntityItem } from '../store/entities/items.ts';
import { entityProblems } from './entity-check.ts';
import { beginning, nothingFound, step } from './ledger-walk.ts';
import type { Findings, Subject, Walked } from './ledger-walk.ts';
import { recheckPauseMs } from './limits.ts';
import { messageProblems } from './message-check.ts';
import type { Stretch } from './message-check.ts';
import { foundTwice, problem } from './problems.ts';
import { readSegment, stretchName } from './segments.ts';
import { checkStatements } from './statement-check.ts';
import { openAccounts } from './sums.ts';
import type { Sums } from './sums.ts';

export type AuditBackend = Pick<Backend, 'registry' | 'store' | 'clock'>;

export interface Verified {
  readonly problems: readonly AuditProblem[];
  /** Names the part of the ledger that was walked. */
  readonly stretch: string;
  readonly sums: Sums;
  readonly entries: number;
  /** Lines that statements and lists lack. */
  readonly missingLines: readonly Line[];
  /** Where to go on: the ledger is longer than what is walked at once. */
  readonly rest?: Walked;
}

/**
 * Verifies an entity, or the next part of a long one. A command that commits meanwhile can make it look wrong for a
 * moment, so what is wrong is looked at again.
 */
export async function verifyEntity(
  backend: AuditBackend,
  subject: Subject,
  walked: Walked = beginning,
): Promise<Verified> {
  const first = await attempt(backend, subject, walked);
  if (first.problems.length === 0) return first;
  await sleep(recheckPauseMs);
  const second = await attempt(backend, subject, walked);
  return { ...second, problems: foundTwice(first.problems, second.problems) };
}

async function attempt(backend: AuditBackend, subject: Subject, from: Walked): Promise<Verified> {
  const { store } = backend;
  const { tenant, id } = subject;
  const findings = nothingFound();
  const segment = await readSegment(store, tenant, id, from.seq);
  let walked = walk(subject, from, segment.items, findings);
  let item = segment.entity;
  let isLast = segment.isLast;
  while (isLast) {
    if (item?.version !== walked.seq) item = await readEntityItem(store, tenant, id);
    if (!(typeof item?.version === 'number' && item.version > walked.seq)) break;
    // Entries that were committed after the ledger was read.
    const more = await readSegment(store, tenant, id, walked.seq, segment.end);
    isLast = more.isLast;
    if (more.items.length === 0) break;
    walked = walk(subject, walked, more.items, findings);
  }
  const { problems, sums, entries } = findings;
  const stretch = stretchName(id, segment.end);
  if (isLast) problems.push(...(await finalProblems(backend, subject, from.seq, walked, item, findings)));
  else
    problems.push(
      ...(await messagesOf(
        backend,
        subject,
        { from: from.seq + 1, to: walked.seq, isLast: false },
        findings,
      )),
    );
  const statements = await checkStatements(backend, subject, findings.intact);
  problems.push(...statements.problems);
  return {
    ...{ problems, stretch, sums, entries },
    missingLines: statements.missing,
    ...(!isLast && { rest: walked }),
  };
}

function walk(
  subject: Subject,
  from: Walked,
  items: readonly Parameters<typeof step>[2][],
  findings: Findings,
): Walked {
  return items.reduce((walked, item) => step(subject, walked, item, findings), from);
}

/** What can be said once the ledger's end is reached. */
async function finalProblems(
  backend: AuditBackend,
  subject: Subject,
  fromSeq: number,
  walked: Walked,
  item: EntityItem | undefined,
  findings: Findings,
): Promise<readonly AuditProblem[]> {
  const { id } = subject;
  if (!item) return [problem('entity_missing', 'it is listed, and is not there', { entity: id })];
  const { version } = item;
  if (!Number.isSafeInteger(version) || version < 1) {
    return [problem('entity_changed', 'not as its ledger says: version', { entity: id })];
  }
  openAccounts(findings.sums, subject.domain, item);
  const problems: AuditProblem[] = [];
  if (version > walked.seq) {
    const text = `the ledger ends before the entity's version ${version}`;
    problems.push(problem('entry_missing', text, { entity: id, seq: walked.seq + 1 }));
  }
  if (version < walked.seq) {
    const text = `the ledger goes on to ${walked.seq}, and the entity's version is ${version}`;
    problems.push(problem('entry_inserted', text, { entity: id, seq: version + 1 }));
  }
  const reached = version === walked.seq ? walked : { ...walked, last: undefined, isBroken: true };
  const { store, clock } = backend;
  problems.push(
    ...entityProblems(subject, reached, await wholeItem(store, subject.tenant, item), clock.now()),
  );
  if (!reached.isBroken) problems.push(...(await claimProblems(backend, subject, reached)));
  for (const seq of findings.messages.keys()) if (seq > version) findings.messages.delete(seq);
  problems.push(
    ...(await messagesOf(backend, subject, { from: fromSeq + 1, to: version, isLast: true }, findings)),
  );
  return problems;
}

async function claimProblems(
  { store }: AuditBackend,
  { tenant, id }: Subject,
  { held, reserved }: Walked,
): Promise<readonly AuditProblem[]> {
  if (reserved.length === 0) return [];
  const holders = await readHolders(store, tenant, reserved);
  return reserved.flatMap(({ constraint, hash }, index) => {
    const holder = holders[index];
    const place = { entity: id };
    if (held[constraint]?.hash !== hash) {
      return holder === id ? [problem('claim_not_released', constraint, place)] : [];
    }
    if (holder === undefined) return [problem('claim_missing', constraint, place)];
    return holder === id ? [] : [problem('claim_taken', `${constraint} is held by another`, place)];
  });
}

async function messagesOf(
  { store, clock }: AuditBackend,
  { tenant, id }: Subject,
  stretch: Stretch,
  findings: Findings,
): Promise<readonly AuditProblem[]> {
  const to = stretch.isLast ? undefined : stretch.to;
  const found = await readMessages(store, tenant, id, { from: stretch.from, to });
  return messageProblems({ tenant, id }, stretch, findings.messages, found, clock.now());
}
