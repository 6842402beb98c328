/**
 * What the stream writes down beside the ledgers, a line each: of the statement of an account, and of a list by attribute.
 * A line follows from its entry alone. Pure.
 */
import { listedValues } from './listed.ts';
import type { ListedValue } from './listed.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Registry } from './registry.ts';
import { statementLines } from './statements.ts';
import type { StatementLine } from './statements.ts';

export type Line =
  | { readonly kind: 'statement'; readonly line: StatementLine }
  | {
      readonly kind: 'listed';
      readonly line: ListedValue & Pick<StatementLine, 'seq' | 'at'>;
    };

/** The lines of an entry. */
export const linesOf = (registry: Registry, entity: string, entry: LedgerEntry): readonly Line[] => [
  ...statementLines(registry, entity, entry).map((line): Line => ({ kind: 'statement', line })),
  ...listedValues(registry, entity, entry).map((value): Line => ({
    kind: 'listed',
    line: { ...value, seq: entry.seq, at: entry.at },
  })),
];
