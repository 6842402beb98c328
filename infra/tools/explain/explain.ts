/**
 * EXPLAIN ANALYZE for DynamoDB: what a request does to the database, and what that costs. Beside it, on wish, the same
 * request on a store without one of its indexes.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { numberWithin, runCommand, UsageError } from '../../local/command-line.ts';
import { cases, routesToBeWritten } from './cases.ts';
import { comparisonTable, grouped, renderPlan } from './render.ts';
import { requestCases, routeOf } from './request-case.ts';
import { measureAll } from './run.ts';
import type { Measured } from './run.ts';
import type { Case } from './request-case.ts';
import { seed } from './seed.ts';
import { allIndexes } from './without-index.ts';
import { indexesNotRead, warningsOf } from './warnings.ts';
import { emptyStore, serviceStore, withDatabase } from './workbench.ts';
import type { Workbench } from './workbench.ts';

const indexNames = allIndexes.map(({ name }) => name);

const usage = `usage: npm run explain -- [POST /v1/reservations] [options]

  --requests <file.json>      requests of your own; infra/tools/explain/request-case.ts has the format
  --entities <n>[,<n>]        on stores of these sizes (1000)
  --without-index <name>      beside the same on a store without ${indexNames.join(', ')}
  --service                   on the tables of DATA_TABLE, OUTBOX_TABLE and IDEMPOTENCY_TABLE, with the service's figures
  --runs <n>                  how often each request is measured (5)
  --json                      for programs

Without a route: every command, query and job.`;

async function chosenCases(file: string | undefined, wanted: string): Promise<readonly Case[]> {
  if (file !== undefined) {
    const parsed = requestCases.safeParse(JSON.parse(await readFile(file, 'utf8')));
    if (!parsed.success) throw new UsageError(`${file}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  }
  const found = cases.filter((one) => ['', one.name, routeOf(one)].includes(wanted));
  const lacking = routesToBeWritten.filter((route) => wanted === '' || route === wanted);
  for (const route of lacking)
    say(`${route} has no case: no row of examples leads there. Write one in infra/tools/explain/cases.ts.`);
  if (found.length > 0) return found;
  const names = cases.map(({ name }) => `  ${name}`).join('\n');
  throw new UsageError(`no case is called "${wanted}"; there are:\n${names}`);
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
const json = (measured: Measured): object => ({ ...measured.plan, warnings: warningsOf(measured) });

/** A store of so many entities, or the one that is there. */
async function withStore(size: number | undefined, work: (bench: Workbench) => Promise<void>): Promise<void> {
  if (size === undefined) {
    const bench = serviceStore();
    await work(bench);
    bench.close();
    return;
  }
  await withDatabase(async (endpoint) => {
    const bench = await emptyStore(endpoint);
    const seeded = await seed(bench, size, say);
    say(`${seeded.entities} entities, ${seeded.items} items: seeded in ${seeded.seconds.toFixed(1)} s`);
    await work(bench);
  });
}

await runCommand({
  usage,
  takesWords: true,
  flags: {
    requests: { type: 'string' },
    entities: { type: 'string', default: '1000' },
    'without-index': { type: 'string' },
    runs: { type: 'string', default: '5' },
    service: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  run: async ({ requests, entities, 'without-index': index, runs, service, json: isJson }, words) => {
    if (index !== undefined && !indexNames.includes(index))
      throw new UsageError(`there is no index "${index}"; there are ${indexNames.join(', ')}`);
    const times = numberWithin('runs', runs, 1, 1_000);
    const sizes = entities.split(',').map((size) => numberWithin('entities', size, 0, 10_000_000));
    const all = await chosenCases(requests, words.join(' '));
    const isEverything = requests === undefined && words.length === 0;
    const printPlans = (title: string, measured: readonly Measured[]): void => {
      print(`\n# ${title}\n`);
      for (const one of measured) print(`${renderPlan(one.plan, warningsOf(one), { reported: service })}\n`);
      const notRead = isEverything ? indexesNotRead(measured.map(({ plan }) => plan)) : [];
      for (const { code, detail } of notRead) print(`! ${code}: ${detail}`);
    };
    const output: object[] = [];
    for (const size of service ? [undefined] : sizes) {
      await withStore(size, async (bench) => {
        const title = size === undefined ? 'On the tables of the environment' : `${grouped(size)} entities`;
        const measured = await measureAll(bench, all, times);
        if (!isJson) printPlans(title, measured);
        const plans = measured.map(json);
        if (size === undefined) output.push(...plans);
        else output.push({ entities: size, plans });
        if (index === undefined || size === undefined) return;
        const without = await measureAll(bench.without(index), all, times);
        Object.assign(output.at(-1) ?? {}, { withoutIndex: index, plansWithout: without.map(json) });
        if (isJson) return;
        printPlans(`${title}, without ${index}`, without);
        for (const [place, { plan: other }] of without.entries()) {
          const columns = [
            { title: `with ${index}`, plan: measured[place]?.plan ?? other },
            { title: `without ${index}`, plan: other },
          ];
          print(`${comparisonTable(other.name, columns)}\n`);
        }
      });
    }
    if (isJson) print(JSON.stringify(output, undefined, 2));
    return 0;
  },
});
