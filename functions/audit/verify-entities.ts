/** Verifies entities, some at once: each one's ledger, its item, the unique values it holds, its messages and lines. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { AuditProblem } from '../api/audit.ts';
import type { Backend } from '../commands/backend.ts';
import { linesOf } from '../core/lines.ts';
import type { Line } from '../core/lines.ts';
import { readEntityItem, readMessages, readPlaces } from '../store/audit/audit-reads.ts';
import type { AuditedMessage, Places, RawItem } from '../store/audit/audit-reads.ts';
import type { FixedItem } from '../store/entities/fixed-attributes.ts';
import type { EntityItem, ShareItem } from '../store/entities/items.ts';
import { shareKey, shareKeysOf, sharesIn } from '../store/entities/shares.ts';
import { fixedKey, uniqueKey } from '../store/keys.ts';
import type { ItemKey } from '../store/keys.ts';
import type { Consistency } from '../store/metering/capacity.ts';
import { lineItem } from '../store/statements/lines.ts';
import { entityProblems } from './entity-check.ts';
import { nothingFound, step } from './ledger-walk.ts';
import type { Findings, Subject, Walked } from './ledger-walk.ts';
import { recheckPauseMs } from './limits.ts';
import { messageProblems } from './message-check.ts';
import { foundTwice, problem } from './problems.ts';
import { readSegment, stretchName } from './segments.ts';
import { changedLines, missingLines } from './statement-check.ts';
import { openAccounts } from './sums.ts';
import type { Sums } from './sums.ts';

export type AuditBackend = Pick<Backend, 'registry' | 'store' | 'clock'>;

/** An entity, and what its ledger has told already. */
export interface Begun {
  readonly subject: Subject;
  readonly from: Walked;
}

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
 * Verifies entities of one tenant, or the next part of long ones. A command that commits meanwhile can make one look wrong
 * for a moment, and so can a read that is a moment old and costs half. So what is wrong is looked at again, strongly.
 * @returns in their order
 */
export async function verifyEntities(
  backend: AuditBackend,
  tenant: string,
  all: readonly Begun[],
): Promise<readonly Verified[]> {
  const first = await attempt(backend, tenant, all, 'eventual');
  const suspected = all.filter((_begun, index) => (first[index]?.problems.length ?? 0) > 0);
  if (suspected.length === 0) return first;
  await sleep(recheckPauseMs);
  const second = await attempt(backend, tenant, suspected, 'strong');
  return first.map((before, index) => {
    const after = second[suspected.findIndex((begun) => begun === all[index])];
    return after ? { ...after, problems: foundTwice(before.problems, after.problems) } : before;
  });
}

async function attempt(
  backend: AuditBackend,
  tenant: string,
  all: readonly Begun[],
  consistency: Consistency,
): Promise<readonly Verified[]> {
  const { store } = backend;
  const walks = await Promise.all(all.map((begun) => walkLedger(backend, begun, consistency)));
  const [places, messages] = await Promise.all([
    readPlaces(store, walks.flatMap(placesOf), consistency),
    Promise.all(
      walks.map(({ subject: { id }, from, walked, isLast }) =>
        readMessages(store, tenant, id, {
          from: from.seq + 1,
          to: isLast ? undefined : walked.seq,
          consistency,
        }),
      ),
    ),
  ]);
  return walks.map((walk, index) => judged(walk, places, messages[index] ?? [], backend.clock.now()));
}

/** A ledger, or a part of it, as it was walked. */
interface Walk extends Begun {
  readonly walked: Walked;
  readonly findings: Findings;
  /** The last place of what was walked, whether there is an entry or not. */
  readonly end: number;
  /** The ledger's end is reached. */
  readonly isLast: boolean;
  /** The entity's, where the end is reached and it is there. */
  readonly item: EntityItem | undefined;
  /** What its intact entries have written down elsewhere: what was changed proves nothing about a line. */
  readonly lines: readonly Line[];
}

async function walkLedger(
  { store, registry }: AuditBackend,
  { subject, from }: Begun,
  consistency: Consistency,
): Promise<Walk> {
  const { tenant, id } = subject;
  const findings = nothingFound();
  const segment = await readSegment(store, tenant, id, from.seq, { consistency });
  const walk = (start: Walked, items: typeof segment.items): Walked =>
    items.reduce((walked, item) => step(subject, walked, item, findings), start);
  let walked = walk(from, segment.items);
  let item = segment.entity;
  let isLast = segment.isLast;
  while (isLast) {
    if (item?.version !== walked.seq) item = await readEntityItem(store, tenant, id);
    if (!(typeof item?.version === 'number' && item.version > walked.seq)) break;
    // Entries that were committed after the ledger was read.
    const more = await readSegment(store, tenant, id, walked.seq, { end: segment.end });
    isLast = more.isLast;
    if (more.items.length === 0) break;
    walked = walk(walked, more.items);
  }
  const lines = findings.intact.flatMap((entry) => linesOf(registry, id, entry));
  return { subject, from, walked, findings, end: segment.end, isLast, item, lines };
}

/** Where lies what one entity is compared with, besides its ledger and its messages. */
function placesOf({ subject: { tenant, id }, walked, isLast, item, lines }: Walk): readonly ItemKey[] {
  return [
    ...(isLast ? walked.reserved.map((value) => uniqueKey(tenant, value)) : []),
    ...(isLast && item?.fixed ? [fixedKey(tenant, id)] : []),
    ...(isLast && item ? shareKeysOf(tenant, item) : []),
    ...lines.map((line) => lineItem(tenant, line)),
  ];
}

function judged(walk: Walk, places: Places, messages: readonly AuditedMessage[], now: number): Verified {
  const { subject, from, walked, findings, end, isLast, lines } = walk;
  const { tenant, id } = subject;
  const ofMessages = (to: number): readonly AuditProblem[] =>
    messageProblems({ tenant, id }, { from: from.seq + 1, to, isLast }, findings.messages, messages, now);
  const problems = [
    ...findings.problems,
    ...(isLast ? finalProblems(walk, places, ofMessages, now) : ofMessages(walked.seq)),
    ...changedLines(tenant, lines, places),
  ];
  return {
    problems,
    stretch: stretchName(id, end),
    sums: findings.sums,
    entries: findings.entries,
    missingLines: missingLines(tenant, lines, places, now),
    ...(!isLast && { rest: walked }),
  };
}

/** What can be said once the ledger's end is reached. */
function finalProblems(
  { subject, walked, findings, item }: Walk,
  places: Places,
  ofMessages: (to: number) => readonly AuditProblem[],
  now: number,
): readonly AuditProblem[] {
  const { tenant, id } = subject;
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
  const whole = item.fixed ? withFixedAttributes(item, places(fixedKey(tenant, id))) : item;
  problems.push(...entityProblems(subject, reached, whole, now));
  problems.push(...shareProblems(subject, item, places));
  if (!reached.isBroken) problems.push(...claimProblems(subject, reached, places));
  for (const seq of findings.messages.keys()) if (seq > version) findings.messages.delete(seq);
  problems.push(...ofMessages(version));
  return problems;
}

const withFixedAttributes = (item: EntityItem, fixed: RawItem | undefined): EntityItem => ({
  ...item,
  attributes: { ...item.attributes, ...(fixed as Partial<FixedItem> | undefined)?.attributes },
});

/** What the items of its accounts have from it. What they hold is compared with the sums over all ledgers. */
const shareProblems = (
  { tenant, id }: Subject,
  { spread, status, lock }: EntityItem,
  places: Places,
): readonly AuditProblem[] =>
  sharesIn(spread).flatMap(({ key, place }) => {
    const share = places(shareKey(tenant, id, key, place)) as Partial<ShareItem> | undefined;
    const isSame = {
      balance: Number.isSafeInteger(share?.balance),
      lock: isDeepStrictEqual(share?.lock, lock),
      status: share?.status === status,
    };
    const wrong = Object.entries(isSame).flatMap(([name, same]) => (same ? [] : [name]));
    const text = `item ${place} of "${key}" is not as the entity says: ${wrong.join(', ')}`;
    return wrong.length > 0 ? [problem('entity_changed', text, { entity: id })] : [];
  });

const claimProblems = (
  { tenant, id }: Subject,
  { held, reserved }: Walked,
  places: Places,
): readonly AuditProblem[] =>
  reserved.flatMap((value) => {
    const { constraint, hash } = value;
    const holder = places(uniqueKey(tenant, value))?.['entity'];
    const place = { entity: id };
    if (held[constraint]?.hash !== hash) {
      return holder === id ? [problem('claim_not_released', constraint, place)] : [];
    }
    if (holder === undefined) return [problem('claim_missing', constraint, place)];
    return holder === id ? [] : [problem('claim_taken', `${constraint} is held by another`, place)];
  });
