/**
 * Compares every account's balance with the sum of its postings in all ledgers, while commands go on:
 *
 *     ledgers summed up (1) --- balance read and compared --- ledgers summed up (2) ---> time
 *
 * A balance that differs is only suspect: a command may have committed after its ledger was read. Ledgers only
 * grow, so where the second count of an account's postings is the first one, none of them was committed in
 * between, the balance was compared with all there were, and it is wrong. Where the count is another, the account
 * was moving, and nothing is said about it.
 *
 * A row sums up the ledgers of a part. A call that is repeated writes its rows again, unless it is shown other entities
 * by then: then some ledgers may be in two rows, which their ranges tell, and nothing is said about the account.
 */
import type { AuditProblem } from '../api/audit.ts';
import { ownedAccount } from '../core/owned-accounts.ts';
import { readHeld } from '../store/audit/audit-reads.ts';
import type { Held } from '../store/audit/audit-reads.ts';
import { rangeOf, readSums, readSuspects, writeSuspects } from '../store/audit/audit-runs.ts';
import type { Run, Suspect } from '../store/audit/audit-runs.ts';
import type { Consistency } from '../store/metering/capacity.ts';
import { rowsMax } from './limits.ts';
import { uncounted } from './part.ts';
import type { AuditContext, Part } from './part.ts';
import { firstEntity } from './position.ts';
import type { PositionIn } from './position.ts';
import { problem } from './problems.ts';
import type { AuditBackend } from './verify-entities.ts';

export async function checkAccounts(context: AuditContext, position: PositionIn<'accounts'>): Promise<Part> {
  const { backend, run } = context;
  const { pass } = position;
  const { accounts, open } = await sumUp(backend, run, position);
  // A balance that is a moment old and costs half may differ: a suspect is one whose balance differs as it is.
  const looked = await differingOf(backend, run, accounts, 'eventual');
  const differing = await differingOf(backend, run, looked, 'strong');
  let problems: readonly AuditProblem[] = [];
  if (pass === 1) await writeSuspects(backend.store, run, differing);
  else problems = await confirmed(backend, run, differing);
  const hasSuspects = position.hasSuspects || (pass === 1 && differing.length > 0);
  if (open) return uncounted({ phase: 'accounts', run: run.id, pass, hasSuspects, open }, problems);
  const isDone = pass === 2 || !hasSuspects;
  const recount = { phase: 'recount', run: run.id, ...firstEntity(backend.registry) } as const;
  return uncounted(isDone ? undefined : recount, problems);
}

type Open = Omit<NonNullable<PositionIn<'accounts'>['open']>, 'sk'>;

interface SummedUp {
  /** Those whose rows have all been read, and none of whose ledgers is in two of them. */
  readonly accounts: readonly Suspect[];
  /** The account whose rows go on, where there are more. */
  readonly open?: PositionIn<'accounts'>['open'];
}

async function sumUp(
  { store }: AuditBackend,
  run: Run,
  { pass, open: before }: PositionIn<'accounts'>,
): Promise<SummedUp> {
  const { rows, isComplete } = await readSums(store, run, pass, { from: before?.sk, limit: rowsMax });
  const accounts: Suspect[] = [];
  let current: (Suspect & Open) | undefined;
  const close = (): void => {
    if (current && !current.isDoubled) accounts.push(current);
  };
  for (const row of rows) {
    const { sk, account, unit, sum, count } = row;
    const { oldest, newest } = rangeOf(row);
    if (sk === before?.sk) {
      current = { account, unit, ...before };
    } else if (current?.account === account) {
      current = {
        ...current,
        sum: current.sum + sum,
        count: current.count + count,
        newest: newest > current.newest ? newest : current.newest,
        isDoubled: current.isDoubled || oldest <= current.newest,
      };
    } else {
      close();
      current = { account, unit, sum, count, newest, isDoubled: false };
    }
  }
  const last = rows.at(-1);
  if (!isComplete && current && last) {
    const { sum, count, newest, isDoubled } = current;
    return { accounts, open: { sk: last.sk, sum, count, newest, isDoubled } };
  }
  close();
  return { accounts };
}

type Differing = Suspect & { readonly held: Held | undefined };

async function differingOf(
  { store, registry }: AuditBackend,
  { tenant }: Run,
  accounts: readonly Suspect[],
  consistency: Consistency,
): Promise<readonly Differing[]> {
  const names = accounts.map(({ account }) => account);
  const held = await readHeld(store, registry, tenant, names, consistency);
  return accounts.flatMap((account, index) =>
    isRight(account, held[index]) ? [] : [{ ...account, held: held[index] }],
  );
}

/** An account that nets to nothing within its transactions has no balance of its own; it counts as 0. */
function isRight({ unit, sum }: Suspect, held: Held | undefined): boolean {
  return held ? held.balance === sum && (held.unit === undefined || held.unit === unit) : sum === 0;
}

async function confirmed(
  { store, registry }: AuditBackend,
  run: Run,
  differing: readonly Differing[],
): Promise<readonly AuditProblem[]> {
  const suspects = await readSuspects(
    store,
    run,
    differing.map(({ account }) => account),
  );
  return differing.flatMap(({ account, sum, count, unit, held }) => {
    const suspect = suspects.get(account);
    if (suspect?.count !== count || suspect.sum !== sum) return [];
    const holds = held ? `it holds ${String(held.balance)} ${String(held.unit)}` : 'there is no such balance';
    const entity = ownedAccount(registry, account)?.id;
    const text = `${holds}, and its ${count} postings sum to ${sum} ${unit}`;
    return [problem('balance_differs', text, { ...(entity !== undefined && { entity }), account })];
  });
}
