/** A ledger entry as it lies in the table, and whether it is the one that was committed there. */
import { isDeepStrictEqual } from 'node:util';
import { entryHash } from '../core/ledger.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import type { Posting } from '../core/postings.ts';
import type { RawItem } from '../store/audit/audit-reads.ts';
import { entryItem, ledgerEntry } from '../store/entities/items.ts';
import type { EntryItem } from '../store/entities/items.ts';

export type ReadEntry =
  | { readonly kind: 'intact'; readonly entry: LedgerEntry }
  /** Whole, but committed at the place `entry.seq`. */
  | { readonly kind: 'moved'; readonly entry: LedgerEntry }
  | { readonly kind: 'changed'; readonly entry?: LedgerEntry };

/** The number an entry's sort key stands for; `undefined` where the key is none of an entry. */
export function placeOf({ sk }: RawItem): number | undefined {
  const [, digits] = /^entry#(\d{10})$/.exec(String(sk)) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Reads what lies at a place of an entity's ledger and compares it, byte for byte, with what its hash was made of. */
export function readEntry(tenant: string, id: string, place: number, item: RawItem): ReadEntry {
  const entry = parsed(item);
  if (!entry) return { kind: 'changed' };
  const { hash, ...content } = entry;
  const isWhole = isAsWritten(item, entry) && hashOf(tenant, id, content) === hash;
  if (!isWhole) return { kind: 'changed', entry };
  return { kind: entry.seq === place ? 'intact' : 'moved', entry };
}

/** The postings of what lies at a place of a ledger, whether or not it is what was committed there. */
export function postingsOf(item: RawItem): readonly Posting[] {
  const place = placeOf(item);
  return place === undefined || place === 0 ? [] : (parsed(item)?.postings ?? []);
}

function parsed(item: RawItem): LedgerEntry | undefined {
  try {
    const entry = ledgerEntry(item as unknown as EntryItem);
    return isEntry(entry) ? entry : undefined;
  } catch {
    // Text that is not JSON any more.
    return undefined;
  }
}

/** The same entry can be spelled in other bytes (spaces, the order of fields), and a changed byte has to show. */
function isAsWritten({ pk, sk, ...rest }: RawItem, entry: LedgerEntry): boolean {
  const key = { pk: String(pk), sk: String(sk) };
  return isDeepStrictEqual({ ...key, ...rest }, { ...entryItem(key, entry) });
}

function hashOf(tenant: string, id: string, content: Omit<LedgerEntry, 'hash'>): string | undefined {
  try {
    return entryHash(tenant, id, content);
  } catch {
    // Values without a canonical form, e.g. a lone surrogate.
    return undefined;
  }
}

function isEntry(entry: LedgerEntry): boolean {
  const { seq, command, from, to, actor, at, data, changes, postings, hash, previousHash } = entry;
  const texts: readonly unknown[] = [command, to, actor, at, hash, previousHash];
  return (
    Number.isSafeInteger(seq) &&
    texts.every((text) => typeof text === 'string') &&
    (from === null || typeof from === 'string') &&
    isObject(data) &&
    isObject(changes) &&
    Array.isArray(postings) &&
    postings.every(isPosting)
  );
}

function isPosting(posting: Posting): boolean {
  return (
    isObject(posting) &&
    typeof posting.account === 'string' &&
    typeof posting.unit === 'string' &&
    Number.isSafeInteger(posting.amount)
  );
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
