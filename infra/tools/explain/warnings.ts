/** What in a plan is worth a second thought. */
import { partitionLimits } from '../../../functions/store/metering/capacity.ts';
import { placeOf } from './access.ts';
import type { Access } from './access.ts';
import type { Plan } from './plan.ts';
import type { Measured } from './run.ts';
import { allIndexes } from './without-index.ts';

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

export function warningsOf({ plan, runs }: Measured): readonly Warning[] {
  const all = [...accessesOf(plan).flatMap(ofAccess), ...sequentialReads(plan), ...hotKeys(runs)];
  return [...new Map(all.map((warning) => [`${warning.code} ${warning.detail}`, warning])).values()];
}

const warnIf = (isSo: boolean, code: Warning['code'], detail: string): readonly Warning[] =>
  isSo ? [{ code, detail }] : [];

const accessesOf = ({ calls }: Plan): readonly Access[] => calls.flatMap(({ accesses }) => accesses);

function ofAccess(access: Access): readonly Warning[] {
  const { action, expressions, itemsRead, itemsReturned, limit, bytes, purpose } = access;
  const place = placeOf(access);
  const discarded = itemsRead - itemsReturned;
  const isQuery = action === 'query';
  // A scan has a warning of its own.
  const discards = isQuery && expressions['filter'] !== undefined && discarded > itemsReturned;
  const filtered = `the filter on ${place} throws ${discarded} of ${itemsRead} items away`;
  const isLarge = itemsRead <= 1 && bytes > largeBytes;
  const large = `${purpose} has ${Math.round(bytes / 1024)} KB; an item holds 400`;
  return [
    ...warnIf(action === 'scan', 'scan', `reads all of ${place}, whatever is asked for`),
    ...warnIf(discards, 'filter_discards', filtered),
    ...warnIf(isQuery && limit === undefined, 'unbounded_read', `the query of ${place} has no limit`),
    ...warnIf(isLarge, 'large_item', large),
  ];
}

/** The partition of a key that is JSON: its first attribute. */
const partitionOf = (key: string): string =>
  Object.values(JSON.parse(key) as Record<string, { readonly S?: string }>)[0]?.S ?? '';

/** A read by key whose keys the request names could have been part of the first read. */
function sequentialReads({ calls, sent }: Plan): readonly Warning[] {
  const reads = calls.filter(({ accesses }) => accesses.every(({ action }) => action === 'get'));
  const first = reads[0]?.step ?? 0;
  const isNamed = (key: string): boolean => {
    const id = partitionOf(key).split('#').at(-1) ?? '';
    return id !== '' && sent.includes(id);
  };
  return reads.flatMap(({ step, accesses }) => {
    const keys = accesses.flatMap((access) => access.keys ?? []);
    const detail = `step ${step} reads by keys that the request names: step ${first} could read them too`;
    return warnIf(step !== first && keys.length > 0 && keys.every(isNamed), 'sequential_calls', detail);
  });
}

/** What every run writes, though each is about an entity of its own, all such requests write. */
function hotKeys(runs: readonly Plan[]): readonly Warning[] {
  if (runs.length < 2) return [];
  const [first = new Map<string, number>(), ...others] = runs.map(unitsByPartition);
  return [...first].flatMap(([partition, units]) => {
    const limit = Math.floor(writeUnitsPerSecond / units);
    const isHot = limit < writeUnitsPerSecond && others.every((other) => other.has(partition));
    // An index follows the commit and knows no conflicts; a table's items do.
    const earlier = /^\w+\//.test(partition) ? '' : ', and conflicts come earlier';
    const detail = `every request writes ${partition}: at most ${limit} a second${earlier}`;
    return warnIf(isHot, 'hot_key', detail);
  });
}

function unitsByPartition(plan: Plan): ReadonlyMap<string, number> {
  const units = new Map<string, number>();
  for (const access of accessesOf(plan).filter(({ writeUnits }) => writeUnits > 0)) {
    const { action, purpose, keys = [], writeUnits } = access;
    for (const key of keys) {
      const partition = `${placeOf(access)} ${partitionOf(key)}${action === 'index' ? '' : ` (${purpose})`}`;
      units.set(partition, (units.get(partition) ?? 0) + writeUnits / keys.length);
    }
  }
  return units;
}

/** Indexes that none of the plans reads. To be asked of all plans there are. */
export function indexesNotRead(plans: readonly Plan[]): readonly Warning[] {
  const reads = plans.flatMap(accessesOf).filter(({ action }) => action !== 'index');
  return allIndexes
    .filter(({ name }) => !reads.some(({ index }) => index === name))
    .map(({ name }) => ({ code: 'index_not_read', detail: `no request and no job reads the index ${name}` }));
}
