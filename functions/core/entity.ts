/** The state of an entity, as the store reads it and as decisions make it. */

export type Attributes = Readonly<Record<string, unknown>>;

export interface EntityState {
  readonly id: string;
  readonly collection: string;
  readonly status: string;
  /** The `seq` of its newest ledger entry. */
  readonly version: number;
  /** RFC 3339 UTC, milliseconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly attributes: Attributes;
  /** Balances of the accounts that live on this entity, by key. */
  readonly balances: Readonly<Record<string, number>>;
  /** Hash of its newest ledger entry. */
  readonly headHash: string;
  readonly lock?: LockState;
}

export interface LockState {
  readonly token: string;
  /** Grows with every lock of this entity. */
  readonly fence: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** @param now epoch milliseconds */
export const isLocked = ({ lock }: Pick<EntityState, 'lock'>, now: number): boolean =>
  lock !== undefined && lock.expiresAt > now;

/** Finds what a rule's path names: `status`, an account, or an attribute. */
export function valueAt(entity: EntityState, path: string): unknown {
  if (path === 'status') return entity.status;
  return Object.hasOwn(entity.balances, path) ? entity.balances[path] : entity.attributes[path];
}
