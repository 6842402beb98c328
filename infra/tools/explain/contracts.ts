/**
 * The cost contracts: what every command, query and job costs, item by item, in one readable file. A change of cost
 * shows in a diff, and the test names what came or went.
 */
import { prices } from '../../cdk/prices.ts';
import type { Plan } from './plan.ts';

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
    .map(({ action, table, index, purpose, readUnits: units }) => ({
      item: `${action} ${index === undefined ? table : `${table}/${index}`}: ${purpose}`,
      units,
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
export function formatContracts(contracts: Contracts): string {
  const entries = Object.entries(contracts).map(([name, contract]) => {
    const { requests, readUnits, writeUnits, reads, writes } = contract;
    const list = (lines: readonly CostLine[]): string =>
      lines.length === 0
        ? '[]'
        : `[\n${lines.map(({ item, units }) => `      { "item": ${JSON.stringify(item)}, "units": ${units} }`).join(',\n')}\n    ]`;
    return `  ${JSON.stringify(name)}: {
    "requests": ${requests},
    "readUnits": ${readUnits},
    "writeUnits": ${writeUnits},
    "reads": ${list(reads)},
    "writes": ${list(writes)}
  }`;
  });
  return `{\n${entries.join(',\n')}\n}\n`;
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

function compare(before: Contract, after: Contract): string[] {
  const differences = [
    ...compareLines(before.reads, after.reads, 'read', prices.tableReadUnit),
    ...compareLines(before.writes, after.writes, 'write', prices.tableWriteUnit),
  ];
  if (before.requests !== after.requests)
    differences.push(`${before.requests} requests became ${after.requests}`);
  return differences;
}

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
