/**
 * Callers who come at a rate, do not wait for each other and all want the same. DynamoDB Local takes one transaction after
 * the other; here each holds its items for 10 ms, and whoever meets it is cancelled, as in the service.
 */
import type { Reply, Request, Workbench } from '../../infra/tools/explain/workbench.ts';
import { countRequests, injectConflicts } from '../support/contention.ts';
import type { RequestCount } from '../support/contention.ts';
import { randomOf } from '../support/faults/random.ts';
import { openLoop } from '../support/open-loop.ts';
import { percentile } from '../support/virtual-time.ts';

export const secondsEach = 20;
/** A transaction of a few items took 5 to 15 ms on the service. */
export const holdMs = 10;

const columns = ['answered', 'transactions each', 'p50 ms', 'p95 ms', 'answered 503'];

/** @returns what counts the requests of this workbench */
export function withConflicts({ backend: { store } }: Workbench): RequestCount {
  const requests = countRequests(store.client);
  injectConflicts(store.client, { holdMs });
  return requests;
}

/** Sends one request a caller, each with a key of its own. @returns a cell for each of `columns` */
export async function crowdOf(
  bench: Workbench,
  requests: RequestCount,
  rate: number,
  wanted: (caller: number) => Request,
): Promise<readonly string[]> {
  const count = rate * secondsEach;
  requests.reset();
  const replies = await openLoop({ rate, count, random: randomOf(rate) }, async (caller) => {
    const began = performance.now();
    const { status, json }: Reply = await bench.send(wanted(caller));
    const isDone = status === 200 || status === 201;
    return { answer: isDone ? '' : `${status} ${String(json['code'])}`, ms: performance.now() - began };
  });
  // Where the machine itself cannot follow, an answer of the database is lost, too: the same key tells what happened.
  const strange = replies.find(({ answer }) => answer !== '' && !answer.startsWith('503'));
  if (strange) throw new Error(`a caller was answered ${strange.answer}`);
  const tookMs = replies.flatMap(({ answer, ms }) => (answer === '' ? [ms] : [])).toSorted((a, b) => a - b);
  const transactions = requests.byOperation.get('TransactWriteItems') ?? 0;
  return cellsOf({ tookMs, transactions, contended: count - tookMs.length });
}

/** A cell for each of `columns`. @param tookMs sorted */
export const cellsOf = ({
  tookMs,
  transactions,
  contended,
}: {
  readonly tookMs: readonly number[];
  readonly transactions: number;
  readonly contended: number;
}): readonly string[] => [
  String(tookMs.length),
  (transactions / tookMs.length).toFixed(1),
  percentile(tookMs, 0.5).toFixed(0),
  percentile(tookMs, 0.95).toFixed(0),
  String(contended),
];

export type PrintRow = (cells: readonly string[]) => void;

export function printHead(what: string, printRow: PrintRow): void {
  const head = [what, 'items', ...columns];
  printRow(head);
  printRow(head.map(() => '---'));
}
