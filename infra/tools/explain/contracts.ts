/**
 * The cost contracts: what every command, query and job costs, item by item, in one readable file. A change of cost
 * shows in a diff, and the test names what came or went.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { formatted } from '../formatted.ts';
import { placeOf } from './access.ts';
import { cases } from './cases.ts';
import { dollarsOf } from './plan.ts';
import type { Plan, Units } from './plan.ts';
import type { Case } from './request-case.ts';
import { measureAll } from './run.ts';
import type { Workbench } from './workbench.ts';

const file = new URL('cost-contracts.json', import.meta.url);

/** Entities of the store that contracts are measured on: enough to fill a page of each partition of every list. */
export const contractEntities = 2_500;

export interface CostLine {
  readonly item: string;
  readonly units: number;
}

export interface Contract extends Units {
  /** HTTP requests to DynamoDB. */
  readonly requests: number;
  readonly reads: readonly CostLine[];
  readonly writes: readonly CostLine[];
}

export type Contracts = Readonly<Record<string, Contract>>;

function contractOf({ requests, readUnits, writeUnits, calls }: Plan): Contract {
  const accesses = calls.flatMap((call) => call.accesses);
  const reads = accesses.map((access) => ({
    item: `${access.action} ${placeOf(access)}: ${access.purpose}`,
    units: access.readUnits,
  }));
  const writes = accesses.map(({ action, index, purpose, writeUnits: units }) => ({
    item: action === 'index' ? `${purpose} in index ${index}` : `${action} ${purpose}`,
    units,
  }));
  const costs = ({ units }: CostLine): boolean => units > 0;
  // Calls of one step begin in no particular order.
  const sorted = reads
    .filter(costs)
    .sort((a, b) => (a.item < b.item ? -1 : Number(a.item > b.item)) || a.units - b.units);
  return { requests, readUnits, writeUnits, reads: sorted, writes: writes.filter(costs) };
}

/** One line an item, so that a diff shows items. */
export const formatContracts = (contracts: Contracts): string =>
  `${JSON.stringify(contracts, undefined, 2).replace(/\{\s+("item": .*),\s+("units": .*)\s+\}/g, '{ $1, $2 }')}\n`;

export const readContracts = async (): Promise<Contracts> =>
  JSON.parse(await readFile(file, 'utf8')) as Contracts;

export const writeContracts = async (contracts: Contracts): Promise<void> =>
  writeFile(file, await formatted(file, formatContracts(contracts)));

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

/** Every difference, as a line for people; none where both are the same. */
export function compareContracts(agreed: Contracts, measured: Contracts): readonly string[] {
  const names = [...new Set([...Object.keys(agreed), ...Object.keys(measured)])];
  return names.flatMap((name) => {
    const [before, after] = [agreed[name], measured[name]];
    if (!before) return [`${name}: has no contract yet`];
    if (!after) return [`${name}: was not measured any more`];
    const changes = [
      ...compareLines(before.reads, after.reads, 'read'),
      ...compareLines(before.writes, after.writes, 'write'),
      ...(before.requests === after.requests ? [] : [`${before.requests} requests became ${after.requests}`]),
    ];
    return changes.map((line) => `${name}: ${line}`);
  });
}

function compareLines(before: readonly CostLine[], after: readonly CostLine[], kind: 'read' | 'write') {
  const line = ({ item, units }: CostLine, sign: string, does: string): string => {
    const dollars = dollarsOf({ readUnits: 0, writeUnits: 0, [`${kind}Units`]: units }) * 1e6;
    return `${sign} ${item}: ${units} ${kind} unit${units === 1 ? '' : 's'}, ${does} $${dollars.toFixed(3)} per million`;
  };
  return [
    ...without(before, after).map((gone) => line(gone, '-', 'saves')),
    ...without(after, before).map((added) => line(added, '+', 'adds')),
  ];
}

/** The lines that the others do not have, or not as often. */
function without(lines: readonly CostLine[], others: readonly CostLine[]): readonly CostLine[] {
  const left = [...others];
  return lines.filter(({ item, units }) => {
    const place = left.findIndex((other) => other.item === item && other.units === units);
    if (place >= 0) left.splice(place, 1);
    return place < 0;
  });
}
