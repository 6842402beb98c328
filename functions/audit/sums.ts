/** Sums of postings by account. */
import type { Domain } from '../core/definition.ts';
import { ownedAccountName } from '../core/postings.ts';
import type { Posting } from '../core/postings.ts';

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

/** Makes an entity's own accounts known, which may have no postings. */
export function openAccounts(sums: Sums, domain: Domain, id: string): void {
  for (const [key, { unit }] of Object.entries(domain.accounts ?? {})) {
    sums.set(ownedAccountName(id, key), { unit, sum: 0, count: 0 });
  }
}
