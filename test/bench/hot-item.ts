/**
 * `npm run bench -- --hot`: what one item can bear. Callers come at a rate and each wants a place of one showing. DynamoDB
 * Local takes one transaction after the other; here each holds its items for 10 ms, and whoever meets it is cancelled, as
 * in the service.
 */
import type { Request, Workbench } from '../../infra/tools/explain/workbench.ts';
import { countRequests, injectConflicts } from '../support/contention.ts';
import { randomOf } from '../support/faults/random.ts';
import { openLoop } from '../support/open-loop.ts';

const rates = [10, 25, 50, 75, 100];
const secondsEach = 20;
/** A transaction of a few items took 5 to 15 ms on the service. */
const holdMs = 10;

export async function hotItem(bench: Workbench, printRow: (cells: readonly string[]) => void): Promise<void> {
  const { client } = bench.backend.store;
  const requests = countRequests(client);
  injectConflicts(client, { holdMs });
  const post = (path: string, body: object): Request => ({ method: 'POST', path, body });
  const columns = [
    'commands/s on one item',
    'answered 201',
    'transactions each',
    'p50 ms',
    'p95 ms',
    'answered 503',
  ];
  printRow(columns);
  printRow(columns.map(() => '---'));
  for (const rate of rates) {
    const count = rate * secondsEach;
    const showing = await bench.send(post('/v1/showings', { title: 'Evening show', capacity: count }));
    const claim = post('/v1/reservations', { showingId: showing.json['id'], customer: 'ada' });
    requests.reset();
    const replies = await openLoop({ rate, count, random: randomOf(rate) }, async () => {
      const began = performance.now();
      const { status, json } = await bench.send(claim);
      return {
        answer: status === 201 ? '201' : `${status} ${String(json['code'])}`,
        ms: performance.now() - began,
      };
    });
    // Where the machine itself cannot follow, an answer of the database is lost, too: the same key tells what happened.
    const strange = replies.find(({ answer }) => answer !== '201' && !answer.startsWith('503'));
    if (strange) throw new Error(`a claim was answered ${strange.answer}`);
    const took = replies
      .flatMap(({ answer, ms }) => (answer === '201' ? [ms] : []))
      .toSorted((a, b) => a - b);
    const share = (part: number): string => (took[Math.floor(part * took.length)] ?? Number.NaN).toFixed(0);
    const transactions = requests.byOperation.get('TransactWriteItems') ?? 0;
    const each = (transactions / took.length).toFixed(1);
    printRow([String(rate), String(took.length), each, share(0.5), share(0.95), String(count - took.length)]);
  }
}
