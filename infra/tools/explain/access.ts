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
  readonly action: 'get' | 'query' | 'scan' | 'put' | 'update' | 'delete' | 'check';
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

/** What a call asks of one item, or of one table. */
export interface Part {
  readonly action: Access['action'];
  readonly table: TableName;
  /** Of the items that are named; none where a range is read. */
  readonly keys: readonly WireItem[];
  /** As they go over the wire. */
  readonly parameters: Parameters;
  readonly isTransaction: boolean;
  /** What an item of a transaction is for. */
  readonly label: Label | undefined;
}

export const isWrite = ({ action }: Part): boolean => !['get', 'query', 'scan'].includes(action);

const actions: Readonly<Record<string, Part['action']>> = {
  Put: 'put',
  Update: 'update',
  Delete: 'delete',
  ConditionCheck: 'check',
  Get: 'get',
  Query: 'query',
  Scan: 'scan',
};

export function partsOf({ operation, input, labels }: ObservedCall, tables: TableNames): readonly Part[] {
  const isTransaction = operation === 'TransactWriteItems';
  return requestsOf(operation, input).flatMap(([name, parameters], index) => {
    const action = actions[name];
    if (action === undefined) return [];
    const table = tableOf(parameters['TableName'], tables);
    const { Keys = parameters['Key'] ?? parameters['Item'] ?? [] } = parameters;
    const keys = ([Keys].flat() as readonly WireItem[]).map(({ pk, sk }) => ({
      ...(pk && { pk }),
      ...(sk && { sk }),
    }));
    return [{ action, table, keys, parameters, isTransaction, label: labels[index] }];
  });
}

/** Its single requests, by what they do. */
function requestsOf(operation: string, input: Parameters): readonly (readonly [string, Parameters])[] {
  switch (operation) {
    case 'TransactWriteItems':
      return (input['TransactItems'] as readonly Readonly<Record<string, Parameters>>[]).flatMap(
        Object.entries,
      );
    case 'BatchGetItem':
      return Object.entries(input['RequestItems'] as Readonly<Record<string, Parameters>>).map(
        ([TableName, asked]) => ['Get', { ...asked, TableName }],
      );
    default:
      return [[operation.replace(/Item$/, ''), input]];
  }
}

/** @param output of its call */
export function readAccess(part: Part, output: Parameters): Access {
  const { action, keys, parameters } = part;
  const found = [...foundBy(part, output)].map((item) =>
    itemSize(marshall(item as Record<string, unknown>, { removeUndefinedValues: true })),
  );
  const consistent = parameters['ConsistentRead'] === true;
  const consistency = consistent ? 'strong' : 'eventual';
  const access = {
    ...about(part),
    ...(typeof parameters['Limit'] === 'number' && { limit: parameters['Limit'] }),
    ...(parameters['ScanIndexForward'] === false && { descending: true }),
    consistent,
    itemsReturned: found.length,
    largestBytes: Math.max(0, ...found),
    writeUnits: 0,
    indexWrites: [],
  };
  if (action === 'get') {
    // Each key is read, and rounded up, for itself; one that leads nowhere costs as much as a small item.
    const counted = [...found, ...Array<number>(keys.length - found.length).fill(0)];
    const units = sum(counted.map((size) => readUnits(size, consistency)));
    return { ...access, itemsRead: found.length, bytes: sum(found), readUnits: units };
  }
  // What a filter throws away is counted as well, so the units are the database's own figure. DynamoDB Local tells it
  // right for queries and scans, which `test/integration/capacity.integration.test.ts` proves.
  const { CapacityUnits = 0 } = (output['ConsumedCapacity'] ?? {}) as { readonly CapacityUnits?: number };
  const isWhole = access.expressions.filter === undefined && access.expressions.projection === undefined;
  return {
    ...access,
    itemsRead: Number(output['ScannedCount'] ?? 0),
    bytes: isWhole ? sum(found) : CapacityUnits * readUnitBytes * (consistent ? 1 : 2),
    // Where a page is empty DynamoDB Local counts nothing; the service counts it as a small item.
    readUnits: Math.max(CapacityUnits, readUnits(0, consistency)),
  };
}

/** The items that a call brought of one table. */
function foundBy({ parameters }: Part, output: Parameters): readonly unknown[] {
  const { Item, Items, Responses } = output;
  const ofTable = (Responses as Parameters | undefined)?.[String(parameters['TableName'])];
  return [Item ?? Items ?? ofTable ?? []].flat();
}

/** @param withoutIndex an index whose writes are not counted */
export function writeAccess(part: Part, images: Images, withoutIndex?: string): Access {
  const schema: TableSchema = schemas[part.table];
  const both = [images.before, images.after].filter((image) => image !== undefined);
  const bytes = Math.max(0, ...both.map(itemSize));
  return {
    ...about(part),
    itemsRead: 0,
    itemsReturned: 0,
    bytes,
    largestBytes: bytes,
    readUnits: 0,
    writeUnits: writeUnits(images, part.isTransaction),
    indexWrites: schema.indexes.flatMap((index) => {
      const units = index.name === withoutIndex ? 0 : indexWriteUnits(schema, index, images);
      const partitions = both.flatMap((image) => image[index.partitionKey]?.S ?? []);
      return units === 0 ? [] : [{ index: index.name, units, partitions: [...new Set(partitions)] }];
    }),
  };
}

/** What it is about, whatever comes of it. */
function about({ action, table, keys, parameters, label }: Part) {
  const [first, ...others] = keys;
  const index = parameters['IndexName'] as string | undefined;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  const expressions = { ...(first && { key: `${describeKey(first)}${more}` }), ...expressionsOf(parameters) };
  const purpose = first ? purposeOfKey(table, first) : purposeOfRange(action, table, index, expressions.key);
  return {
    ...{ action, table, purpose: label ? purposeOfLabel(label) : purpose, expressions },
    ...(index !== undefined && { index }),
    ...(first && { keys: keys.map((key) => JSON.stringify(key)) }),
  };
}

/** The logical name of a table. */
export function tableOf(name: unknown, tables: TableNames): TableName {
  const found = Object.entries(tables).find(([, physical]) => physical === name);
  if (!found) throw new Error(`a call reached a table that is not ours: ${String(name)}`);
  return found[0] as TableName;
}

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
