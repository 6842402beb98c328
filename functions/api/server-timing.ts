/**
 * In development each answer carries `Server-Timing`: one entry a call to DynamoDB, with its time and its units, so
 * that a browser's network panel shows the plan. Other stages never load this file.
 * https://www.w3.org/TR/server-timing/
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { runsOnLambda } from '../runtime/environment.ts';
import { writeUnits } from '../store/metering/capacity.ts';
import type { Store } from '../store/store.ts';
import type { WireItem } from '../store/metering/item-size.ts';
import { observeCalls } from '../store/metering/observed-calls.ts';
import type { ObservedCall } from '../store/metering/observed-calls.ts';
import type { createHandler } from './lambda-adapter.ts';

type Handle = ReturnType<typeof createHandler>;

/** Headers are bounded; a request that makes more calls than this shows the first ones and their sum. */
const entriesMax = 20;

/** @param store the one that the handler works with */
export function withServerTiming(handle: Handle, store: Store): Handle {
  const requests = new AsyncLocalStorage<ObservedCall[]>();
  observeCalls(store, {
    returnConsumedCapacity: 'TOTAL',
    after: (call) => {
      requests.getStore()?.push(call);
    },
  });
  return async (event, context) => {
    const calls: ObservedCall[] = [];
    const begun = performance.now();
    const result = await requests.run(calls, () => handle(event, context));
    const total = `total;dur=${(performance.now() - begun).toFixed(1)}`;
    const entries = calls
      .toSorted((a, b) => a.begun - b.begun)
      .slice(0, entriesMax)
      .map(entry);
    return { ...result, headers: { ...result.headers, 'server-timing': [...entries, total].join(', ') } };
  };
}

/** E.g. `db2;desc="TransactWriteItems 7 items 18 W";dur=5.3`. */
function entry(call: ObservedCall, index: number): string {
  const { operation, durationMs, error } = call;
  const items = call.input['TransactItems'] as readonly unknown[] | undefined;
  const words = [
    operation,
    ...(items ? [`${items.length} items`] : []),
    ...(error ? [error.name] : [`${units(call)} ${isRead(operation) ? 'R' : 'W'}`]),
  ];
  return `db${index + 1};desc="${words.join(' ')}";dur=${durationMs.toFixed(1)}`;
}

const isRead = (operation: string): boolean => /^(?:BatchGet|Get|Query|Scan)/.test(operation);

/**
 * The database's own figure, indexes included. DynamoDB Local's is wrong for transactions: there the items put are
 * counted by their size and the others as small ones, which is at least what it costs; `npm run explain` knows more.
 */
function units({ operation, input, output }: ObservedCall): string {
  if (operation === 'TransactWriteItems' && !runsOnLambda()) {
    const items = input['TransactItems'] as readonly { readonly Put?: { readonly Item: WireItem } }[];
    return `${items.reduce((sum, { Put }) => sum + writeUnits({ after: Put?.Item }, true), 0)}+`;
  }
  const consumed = [output?.['ConsumedCapacity'] ?? []].flat() as { readonly CapacityUnits?: number }[];
  return String(consumed.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0));
}
