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
import { askedBy, isWrite, readAccess, writeAccesses } from './access.ts';
import type { Asked } from './access.ts';
import { planOf } from './plan.ts';
import type { Plan, RecordedCall } from './plan.ts';

/** @param probe the client of the second look */
export function createRecorder(store: Store, probe: DynamoDBDocumentClient) {
  const { tables } = store;
  /** What is recorded; absent while nothing is. */
  let recorded: RecordedCall[] | undefined;
  const befores = new WeakMap<ObservedCall, readonly (WireItem | undefined)[]>();

  /** The items that writes are about, as they are now. */
  async function readItems(asked: readonly Asked[]): Promise<readonly (WireItem | undefined)[]> {
    const named = asked.filter(isWrite).map(({ about: { table, keys: [key = '{}'] = [] } }) => ({
      table: tables[table],
      key: unmarshall(JSON.parse(key) as WireItem),
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
      if (recorded) befores.set(call, await readItems(askedBy(call, tables)));
    },
    after: async (call) => {
      if (!recorded) return;
      const asked = askedBy(call, tables);
      const before = befores.get(call) ?? [];
      const after = call.error ? before : await readItems(asked);
      const isTransaction = call.operation === 'TransactWriteItems';
      const accesses = asked.flatMap((one, place) =>
        isWrite(one)
          ? writeAccesses(one.about, { before: before[place], after: after[place] }, isTransaction)
          : readAccess(one, call.output ?? {}),
      );
      recorded.push({ call, accesses });
    },
  });

  async function record(
    name: string,
    { sent, send }: { readonly sent: string; readonly send: () => Promise<Pick<Plan, 'status'>> },
  ): Promise<Plan> {
    const calls: RecordedCall[] = [];
    recorded = calls;
    const begun = performance.now();
    try {
      const { status } = await send();
      return planOf(calls, { name, sent, status, milliseconds: performance.now() - begun });
    } finally {
      recorded = undefined;
    }
  }
  return { store: observed, record };
}
