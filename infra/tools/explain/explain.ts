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
import type { Case } from './request-case.ts';
import { measureAll } from './run.ts';
import type { Measured } from './run.ts';
import { withSeeded } from './seed.ts';
import { indexesNotRead, warningsOf } from './warnings.ts';
import { allIndexes, withoutIndex } from './without-index.ts';
import { serviceStore } from './workbench.ts';
import type { Workbench } from './workbench.ts';

const indexNames = allIndexes.map(({ name }) => name).join(', ');

const usage = `usage: npm run explain -- [POST /v1/reservations] [options]

  --requests <file.json>      requests of your own; infra/tools/explain/request-case.ts has the format
  --entities <n>[,<n>]        on stores of these sizes (1000)
  --without-index <name>      beside the same on a store without ${indexNames}
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
  const isWanted = (name: string): boolean => wanted === '' || wanted === name;
  for (const route of routesToBeWritten.filter(isWanted))
    console.error(
      `${route} has no case: no row of examples leads there. Let its \`example\` say who asks and with what, or write a case in infra/tools/explain/written-cases.ts.`,
    );
  const found = cases.filter((one) => isWanted(one.name) || isWanted(routeOf(one)));
  if (found.length > 0) return found;
  const names = cases.map(({ name }) => `  ${name}`).join('\n');
  throw new UsageError(`no case is called "${wanted}"; there are:\n${names}`);
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
  run: async ({ requests, entities, 'without-index': indexName, runs, service, json }, words) => {
    const index = allIndexes.find(({ name }) => name === indexName);
    if (indexName !== undefined && !index)
      throw new UsageError(`there is no index "${indexName}"; there are ${indexNames}`);
    if (index && service) throw new UsageError('--without-index is not for --service');
    const times = numberWithin('runs', runs, 1, 1_000);
    const sizes = entities.split(',').map((size) => numberWithin('entities', size, 0, 10_000_000));
    const all = await chosenCases(requests, words.join(' '));
    const isEverything = requests === undefined && words.length === 0;
    const print = (text: string): void => {
      if (!json) console.log(text);
    };

    function told(title: string, measured: readonly Measured[]) {
      print(`\n# ${title}\n`);
      const plans = measured.map((one) => ({ ...one.plan, warnings: warningsOf(one) }));
      for (const plan of plans) print(`${renderPlan(plan, plan.warnings, service)}\n`);
      const notRead = isEverything ? indexesNotRead(plans) : [];
      for (const { code, detail } of notRead) print(`! ${code}: ${detail}`);
      return plans;
    }

    async function explain(bench: Workbench, title: string): Promise<object> {
      const measured = await measureAll(bench, all, times);
      const plans = told(title, measured);
      if (!index) return { plans };
      const without = await withoutIndex(bench, index);
      const plansWithout = told(
        `${title}, without ${index.name}`,
        measured.map(({ plan, runs }) => ({ plan: without(plan), runs: runs.map(without) })),
      );
      for (const [place, plan] of plans.entries()) {
        const columns = {
          [`with ${index.name}`]: plan,
          [`without ${index.name}`]: plansWithout[place] ?? plan,
        };
        print(`${comparisonTable(plan.name, columns)}\n`);
      }
      return { plans, withoutIndex: index.name, plansWithout };
    }

    const output: object[] = [];
    if (service) output.push(await explain(serviceStore(), 'On the tables of the environment'));
    for (const size of service ? [] : sizes) {
      const work = (bench: Workbench): Promise<object> => explain(bench, `${grouped(size)} entities`);
      output.push({ entities: size, ...(await withSeeded({ entities: size }, work, console.error)) });
    }
    if (json) console.log(JSON.stringify(output, undefined, 2));
    return 0;
  },
});
