/** What in a plan is worth a second thought. */
import { partitionLimits } from '../../../functions/store/metering/capacity.ts';
import { placeOf } from './access.ts';
import type { Access } from './access.ts';
import type { Plan } from './plan.ts';
import type { Measured } from './run.ts';

export interface Warning {
  readonly code: 'scan' | 'filter_discards' | 'unbounded_read' | 'hot_key';
  readonly detail: string;
}

const { writeUnitsPerSecond } = partitionLimits;

export function warningsOf({ plan, runs }: Measured): readonly Warning[] {
  const all = [...accessesOf(plan).flatMap(ofAccess), ...hotKeys(runs)];
  return [...new Map(all.map((warning) => [`${warning.code} ${warning.detail}`, warning])).values()];
}

const warnIf = (isSo: boolean, code: Warning['code'], detail: string): readonly Warning[] =>
  isSo ? [{ code, detail }] : [];

const accessesOf = ({ calls }: Plan): readonly Access[] => calls.flatMap(({ accesses }) => accesses);

function ofAccess(access: Access): readonly Warning[] {
  const { action, expressions, itemsRead, itemsReturned, limit } = access;
  const place = placeOf(access);
  if (action === 'scan') return [{ code: 'scan', detail: `reads all of ${place}, whatever is asked for` }];
  if (action !== 'query') return [];
  const discarded = itemsRead - itemsReturned;
  const discards = expressions['filter'] !== undefined && discarded > itemsReturned;
  return [
    ...warnIf(
      discards,
      'filter_discards',
      `the filter on ${place} throws ${discarded} of ${itemsRead} items away`,
    ),
    ...warnIf(limit === undefined, 'unbounded_read', `the query of ${place} has no limit`),
  ];
}

/** The partition of a key that is JSON: its first attribute. */
const partitionOf = (key: string): string =>
  Object.values(JSON.parse(key) as Record<string, { readonly S?: string }>)[0]?.S ?? '';

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
