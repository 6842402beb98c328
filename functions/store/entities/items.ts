/** The items of the data table and what they are read as. */
import type { Due, EntityState, LockState, UniqueHold } from '../../core/entity.ts';
import type { Effects, LedgerEntry } from '../../core/ledger.ts';
import type { Posting } from '../../core/postings.ts';
import { dueShardOf } from '../keys.ts';
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
  /** Attributes that lie in an item of their own, see `fixed-attributes.ts`. */
  readonly fixed?: readonly string[];
  readonly balances?: Record<string, number>;
  /** By account, over how many items it is spread, see `shares.ts`. This one is the first of them. */
  readonly spread?: Record<string, number>;
  readonly units?: Record<string, string>;
  /** Version of the definition: a short name, since an item of a kilobyte costs half of one that is larger. */
  readonly def?: number;
  readonly held?: Record<string, UniqueHold>;
  readonly headHash: string;
  readonly lock?: LockState;
  readonly listPk: string;
  readonly listSk: string;
  readonly dueAt?: number;
  readonly dueShard?: string;
  readonly timerTransition?: string;
  readonly timerWhile?: readonly string[];
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
  readonly definition?: number;
  readonly effects?: string;
  readonly hash: string;
  readonly previousHash: string;
}

export interface BalanceItem extends ItemKey {
  readonly account: string;
  readonly unit: string;
  readonly balance: number;
}

/** An item of an entity's account that lies in several. Who posts to it asks it for the state and the lock of the entity. */
export interface ShareItem extends BalanceItem {
  readonly status: string;
  readonly lock?: LockState;
}

export function entityState(item: EntityItem): EntityState {
  const { id, collection, status, version, createdAt, updatedAt, attributes, headHash, lock } = item;
  const { balances = {}, units = {}, def: definition, held, fixed, spread } = item;
  const due = dueIn(item);
  return {
    id,
    collection,
    status,
    version,
    createdAt,
    updatedAt,
    attributes,
    ...(fixed && { fixed }),
    balances,
    ...(spread && { spread }),
    units,
    ...(definition !== undefined && { definition, held: held ?? {} }),
    ...(due && { due }),
    headHash,
    ...(lock && { lock }),
  };
}

/** The deadline that an item waits for. One that is older than its record of states waits in the state it is in. */
export const dueIn = ({
  status,
  dueAt: at,
  timerTransition: transition,
  timerWhile = [status],
}: Pick<EntityItem, 'status' | 'dueAt' | 'timerTransition' | 'timerWhile'>): Due | undefined =>
  at === undefined || transition === undefined ? undefined : { at, transition, while: timerWhile };

/** The attributes of an item that waits for a deadline; the names of them all. */
export const dueAttributes = (id: string, { at, transition, while: states }: Due) => ({
  dueAt: at,
  dueShard: dueShardOf(id),
  timerTransition: transition,
  timerWhile: states,
});
export const dueAttributeNames = ['dueAt', 'dueShard', 'timerTransition', 'timerWhile'] as const;

export function entryItem(key: ItemKey, entry: LedgerEntry): EntryItem {
  const { from, data, changes, postings, effects, ...rest } = entry;
  return {
    ...key,
    ...rest,
    ...(from !== null && { from }),
    data: JSON.stringify(data),
    // Left out where empty: an entry that stays within one kilobyte costs half of one that does not.
    ...(Object.keys(changes).length > 0 && { changes: JSON.stringify(changes) }),
    ...(postings.length > 0 && { postings: JSON.stringify(postings) }),
    ...(effects && { effects: JSON.stringify(effects) }),
  };
}

export function ledgerEntry(item: EntryItem): LedgerEntry {
  const { seq, command, from, to, actor, at, data, changes, postings, hash, previousHash } = item;
  const { definition, effects } = item;
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
    ...(definition !== undefined && { definition }),
    ...(effects !== undefined && { effects: JSON.parse(effects) as Effects }),
    hash,
    previousHash,
  };
}
