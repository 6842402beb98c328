/**
 * Records the calls of a piece of work together with what only a second look can tell: an item before and after a
 * write. The second look uses a client of its own, which is neither recorded nor timed.
 */
import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Images } from '../../../functions/store/metering/capacity.ts';
import type { WireItem } from '../../../functions/store/metering/item-size.ts';
import { observeCalls } from '../../../functions/store/metering/observed-calls.ts';
import type { ObservedCall } from '../../../functions/store/metering/observed-calls.ts';
import type { Store } from '../../../functions/store/store.ts';
import { readAccesses, writeAccess, writesOf } from './access.ts';
import type { Access, Write } from './access.ts';
import type { Schemas } from './tables.ts';

export interface RecordedCall {
  readonly call: ObservedCall;
  readonly accesses: readonly Access[];
}

export interface Recorder {
  readonly store: Store;
  /** @returns what the work returned, and its calls in the order in which they began */
  readonly record: <Result>(
    work: () => Promise<Result>,
  ) => Promise<{ readonly result: Result; readonly calls: readonly RecordedCall[] }>;
}

/** @param probe the client of the second look */
export function createRecorder(store: Store, schemas: Schemas, probe: DynamoDBClient): Recorder {
  /** What is recorded; absent while nothing is. */
  let recorded: RecordedCall[] | undefined;
  const befores = new WeakMap<ObservedCall, readonly (WireItem | undefined)[]>();

  const observed = observeCalls(store, {
    // For queries and scans, of which DynamoDB Local tells the right figures.
    returnConsumedCapacity: 'INDEXES',
    before: async (call) => {
      if (recorded) befores.set(call, await readItems(probe, writesOf(call, store.tables)));
    },
    after: async (call) => {
      if (!recorded) return;
      const writes = writesOf(call, store.tables);
      const before = befores.get(call) ?? [];
      const after = call.error ? before : await readItems(probe, writes);
      const written = writes.map((write, index) => {
        const images: Images = { before: before[index], after: after[index] };
        return writeAccess(write, images, schemas[write.table]);
      });
      recorded.push({ call, accesses: [...readAccesses(call, store.tables), ...written] });
    },
  });
  return {
    store: observed,
    record: async (work) => {
      const calls: RecordedCall[] = [];
      recorded = calls;
      try {
        const result = await work();
        return { result, calls: calls.sort((a, b) => a.call.begun - b.call.begun) };
      } finally {
        recorded = undefined;
      }
    },
  };
}

/** The items that writes are about, as they are now. DynamoDB: 100 a BatchGetItem, as many as a transaction has. */
async function readItems(
  probe: DynamoDBClient,
  writes: readonly Write[],
): Promise<readonly (WireItem | undefined)[]> {
  if (writes.length === 0) return [];
  const found = new Map<string, WireItem>();
  const identity = (table: string, { pk, sk }: WireItem): string => JSON.stringify([table, pk, sk]);
  let request: Record<string, { Keys: WireItem[]; ConsistentRead: true }> = {};
  for (const { tableName, key } of writes) {
    (request[tableName] ??= { Keys: [], ConsistentRead: true }).Keys.push(key);
  }
  while (Object.keys(request).length > 0) {
    const answer = await probe.send(new BatchGetItemCommand({ RequestItems: request }));
    for (const [table, items] of Object.entries(answer.Responses ?? {})) {
      for (const item of items) found.set(identity(table, item), item);
    }
    request = (answer.UnprocessedKeys ?? {}) as typeof request;
  }
  return writes.map(({ tableName, key }) => found.get(identity(tableName, key)));
}
