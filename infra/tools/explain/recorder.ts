/**
 * Records the calls of a piece of work together with what only a second look can tell: an item before and after a
 * write. The second look uses a client of its own, which is neither recorded nor timed.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { readBatches } from '../../../functions/store/batches.ts';
import type { WireItem } from '../../../functions/store/metering/item-size.ts';
import { observeCalls } from '../../../functions/store/metering/observed-calls.ts';
import type { ObservedCall } from '../../../functions/store/metering/observed-calls.ts';
import type { Store } from '../../../functions/store/store.ts';
import { isWrite, partsOf, readAccess, writeAccess } from './access.ts';
import type { Access, Part } from './access.ts';

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

/**
 * @param probe the client of the second look
 * @param withoutIndex an index whose writes are not counted
 */
export function createRecorder(store: Store, probe: DynamoDBDocumentClient, withoutIndex?: string): Recorder {
  const { tables } = store;
  /** What is recorded; absent while nothing is. */
  let recorded: RecordedCall[] | undefined;
  const befores = new WeakMap<ObservedCall, readonly (WireItem | undefined)[]>();

  /** The items that writes are about, as they are now. */
  async function readItems(writes: readonly Part[]): Promise<readonly (WireItem | undefined)[]> {
    const named = writes.flatMap(({ table, keys: [key = {}] }) => ({
      table: tables[table],
      key: unmarshall(key),
    }));
    const found = await readBatches(probe, named);
    return named.map(({ table, key }) => {
      const item = found.get(table)?.find(({ pk, sk }) => pk === key['pk'] && sk === key['sk']);
      return item && marshall(item);
    });
  }

  const observed = observeCalls(store, {
    // For queries and scans, of which DynamoDB Local tells the right figures.
    returnConsumedCapacity: 'INDEXES',
    before: async (call) => {
      if (recorded) befores.set(call, await readItems(partsOf(call, tables).filter(isWrite)));
    },
    after: async (call) => {
      if (!recorded) return;
      const parts = partsOf(call, tables);
      const before = befores.get(call) ?? [];
      const after = call.error ? before : await readItems(parts.filter(isWrite));
      const accesses = parts.map((part, index) =>
        isWrite(part)
          ? writeAccess(part, { before: before[index], after: after[index] }, withoutIndex)
          : readAccess(part, call.output ?? {}),
      );
      recorded.push({ call, accesses });
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
