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
import { contractEntities, measureContracts, readContracts } from './agreed.ts';
import { cases } from './cases.ts';
import { compareContracts } from './contracts.ts';
import type { Contracts } from './contracts.ts';
import { jobs } from './jobs.ts';
import type { Plan } from './plan.ts';
import { callsOf, dollars, grouped, milliseconds } from './render.ts';
import { databaseTime, measure } from './run.ts';
import type { Case } from './run.ts';
import type { Seeded } from './seed.ts';
import { seededStore, takeIndex, withDatabase } from './store.ts';
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

const manyEntities = 10_000;

interface Comparison {
  readonly name: string;
  readonly plans: readonly [withIndex: Plan, without: Plan];
}

interface Measurement {
  readonly seeded: Seeded;
  readonly contracts: readonly string[];
  readonly comparisons: ReadonlyMap<string, readonly Comparison[]>;
}

const caseOf = (name: string): Case => {
  const found = [...cases, ...jobs].find((one) => one.name === name);
  if (!found) throw new Error(`there is no case "${name}"`);
  return found;
};
const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

async function measureStore(endpoint: string, entities: number): Promise<Measurement> {
  let tenth = 0;
  const { bench, seeded } = await seededStore(endpoint, {
    entities,
    progress: (done, of) => {
      if (Math.floor((done / of) * 10) === tenth) return;
      tenth = Math.floor((done / of) * 10);
      say(`seeded ${grouped(done)} of ${grouped(of)} entities`);
    },
  });
  say(`${grouped(seeded.items)} items in ${seeded.seconds.toFixed(1)} s; measuring what was agreed`);
  const contracts = compareContracts(await readContracts(), await measureContracts(bench));
  const withIndex = new Map<string, Plan>();
  for (const name of indexes.flatMap(({ requests }) => requests)) {
    withIndex.set(name, (await measure(bench, caseOf(name), 5)).plan);
  }
  const comparisons = new Map<string, readonly Comparison[]>();
  let store: Workbench = bench;
  for (const { index, requests } of indexes) {
    say(`taking ${index} away`);
    store = await takeIndex(store, endpoint, index);
    const compared: Comparison[] = [];
    // DynamoDB Local sorts the whole table for each page of a scan: on a large store one request an index has to do.
    for (const name of entities > manyEntities ? requests.slice(0, 1) : requests) {
      say(`measuring ${name} without it`);
      const before = withIndex.get(name);
      const { plan } = await measure(store, caseOf(name), 1);
      if (before) compared.push({ name, plans: [before, plan] });
    }
    comparisons.set(index, compared);
  }
  return { seeded, contracts, comparisons };
}

function markdown(measurements: readonly Measurement[], contracts: Contracts, command: string): string {
  const agreement = measurements.map(({ seeded, contracts: differences }) =>
    differences.length === 0
      ? `At ${grouped(seeded.entities)} entities (${grouped(seeded.items)} items, seeded in ${seeded.seconds.toFixed(0)} s) all ${Object.keys(contracts).length} cost contracts hold, to the unit: no request of any command, query or job costs more than on the store of ${contractEntities} entities they were made on.`
      : `At ${grouped(seeded.entities)} entities ${differences.length} costs differ: ${differences.slice(0, 3).join('; ')}${differences.length > 3 ? ', ...' : ''}.`,
  );
  const sections = indexes.map(({ index, table, reason, requests }) =>
    [
      `## \`${index}\` of the ${table} table`,
      reason,
      ...requests.map((name) => comparisonTable(name, index, measurements)),
      writesTo(index, contracts),
    ].join('\n\n'),
  );
  return [
    '# What the indexes are worth',
    `Measured with \`${command}\` on DynamoDB Local. Units are computed by the service’s documented rules; times are this machine’s, and those of scans say little about the service, because DynamoDB Local sorts the whole table anew for each page. Without an index the request is what one would write in its place: the whole table is scanned, a filter throws away what does not belong, and the rest is sorted. Where a request asks the index several times at once, one scan is shared.`,
    ...agreement,
    ...sections,
    '',
  ].join('\n\n');
}

function comparisonTable(name: string, index: string, measurements: readonly Measurement[]): string {
  const columns = measurements.flatMap(({ seeded, comparisons }) => {
    const found = comparisons.get(index)?.find((comparison) => comparison.name === name);
    return found
      ? found.plans.map((plan, place) => ({
          plan,
          title: `${grouped(seeded.entities)} entities, ${place === 0 ? 'with' : 'without'}`,
        }))
      : [];
  });
  const row = (label: string, cell: (plan: Plan) => string): string =>
    `| ${[label, ...columns.map(({ plan }) => cell(plan))].join(' | ')} |`;
  return [
    `| \`${name}\` | ${columns.map(({ title }) => title).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(columns.length)}`,
    row('calls', callsOf),
    row('items read', ({ itemsRead }) => grouped(itemsRead)),
    row('items returned', ({ itemsReturned }) => grouped(itemsReturned)),
    row('requests', ({ requests }) => grouped(requests)),
    row('read units', ({ readUnits }) => grouped(readUnits)),
    row('database time', (plan) => milliseconds(databaseTime(plan))),
    row('$ per million', dollars),
  ].join('\n');
}

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
const sizes = flags.entities.split(',').map(Number);
const measurements: Measurement[] = [];
for (const size of sizes) measurements.push(await withDatabase((endpoint) => measureStore(endpoint, size)));
const command = `npm run explain:report -- --entities ${sizes.join(',')}`;
await writeFile(
  path.join(import.meta.dirname, 'REPORT.md'),
  await format(markdown(measurements, await readContracts(), command), { parser: 'markdown' }),
);
