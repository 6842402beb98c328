/**
 * The cost contracts: what every command, query and job costs, item by item, in one readable file. A change of cost
 * shows in a diff, and the test names what came or went.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { prices } from '../../cdk/prices.ts';
import { cases } from './cases.ts';
import { placeOf } from './access.ts';
import type { Plan } from './plan.ts';
import { measureAll } from './run.ts';
import type { Case } from './request-case.ts';
import type { Workbench } from './workbench.ts';

const file = new URL('cost-contracts.json', import.meta.url);

/** Entities of the store that contracts are measured on: enough to fill a page of each partition of every list. */
export const contractEntities = 2_500;

export interface CostLine {
  readonly item: string;
  readonly units: number;
}

export interface Contract {
  /** HTTP requests to DynamoDB. */
  readonly requests: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly reads: readonly CostLine[];
  readonly writes: readonly CostLine[];
}

export type Contracts = Readonly<Record<string, Contract>>;

export function contractOf({ requests, readUnits, writeUnits, calls }: Plan): Contract {
  const accesses = calls.flatMap((call) => call.accesses);
  const reads = accesses
    .filter((access) => access.readUnits > 0)
    .map((access) => ({
      item: `${access.action} ${placeOf(access)}: ${access.purpose}`,
      units: access.readUnits,
    }));
  const writes = accesses
    .filter((access) => access.writeUnits > 0)
    .flatMap(({ action, purpose, writeUnits: units, indexWrites }) => [
      { item: `${action} ${purpose}`, units },
      ...indexWrites.map((write) => ({ item: `${purpose} in index ${write.index}`, units: write.units })),
    ]);
  return { requests, readUnits, writeUnits, reads: sorted(reads), writes };
}

/** Calls of one step begin in no particular order. */
const sorted = (lines: readonly CostLine[]): readonly CostLine[] =>
  lines.toSorted((a, b) => (a.item === b.item ? a.units - b.units : a.item < b.item ? -1 : 1));

/** One line an item, so that a diff shows items. */
export const formatContracts = (contracts: Contracts): string =>
  `${JSON.stringify(contracts, undefined, 2).replace(/\{\s+("item": .*),\s+("units": .*)\s+\}/g, '{ $1, $2 }')}\n`;

export const readContracts = async (): Promise<Contracts> =>
  JSON.parse(await readFile(file, 'utf8')) as Contracts;

export const writeContracts = async (contracts: Contracts): Promise<void> =>
  writeFile(file, await formatted(file, formatContracts(contracts)));

/** JSON in the form that the project's formatter leaves alone. */
export const formatted = async (of: URL, json: string): Promise<string> =>
  format(json, { ...(await resolveConfig(of)), parser: 'json' });

/** Measures each case once: what it costs does not depend on chance. */
export async function measureContracts(
  bench: Workbench,
  all: readonly Case[] = cases,
  onPlan?: (plan: Plan) => void,
): Promise<Contracts> {
  const measured = await measureAll(bench, all, 1, onPlan);
  const contracts = new Map(measured.map(({ plan }) => [plan.name, contractOf(plan)]));
  return Object.fromEntries(all.map(({ name }) => [name, contracts.get(name) as Contract]));
}

/** Whether a route is of a collection of which nothing was agreed yet; `npm run cost:update` does so. */
export function isNew(contracts: Contracts, name: string): boolean {
  const collectionOf = (route: string): string | undefined =>
    /^(?:GET|POST|ANSWER) (\/v1\/[^/ ]+)/.exec(route)?.[1];
  const collection = collectionOf(name);
  return (
    collection !== undefined && !Object.keys(contracts).some((known) => collectionOf(known) === collection)
  );
}

/** Every difference, as a line for people; none where both are the same. */
export function compareContracts(agreed: Contracts, measured: Contracts): readonly string[] {
  const names = [...new Set([...Object.keys(agreed), ...Object.keys(measured)])];
  return names.flatMap((name) => {
    const [before, after] = [agreed[name], measured[name]];
    if (!before) return [`${name}: has no contract yet`];
    if (!after) return [`${name}: was not measured any more`];
    return compare(before, after).map((line) => `${name}: ${line}`);
  });
}

const compare = (before: Contract, after: Contract): readonly string[] => [
  ...compareLines(before.reads, after.reads, 'read', prices.tableReadUnit),
  ...compareLines(before.writes, after.writes, 'write', prices.tableWriteUnit),
  ...(before.requests === after.requests ? [] : [`${before.requests} requests became ${after.requests}`]),
];

function compareLines(
  before: readonly CostLine[],
  after: readonly CostLine[],
  kind: 'read' | 'write',
  price: number,
): string[] {
  const left = [...after];
  const gone = before.filter(({ item, units }) => {
    const place = left.findIndex((line) => line.item === item && line.units === units);
    if (place >= 0) left.splice(place, 1);
    return place < 0;
  });
  const line =
    (sign: '+' | '-') =>
    ({ item, units }: CostLine): string =>
      `${sign} ${item}: ${units} ${kind} unit${units === 1 ? '' : 's'}, ` +
      `${sign === '+' ? 'adds' : 'saves'} $${(units * price * 1e6).toFixed(3)} per million`;
  return [...gone.map(line('-')), ...left.map(line('+'))];
}
