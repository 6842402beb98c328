/** A ledger is read in segments of fixed places, so that a call that is repeated reads the same part again. */
import type { Store } from '../store/store.ts';
import { readPartition } from '../store/audit/audit-reads.ts';
import type { EntityItem } from '../store/entities/items.ts';
import type { Consistency } from '../store/metering/capacity.ts';
import { entityKey, entityPartition, entryKey, fixedKey } from '../store/keys.ts';
import { segmentEntries } from './limits.ts';
import { placeOf } from './raw-entry.ts';
import type { RawItem } from '../store/audit/audit-reads.ts';

export interface Segment {
  /** The entity's item, where the segment is the first one and the item is there. */
  readonly entity?: EntityItem;
  /** Everything else, in the order of the keys. */
  readonly items: RawItem[];
  /** The last place that belongs to the segment, whether there is an entry or not. */
  readonly end: number;
  /** There was nothing after it. */
  readonly isLast: boolean;
}

/**
 * Names what a segment adds to its accounts. A walk goes from newer entities to older ones, and within one from the first
 * segment to the last; the names fall with it.
 */
export const stretchName = (id: string, end: number): string =>
  `${id}#${String(stretchesFrom - end).padStart(10, '0')}`;
/** As far as places of entries go. */
const stretchesFrom = 10_000_000_000;

const endOf = (place: number): number => Math.ceil(place / segmentEntries) * segmentEntries;

export interface SegmentOptions {
  /** The segment's, where it is known; else it is the segment of the first entry found. */
  readonly end?: number;
  readonly consistency?: Consistency;
}

/** Reads what follows an entry, up to the end of its segment. */
export async function readSegment(
  store: Store,
  tenant: string,
  id: string,
  afterSeq: number,
  { end, consistency = 'strong' }: SegmentOptions = {},
): Promise<Segment> {
  const fixedSortKey = fixedKey(tenant, id).sk;
  const entitySortKey = entityKey(tenant, id).sk;
  const items: RawItem[] = [];
  let entity: EntityItem | undefined;
  let segmentEnd = end;
  let after = afterSeq === 0 ? undefined : entryKey(tenant, id, afterSeq).sk;
  for (;;) {
    const page = await readPartition(store, entityPartition(tenant, id), {
      after,
      limit: segmentEntries + 2,
      consistency,
    });
    for (const item of page.items) {
      if (item['sk'] === entitySortKey) {
        entity = item as unknown as EntityItem;
        continue;
      }
      // What never changes of the entity is looked at with its item.
      if (item['sk'] === fixedSortKey) continue;
      const place = placeOf(item);
      if (place !== undefined) segmentEnd ??= endOf(place);
      if (place !== undefined && segmentEnd !== undefined && place > segmentEnd) {
        return { items, end: segmentEnd, isLast: false, ...(entity && { entity }) };
      }
      items.push(item);
    }
    after = page.items.at(-1)?.['sk'] as string | undefined;
    if (page.isComplete) {
      return { items, end: segmentEnd ?? endOf(afterSeq + 1), isLast: true, ...(entity && { entity }) };
    }
  }
}
