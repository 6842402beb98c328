/**
 * Callers who come at a rate, do not wait for each other and all want the same. DynamoDB Local takes one transaction after
 * the other; here each holds its items for 10 ms, and whoever meets it is cancelled, as in the service.
 */
import type { Domain } from '../../functions/core/definition.ts';
import type { Reply, Request, Workbench } from '../../infra/tools/explain/workbench.ts';
import { countRequests, injectConflicts } from '../support/contention.ts';
import type { RequestCount } from '../support/contention.ts';
import { randomOf } from '../support/faults/random.ts';
import type { Random } from '../support/faults/random.ts';
import { openLoop } from '../support/open-loop.ts';
import { percentile } from '../support/virtual-time.ts';
import type { PrintRow } from './tables.ts';

const secondsEach = 20;
/** A transaction of a few items took 5 to 15 ms on the service. */
const holdMs = 10;

const columns = ['answered', 'transactions each', 'p50 ms', 'p95 ms', 'answered 503'];

/** @returns what counts the requests of this workbench */
function withConflicts({ backend: { store } }: Workbench): RequestCount {
  const requests = countRequests(store.client);
  injectConflicts(store.client, { holdMs });
  return requests;
}

/** Sends one request a caller, each with a key of its own. @returns a cell for each of `columns` */
async function crowdOf(
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

/** What became of a crowd. */
interface Came {
  /** How long each took that was answered, the shortest first. */
  readonly tookMs: readonly number[];
  readonly transactions: number;
  readonly contended: number;
}

/** A cell for each of `columns`. */
const cellsOf = ({ tookMs, transactions, contended }: Came): readonly string[] => [
  String(tookMs.length),
  (transactions / tookMs.length).toFixed(1),
  percentile(tookMs, 0.5).toFixed(0),
  percentile(tookMs, 0.95).toFixed(0),
  String(contended),
];

/** Definitions, and over how many items they spread the account that everybody wants. */
export interface Served {
  readonly items: number;
  readonly domains: readonly Domain[];
}

/** What callers want of the account, measured: a row for each number of items and rate. */
export interface Measured {
  readonly what: string;
  readonly served: readonly Served[];
  /** Commands a second. */
  readonly rates: readonly number[];
  /** Makes ready what so many callers want. @returns what each asks for */
  readonly prepare: (bench: Workbench, count: number) => Promise<(caller: number) => Request>;
}

/** @param open a workbench on empty tables, by these definitions */
export async function measure(
  { what, served, rates, prepare }: Measured,
  open: (served: readonly Domain[]) => Promise<Workbench>,
  printRow: PrintRow,
): Promise<void> {
  printHead(`measured: ${what}`, printRow);
  for (const { items, domains } of served) {
    const bench = await open(domains);
    const requests = withConflicts(bench);
    for (const rate of rates) {
      const wanted = await prepare(bench, rate * secondsEach);
      printRow([String(rate), String(items), ...(await crowdOf(bench, requests, rate, wanted))]);
    }
    bench.close();
  }
  printRow([]);
}

/** The same in virtual time. */
export function simulate(
  { what, served }: Pick<Measured, 'what' | 'served'>,
  rates: readonly number[],
  simulated: (crowd: Crowd) => Came,
  printRow: PrintRow,
): void {
  printHead(`simulated: ${what}`, printRow);
  for (const { items } of served) {
    for (const rate of rates) {
      const crowd = { rate, count: rate * secondsEach, items, holdMs, random: randomOf(rate) };
      printRow([String(rate), String(items), ...cellsOf(simulated(crowd))]);
    }
  }
}

interface Crowd {
  readonly rate: number;
  readonly count: number;
  readonly items: number;
  readonly holdMs: number;
  readonly random: Random;
}

function printHead(what: string, printRow: PrintRow): void {
  const head = [what, 'items', ...columns];
  printRow(head);
  printRow(head.map(() => '---'));
}
