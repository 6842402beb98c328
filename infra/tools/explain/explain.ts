/**
 * EXPLAIN ANALYZE for DynamoDB: what a request does to the database, and what that costs.
 *
 *     npm run explain                                     every command, query and job
 *     npm run explain -- POST /v1/reservations            one route
 *     npm run explain -- --requests file.json             requests of one's own, see `request-case.ts` for the format
 *     npm run explain -- --entities 1000,100000           on stores of these sizes (default 1,000)
 *     npm run explain -- --without-index byStatus         beside the same on a store without that index
 *     npm run explain -- --service                        on the tables that DATA_TABLE, OUTBOX_TABLE and
 *                                                         IDEMPOTENCY_TABLE name, with the service's own figures
 *     --json for programs, --runs 5 for how often each request is measured
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { StartError } from '../../local/start-error.ts';
import { cases } from './cases.ts';
import type { RequestCase } from './request-case.ts';
import { jobs } from './jobs.ts';
import { grouped, renderPlan, renderSideBySide } from './render.ts';
import { inOrder, measure } from './run.ts';
import type { Case, Measured } from './run.ts';
import { seededStore, serviceStore, takeIndex, withDatabase } from './store.ts';
import { indexNames } from './tables.ts';
import { indexesNotRead, warningsOf } from './warnings.ts';
import type { Workbench } from './workbench.ts';

/** What is wrong with the command line: shown as one line. */
class UsageError extends Error {}

const step = z.strictObject({
  as: z.string().optional(),
  request: z.string().regex(/^(GET|POST) \/\S*$/, 'is a method and a path, e.g. "GET /v1/payments"'),
  body: z.unknown().optional(),
  subject: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
});
const requestFile = z.array(
  z.strictObject({
    name: z.string(),
    shared: z.array(step).optional(),
    before: z.array(step).optional(),
    request: step,
  }),
);

interface Explained {
  readonly one: Case;
  readonly measured: Measured;
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: 'string' },
    entities: { type: 'string', default: '1000' },
    'without-index': { type: 'string' },
    runs: { type: 'string', default: '5' },
    service: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

async function chosenCases(): Promise<readonly Case[]> {
  if (flags.requests !== undefined) {
    const parsed = requestFile.safeParse(JSON.parse(await readFile(flags.requests, 'utf8')));
    if (!parsed.success) throw new UsageError(`${flags.requests}: ${z.prettifyError(parsed.error)}`);
    return parsed.data as readonly RequestCase[];
  }
  const all: readonly Case[] = inOrder([...cases, ...jobs]);
  if (positionals.length === 0) return all;
  const wanted = positionals.join(' ');
  const found = all.filter(({ name }) => name === wanted || name.startsWith(`${wanted} (`));
  if (found.length > 0) return found;
  throw new UsageError(
    `no case is called "${wanted}"; there are:\n${all.map(({ name }) => `  ${name}`).join('\n')}`,
  );
}

async function explainAll(bench: Workbench, all: readonly Case[]): Promise<readonly Explained[]> {
  const explained: Explained[] = [];
  for (const one of all) {
    progress(`measuring ${one.name}`);
    explained.push({ one, measured: await measure(bench, one, Number(flags.runs)) });
  }
  progress('');
  return explained;
}

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
};

interface Comparison {
  readonly explained: readonly Explained[];
  /** The same on the store after the index was taken from it. */
  readonly without?: readonly Explained[];
}

async function onSeededStore(
  endpoint: string,
  entities: number,
  all: readonly Case[],
  index: string | undefined,
): Promise<Comparison> {
  const { bench, seeded } = await seededStore(endpoint, { entities, progress: seedingProgress() });
  progress('');
  process.stderr.write(
    `${grouped(seeded.entities)} entities, ${grouped(seeded.items)} items: seeded in ${seeded.seconds.toFixed(1)} s\n`,
  );
  const explained = await explainAll(bench, all);
  if (index === undefined) return { explained };
  return { explained, without: await explainAll(await takeIndex(bench, endpoint, index), all) };
}

/** On a terminal one line that changes; elsewhere a line for each tenth of a large store. */
function seedingProgress(): (done: number, of: number) => void {
  let shown = 0;
  return (done, of) => {
    progress(`seeding ${grouped(done)} of ${grouped(of)} entities`);
    const tenth = Math.floor((done / of) * 10);
    if (process.stderr.isTTY || of < 10_000 || tenth === shown) return;
    shown = tenth;
    process.stderr.write(`seeded ${grouped(done)} of ${grouped(of)} entities\n`);
  };
}

const json = ({ measured }: Explained): unknown => ({ ...measured.plan, warnings: warningsOf(measured) });
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function report(title: string, explained: readonly Explained[], isEverything: boolean): void {
  print(`\n# ${title}\n`);
  for (const { measured } of explained) print(`${renderPlan(measured.plan, warningsOf(measured))}\n`);
  if (!isEverything) return;
  for (const { code, detail } of indexesNotRead(explained.map(({ measured }) => measured.plan))) {
    print(`! ${code}: ${detail}`);
  }
}

async function main(): Promise<void> {
  const all = await chosenCases();
  const isEverything = flags.requests === undefined && positionals.length === 0;
  const withoutIndex = flags['without-index'];
  if (withoutIndex !== undefined && !indexNames.includes(withoutIndex)) {
    throw new UsageError(`there is no index "${withoutIndex}"; there are ${indexNames.join(', ')}`);
  }
  const sizes = flags.entities.split(',').map(Number);
  if (sizes.some((size) => !Number.isInteger(size) || size < 0)) {
    throw new UsageError('--entities takes whole numbers, e.g. 1000,100000');
  }
  if (!(Number(flags.runs) >= 1)) throw new UsageError('--runs takes a number from 1');
  if (flags.service) {
    const bench = serviceStore();
    const explained = await explainAll(bench, all);
    bench.close();
    if (flags.json) print(JSON.stringify(explained.map(json), undefined, 2));
    else report('On the tables of the environment', explained, isEverything);
    return;
  }
  const output: unknown[] = [];
  for (const entities of sizes) {
    const { explained, without } = await withDatabase((endpoint) =>
      onSeededStore(endpoint, entities, all, withoutIndex),
    );
    const title = `${grouped(entities)} entities`;
    if (flags.json) {
      output.push({
        entities,
        plans: explained.map(json),
        ...(without && { withoutIndex, plansWithout: without.map(json) }),
      });
      continue;
    }
    if (!without || withoutIndex === undefined) {
      report(title, explained, isEverything);
      continue;
    }
    print(`\n# ${title}, with and without ${withoutIndex}\n`);
    for (const [index, { measured }] of explained.entries()) {
      const other = without[index];
      if (!other) continue;
      print(`${measured.plan.name}\n${renderSideBySide(measured.plan, other.measured.plan, withoutIndex)}\n`);
      if (all.length > 3) continue;
      print(`${renderPlan(measured.plan, warningsOf(measured))}\n`);
      print(`${renderPlan(other.measured.plan, warningsOf(other.measured))}\n`);
    }
  }
  if (flags.json) print(JSON.stringify(output, undefined, 2));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof StartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
