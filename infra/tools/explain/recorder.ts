/**
 * Records the calls of a request together with what only a second look can tell: an item before and after a write,
 * and what a filter threw away. The second look uses a client of its own, which is neither recorded nor timed.
 */
import { BatchGetItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient, QueryCommandInput, ScanCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { readUnitBytes } from '../../../functions/store/metering/capacity.ts';
import type { Store } from '../../../functions/store/store.ts';
import { itemSize } from '../../../functions/store/metering/item-size.ts';
import type { WireItem } from '../../../functions/store/metering/item-size.ts';
import { observeCalls } from '../../../functions/store/metering/observed-calls.ts';
import type { ObservedCall } from '../../../functions/store/metering/observed-calls.ts';
import type { TableName } from '../../../functions/store/tables.ts';
import type { Schemas } from './tables.ts';

/** A write as the call asks for it: alone, or one of a transaction. */
export interface WriteRequest {
  readonly action: 'put' | 'update' | 'delete' | 'check';
  readonly table: TableName;
  readonly key: WireItem;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface RecordedCall {
  readonly call: ObservedCall;
  readonly writes: readonly WriteRequest[];
  /** Of each write, in order. */
  readonly before: readonly (WireItem | undefined)[];
  readonly after: readonly (WireItem | undefined)[];
  /** What a query or scan looked at. */
  readonly evaluated: { readonly count: number; readonly bytes: number };
}

export interface Recorder {
  readonly store: Store;
  /** The logical name of a table. */
  readonly tableOf: (name: string) => TableName;
  /** Hands over what was recorded since the last time, in the order in which the calls began. */
  readonly take: () => readonly RecordedCall[];
}

export interface RecorderOptions {
  readonly store: Store;
  readonly schemas: Schemas;
  /** The client of the second look. */
  readonly probe: DynamoDBClient;
  /** Asks for the service's own figures as well. */
  readonly reported?: boolean;
}

export function createRecorder({ store, schemas, probe, reported = false }: RecorderOptions): Recorder {
  const names = new Map(Object.entries(store.tables).map(([logical, name]) => [name, logical as TableName]));
  const tableOf = (name: string): TableName => {
    const logical = names.get(name);
    if (logical === undefined) throw new Error(`a call reached a table that is not ours: ${name}`);
    return logical;
  };
  let recorded: RecordedCall[] = [];
  /** Pages that calls of one request have in common are looked at once. */
  let looked = new Map<string, Promise<RecordedCall['evaluated']>>();
  const befores = new WeakMap<ObservedCall, RecordedCall['before']>();
  const writesOf = (call: ObservedCall): readonly WriteRequest[] => writeRequests(call, tableOf, schemas);

  const images = async (call: ObservedCall): Promise<RecordedCall['before']> =>
    readImages(probe, store.tables, writesOf(call));

  const observed = observeCalls(store, {
    ...(reported && { returnConsumedCapacity: 'INDEXES' as const }),
    before: async (call) => {
      befores.set(call, await images(call));
    },
    after: async (call) => {
      recorded.push({
        call,
        writes: writesOf(call),
        before: befores.get(call) ?? [],
        after: await images(call),
        evaluated: await evaluatedBy(probe, call, looked),
      });
    },
  });
  return {
    store: observed,
    tableOf,
    take: () => {
      const taken = recorded.sort((a, b) => a.call.begun - b.call.begun);
      recorded = [];
      looked = new Map();
      return taken;
    },
  };
}

const actions = { Put: 'put', Update: 'update', Delete: 'delete', ConditionCheck: 'check' } as const;
const single = { PutItem: 'put', UpdateItem: 'update', DeleteItem: 'delete' } as const;

function writeRequests(
  { operation, input }: ObservedCall,
  tableOf: Recorder['tableOf'],
  schemas: Schemas,
): readonly WriteRequest[] {
  const request = (action: WriteRequest['action'], parameters: Record<string, unknown>): WriteRequest => {
    const table = tableOf(parameters['TableName'] as string);
    const { partitionKey, sortKey } = schemas[table];
    const source = (parameters['Key'] ?? parameters['Item']) as WireItem;
    const key = Object.entries(source).filter(([name]) => name === partitionKey || name === sortKey);
    return { action, table, key: Object.fromEntries(key), parameters };
  };
  if (operation === 'TransactWriteItems') {
    const items = input['TransactItems'] as readonly Record<string, Record<string, unknown>>[];
    return items.flatMap((item) =>
      Object.entries(actions).flatMap(([name, action]) => (item[name] ? [request(action, item[name])] : [])),
    );
  }
  const action = (single as Record<string, WriteRequest['action'] | undefined>)[operation];
  return action === undefined ? [] : [request(action, { ...input })];
}

/** DynamoDB: 100 items a BatchGetItem, as many as a transaction has. */
async function readImages(
  probe: DynamoDBClient,
  tables: Store['tables'],
  writes: readonly WriteRequest[],
): Promise<readonly (WireItem | undefined)[]> {
  if (writes.length === 0) return [];
  const found = new Map<string, WireItem>();
  const identity = (table: string, item: WireItem): string =>
    JSON.stringify([table, item['pk'], item['sk'] ?? '']);
  let request: Record<string, { Keys: WireItem[]; ConsistentRead: true }> = {};
  for (const { table, key } of writes) {
    (request[tables[table]] ??= { Keys: [], ConsistentRead: true }).Keys.push(key);
  }
  while (Object.keys(request).length > 0) {
    const answer = await probe.send(new BatchGetItemCommand({ RequestItems: request }));
    for (const [table, items] of Object.entries(answer.Responses ?? {})) {
      for (const item of items) found.set(identity(table, item), item);
    }
    request = (answer.UnprocessedKeys ?? {}) as typeof request;
  }
  return writes.map(({ table, key }) => found.get(identity(tables[table], key)));
}

/** Without its filter and projection the same page is read again: those are applied after it was counted. */
function evaluatedBy(
  probe: DynamoDBClient,
  { operation, input, output }: ObservedCall,
  looked: Map<string, Promise<RecordedCall['evaluated']>>,
): Promise<RecordedCall['evaluated']> {
  if (output === undefined || (operation !== 'Query' && operation !== 'Scan')) {
    return Promise.resolve({ count: 0, bytes: 0 });
  }
  const { CapacityUnits } = (output['ConsumedCapacity'] ?? {}) as { readonly CapacityUnits?: number };
  if (operation === 'Scan' && CapacityUnits !== undefined) {
    const bytes = CapacityUnits * readUnitBytes * (input['ConsistentRead'] === true ? 1 : 2);
    return Promise.resolve({ count: Number(output['ScannedCount']), bytes });
  }
  const { FilterExpression, ProjectionExpression, ...same } = input;
  if (FilterExpression === undefined && ProjectionExpression === undefined) {
    const items = (output['Items'] ?? []) as Record<string, unknown>[];
    return Promise.resolve(sizes(items.map((item) => marshall(item, { removeUndefinedValues: true }))));
  }
  const parameters = {
    ...same,
    ...used(input, 'ExpressionAttributeNames'),
    ...used(input, 'ExpressionAttributeValues'),
  };
  const page = JSON.stringify([operation, parameters]);
  const known = looked.get(page);
  if (known) return known;
  const look = async (): Promise<RecordedCall['evaluated']> => {
    const answer = await probe.send(
      operation === 'Query'
        ? new QueryCommand(parameters as unknown as QueryCommandInput)
        : new ScanCommand(parameters as unknown as ScanCommandInput),
    );
    return sizes(answer.Items ?? []);
  };
  const looking = look();
  looked.set(page, looking);
  return looking;
}

const sizes = (items: readonly WireItem[]): RecordedCall['evaluated'] => ({
  count: items.length,
  bytes: items.reduce((sum, item) => sum + itemSize(item), 0),
});

/** The service refuses names and values that no expression uses, so those of the filter are left out. */
function used(input: ObservedCall['input'], parameter: string): Record<string, unknown> {
  const condition =
    typeof input['KeyConditionExpression'] === 'string' ? input['KeyConditionExpression'] : '';
  const kept = Object.entries((input[parameter] ?? {}) as Record<string, unknown>).filter(([name]) =>
    new RegExp(`${name}\\b`).test(condition),
  );
  return { [parameter]: kept.length > 0 ? Object.fromEntries(kept) : undefined };
}
