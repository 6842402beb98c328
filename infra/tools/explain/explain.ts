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
import { jobs } from './jobs.ts';
import { comparisonTable, grouped, renderPlan } from './render.ts';
import { requestCases } from './request-case.ts';
import { inOrder, measure } from './run.ts';
import type { Case, Measured } from './run.ts';
import { seededStore } from './seed.ts';
import { sizesOf, UsageError } from './usage.ts';
import { allIndexes } from './tables.ts';
import { indexesNotRead, warningsOf } from './warnings.ts';
import { serviceStore, withDatabase } from './workbench.ts';
import type { Workbench } from './workbench.ts';

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

const isEverything = flags.requests === undefined && positionals.length === 0;

async function chosenCases(): Promise<readonly Case[]> {
  if (flags.requests !== undefined) {
    const parsed = requestCases.safeParse(JSON.parse(await readFile(flags.requests, 'utf8')));
    if (!parsed.success) throw new UsageError(`${flags.requests}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  }
  const all: readonly Case[] = inOrder([...cases, ...jobs]);
  const wanted = positionals.join(' ');
  const found = all.filter(({ name }) => isEverything || name === wanted || name.startsWith(`${wanted} (`));
  if (found.length > 0) return found;
  throw new UsageError(
    `no case is called "${wanted}"; there are:\n${all.map(({ name }) => `  ${name}`).join('\n')}`,
  );
}

async function measureAll(bench: Workbench, all: readonly Case[]): Promise<readonly Measured[]> {
  const measured: Measured[] = [];
  for (const one of all) measured.push(await measure(bench, one, Number(flags.runs)));
  return measured;
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const json = (measured: Measured): object => ({ ...measured.plan, warnings: warningsOf(measured) });

function printPlans(title: string, measured: readonly Measured[]): void {
  print(`\n# ${title}\n`);
  for (const one of measured)
    print(`${renderPlan(one.plan, warningsOf(one), { reported: flags.service })}\n`);
  if (!isEverything) return;
  for (const { code, detail } of indexesNotRead(measured.map(({ plan }) => plan)))
    print(`! ${code}: ${detail}`);
}

async function explainService(all: readonly Case[]): Promise<void> {
  const bench = serviceStore();
  const measured = await measureAll(bench, all);
  bench.close();
  if (flags.json) print(JSON.stringify(measured.map(json), undefined, 2));
  else printPlans('On the tables of the environment', measured);
}

async function explainSeeded(all: readonly Case[], withoutIndex: string | undefined): Promise<void> {
  const output: object[] = [];
  for (const entities of sizesOf(flags.entities)) {
    await withDatabase(async (endpoint) => {
      const bench = await seededStore(endpoint, entities);
      const measured = await measureAll(bench, all);
      const without = withoutIndex === undefined ? [] : await measureAll(bench.without(withoutIndex), all);
      if (flags.json) {
        const compared = withoutIndex !== undefined && { withoutIndex, plansWithout: without.map(json) };
        output.push({ entities, plans: measured.map(json), ...compared });
        return;
      }
      printPlans(`${grouped(entities)} entities`, measured);
      if (withoutIndex === undefined) return;
      printPlans(`${grouped(entities)} entities, without ${withoutIndex}`, without);
      for (const [index, { plan }] of measured.entries()) {
        const other = without[index];
        if (!other) continue;
        const columns = [
          { title: `with ${withoutIndex}`, plan },
          { title: `without ${withoutIndex}`, plan: other.plan },
        ];
        print(`${comparisonTable(plan.name, columns)}\n`);
      }
    });
  }
  if (flags.json) print(JSON.stringify(output, undefined, 2));
}

try {
  const withoutIndex = flags['without-index'];
  const indexNames = allIndexes.map(({ name }) => name);
  if (withoutIndex !== undefined && !indexNames.includes(withoutIndex)) {
    throw new UsageError(`there is no index "${withoutIndex}"; there are ${indexNames.join(', ')}`);
  }
  if (!(Number(flags.runs) >= 1)) throw new UsageError('--runs takes a number from 1');
  const all = await chosenCases();
  await (flags.service ? explainService(all) : explainSeeded(all, withoutIndex));
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof StartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
