/**
 * Why each index is there: the requests that read it, with it and on the same store without it. Writes REPORT.md.
 *
 *     npm run explain:report                          at 1,000 and 100,000 entities; the larger store takes minutes
 *     npm run explain:report -- --entities 1000
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { cases } from './cases.ts';
import { compareContracts, contractEntities, measureContracts, readContracts } from './contracts.ts';
import type { Contracts } from './contracts.ts';
import { jobs } from './jobs.ts';
import type { Plan } from './plan.ts';
import { comparisonTable, grouped } from './render.ts';
import { measure } from './run.ts';
import { seededStore } from './seed.ts';
import type { Seeded } from './seed.ts';
import { sizesOf } from './usage.ts';
import { withDatabase } from './workbench.ts';
import type { Workbench } from './workbench.ts';

interface Reported {
  readonly index: string;
  readonly table: string;
  readonly reason: string;
  readonly requests: readonly string[];
}

const indexes: readonly Reported[] = [
  {
    index: 'byStatus',
    table: 'data',
    reason:
      'A list is a page of one status, newest first. The table lies in the order of hashed keys, so without the ' +
      'index the only way to the newest twenty is past every item there is, ledgers included, and the way grows ' +
      'with the store. It holds whole entities, so that a list is one query and not a query and twenty reads.',
    requests: ['GET /v1/payments (by status)', 'GET /v1/payments'],
  },
  {
    index: 'due',
    table: 'data',
    reason:
      'The sweeper asks every minute which entities wait for a transition whose time has come. The index is sparse: ' +
      'an entity stands in it only while it waits, with its keys alone, so each sweep reads what is due and ' +
      'nothing else, and entities that wait for nothing write nothing to it.',
    requests: ['sweeper: due timers'],
  },
  {
    index: 'byState',
    table: 'outbox',
    reason:
      'Finished messages stay in the outbox, open and dead ones are few. Every minute the sweeper reads the open ' +
      'ones, and the operations routes list one tenant’s by state; without the index both would read everything ' +
      'that was ever sent. It keeps keys, status, topic and the time of sending, which is what they filter by.',
    requests: ['sweeper: open messages', 'GET /v1/messages (dead)'],
  },
];

/** DynamoDB Local sorts the whole table for each page of a scan: on a larger store one request an index has to do. */
const manyEntities = 10_000;

interface Measurement {
  readonly seeded: Seeded;
  /** Where costs are others than the contracts say. */
  readonly differences: readonly string[];
  /** By the name of the request. */
  readonly plans: ReadonlyMap<string, { readonly withIndex: Plan; readonly without?: Plan }>;
}

async function planOfCase(bench: Workbench, name: string, runs: number): Promise<Plan> {
  const found = [...cases, ...jobs].find((one) => one.name === name);
  if (!found) throw new Error(`there is no case "${name}"`);
  process.stderr.write(`measuring ${name}\n`);
  return (await measure(bench, found, runs)).plan;
}

async function measureStore(endpoint: string, entities: number): Promise<Measurement> {
  const bench = await seededStore(endpoint, entities);
  const differences = compareContracts(await readContracts(), await measureContracts(bench));
  const plans = new Map<string, { readonly withIndex: Plan; readonly without?: Plan }>();
  for (const { index, requests } of indexes) {
    for (const [place, name] of requests.entries()) {
      const withIndex = await planOfCase(bench, name, 5);
      const isCompared = entities <= manyEntities || place === 0;
      plans.set(name, {
        withIndex,
        ...(isCompared && { without: await planOfCase(bench.without(index), name, 1) }),
      });
    }
  }
  return { seeded: bench.seeded, differences, plans };
}

function markdown(measurements: readonly Measurement[], contracts: Contracts, command: string): string {
  return [
    '# What the indexes are worth',
    `Measured with \`${command}\` on DynamoDB Local. Units are computed by the service’s documented rules; times are this machine’s, and those of scans say little about the service, because DynamoDB Local sorts the whole table anew for each page. Without an index the request is what one would write in its place: the whole table is scanned, a filter throws away what does not belong, and the rest is sorted. Where a request asks the index several times at once, one scan is shared.`,
    ...measurements.map((measurement) => agreement(measurement, Object.keys(contracts).length)),
    ...indexes.flatMap(({ index, table, reason, requests }) => [
      `## \`${index}\` of the ${table} table`,
      reason,
      ...requests.map((name) => comparisonTable(name, columnsOf(name, measurements))),
      writesTo(index, contracts),
    ]),
  ].join('\n\n');
}

function agreement({ seeded, differences }: Measurement, contracts: number): string {
  const { entities, items, seconds } = seeded;
  return differences.length === 0
    ? `At ${grouped(entities)} entities (${grouped(items)} items, seeded in ${seconds.toFixed(0)} s) all ${contracts} cost contracts hold, to the unit: no request of any command, query or job costs more than on the store of ${contractEntities} entities they were made on.`
    : `At ${grouped(entities)} entities ${differences.length} costs differ: ${differences.slice(0, 3).join('; ')}${differences.length > 3 ? ', ...' : ''}.`;
}

const columnsOf = (name: string, measurements: readonly Measurement[]): { title: string; plan: Plan }[] =>
  measurements.flatMap(({ seeded, plans }) => {
    const { withIndex, without } = plans.get(name) ?? {};
    const size = `${grouped(seeded.entities)} entities`;
    if (!withIndex || !without) return [];
    return [
      { title: `${size}, with`, plan: withIndex },
      { title: `${size}, without`, plan: without },
    ];
  });

/** What keeping the index costs, from the contracts. */
function writesTo(index: string, contracts: Contracts): string {
  const costs = Object.entries(contracts).flatMap(([name, { writes, writeUnits }]) => {
    const own = writes.filter(({ item }) => item.endsWith(` in index ${index}`));
    const units = own.reduce((sum, line) => sum + line.units, 0);
    return units === 0 || !/^POST |^relay|^worker|^timer/.test(name) ? [] : [{ name, units, writeUnits }];
  });
  const least = Math.min(...costs.map(({ units }) => units));
  const most = costs.reduce((highest, cost) => (cost.units > highest.units ? cost : highest));
  const range =
    least === most.units
      ? `${least} write unit${least === 1 ? '' : 's'}`
      : `${least} to ${most.units} write units (most: \`${most.name}\`)`;
  const share = costs.reduce((sum, { units, writeUnits }) => sum + units / writeUnits, 0) / costs.length;
  return `Keeping it costs ${costs.length} of ${Object.keys(contracts).length} requests and jobs ${range}, ${Math.round(share * 100)} % of their write units on average.`;
}

const { values: flags } = parseArgs({ options: { entities: { type: 'string', default: '1000,100000' } } });
const measurements: Measurement[] = [];
for (const size of sizesOf(flags.entities)) {
  measurements.push(await withDatabase((endpoint) => measureStore(endpoint, size)));
}
const command = `npm run explain:report -- --entities ${flags.entities}`;
await writeFile(
  path.join(import.meta.dirname, 'REPORT.md'),
  await format(markdown(measurements, await readContracts(), command), { parser: 'markdown' }),
);
