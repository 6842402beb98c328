/** Statements: which accounts keep one, and what a ledger entry adds to them. Pure. */
import type { LedgerEntry } from './ledger.ts';
import { ownedAccount } from './owned-accounts.ts';
import type { Registry } from './registry.ts';
import { roleOf } from './spread-accounts.ts';

/** What one ledger entry did to an account. */
export interface StatementLine {
  readonly account: string;
  /** Whose ledger the entry is in. */
  readonly entity: string;
  readonly seq: number;
  /** When it was committed, RFC 3339. */
  readonly at: string;
  /** Negative was taken, positive given: the sum of the entry's postings on the account, never 0. */
  readonly amount: number;
  readonly command: string;
}

/** Whether a definition says so: of an entity's account the entity's own, of a named one any, by its role. */
export function keepsStatement(registry: Registry, account: string): boolean {
  const owned = ownedAccount(registry, account);
  if (owned) {
    const { accounts = {} } = registry.ofId(owned.id) ?? {};
    return Object.hasOwn(accounts, owned.key) && accounts[owned.key]?.statement === true;
  }
  const role = roleOf(account);
  return registry.domains.some(({ statements = [] }) => statements.includes(role));
}

/** The lines of an entry, one an account. */
export function statementLines(
  registry: Registry,
  entity: string,
  { seq, at, command, postings }: Pick<LedgerEntry, 'seq' | 'at' | 'command' | 'postings'>,
): readonly StatementLine[] {
  const sums = new Map<string, number>();
  for (const { account, amount } of postings) sums.set(account, (sums.get(account) ?? 0) + amount);
  return [...sums]
    .filter(([account, amount]) => amount !== 0 && keepsStatement(registry, account))
    .map(([account, amount]) => ({ account, entity, seq, at, amount, command }));
}
