/** What a call does to the database, one access a line of the plan: what it asks, what that is to us, and its units. */
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
import type { ObservedCall } from '../../../functions/store/metering/observed-calls.ts';
import type { TableNames } from '../../../functions/store/store.ts';
import { tables as schemas } from '../../../functions/store/tables.ts';
import type { TableName, TableSchema } from '../../../functions/store/tables.ts';
import type { Label } from '../../../functions/store/transaction/labelled-item.ts';

interface About {
  /** `index`: what a write causes in an index of its table. Its keys are the partition keys there. */
  readonly action: 'get' | 'query' | 'scan' | 'put' | 'update' | 'delete' | 'check' | 'index';
  readonly table: TableName;
  readonly index?: string;
  /** What the items are, in words that stay the same from request to request, e.g. `ledger entry of payments`. */
  readonly purpose: string;
  /** Full keys, as JSON, of what is named by its key. */
  readonly keys?: readonly string[];
  /** By `key`, `filter`, `projection`, `update` and `condition`; names and values in place of their placeholders. */
  readonly expressions: Readonly<Record<string, string>>;
}

export interface Access extends About {
  readonly limit?: number;
  readonly descending?: boolean;
  readonly consistent?: boolean;
  readonly itemsRead: number;
  readonly itemsReturned: number;
  /** Of all items read, or of the larger image of the item written. A filtered page is rounded up to its units. */
  readonly bytes: number;
  readonly readUnits: number;
  readonly writeUnits: number;
}

type Parameters = Readonly<Record<string, unknown>>;

/** One of the requests that a call is made of. */
export interface Asked {
  readonly about: About;
  /** What it was sent with. */
  readonly parameters: Parameters;
}

/** `data`, or `data/byStatus` for an index. */
export const placeOf = ({ table, index }: Pick<About, 'table' | 'index'>): string =>
  index === undefined ? table : `${table}/${index}`;

export const isWrite = ({ about }: Asked): boolean => !['get', 'query', 'scan'].includes(about.action);

export function askedBy({ operation, input, labels }: ObservedCall, tables: TableNames): readonly Asked[] {
  return requestsOf(operation, input).map(([name, parameters], place) => {
    const { Keys = parameters['Key'] ?? parameters['Item'] ?? [], IndexName: index } = parameters;
    const keys = ([Keys].flat() as readonly WireItem[]).map(({ pk, sk }) => ({
      ...(pk && { pk }),
      ...(sk && { sk }),
    }));
    const about = {
      action: name.replace(/^Batch|^Condition|Item$/g, '').toLowerCase() as About['action'],
      table: tableOf(parameters['TableName'], tables),
      ...(typeof index === 'string' && { index }),
      expressions: expressionsOf(parameters, keys),
      ...(keys.length > 0 && { keys: keys.map((key) => JSON.stringify(key)) }),
    };
    return { about: { ...about, purpose: purposeOf(about, labels[place], keys[0]) }, parameters };
  });
}

type ByName = Readonly<Record<string, Parameters>>;

/** By what they do. */
function requestsOf(operation: string, input: Parameters): readonly (readonly [string, Parameters])[] {
  const { TransactItems, RequestItems } = input;
  if (TransactItems !== undefined)
    return (TransactItems as readonly ByName[]).flatMap(Object.entries<Parameters>);
  if (RequestItems === undefined) return [[operation, input]];
  return Object.entries(RequestItems as ByName).map(([TableName, asked]) => [
    operation,
    { ...asked, TableName },
  ]);
}

/** The logical name of a table. */
export function tableOf(name: unknown, tables: TableNames): TableName {
  const found = Object.entries(tables).find(([, physical]) => physical === name);
  if (!found) throw new Error(`a call reached a table that is not ours: ${String(name)}`);
  return found[0] as TableName;
}

/** By the label that a transaction's item was made with; of anything else, its table and its key tell. */
function purposeOf(
  { action, table, index, expressions }: Omit<About, 'purpose'>,
  label?: Label,
  key?: WireItem,
): string {
  if (label) return purposeOfLabel(label);
  const partition = key?.['pk']?.S ?? '';
  if (key && table === 'idempotency') return 'idempotency record';
  if (key && table === 'data')
    return partition.endsWith('#operations') ? 'operation' : (key['sk']?.S ?? 'item');
  if (partition === 'sweeper') return "sweeper's place";
  if (key) return partition.startsWith('callback:') ? 'place of a message' : 'message';
  if (action === 'scan' && index === undefined) return 'every item';
  if (index === undefined && expressions['key']?.includes('entry#') === true) return 'ledger';
  return table === 'outbox' ? 'messages' : 'entities';
}

function purposeOfLabel(label: Label): string {
  const { purpose } = label;
  if ('change' in label) return `${purpose} of ${label.change.domain.collection}`;
  if ('unread' in label) return `${purpose} of ${label.unread.domain.collection}`;
  if ('hold' in label) return `${purpose} ${label.hold.constraint}`;
  if ('balance' in label) return `${purpose} ${label.balance.account.split(':')[0] ?? ''}`;
  if (!('topic' in label)) return purpose;
  return `${purpose} to ${label.topic}${label.done === undefined ? '' : `, then ${label.done}`}`;
}

function expressionsOf(parameters: Parameters, [first, ...others]: readonly WireItem[]) {
  const names = (parameters['ExpressionAttributeNames'] ?? {}) as Record<string, string>;
  const values = (parameters['ExpressionAttributeValues'] ?? {}) as WireItem;
  const filled = (expression: unknown): string =>
    String(expression)
      .replace(/#\w+/g, (name) => names[name] ?? name)
      // A name may hold a colon, too.
      .replace(/:\w+/g, (name) => (values[name] ? show(values[name]) : name));
  const key = Object.entries(first ?? {}).map(([name, value]) => `${name} = ${show(value)}`);
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  const expressions = Object.entries(parameters).filter(([name]) => name.endsWith('Expression'));
  const sent = expressions.map(([name, expression]): [string, string] => [
    name.replace(/(?<=^Key)Condition|Expression$/g, '').toLowerCase(),
    filled(expression),
  ]);
  return { ...(first && { key: `${key.join(' AND ')}${more}` }), ...Object.fromEntries(sent) };
}

function show(value: WireItem[string]): string {
  if (value.N !== undefined) return value.N;
  return value.S === undefined ? JSON.stringify(Object.values(value)[0]) : `'${value.S}'`;
}

/** @param output of its call */
export function readAccess({ about, parameters }: Asked, output: Parameters): Access {
  const { Limit: limit, ConsistentRead, TableName, ScanIndexForward } = parameters;
  const { Item, Items, Responses, ScannedCount, ConsumedCapacity } = output;
  const found = Item ?? Items ?? (Responses as Parameters | undefined)?.[String(TableName)] ?? [];
  const sizes = [found].flat().map((item) => itemSize(marshall(item, { removeUndefinedValues: true })));
  const consistent = ConsistentRead === true;
  const consistency = consistent ? 'strong' : 'eventual';
  const access = {
    ...about,
    ...(typeof limit === 'number' && { limit }),
    ...(ScanIndexForward === false && { descending: true }),
    consistent,
    itemsReturned: sizes.length,
    writeUnits: 0,
  };
  const { keys, expressions } = about;
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
    bytes: isWhole ? sum(sizes) : CapacityUnits * readUnitBytes * (consistent ? 1 : 2),
    // Where a page is empty DynamoDB Local counts nothing; the service counts it as a small item.
    readUnits: Math.max(CapacityUnits, readUnits(0, consistency)),
  };
}

/** A write, and what it causes in the table's indexes. */
export function writeAccesses(about: About, images: Images, isTransaction: boolean): readonly Access[] {
  const schema: TableSchema = schemas[about.table];
  const both = [images.before, images.after].filter((image) => image !== undefined);
  const of = (items: readonly WireItem[], units: number) => ({
    ...{ itemsRead: 0, itemsReturned: 0, bytes: Math.max(0, ...items.map(itemSize)) },
    ...{ readUnits: 0, writeUnits: units },
  });
  const inIndexes = schema.indexes.flatMap((index): readonly Access[] => {
    const { name, partitionKey } = index;
    const units = indexWriteUnits(schema, index, images);
    const entries = both
      .map((image) => indexEntry(schema, index, image))
      .filter((entry) => entry !== undefined);
    const keys = new Set(entries.map((entry) => JSON.stringify({ [partitionKey]: entry[partitionKey] })));
    const caused = { action: 'index', index: name, keys: [...keys], expressions: {} } as const;
    return units === 0 ? [] : [{ ...about, ...caused, ...of(entries, units) }];
  });
  return [{ ...about, ...of(both, writeUnits(images, isTransaction)) }, ...inIndexes];
}

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
