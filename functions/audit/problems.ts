/** What the audit finds, as stable codes. A problem's text is `<code>: <what was found>`. */
import type { AuditProblem } from '../api/audit.ts';

export type ProblemCode =
  /** The entry at this place is not the one that was committed there. */
  | 'entry_changed'
  /** The entry at this place was committed at another place. */
  | 'entry_moved'
  /** The entries from this place on are gone. */
  | 'entry_missing'
  /** There is an entry that no command committed. */
  | 'entry_inserted'
  /** The entry is no step of the domain's machine. */
  | 'path_broken'
  /** The postings of the entry do not sum to zero. */
  | 'postings_unbalanced'
  /** The newest entry is not the one that the entity points to. */
  | 'head_differs'
  /** The entity is not what its ledger says. */
  | 'entity_changed'
  /** Ledger or messages stand there without their entity. */
  | 'entity_missing'
  /** The entity is in no list. */
  | 'entity_unlisted'
  /** The entity's scheduled transition is not the one its state asks for. */
  | 'timer_differs'
  /** The scheduled transition should have happened long ago. */
  | 'timer_overdue'
  /** A unique value that the entity holds is free for others. */
  | 'claim_missing'
  /** A unique value that the entity holds is another's. */
  | 'claim_taken'
  /** A unique value that the entity gave up is still its. */
  | 'claim_not_released'
  /** A message of the entry is gone. */
  | 'message_missing'
  /** There is a message that no command caused. */
  | 'message_unexplained'
  /** A message is not the one that the command caused. */
  | 'message_changed'
  /** A message is neither done nor dead after a long time. */
  | 'message_stuck'
  /** A balance is not the sum of its postings. */
  | 'balance_differs'
  /** A line of a statement, or of a list by attribute, is not what the ledger entry says. */
  | 'line_changed'
  /** A statement, or a list by attribute, lacks what was committed long ago. */
  | 'line_missing';

type Place = Omit<AuditProblem, 'problem'>;

export const problem = (code: ProblemCode, text: string, place: Place): AuditProblem => ({
  ...place,
  problem: `${code}: ${text}`,
});

const identity = ({ entity, seq, account, problem: text }: AuditProblem): string =>
  JSON.stringify([entity, seq, account, text]);

/** Those that were found both times. */
export function foundTwice(
  first: readonly AuditProblem[],
  second: readonly AuditProblem[],
): readonly AuditProblem[] {
  const before = new Set(first.map(identity));
  return second.filter((found) => before.has(identity(found)));
}
