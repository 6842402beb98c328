/**
 * Walks an entity's ledger from its first entry to its last: each entry is the one that was committed, follows the
 * one before it, is a step of the machine that made it, and folds into the next state. All of it is told by the entries
 * themselves; today's definition is asked only about entries of its own version. What the walk knows between two
 * entries is plain data, so that a long ledger can be walked in several calls.
 */
import type { AuditProblem } from '../api/audit.ts';
import { dueBy } from '../core/deadlines.ts';
import { startsOf } from '../core/definition.ts';
import type { Domain } from '../core/definition.ts';
import type { Due } from '../core/entity.ts';
import { genesisHash } from '../core/ledger.ts';
import type { CausedMessages, LedgerEntry } from '../core/ledger.ts';
import { assertBalanced } from '../core/postings.ts';
import { versionOf } from '../core/registry.ts';
import { upgradeCommand } from '../core/upgrade.ts';
import { holdsBy } from '../core/unique-holds.ts';
import type { Holds, UniqueReservation } from '../core/unique-holds.ts';
import { problem } from './problems.ts';
import type { ProblemCode } from './problems.ts';
import { placeOf, readEntry } from './raw-entry.ts';
import type { RawItem } from '../store/audit/audit-reads.ts';
import { post } from './sums.ts';
import type { Sums } from './sums.ts';

/** What the ledger has told up to an entry. */
export interface Walked {
  /** Place of the last entry, 0 at the beginning. */
  readonly seq: number;
  /** The last entry; absent at the beginning, after a gap and after one that cannot be read. */
  readonly last?: (Pick<LedgerEntry, 'hash' | 'to' | 'at'> & { readonly isIntact: boolean }) | undefined;
  /** Some entry is not what was committed: what is folded from here on proves nothing. */
  readonly isBroken: boolean;
  readonly status: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The highest version of the definition that wrote to it; absent as long as entries are older than versions. */
  readonly definition?: number;
  readonly due?: Due | undefined;
  readonly held: Holds;
  /** Every unique value it ever held. */
  readonly reserved: readonly Pick<UniqueReservation, 'constraint' | 'hash'>[];
}

export const beginning: Walked = {
  seq: 0,
  isBroken: false,
  status: '',
  createdAt: '',
  updatedAt: '',
  attributes: {},
  held: {},
  reserved: [],
};

/** The messages that an entry has caused, and when, RFC 3339. */
export interface Caused {
  readonly at: string;
  readonly messages: readonly CausedMessages[];
}

/** What a walk gathers on its way. */
export interface Findings {
  readonly problems: AuditProblem[];
  readonly sums: Sums;
  /** Entries that are what was committed in their place. */
  readonly intact: LedgerEntry[];
  /** By `seq`; absent where nothing can be told. */
  readonly messages: Map<number, Caused>;
  entries: number;
}

export const nothingFound = (): Findings => ({
  problems: [],
  sums: new Map(),
  intact: [],
  messages: new Map(),
  entries: 0,
});

export interface Subject {
  readonly tenant: string;
  readonly domain: Domain;
  readonly id: string;
}

/** Takes one item of the ledger, in the order of their keys. */
export function step(subject: Subject, walked: Walked, item: RawItem, findings: Findings): Walked {
  const { tenant, domain, id } = subject;
  const tell = (code: ProblemCode, text: string, seq?: number): void => {
    findings.problems.push(problem(code, text, { entity: id, ...(seq !== undefined && { seq }) }));
  };
  const place = placeOf(item);
  if (place === undefined || place <= walked.seq) {
    tell('entry_inserted', `an item "${String(item['sk'])}" lies in the ledger`, place);
    return walked;
  }
  findings.entries += 1;
  const isGap = place > walked.seq + 1;
  if (isGap) tell('entry_missing', missingText(walked.seq + 1, place - 1), walked.seq + 1);
  const last = isGap ? undefined : walked.last;

  const read = readEntry(tenant, id, place, item);
  for (const posting of read.entry?.postings ?? []) post(findings.sums, posting);
  if (read.kind !== 'intact') {
    if (read.kind === 'changed') tell('entry_changed', 'it is not the entry that was committed', place);
    else tell('entry_moved', `it was committed as entry ${read.entry.seq}`, place);
    return read.entry
      ? {
          ...folded(subject, walked, read.entry),
          seq: place,
          isBroken: true,
          last: lastOf(read.entry, false),
        }
      : { ...walked, seq: place, isBroken: true, last: undefined };
  }

  const { entry } = read;
  findings.intact.push(entry);
  const isForked = !follows(entry, last);
  if (isForked && place === 1) tell('entry_changed', 'it follows another entry', place);
  // The later entry is bound by its successors up to the entity's head, so the earlier one is the wrong one.
  if (isForked && place > 1)
    tell('entry_changed', `entry ${place} follows another entry than this`, place - 1);
  const wrongStep = pathProblem(domain, last, entry);
  if (wrongStep !== undefined) tell('path_broken', wrongStep, place);
  const imbalance = imbalanceOf(entry);
  if (imbalance !== undefined) tell('postings_unbalanced', imbalance, place);

  const isBroken = walked.isBroken || isGap || isForked;
  // An entry that is older than these records does not tell its messages.
  if (entry.definition !== undefined)
    findings.messages.set(place, { at: entry.at, messages: entry.effects?.messages ?? [] });
  return { ...folded(subject, walked, entry), seq: place, isBroken, last: lastOf(entry, true) };
}

const lastOf = ({ hash, to, at }: LedgerEntry, isIntact: boolean): Walked['last'] => ({
  hash,
  to,
  at,
  isIntact,
});

/** Whether an entry is chained to the one before it; that cannot be told after a gap or a changed entry. */
function follows({ seq, previousHash }: LedgerEntry, last: Walked['last']): boolean {
  if (seq === 1) return previousHash === genesisHash;
  return last?.isIntact !== true || previousHash === last.hash;
}

const missingText = (from: number, to: number): string =>
  from === to ? 'it is gone' : `the entries ${from} to ${to} are gone`;

/** Which steps there are is for the version of the definition to say that made the entry. */
function pathProblem(domain: Domain, last: Walked['last'], entry: LedgerEntry): string | undefined {
  const { seq, command, from, to, at, definition = 1, effects } = entry;
  // An upgrade may lead from anywhere; it is the backend's own command.
  const isOwn = definition === versionOf(domain) && command !== upgradeCommand;
  if (seq === 1) {
    const isCreation = command === 'create' && from === null && (!isOwn || startsOf(domain).includes(to));
    return isCreation ? undefined : `"${command}" from ${from} to ${to} does not create an entity`;
  }
  const transition = Object.hasOwn(domain.transitions, command) ? domain.transitions[command] : undefined;
  if (isOwn && !transition) return `${domain.collection} have no transition "${command}"`;
  const isStep =
    !isOwn ||
    (transition?.from.includes(effects?.upgradedTo ?? from ?? '') === true && transition.to.includes(to));
  if (from === null || !isStep) return `"${command}" does not lead from ${from} to ${to}`;
  // What a changed entry says of itself proves nothing about the next.
  if (last?.isIntact !== true) return undefined;
  if (from !== last.to) return `it starts in ${from}, and the entry before it ends in ${last.to}`;
  return at < last.at ? 'it is older than the entry before it' : undefined;
}

function imbalanceOf({ postings }: LedgerEntry): string | undefined {
  try {
    assertBalanced(postings);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The state after an entry: the first entry's input, then what each entry changed. */
function folded({ domain }: Subject, walked: Walked, entry: LedgerEntry): Walked {
  const { definition, effects = {} } = entry;
  const isFirst = entry.from === null;
  const told = isFirst ? Object.entries(entry.data).filter(([name]) => isTold(domain, entry, name)) : [];
  const all = { ...walked.attributes, ...Object.fromEntries(told), ...entry.changes };
  const attributes = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  const state = { status: entry.to, attributes };
  const isOld = definition === undefined;
  const held = isOld ? saidBy(() => holdsBy(domain, state), {}) : heldAfter(walked.held, effects.held);
  const due = isOld ? saidBy(() => dueBy(domain, state), undefined) : dueAfter(walked.due, effects.due);
  return {
    ...walked,
    ...state,
    ...(!isOld && { definition: Math.max(definition, walked.definition ?? 0) }),
    createdAt: isFirst ? entry.at : walked.createdAt,
    updatedAt: entry.at,
    held,
    due,
    reserved: withReserved(walked.reserved, held),
  };
}

/** Whether a field of the first entry's input is an attribute. An entry that is older than versions does not tell. */
const isTold = (domain: Domain, { definition }: LedgerEntry, name: string): boolean =>
  definition !== undefined ||
  Object.hasOwn(domain.attributes.shape, name) ||
  Object.hasOwn(domain.hidden?.shape ?? {}, name);

/** What the definition says of an older entry; nothing where a changed one has left attributes that make no sense. */
function saidBy<T>(ask: () => T, nothing: T): T {
  try {
    return ask();
  } catch {
    return nothing;
  }
}

function heldAfter(held: Holds, changes: NonNullable<LedgerEntry['effects']>['held'] = {}): Holds {
  const all = Object.entries({ ...held, ...changes });
  return Object.fromEntries(all.flatMap(([constraint, hold]) => (hold ? [[constraint, hold]] : [])));
}

const dueAfter = (due: Due | undefined, change: Due | null | undefined): Due | undefined =>
  change === undefined ? due : (change ?? undefined);

function withReserved(known: Walked['reserved'], held: Holds): Walked['reserved'] {
  const added = Object.entries(held)
    .map(([constraint, { hash }]) => ({ constraint, hash }))
    .filter(
      (one) => !known.some(({ constraint, hash }) => constraint === one.constraint && hash === one.hash),
    );
  return added.length > 0 ? [...known, ...added] : known;
}
