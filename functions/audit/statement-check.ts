/** Compares statements, and lists by attribute, with the ledger entries that they tell of. */
import { isDeepStrictEqual } from 'node:util';
import type { AuditProblem } from '../api/audit.ts';
import type { Backend } from '../commands/backend.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import { linesOf } from '../core/lines.ts';
import type { Line } from '../core/lines.ts';
import { lineItem, readLines } from '../store/statements/lines.ts';
import type { Subject } from './ledger-walk.ts';
import { openMaxMs } from './limits.ts';
import { problem } from './problems.ts';

export interface StatementCheck {
  readonly problems: readonly AuditProblem[];
  /** Lines that the stream should have written long ago. */
  readonly missing: readonly Line[];
}

/** @param entries intact ones: what was changed proves nothing about a statement */
export async function checkStatements(
  { store, registry, clock }: Pick<Backend, 'store' | 'registry' | 'clock'>,
  { tenant, id }: Subject,
  entries: readonly LedgerEntry[],
): Promise<StatementCheck> {
  const lines = entries.flatMap((entry) => linesOf(registry, id, entry));
  if (lines.length === 0) return { problems: [], missing: [] };
  const found = await readLines(store, tenant, lines);
  const before = clock.now() - openMaxMs;
  return {
    problems: lines.flatMap((line, index) => {
      const item = found[index];
      if (item === undefined || isDeepStrictEqual({ ...item }, { ...lineItem(tenant, line) })) return [];
      return [lineProblem('line_changed', 'tells it in another way', line)];
    }),
    missing: lines.filter((line, index) => found[index] === undefined && Date.parse(line.line.at) <= before),
  };
}

export const lineMissing = (line: Line): AuditProblem =>
  lineProblem('line_missing', 'lacks it; the nightly audit writes it', line);

function lineProblem(
  code: 'line_changed' | 'line_missing',
  text: string,
  { kind, line }: Line,
): AuditProblem {
  const { entity, seq } = line;
  return kind === 'statement'
    ? problem(code, `the statement ${text}`, { entity, seq, account: line.account })
    : problem(code, `the list by "${line.attribute}" ${text}`, { entity, seq });
}
