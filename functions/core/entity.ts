/** The state of an entity, as the store reads it and as decisions make it. */

export type Attributes = Readonly<Record<string, unknown>>;

/** A unique value as its holder keeps it, so that any version of the definition can release it. */
export interface UniqueHold {
  /** SHA-256 of the values, base64url: the end of the key of its item. */
  readonly hash: string;
  /** The states in which it is held. */
  readonly while: readonly string[];
}

/** A scheduled transition as the entity that waits for it keeps it. */
export interface Due {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly transition: string;
  /** The states in which the entity waits for it. */
  readonly while: readonly string[];
}

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
  /** Those of its attributes that never change and lie in an item of their own; absent where none does. */
  readonly fixed?: readonly string[];
  /**
   * Balances of the accounts that live on this entity, by key. One that is missing was added later, and holds 0. Of one
   * whose items were not read it is what the entity's own item holds.
   */
  readonly balances: Readonly<Record<string, number>>;
  /** By key, over how many items an account is spread that lies in several; absent where none does. */
  readonly spread?: Readonly<Record<string, number>>;
  /** By key, what each of these items holds, the entity's own first; absent where they were not read. */
  readonly shares?: Readonly<Record<string, readonly number[]>>;
  /** In what each of them is kept. */
  readonly units: Readonly<Record<string, string>>;
  /** The highest version of the definition that wrote it; absent in what was written before there were versions. */
  readonly definition?: number;
  /** The unique values it holds, by constraint; absent as `definition` is. */
  readonly held?: Readonly<Record<string, UniqueHold>>;
  readonly due?: Due;
  /** What is stored, where this is what an upgrade makes of it. */
  readonly older?: { readonly status: string; readonly attributes: Attributes };
  /** Hash of its newest ledger entry. */
  readonly headHash: string;
  readonly lock?: LockState;
}

export interface LockState {
  readonly token: string;
  /** The subject that took it; absent of one that is given up, or was taken before this was kept. */
  readonly by?: string;
  /** Grows with every lock of this entity. */
  readonly fence: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** @param now epoch milliseconds */
export const isLocked = ({ lock }: Pick<EntityState, 'lock'>, now: number): boolean =>
  lock !== undefined && lock.expiresAt > now;

/** In the place of a fixed attribute that is there and was not read: the database hands back the entity's item alone. */
const notRead = Symbol('not read');

/**
 * An entity as the database handed it back, with the fixed attributes that were read of it before.
 * @param before absent where it was never read
 */
export function withFixedOf(entity: EntityState, before: EntityState | undefined): EntityState {
  const { fixed } = entity;
  if (!fixed || !before) return entity;
  const read = Object.fromEntries(fixed.map((name) => [name, before.attributes[name]]));
  return { ...entity, attributes: { ...entity.attributes, ...read } };
}

/** Finds what a rule's path names: `status`, an account, or an attribute. */
export function valueAt(
  { accounts = {} }: { readonly accounts?: Readonly<Record<string, unknown>> },
  entity: EntityState,
  path: string,
): unknown {
  if (path === 'status') return entity.status;
  if (Object.hasOwn(accounts, path)) return entity.balances[path] ?? 0;
  return entity.attributes[path] ?? (entity.fixed?.includes(path) === true ? notRead : undefined);
}
