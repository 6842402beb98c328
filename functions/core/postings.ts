/**
 * Double entry: a movement takes from one account what it gives to another. A balance is the sum of its postings,
 * and an account with a floor is never taken below it.
 */

/** An account that lives on the command's own entity, e.g. the points of a point account. */
export interface OwnAccount<Key extends string = string> {
  readonly own: Key;
}

/** An account on another entity; it is moved without reading it first. */
export interface OwnedAccount {
  readonly owner: { readonly collection: string; readonly id: string };
  readonly key: string;
  /** Of an account whose unit an attribute says: the one that is posted in; any other is refused. */
  readonly unit?: string;
}

/** An account of its own, by name, e.g. `holding:shop:EUR`. */
export interface NamedAccount {
  readonly name: string;
  readonly unit: string;
  readonly floor?: Floor;
}

export interface Floor {
  readonly minimum: number;
  /** The refusal of a posting that would go below, e.g. `insufficient_balance`. */
  readonly code: string;
  /** Why it is refused, in one sentence for people. */
  readonly otherwise: string;
}

/** In which states of its entity an account takes postings, from whomever they come. */
export interface Open<State extends string = string> {
  readonly while: readonly State[];
  /** The refusal of a posting in any other state, e.g. `account_closed`. */
  readonly code: string;
  /** Why it is refused, in one sentence for people. */
  readonly otherwise: string;
}

export type Account<Own extends string = string> = OwnAccount<Own> | OwnedAccount | NamedAccount;

/** One side of a transfer. */
export interface Movement<Own extends string = string> {
  readonly account: Account<Own>;
  /** Negative takes, positive gives. */
  readonly amount: number;
}

/** What a command moves: a transfer, or a list of them. */
export type Transfers<Own extends string = string> = readonly (Movement<Own> | readonly Movement<Own>[])[];

/** A posting as the ledger keeps it. */
export interface Posting {
  readonly account: string;
  readonly unit: string;
  readonly amount: number;
}

/** Transfers an amount (over 0) between two accounts of one unit. */
export const transfer = <From extends string = never, To extends string = never>(
  from: Account<From>,
  to: Account<To>,
  amount: number,
): readonly Movement<From | To>[] => [
  { account: from, amount: -amount },
  { account: to, amount },
];

/** An account of the command's own entity. */
export const own = <Key extends string>(key: Key): OwnAccount<Key> => ({ own: key });

/** What has to be said of an account's unit: nothing where its definition says it, else which one is meant. */
type UnitOf<Unit> = Unit extends string
  ? []
  : Unit extends { readonly from: string }
    ? [unit: string]
    : [unit?: string];

/**
 * An account on another entity; it is moved without reading it first.
 * @param unit where an attribute of that entity says the unit: the one that is meant. In another one it is refused with
 *   409 `unit_differs`.
 */
export const accountOf = <Units extends Readonly<Record<string, unknown>>, Key extends keyof Units & string>(
  { collection }: { readonly collection: string; readonly subject?: { readonly units: Units } },
  id: string,
  key: Key,
  ...[unit]: UnitOf<Units[Key]>
): OwnedAccount => ({ owner: { collection, id }, key, ...(unit !== undefined && { unit }) });

/** A named account, one a party and unit. */
export const named = (role: string, party: string, unit: string, floor?: Floor): NamedAccount => ({
  name: `${role}:${party}:${unit}`,
  unit,
  ...(floor && { floor }),
});

/** The name under which an owned account stands in ledgers and is read at `/v1/balances/{account}`. */
export const ownedAccountName = (entityId: string, key: string): string => `${entityId}:${key}`;

/** What an account gains or loses in one transaction. */
export interface NetChange<T> {
  readonly target: T;
  readonly amount: number;
}

/** Adds up movements by account, so that an account is written once a transaction; untouched ones are left out. */
export function net<T>(
  changes: readonly { readonly target: T; readonly amount: number }[],
  nameOf: (target: T) => string,
): readonly NetChange<T>[] {
  const byName = new Map<string, NetChange<T>>();
  for (const { target, amount } of changes) {
    const name = nameOf(target);
    byName.set(name, { target, amount: (byName.get(name)?.amount ?? 0) + amount });
  }
  return [...byName.values()].filter(({ amount }) => amount !== 0);
}

/** Throws (a defect of the definition) unless the postings of an entry sum to zero in every unit. */
export function assertBalanced(postings: readonly Posting[]): void {
  const sums = new Map<string, number>();
  for (const { unit, amount } of postings) sums.set(unit, (sums.get(unit) ?? 0) + amount);
  for (const [unit, sum] of sums) {
    if (sum !== 0) throw new Error(`postings of an entry sum to ${sum} ${unit}, not to zero`);
  }
}
