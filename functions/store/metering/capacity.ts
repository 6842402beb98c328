/**
 * Read and write units, computed from the sizes of items by the documented rules. DynamoDB Local reports wrong ones
 * for transactions; for single operations it is right, and `test/integration/capacity.integration.test.ts` proves
 * this file against it.
 *
 * Reads and writes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
 * Transactions: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html, capacity
 * Indexes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html, throughput considerations
 */
import { itemSize } from './item-size.ts';
import type { WireItem } from './item-size.ts';
import type { IndexSchema, TableSchema } from '../tables.ts';

export const readUnitBytes = 4 * 1024;
const writeUnitBytes = 1024;

/**
 * What one partition key takes a second, of a table or an index. An index that takes no more refuses the writes of its table.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
 */
export const partitionLimits = { writeUnitsPerSecond: 1_000, readUnitsPerSecond: 3_000 } as const;

export type Consistency = 'eventual' | 'strong';

/**
 * Of one read, whose bytes are rounded up once: an item read by its key, or all that a page of a query or scan
 * looked at, what its filter threw away included. What is not there costs as much as the smallest item.
 */
export function readUnits(bytes: number, consistency: Consistency): number {
  const steps = Math.max(1, Math.ceil(bytes / readUnitBytes));
  return consistency === 'strong' ? steps : steps / 2;
}

/** What a write does to one item. `after` is absent for a delete, and the same as `before` for a check. */
export interface Images {
  readonly before?: WireItem | undefined;
  readonly after?: WireItem | undefined;
}

/** The larger of both images counts. In a transaction each item is written twice: prepared, and committed. */
export function writeUnits({ before, after }: Images, transactional: boolean): number {
  const bytes = Math.max(before ? itemSize(before) : 0, after ? itemSize(after) : 0);
  return steps(bytes) * (transactional ? 2 : 1);
}

/**
 * What a write causes in one index:
 *
 *     before    after
 *     -         entry     1 put
 *     entry     -         1 delete
 *     entry     same key  1 put where something projected has changed, none otherwise
 *     entry     new key   1 delete and 1 put
 *
 * Indexes follow the commit by themselves, so a transaction does not double them.
 */
export function indexWriteUnits(schema: TableSchema, index: IndexSchema, { before, after }: Images): number {
  const was = before && indexEntry(schema, index, before);
  const is = after && indexEntry(schema, index, after);
  if (!was && !is) return 0;
  if (!was || !is) return steps(itemSize(was ?? is ?? {}));
  const keys = [index.partitionKey, ...(index.sortKey === undefined ? [] : [index.sortKey])];
  const isSameKey = keys.every((key) => same(was[key], is[key]));
  if (!isSameKey) return steps(itemSize(was)) + steps(itemSize(is));
  return same(was, is) ? 0 : steps(Math.max(itemSize(was), itemSize(is)));
}

/** What an index keeps of an item; `undefined` where the item lacks the index's key. */
export function indexEntry(schema: TableSchema, index: IndexSchema, item: WireItem): WireItem | undefined {
  const keys = [index.partitionKey, index.sortKey].filter((key) => key !== undefined);
  if (keys.some((key) => item[key] === undefined)) return undefined;
  if (index.projection === 'ALL') return item;
  const own = [schema.partitionKey, schema.sortKey].filter((key) => key !== undefined);
  const projected = index.projection === 'KEYS_ONLY' ? [] : index.projection;
  const kept = new Set([...own, ...keys, ...projected]);
  return Object.fromEntries(Object.entries(item).filter(([name]) => kept.has(name)));
}

const steps = (bytes: number): number => Math.max(1, Math.ceil(bytes / writeUnitBytes));

const same = (one: unknown, other: unknown): boolean => canonical(one) === canonical(other);

/** Attributes have no order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
