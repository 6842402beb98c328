/**
 * `npm run bench`: commands a second, their CPU time and their requests to the database, and what contention costs.
 * The API is called in process, on DynamoDB Local, so both share this machine's processors.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import pMap from 'p-map';
import { systemClock } from '../../functions/runtime/clock.ts';
import { emptyStore, withDatabase } from '../../infra/tools/explain/workbench.ts';
import type { Request, Workbench } from '../../infra/tools/explain/workbench.ts';
import { hotItem } from './hot-item.ts';

const commands = 1_500;
const warmUp = 300;
const claims = 1_000;
const spends = 200;
const [keys, duplicates] = [200, 10];

interface Load {
  readonly count: number;
  readonly concurrency: number;
  readonly request: (index: number) => Request;
}

interface Result {
  readonly answers: Readonly<Record<string, number>>;
  readonly ids: readonly string[];
  readonly seconds: number;
  /** Milliseconds of one command, without the database's own. */
  readonly cpuMs: number;
  /** HTTP requests to DynamoDB, repetitions included. */
  readonly requests: number;
}

async function run({ send }: Workbench, calls: { count: number }, load: Load): Promise<Result> {
  const answers: Record<string, number> = {};
  const [callsBefore, cpuBefore, began] = [calls.count, process.cpuUsage(), performance.now()];
  const ids = await pMap(
    Array.from({ length: load.count }, (_, index) => load.request(index)),
    async (request) => {
      const { status, json } = await send(request);
      answers[status] = (answers[status] ?? 0) + 1;
      return String(json['id']);
    },
    { concurrency: load.concurrency },
  );
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1_000 / load.count;
  return { answers, ids, seconds, cpuMs, requests: calls.count - callsBefore };
}

const post = (path: string, body?: unknown, headers?: Request['headers']): Request => ({
  method: 'POST',
  path,
  ...(body !== undefined && { body }),
  ...(headers && { headers }),
});
/** Of people who have nothing to do with each other. */
const payment = (): Request =>
  post('/v1/payments', { payer: randomUUID(), payee: randomUUID(), amount: 1_250, currency: 'EUR' });

const columns = ['what', 'callers', 'answers', 'commands/s', 'seconds', 'CPU ms', 'requests each'];
/** Each row as soon as it is measured, since all of them take minutes. */
const printRow = (cells: readonly string[]): void => {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
};
function tell(what: string, { count, concurrency }: Omit<Load, 'request'>, result: Result): void {
  const { answers, seconds, cpuMs, requests } = result;
  const seen = Object.entries(answers).map(([status, times]) => `${times} x ${status}`);
  const figures = [
    (count / seconds).toFixed(0),
    seconds.toFixed(1),
    cpuMs.toFixed(1),
    (requests / count).toFixed(2),
  ];
  printRow([what, String(concurrency), seen.join(', '), ...figures]);
}

async function measure(bench: Workbench): Promise<void> {
  const calls = { count: 0 };
  bench.backend.store.client.middlewareStack.add(
    (next) => (args) => {
      calls.count += 1;
      return next(args);
    },
    // Inside the SDK's retries, so that each of them counts.
    { step: 'deserialize', priority: 'low', name: 'count-requests' },
  );
  const measured = async (what: string, load: Load): Promise<Result> => {
    const result = await run(bench, calls, load);
    tell(what, load, result);
    return result;
  };
  await run(bench, calls, { count: warmUp, concurrency: 8, request: payment });
  for (const concurrency of [1, 16, 64]) {
    const load = { count: commands, concurrency };
    const { ids } = await measured('create a payment', { ...load, request: payment });
    await measured('confirm it', { ...load, request: (n) => post(`/v1/payments/${ids[n] ?? ''}/confirm`) });
  }
  const bodies = Array.from({ length: keys }, () => ({
    ...payment(),
    headers: { 'idempotency-key': randomUUID() },
  }));
  await measured(`${duplicates} duplicates at once of each of ${keys} keys`, {
    count: keys * duplicates,
    concurrency: 4 * duplicates,
    request: (n) => bodies[Math.floor(n / duplicates)] ?? payment(),
  });
  const showing = await bench.send(post('/v1/showings', { title: 'Evening show', capacity: claims }));
  await measured('places of one showing, all claimed at once', {
    count: claims,
    concurrency: claims,
    request: () => post('/v1/reservations', { showingId: showing.json['id'], customer: 'ada' }),
  });
  const account = await bench.send(post('/v1/point-accounts', { owner: 'ada' }));
  const points = `/v1/point-accounts/${String(account.json['id'])}`;
  await bench.send(post(`${points}/earn`, { amount: spends, reason: 'welcome' }));
  await measured('points of one account, all spent at once', {
    count: spends,
    concurrency: spends,
    request: () => post(`${points}/spend`, { amount: 1, reason: 'coffee' }),
  });
}

const { hot } = parseArgs({ options: { hot: { type: 'boolean', default: false } } }).values;
await withDatabase(async (endpoint) => {
  const bench = await emptyStore(endpoint, { recorded: false, clock: systemClock });
  if (hot) {
    await hotItem(bench, printRow);
  } else {
    printRow(columns);
    printRow(columns.map(() => '---'));
    await measure(bench);
  }
  bench.close();
});
