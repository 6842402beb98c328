/** The items of the data table and what they are read as. */
import type { EntityState, LockState } from '../../core/entity.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Posting } from '../../core/postings.ts';
import type { ItemKey } from '../keys.ts';

export interface EntityItem extends ItemKey {
  readonly id: string;
  readonly tenant: string;
  readonly collection: string;
  readonly status: string;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly attributes: Record<string, unknown>;
  readonly balances?: Record<string, number>;
  readonly headHash: string;
  readonly lock?: LockState;
  readonly listPk: string;
  readonly listSk: string;
  readonly dueAt?: number;
  readonly dueShard?: string;
  readonly timerTransition?: string;
}

export interface EntryItem extends ItemKey {
  readonly seq: number;
  readonly command: string;
  readonly from?: string;
  readonly to: string;
  readonly actor: string;
  readonly at: string;
  /** JSON: free-form data never meets the marshaller, which drops or refuses some keys. */
  readonly data: string;
  readonly changes?: string;
  readonly postings?: string;
  readonly hash: string;
  readonly previousHash: string;
}

export interface BalanceItem extends ItemKey {
  readonly account: string;
  readonly unit: string;
  readonly balance: number;
}

export function entityState(item: EntityItem): EntityState {
  const { id, collection, status, version, createdAt, updatedAt, attributes, balances, headHash, lock } =
    item;
  return {
    id,
    collection,
    status,
    version,
    createdAt,
    updatedAt,
    attributes,
    balances: balances ?? {},
    headHash,
    ...(lock && { lock }),
  };
}

export function entryItem(key: ItemKey, entry: LedgerEntry): EntryItem {
  const { from, data, changes, postings, ...rest } = entry;
  return {
    ...key,
    ...rest,
    ...(from !== null && { from }),
    data: JSON.stringify(data),
    // Left out where empty: an entry that stays within one kilobyte costs half of one that does not.
    ...(Object.keys(changes).length > 0 && { changes: JSON.stringify(changes) }),
    ...(postings.length > 0 && { postings: JSON.stringify(postings) }),
  };
}

export function ledgerEntry(item: EntryItem): LedgerEntry {
  const { seq, command, from, to, actor, at, data, changes, postings, hash, previousHash } = item;
  return {
    seq,
    command,
    from: from ?? null,
    to,
    actor,
    at,
    data: JSON.parse(data) as Record<string, unknown>,
    changes: changes === undefined ? {} : (JSON.parse(changes) as Record<string, unknown>),
    postings: postings === undefined ? [] : (JSON.parse(postings) as Posting[]),
    hash,
    previousHash,
  };
}
