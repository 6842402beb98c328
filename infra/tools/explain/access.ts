/** What a call does to the database, one access a line of the plan, with its units. */
import { indexWriteUnits, readUnits, writeUnits } from '../../../functions/store/metering/capacity.ts';
import { itemSize } from '../../../functions/store/metering/item-size.ts';
import type { WireItem } from '../../../functions/store/metering/item-size.ts';
import type { TableName } from '../../../functions/store/tables.ts';
import { marshall } from '@aws-sdk/util-dynamodb';
import { purposeOfKey, purposeOfLabel } from './purpose.ts';
import type { RecordedCall, Recorder } from './recorder.ts';
import type { Schemas } from './tables.ts';

export interface Access {
  readonly action: 'get' | 'query' | 'scan' | 'put' | 'update' | 'delete' | 'check';
  readonly table: TableName;
  readonly index?: string;
  /** What the items are to the application, e.g. `ledger entry of payments`. */
  readonly purpose: string;
  /** Full keys, as JSON, of what is named by its key. */
  readonly keys?: readonly string[];
  /** With names and values filled in. */
  readonly keyCondition?: string;
  readonly filter?: string;
  readonly projection?: string;
  readonly condition?: string;
  readonly update?: string;
  readonly limit?: number;
  readonly descending?: boolean;
  readonly consistent?: boolean;
  readonly itemsRead: number;
  readonly itemsReturned: number;
  /** Of all items read, or of the larger image of the item written. */
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

type Parameters = Readonly<Record<string, unknown>>;

export function accessesOf(
  recorded: RecordedCall,
  schemas: Schemas,
  tableOf: Recorder['tableOf'],
): readonly Access[] {
  const { call } = recorded;
  switch (call.operation) {
    case 'GetItem': {
      const item = call.output?.['Item'];
      const table = tableOf(call.input['TableName'] as string);
      return [keyAccess(table, [call.input['Key'] as WireItem], item ? [wire(item)] : [], call.input)];
    }
    case 'BatchGetItem': {
      const responses = (call.output?.['Responses'] ?? {}) as Record<string, readonly unknown[]>;
      return Object.entries(call.input['RequestItems'] as Record<string, Parameters>).map(([name, request]) =>
        keyAccess(
          tableOf(name),
          request['Keys'] as readonly WireItem[],
          (responses[name] ?? []).map(wire),
          request,
        ),
      );
    }
    case 'Query':
    case 'Scan':
      return [rangeAccess(recorded, tableOf)];
    default:
      return recorded.writes.map((_, index) => writeAccess(recorded, index, schemas));
  }
}

const wire = (item: unknown): WireItem =>
  marshall(item as Record<string, unknown>, { removeUndefinedValues: true });

/** Each key is read, and rounded up, for itself; one that leads nowhere costs as much as a small item. */
function keyAccess(
  table: TableName,
  keys: readonly WireItem[],
  found: readonly WireItem[],
  parameters: Parameters,
): Access {
  const isConsistent = parameters['ConsistentRead'] === true;
  const sizes = found.map(itemSize);
  const missing = new Array<number>(keys.length - found.length).fill(0);
  const consistency = isConsistent ? 'strong' : 'eventual';
  const [first = {}] = keys;
  return {
    action: 'get',
    table,
    purpose: purposeOfKey(table, first),
    keys: keys.map((key) => JSON.stringify(key)),
    keyCondition: describeKey(first),
    ...described(parameters, { projection: 'ProjectionExpression' }),
    consistent: isConsistent,
    itemsRead: found.length,
    itemsReturned: found.length,
    bytes: total(sizes),
    largestBytes: Math.max(0, ...sizes),
    readUnits: total([...sizes, ...missing].map((bytes) => readUnits(bytes, consistency))),
    writeUnits: 0,
    indexWrites: [],
  };
}

function rangeAccess({ call, evaluated }: RecordedCall, tableOf: Recorder['tableOf']): Access {
  const { input, output } = call;
  const table = tableOf(input['TableName'] as string);
  const isConsistent = input['ConsistentRead'] === true;
  const index = input['IndexName'] as string | undefined;
  const items = ((output?.['Items'] ?? []) as unknown[]).map(wire);
  const keyCondition = described(input, { keyCondition: 'KeyConditionExpression' });
  return {
    action: call.operation === 'Scan' ? 'scan' : 'query',
    table,
    ...(index !== undefined && { index }),
    purpose:
      call.operation === 'Scan' ? 'every item' : purposeOfRange(table, index, keyCondition['keyCondition']),
    ...keyCondition,
    ...described(input, { filter: 'FilterExpression', projection: 'ProjectionExpression' }),
    ...(typeof input['Limit'] === 'number' && { limit: input['Limit'] }),
    ...(input['ScanIndexForward'] === false && { descending: true }),
    consistent: isConsistent,
    itemsRead: evaluated.count,
    itemsReturned: items.length,
    bytes: evaluated.bytes,
    largestBytes: Math.max(0, ...items.map(itemSize)),
    readUnits: readUnits(evaluated.bytes, isConsistent ? 'strong' : 'eventual'),
    writeUnits: 0,
    indexWrites: [],
  };
}

const purposeOfRange = (table: TableName, index: string | undefined, keyCondition = ''): string =>
  index === undefined && keyCondition.includes('entry#')
    ? 'ledger'
    : table === 'outbox'
      ? 'messages'
      : 'entities';

function writeAccess({ call, writes, before, after }: RecordedCall, index: number, schemas: Schemas): Access {
  const write = writes[index];
  if (!write) throw new Error('a write without its request');
  const { action, table, key, parameters } = write;
  const images = { before: before[index], after: call.error ? before[index] : after[index] };
  const label = call.labels[index];
  const isTransaction = call.operation === 'TransactWriteItems';
  const sizes = [images.before, images.after].map((image) => (image ? itemSize(image) : 0));
  return {
    action,
    table,
    purpose: label ? purposeOfLabel(label) : purposeOfKey(table, key),
    keys: [JSON.stringify(key)],
    keyCondition: describeKey(key),
    ...described(parameters, { condition: 'ConditionExpression', update: 'UpdateExpression' }),
    itemsRead: 0,
    itemsReturned: 0,
    bytes: Math.max(...sizes),
    largestBytes: Math.max(...sizes),
    readUnits: 0,
    writeUnits: writeUnits(images, isTransaction),
    indexWrites: schemas[table].indexes.flatMap((one) => {
      const units = indexWriteUnits(schemas[table], one, images);
      const partitions = [images.before, images.after].flatMap((image) => image?.[one.partitionKey]?.S ?? []);
      return units === 0 ? [] : [{ index: one.name, units, partitions: [...new Set(partitions)] }];
    }),
  };
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

const describeKey = (key: WireItem): string =>
  Object.entries(key)
    .map(([name, value]) => `${name} = ${show(value)}`)
    .join(' AND ');

const show = (value: unknown): string => {
  const [[type, content] = []] = Object.entries(value as Record<string, unknown>);
  if (type === 'N') return String(content);
  return typeof content === 'string' ? `'${content}'` : JSON.stringify(content);
};

/** Expressions with names and values in place of their placeholders. */
function described<Name extends string>(
  parameters: Parameters,
  expressions: Readonly<Record<Name, string>>,
): Partial<Record<Name, string>> {
  const names = (parameters['ExpressionAttributeNames'] ?? {}) as Record<string, string>;
  const values = (parameters['ExpressionAttributeValues'] ?? {}) as Record<string, unknown>;
  const filled = (expression: string): string =>
    expression
      .replace(/#\w+/g, (name) => names[name] ?? name)
      .replace(/:\w+/g, (name) => (Object.hasOwn(values, name) ? show(values[name]) : name));
  return Object.fromEntries(
    Object.entries<string>(expressions).flatMap(([name, parameter]) => {
      const expression = parameters[parameter];
      return typeof expression === 'string' ? [[name, filled(expression)]] : [];
    }),
  ) as Partial<Record<Name, string>>;
}
