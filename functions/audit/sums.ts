/** Sums of postings by account. */
import { unitOf } from '../core/account-units.ts';
import type { Domain } from '../core/definition.ts';
import { ownedAccountName } from '../core/postings.ts';
import type { Posting } from '../core/postings.ts';
import type { EntityItem } from '../store/entities/items.ts';

export interface Sum {
  readonly unit: string;
  readonly sum: number;
  /** How many postings: a ledger only grows, so an equal count at a later time means that nothing was posted. */
  readonly count: number;
}

export type Sums = Map<string, Sum>;

export function post(sums: Sums, { account, unit, amount }: Posting): void {
  const { sum, count } = sums.get(account) ?? { sum: 0, count: 0 };
  sums.set(account, { unit, sum: sum + amount, count: count + 1 });
}

/**
 * Makes an entity's own accounts known that hold something, which they may without a posting. One that holds nothing is
 * right as long as nobody posts to it, and known by the postings where somebody does.
 */
export function openAccounts(
  sums: Sums,
  { accounts = {} }: Domain,
  { id, balances = {}, units = {} }: Pick<EntityItem, 'id' | 'balances' | 'units'>,
): void {
  for (const [key, balance] of Object.entries(balances)) {
    if (balance === 0) continue;
    const name = ownedAccountName(id, key);
    const account = accounts[key];
    const unit = units[key] ?? (account && unitOf(account, {})) ?? '';
    if (!sums.has(name)) sums.set(name, { unit, sum: 0, count: 0 });
  }
}
