/** Compares statements, and lists by attribute, with the ledger entries that they tell of. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { AuditProblem } from '../api/audit.ts';
import type { Line } from '../core/lines.ts';
import type { Places } from '../store/audit/audit-reads.ts';
import { lineItem } from '../store/statements/lines.ts';
import { openMaxMs } from './limits.ts';
import { problem } from './problems.ts';

/** @param lines of entries that are as they were committed: what was changed proves nothing about a statement */
export const changedLines = (
  tenant: string,
  lines: readonly Line[],
  places: Places,
): readonly AuditProblem[] =>
  lines.flatMap((line) => {
    const expected = lineItem(tenant, line);
    const item = places(expected);
    if (item === undefined || isDeepStrictEqual({ ...item }, { ...expected })) return [];
    return [lineProblem('line_changed', 'tells it in another way', line)];
  });

/** Lines that the stream should have written long ago. */
export const missingLines = (
  tenant: string,
  lines: readonly Line[],
  places: Places,
  now: number,
): readonly Line[] =>
  lines.filter(
    (line) => places(lineItem(tenant, line)) === undefined && Date.parse(line.line.at) <= now - openMaxMs,
  );

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
