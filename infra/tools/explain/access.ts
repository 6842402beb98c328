/** What a call does to the database, one access a line of the plan, with its units. */
import { marshall } from '@aws-sdk/util-dynamodb';
import {
  indexEntry,
  indexWriteUnits,
  readUnitBytes,
  readUnits,
  writeUnits,
} from '../../../functions/store/metering/capacity.ts';
import type { Images } from '../../../functions/store/metering/capacity.ts';
import { itemSize } from '../../../functions/store/metering/item-size.ts';
import type { WireItem } from '../../../functions/store/metering/item-size.ts';
import { tables as schemas } from '../../../functions/store/tables.ts';
import type { TableSchema } from '../../../functions/store/tables.ts';
import type { Asked, Parameters, Part } from './parts.ts';

export interface Access extends Omit<Part, 'action'> {
  /** `index`: what a write causes in an index of its table. Its keys are the partition keys there. */
  readonly action: Part['action'] | 'index';
  readonly limit?: number;
  readonly descending?: boolean;
  readonly consistent?: boolean;
  readonly itemsRead: number;
  readonly itemsReturned: number;
  /** Of all items read, or of the larger image of the item written. A filtered page is rounded up to its units. */
  readonly bytes: number;
  /** Of the largest item. */
  readonly largestBytes: number;
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** `data`, or `data/byStatus` for an index. */
export const placeOf = ({ table, index }: { table: string; index?: string }): string =>
  index === undefined ? table : `${table}/${index}`;

/** @param output of its call */
export function readAccess({ part, parameters }: Asked, output: Parameters): Access {
  const { Limit: limit, ConsistentRead: consistent = false, TableName, ScanIndexForward } = parameters;
  const { Item, Items, Responses, ScannedCount, ConsumedCapacity } = output;
  const found = Item ?? Items ?? (Responses as Parameters | undefined)?.[String(TableName)] ?? [];
  const sizes = [found].flat().map((item) => itemSize(marshall(item, { removeUndefinedValues: true })));
  const consistency = consistent === true ? 'strong' : 'eventual';
  const access = {
    ...part,
    ...(typeof limit === 'number' && { limit }),
    ...(ScanIndexForward === false && { descending: true }),
    consistent: consistent === true,
    itemsReturned: sizes.length,
    largestBytes: Math.max(0, ...sizes),
    writeUnits: 0,
  };
  const { keys, expressions } = part;
  if (keys) {
    // Each key is read, and rounded up, for itself; one that leads nowhere costs as much as a small item.
    const counted = [...sizes, ...Array<number>(keys.length - sizes.length).fill(0)];
    const units = sum(counted.map((size) => readUnits(size, consistency)));
    return { ...access, itemsRead: sizes.length, bytes: sum(sizes), readUnits: units };
  }
  // What a filter throws away is counted as well, so the units are the database's own figure. DynamoDB Local tells it
  // right for queries and scans, which `test/integration/capacity.integration.test.ts` proves.
  const { CapacityUnits = 0 } = (ConsumedCapacity ?? {}) as { readonly CapacityUnits?: number };
  const isWhole = expressions['filter'] === undefined && expressions['projection'] === undefined;
  return {
    ...access,
    itemsRead: Number(ScannedCount ?? 0),
    bytes: isWhole ? sum(sizes) : CapacityUnits * readUnitBytes * (consistent === true ? 1 : 2),
    // Where a page is empty DynamoDB Local counts nothing; the service counts it as a small item.
    readUnits: Math.max(CapacityUnits, readUnits(0, consistency)),
  };
}

/**
 * A write, and what it causes in the table's indexes.
 * @param withoutIndex an index whose writes are not counted
 */
export function writeAccesses(
  { part, isTransaction }: Asked,
  images: Images,
  withoutIndex?: string,
): readonly Access[] {
  const schema: TableSchema = schemas[part.table];
  const both = [images.before, images.after].filter((image) => image !== undefined);
  const access = { ...part, itemsRead: 0, itemsReturned: 0, readUnits: 0 };
  const inIndexes = schema.indexes.flatMap((index): readonly Access[] => {
    const units = index.name === withoutIndex ? 0 : indexWriteUnits(schema, index, images);
    if (units === 0) return [];
    const entries = both
      .map((image) => indexEntry(schema, index, image))
      .filter((entry) => entry !== undefined);
    const { partitionKey, name } = index;
    const keys = new Set(entries.map((entry) => JSON.stringify({ [partitionKey]: entry[partitionKey] })));
    const caused = { action: 'index', index: name, keys: [...keys], expressions: {} } as const;
    return [{ ...access, ...caused, ...sizeOf(entries), writeUnits: units }];
  });
  return [{ ...access, ...sizeOf(both), writeUnits: writeUnits(images, isTransaction) }, ...inIndexes];
}

/** The larger image counts. */
function sizeOf(images: readonly WireItem[]): Pick<Access, 'bytes' | 'largestBytes'> {
  const bytes = Math.max(0, ...images.map(itemSize));
  return { bytes, largestBytes: bytes };
}

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
