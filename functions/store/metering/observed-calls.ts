/**
 * Watches the calls a client makes to DynamoDB, as they happen. For development: the explain tool and the
 * `Server-Timing` header. A client that nobody observes has none of this on its way.
 */
import type { Store } from '../store.ts';
import type { Label, TransactItem } from '../transaction/labelled-item.ts';

export interface ObservedCall {
  /** E.g. `TransactWriteItems`. */
  readonly operation: string;
  /** The parameters as they go over the wire. */
  readonly input: Readonly<Record<string, unknown>>;
  /** What the items of a transaction are for, in its order; empty for anything else. */
  readonly labels: readonly (Label | undefined)[];
  /** Places in the order of all beginnings and ends: calls overlap where one began before the other had ended. */
  readonly begun: number;
  ended: number;
  durationMs: number;
  /** HTTP requests: more than one where the SDK tried again. */
  attempts: number;
  /** The answer as plain data. */
  output?: Readonly<Record<string, unknown>>;
  error?: Error;
}

export interface CallObserver {
  /** Asks the database for its own figures. */
  readonly returnConsumedCapacity?: 'TOTAL' | 'INDEXES';
  /** Waited for before the call is sent; its time is not the call's. */
  readonly before?: (call: ObservedCall) => Promise<void> | void;
  /** Waited for before the answer is handed on. */
  readonly after: (call: ObservedCall) => Promise<void> | void;
}

interface Metadata {
  readonly $metadata?: { readonly attempts?: number };
}

/** @returns the store to use from now on; its client is the same one */
export function observeCalls(store: Store, observer: CallObserver): Store {
  const labels = new WeakMap<TransactItem, Label>();
  const labelsOf = new WeakMap<object, readonly (Label | undefined)[]>();
  const { returnConsumedCapacity: ReturnConsumedCapacity } = observer;
  let order = 0;

  // The items are told apart by identity, which they keep until they are marshalled.
  store.client.middlewareStack.add(
    (next, context) => (args) => {
      const items = (args.input as { TransactItems?: readonly TransactItem[] }).TransactItems ?? [];
      labelsOf.set(
        context,
        items.map((item) => labels.get(item)),
      );
      if (ReturnConsumedCapacity === undefined) return next(args);
      return next({ ...args, input: { ...args.input, ReturnConsumedCapacity } });
    },
    { step: 'initialize', name: 'labelTransactionItems' },
  );
  store.client.middlewareStack.add(
    (next, context) => async (args) => {
      const call: ObservedCall = {
        operation: String(context.commandName).replace(/Command$/, ''),
        input: args.input as unknown as ObservedCall['input'],
        labels: labelsOf.get(context) ?? [],
        begun: (order += 1),
        ended: 0,
        durationMs: 0,
        attempts: 1,
      };
      await observer.before?.(call);
      const sentAt = performance.now();
      const end = ({ $metadata }: Metadata): void => {
        call.durationMs = performance.now() - sentAt;
        call.ended = order += 1;
        call.attempts = $metadata?.attempts ?? 1;
      };
      try {
        const result = await next(args);
        end(result.output);
        call.output = result.output as unknown as Record<string, unknown>;
        return result;
      } catch (error) {
        end(error as Metadata);
        call.error = error as Error;
        throw error;
      } finally {
        await observer.after(call);
      }
    },
    { step: 'build', name: 'observeCall' },
  );
  return {
    ...store,
    onTransaction: (items) => {
      for (const { label, item } of items) labels.set(item, label);
    },
  };
}
