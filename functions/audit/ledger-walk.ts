/**
 * Walks an entity's ledger from its first entry to its last: each entry is the one that was committed, follows the
 * one before it, is a step of the domain's machine, and folds into the next state. What the walk knows between two
 * entries is plain data, so that a long ledger can be walked in several calls.
 */
import type { AuditProblem } from '../api/audit.ts';
import type { Domain } from '../core/definition.ts';
import { holdsOf } from '../core/entity-change.ts';
import type { UniqueHold } from '../core/entity-change.ts';
import { genesisHash } from '../core/ledger.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import { assertBalanced, ownedAccountName } from '../core/postings.ts';
import { expectedMessages } from './expected-messages.ts';
import type { ExpectedMessage, ReadOthers } from './expected-messages.ts';
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
  /** Of its own accounts, as far as its own ledger moves them. */
  readonly balances: Readonly<Record<string, number>>;
  /** Every unique value it ever held. */
  readonly holds: readonly UniqueHold[];
}

export const beginning: Walked = {
  seq: 0,
  isBroken: false,
  status: '',
  createdAt: '',
  updatedAt: '',
  attributes: {},
  balances: {},
  holds: [],
};

/** What a walk gathers on its way. */
export interface Findings {
  readonly problems: AuditProblem[];
  readonly sums: Sums;
  /** By `seq`; absent where nothing can be told. */
  readonly messages: Map<number, readonly ExpectedMessage[]>;
  entries: number;
}

export const nothingFound = (): Findings => ({
  problems: [],
  sums: new Map(),
  messages: new Map(),
  entries: 0,
});

export interface Subject {
  readonly tenant: string;
  readonly domain: Domain;
  readonly id: string;
}

/** Takes one item of the ledger, in the order of their keys. */
export async function step(
  subject: Subject,
  walked: Walked,
  item: RawItem,
  findings: Findings,
  readOthers: ReadOthers,
): Promise<Walked> {
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
  const next = { ...folded(subject, walked, entry), seq: place, isBroken, last: lastOf(entry, true) };
  if (!isBroken) {
    const { attributes: before, balances } = walked;
    const asked = { domain, id, entry, before, balances, after: next.attributes };
    const messages = await expectedMessages(asked, readOthers);
    if (messages) findings.messages.set(place, messages);
  }
  return next;
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

function pathProblem(domain: Domain, last: Walked['last'], entry: LedgerEntry): string | undefined {
  const { seq, command, from, to, at } = entry;
  if (seq === 1) {
    const isCreation = command === 'create' && from === null && to === domain.initial;
    return isCreation ? undefined : `"${command}" from ${from} to ${to} does not create an entity`;
  }
  const transition = Object.hasOwn(domain.transitions, command) ? domain.transitions[command] : undefined;
  if (!transition) return `${domain.collection} have no transition "${command}"`;
  if (from === null || !transition.from.includes(from) || !transition.to.includes(to)) {
    return `"${command}" does not lead from ${from} to ${to}`;
  }
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

/** The state after an entry: the first entry's input, as far as it names attributes, then what each entry changed. */
function folded({ domain, id }: Subject, walked: Walked, entry: LedgerEntry): Walked {
  const isFirst = entry.from === null;
  const told = isFirst ? Object.entries(entry.data).filter(([name]) => isAttribute(domain, name)) : [];
  const all = { ...walked.attributes, ...Object.fromEntries(told), ...entry.changes };
  const attributes = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  const balances = { ...walked.balances };
  for (const key of Object.keys(domain.accounts ?? {})) {
    const name = ownedAccountName(id, key);
    const own = entry.postings.filter(({ account }) => account === name);
    balances[key] = own.reduce((sum, { amount }) => sum + amount, balances[key] ?? 0);
  }
  return {
    ...walked,
    status: entry.to,
    createdAt: isFirst ? entry.at : walked.createdAt,
    updatedAt: entry.at,
    attributes,
    balances,
    holds: withHolds(domain, walked.holds, { id, status: entry.to, attributes }),
  };
}

const isAttribute = (domain: Domain, name: string): boolean =>
  Object.hasOwn(domain.attributes.shape, name) || Object.hasOwn(domain.hidden?.shape ?? {}, name);

function withHolds(
  domain: Domain,
  known: readonly UniqueHold[],
  state: Parameters<typeof holdsIn>[1],
): readonly UniqueHold[] {
  const identity = ({ constraint, values }: UniqueHold): string => JSON.stringify([constraint, values]);
  const seen = new Set(known.map(identity));
  const added = holdsIn(domain, state).filter((hold) => !seen.has(identity(hold)));
  return added.length > 0 ? [...known, ...added] : known;
}

/** The unique values held in a state; none where a changed entry has left attributes that make no sense. */
export function holdsIn(
  domain: Domain,
  state: { readonly id: string; readonly status: string; readonly attributes: Walked['attributes'] },
): readonly UniqueHold[] {
  try {
    return holdsOf(domain, state as Parameters<typeof holdsOf>[1]);
  } catch {
    return [];
  }
}
