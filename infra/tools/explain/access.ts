/** What a call does to the database, one access a line of the plan, with its units. */
import { marshall } from '@aws-sdk/util-dynamodb';
import {
  indexWriteUnits,
  readUnitBytes,
  readUnits,
  writeUnits,
} from '../../../functions/store/metering/capacity.ts';
import type { Images } from '../../../functions/store/metering/capacity.ts';
import { itemSize } from '../../../functions/store/metering/item-size.ts';
import type { WireItem } from '../../../functions/store/metering/item-size.ts';
import type { ObservedCall } from '../../../functions/store/metering/observed-calls.ts';
import type { TableNames } from '../../../functions/store/store.ts';
import { tables as schemas } from '../../../functions/store/tables.ts';
import type { TableName, TableSchema } from '../../../functions/store/tables.ts';
import type { Label } from '../../../functions/store/transaction/labelled-item.ts';
import { describeKey, expressionsOf } from './expressions.ts';
import type { Expressions, Parameters } from './expressions.ts';
import { purposeOfKey, purposeOfLabel, purposeOfRange } from './purpose.ts';

export interface Access {
  readonly action: 'get' | 'query' | 'scan' | Write['action'];
  readonly table: TableName;
  readonly index?: string;
  /** What the items are to the application, e.g. `ledger entry of payments`. */
  readonly purpose: string;
  /** Full keys, as JSON, of what is named by its key. */
  readonly keys?: readonly string[];
  readonly expressions: Expressions;
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
  /** What the write causes in the table's indexes, and the index partitions it touches. */
  readonly indexWrites: readonly {
    readonly index: string;
    readonly units: number;
    readonly partitions: readonly string[];
  }[];
}

/** `data`, or `data/byStatus` for an index. */
export const placeOf = ({ table, index }: { table: string; index?: string }): string =>
  index === undefined ? table : `${table}/${index}`;

/** A write as a call asks for it: alone, or one of a transaction. */
export interface Write {
  readonly action: 'put' | 'update' | 'delete' | 'check';
  readonly table: TableName;
  readonly key: WireItem;
  readonly parameters: Parameters;
  readonly isTransaction: boolean;
  readonly label: Label | undefined;
}

const writeActions: Readonly<Record<string, Write['action']>> = {
  Put: 'put',
  Update: 'update',
  Delete: 'delete',
  ConditionCheck: 'check',
};

export function writesOf({ operation, input, labels }: ObservedCall, tables: TableNames): readonly Write[] {
  const isTransaction = operation === 'TransactWriteItems';
  const requests = isTransaction ? input['TransactItems'] : [{ [operation.replace(/Item$/, '')]: input }];
  return (requests as readonly Readonly<Record<string, Parameters>>[]).flatMap((request, index) =>
    Object.entries(request).flatMap(([name, parameters]) => {
      const action = writeActions[name];
      if (action === undefined) return [];
      const table = tableOf(parameters['TableName'], tables);
      const { pk, sk } = (parameters['Key'] ?? parameters['Item']) as WireItem;
      const key = { ...(pk && { pk }), ...(sk && { sk }) };
      return [{ action, table, key, parameters, isTransaction, label: labels[index] }];
    }),
  );
}

/** What a read does not write, and a write does not read. */
const nothing = {
  itemsRead: 0,
  itemsReturned: 0,
  readUnits: 0,
  writeUnits: 0,
  indexWrites: [],
} as const;

/** @param withoutIndex an index whose writes are not counted */
export function writeAccess(write: Write, images: Images, withoutIndex?: string): Access {
  const { action, table, key, parameters, isTransaction, label } = write;
  const schema: TableSchema = schemas[table];
  const both = [images.before, images.after].filter((image) => image !== undefined);
  const bytes = Math.max(0, ...both.map(itemSize));
  return {
    ...nothing,
    action,
    table,
    purpose: label ? purposeOfLabel(label) : purposeOfKey(table, key),
    keys: [JSON.stringify(key)],
    expressions: { key: describeKey(key), ...expressionsOf(parameters) },
    bytes,
    largestBytes: bytes,
    writeUnits: writeUnits(images, isTransaction),
    indexWrites: schema.indexes.flatMap((index) => {
      const units = index.name === withoutIndex ? 0 : indexWriteUnits(schema, index, images);
      const partitions = both.flatMap((image) => image[index.partitionKey]?.S ?? []);
      return units === 0 ? [] : [{ index: index.name, units, partitions: [...new Set(partitions)] }];
    }),
  };
}

export function readAccesses(
  { operation, input, output = {} }: ObservedCall,
  tables: TableNames,
): readonly Access[] {
  switch (operation) {
    case 'GetItem': {
      const asked = { ...input, Keys: [input['Key']] };
      return [keyAccess(tableOf(input['TableName'], tables), asked, [output['Item'] ?? []].flat())];
    }
    case 'BatchGetItem': {
      const found = (output['Responses'] ?? {}) as Record<string, readonly unknown[]>;
      return Object.entries(input['RequestItems'] as Record<string, Parameters>).map(([name, asked]) =>
        keyAccess(tableOf(name, tables), asked, found[name] ?? []),
      );
    }
    case 'Query':
      return [rangeAccess('query', tableOf(input['TableName'], tables), input, output)];
    case 'Scan':
      return [rangeAccess('scan', tableOf(input['TableName'], tables), input, output)];
    default:
      return [];
  }
}

/** Each key is read, and rounded up, for itself; one that leads nowhere costs as much as a small item. */
function keyAccess(table: TableName, asked: Parameters, found: readonly unknown[]): Access {
  const consistent = asked['ConsistentRead'] === true;
  const [first = {}, ...others] = asked['Keys'] as readonly WireItem[];
  const sizes = found.map(sizeOf);
  const missing = others.length + 1 - sizes.length;
  const counted = [...sizes, ...Array<number>(missing).fill(0)];
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return {
    ...nothing,
    action: 'get',
    table,
    purpose: purposeOfKey(table, first),
    keys: [first, ...others].map((key) => JSON.stringify(key)),
    expressions: { key: `${describeKey(first)}${more}`, ...expressionsOf(asked) },
    consistent,
    itemsRead: sizes.length,
    itemsReturned: sizes.length,
    bytes: sum(sizes),
    largestBytes: Math.max(0, ...sizes),
    readUnits: sum(counted.map((size) => readUnits(size, consistent ? 'strong' : 'eventual'))),
  };
}

/**
 * What a filter throws away is counted as well, so the units are the database's own figure. DynamoDB Local tells it
 * right for queries and scans, which `test/integration/capacity.integration.test.ts` proves.
 */
function rangeAccess(
  action: 'query' | 'scan',
  table: TableName,
  input: Parameters,
  output: Parameters,
): Access {
  const index = input['IndexName'] as string | undefined;
  const consistent = input['ConsistentRead'] === true;
  const sizes = ((output['Items'] ?? []) as unknown[]).map(sizeOf);
  const { CapacityUnits = 0 } = (output['ConsumedCapacity'] ?? {}) as { readonly CapacityUnits?: number };
  const expressions = expressionsOf(input);
  const isWhole = expressions.filter === undefined && expressions.projection === undefined;
  return {
    ...nothing,
    action,
    table,
    ...(index !== undefined && { index }),
    purpose: purposeOfRange(action, table, index, expressions.key),
    expressions,
    ...(typeof input['Limit'] === 'number' && { limit: input['Limit'] }),
    ...(input['ScanIndexForward'] === false && { descending: true }),
    consistent,
    itemsRead: Number(output['ScannedCount'] ?? 0),
    itemsReturned: sizes.length,
    bytes: isWhole ? sum(sizes) : CapacityUnits * readUnitBytes * (consistent ? 1 : 2),
    largestBytes: Math.max(0, ...sizes),
    // Where a page is empty DynamoDB Local counts nothing; the service counts it as a small item.
    readUnits: Math.max(CapacityUnits, readUnits(0, consistent ? 'strong' : 'eventual')),
  };
}

/** The logical name of a table. */
export function tableOf(name: unknown, tables: TableNames): TableName {
  const found = Object.entries(tables).find(([, physical]) => physical === name);
  if (!found) throw new Error(`a call reached a table that is not ours: ${String(name)}`);
  return found[0] as TableName;
}

const sizeOf = (item: unknown): number =>
  itemSize(marshall(item as Record<string, unknown>, { removeUndefinedValues: true }));

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
