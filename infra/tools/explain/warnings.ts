/** What in a plan is worth a second thought. */
import { partitionLimits } from '../../../functions/store/metering/capacity.ts';
import { placeOf } from './access.ts';
import type { Access } from './access.ts';
import type { Plan, PlannedCall } from './plan.ts';
import type { Measured } from './run.ts';
import { allIndexes } from './tables.ts';

export interface Warning {
  readonly code:
    | 'scan'
    | 'filter_discards'
    | 'unbounded_read'
    | 'sequential_calls'
    | 'hot_key'
    | 'large_item'
    | 'index_not_read';
  readonly detail: string;
}

/** DynamoDB: an item holds 400 KB. */
const largeBytes = 300 * 1024;
const { writeUnitsPerSecond } = partitionLimits;

export function warningsOf({ plan, runs, sent }: Measured): readonly Warning[] {
  const accesses = plan.calls.flatMap((call) => call.accesses);
  return distinct([
    ...accesses.flatMap(ofAccess),
    ...sequentialReads(plan.calls, sent),
    ...sequentialWrites(plan.calls),
    ...hotKeys(runs),
  ]);
}

function ofAccess(access: Access): Warning[] {
  const { action, expressions, itemsRead, itemsReturned, limit, largestBytes, purpose } = access;
  const place = placeOf(access);
  const discarded = itemsRead - itemsReturned;
  const warnings: Warning[] = [];
  if (action === 'scan')
    warnings.push({ code: 'scan', detail: `reads all of ${place}, whatever is asked for` });
  // A scan has a warning of its own for each of its pages.
  if (action === 'query' && expressions.filter !== undefined && discarded > itemsReturned) {
    const detail = `the filter on ${place} throws ${discarded} of ${itemsRead} items away`;
    warnings.push({ code: 'filter_discards', detail });
  }
  if (action === 'query' && limit === undefined) {
    warnings.push({ code: 'unbounded_read', detail: `the query of ${place} has no limit` });
  }
  if (largestBytes > largeBytes) {
    const kilobytes = Math.round(largestBytes / 1024);
    warnings.push({ code: 'large_item', detail: `${purpose} has ${kilobytes} KB; an item holds 400` });
  }
  return warnings;
}

/** A read by key whose keys the request names could have been part of the first read. */
function sequentialReads(calls: readonly PlannedCall[], sent: string): Warning[] {
  const reads = calls.filter(({ accesses }) => accesses.every(({ action }) => action === 'get'));
  const isNamed = (key: string): boolean => {
    const { pk } = JSON.parse(key) as { pk?: { S?: string } };
    const id = pk?.S?.split('#').at(-1);
    return id !== undefined && id !== '' && sent.includes(id);
  };
  return reads.slice(1).flatMap((call) => {
    const [first] = reads;
    const keys = call.accesses.flatMap((access) => access.keys ?? []);
    if (!first || first.step === call.step || keys.length === 0 || !keys.every(isNamed)) return [];
    const detail = `step ${call.step} reads by keys that the request names: step ${first.step} could read them too`;
    return [{ code: 'sequential_calls' as const, detail }];
  });
}

/** Single writes one after the other, which do not need each other's answers unless they are of one item. */
function sequentialWrites(calls: readonly PlannedCall[]): Warning[] {
  const keys = calls.flatMap(({ operation, accesses }) =>
    ['PutItem', 'UpdateItem', 'DeleteItem'].includes(operation) ? [accesses[0]?.keys?.[0] ?? ''] : [],
  );
  const others = new Set(keys).size;
  if (others < 2) return [];
  return [
    { code: 'sequential_calls', detail: `${others} single writes of different items, one after the other` },
  ];
}

/** What every run writes, though each is about an entity of its own, all such requests write. */
function hotKeys(runs: readonly Plan[]): Warning[] {
  if (runs.length < 2) return [];
  const units = runs.map(unitsByPartition);
  const [first = new Map<string, number>(), ...others] = units;
  return [...first].flatMap(([partition, of]) => {
    const limit = Math.floor(writeUnitsPerSecond / of);
    if (limit >= writeUnitsPerSecond || !others.every((other) => other.has(partition))) return [];
    // An index follows the commit and knows no conflicts; a table's items do.
    const earlier = /^\w+\//.test(partition) ? '' : ', and conflicts come earlier';
    const detail = `every request writes ${partition}: at most ${limit} a second${earlier}`;
    return [{ code: 'hot_key' as const, detail }];
  });
}

function unitsByPartition({ calls }: Plan): Map<string, number> {
  const units = new Map<string, number>();
  const add = (partition: string, of: number): void => {
    units.set(partition, (units.get(partition) ?? 0) + of);
  };
  for (const { table, purpose, keys, writeUnits, indexWrites } of calls.flatMap(({ accesses }) => accesses)) {
    if (writeUnits === 0) continue;
    const { pk } = JSON.parse(keys?.[0] ?? '{}') as { pk?: { S?: string } };
    add(`${table} ${pk?.S ?? ''} (${purpose})`, writeUnits);
    for (const write of indexWrites) {
      for (const partition of write.partitions) {
        add(`${table}/${write.index} ${partition}`, write.units / write.partitions.length);
      }
    }
  }
  return units;
}

/** Indexes that none of the plans reads. To be asked of all plans there are. */
export function indexesNotRead(plans: readonly Plan[]): readonly Warning[] {
  const read = new Set(
    plans.flatMap(({ calls }) => calls.flatMap(({ accesses }) => accesses.map(({ index }) => index))),
  );
  return allIndexes
    .filter(({ name }) => !read.has(name))
    .map(({ name }) => ({ code: 'index_not_read', detail: `no request and no job reads the index ${name}` }));
}

function distinct(warnings: readonly Warning[]): readonly Warning[] {
  return [...new Map(warnings.map((warning) => [`${warning.code} ${warning.detail}`, warning])).values()];
}
