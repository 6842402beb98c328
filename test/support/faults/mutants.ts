/**
 * Deliberately broken builds: what the backend sends is changed on its way out, as if its code had forgotten a
 * condition or an item. Nothing in production knows of it.
 */
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';

export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
type Part = Record<string, unknown>;

interface Client {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: { input: Part }) => Promise<unknown>,
        context: { commandName?: string },
      ) => (args: { input: Part }) => Promise<unknown>,
      options: { step: 'initialize'; priority: 'high'; name: string },
    ): void;
  };
}

export type Mutate = (client: unknown) => void;

/** What an item of a transaction is for, by its place alone. */
export type ItemKind = 'record' | 'message' | 'entity' | 'fixed' | 'entry' | 'balance' | 'unique';

export function kindOf(item: TransactItem): ItemKind {
  const part = partOf(item);
  const table = String(part['TableName']);
  if (table.endsWith('-idempotency')) return 'record';
  if (table.endsWith('-outbox')) return 'message';
  const key = (part['Item'] ?? part['Key']) as { readonly sk: string };
  return key.sk.startsWith('entry#') ? 'entry' : (key.sk as ItemKind);
}

const partOf = (item: TransactItem): Part =>
  (item.Put ?? item.Update ?? item.Delete ?? item.ConditionCheck) as unknown as Part;

/** Changes the items of every transaction. */
export const transactions =
  (change: (items: readonly TransactItem[]) => readonly TransactItem[]): Mutate =>
  (client) => {
    (client as Client).middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          if (commandName !== 'TransactWriteItemsCommand') return next(args);
          const items = change((args.input['TransactItems'] ?? []) as TransactItem[]);
          return next({ ...args, input: { ...args.input, TransactItems: items } });
        },
      { step: 'initialize', priority: 'high', name: `mutant-${Math.random()}` },
    );
  };

/** Changes single calls. `undefined` leaves one out, which the backend never learns. */
export const calls =
  (
    command: 'PutItemCommand' | 'UpdateItemCommand' | 'QueryCommand' | 'SendMessageBatchCommand',
    change: (input: Part) => Part | undefined,
  ): Mutate =>
  (client) => {
    (client as Client).middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          if (commandName !== command) return next(args);
          const input = change(args.input);
          return input
            ? next({ ...args, input })
            : Promise.resolve({ output: { $metadata: {} }, response: {} });
        },
      { step: 'initialize', priority: 'high', name: `mutant-${Math.random()}` },
    );
  };

/** Changes entities as they are read, as if the code made something else of what is stored. */
export const readsEntities =
  (change: (item: Part) => Part): Mutate =>
  (client) => {
    const seen = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(seen);
      if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
        return value;
      const part = value as Part;
      if (part['sk'] === 'entity' && 'attributes' in part) return change(part);
      return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, seen(inner)]));
    };
    (client as Client).middlewareStack.add(
      (next) => async (args) => {
        const result = (await next(args)) as { readonly output: Part };
        return { ...result, output: seen(result.output) };
      },
      { step: 'initialize', priority: 'high', name: `mutant-${Math.random()}` },
    );
  };

/** Leaves items out. */
export const without = (...kinds: readonly ItemKind[]): Mutate =>
  transactions((items) => items.filter((item) => !kinds.includes(kindOf(item))));

/** Drops the conditions of items. */
export const unconditional = (...kinds: readonly ItemKind[]): Mutate =>
  transactions((items) =>
    items.map((item) =>
      kinds.includes(kindOf(item)) ? edited(item, (part) => condition(part, undefined)) : item,
    ),
  );

/** Changes the condition of items of a kind. */
export const conditions = (kind: ItemKind, change: (text: string) => string | undefined): Mutate =>
  transactions((items) =>
    items.map((item) =>
      kindOf(item) === kind
        ? edited(item, (part) => condition(part, change((part['ConditionExpression'] ?? '') as string)))
        : item,
    ),
  );

/** Changes what is put. */
export const puts = (kind: ItemKind, change: (item: Part) => Part): Mutate =>
  transactions((items) =>
    items.map((item) =>
      kindOf(item) === kind && item.Put
        ? edited(item, (part) => ({ ...part, Item: change(part['Item'] as Part) }))
        : item,
    ),
  );

export function edited(item: TransactItem, change: (part: Part) => Part): TransactItem {
  const [action] = Object.keys(item);
  return { [action ?? '']: change(partOf(item)) };
}

/** Sets a condition and lets go of placeholders that nothing mentions any more, which the service would refuse. */
export function condition(part: Part, text: string | undefined): Part {
  const dropped = new Set(['ConditionExpression', 'ReturnValuesOnConditionCheckFailure']);
  const rest = Object.fromEntries(Object.entries(part).filter(([name]) => !dropped.has(name)));
  const kept: Part = text === undefined ? rest : { ...part, ConditionExpression: text };
  const used = `${(part['UpdateExpression'] ?? '') as string} ${text ?? ''}`;
  const mentioned = (placeholders: unknown): Record<string, unknown> | undefined => {
    const entries = Object.entries((placeholders ?? {}) as Record<string, unknown>).filter(([name]) =>
      new RegExp(`${name}\\b`).test(used),
    );
    return entries.length > 0 ? Object.fromEntries(entries) : undefined;
  };
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values, ...bare } = kept;
  const [keptNames, keptValues] = [mentioned(names), mentioned(values)];
  return {
    ...bare,
    ...(keptNames && { ExpressionAttributeNames: keptNames }),
    ...(keptValues && { ExpressionAttributeValues: keptValues }),
  };
}

/** Holds the first transaction of each client back until someone opens it. */
export interface Gate {
  readonly watch: (client: unknown) => void;
  /** Resolves once `count` transactions wait. */
  readonly reached: (count: number) => Promise<void>;
  readonly open: () => void;
}

export function gate(): Gate {
  let waiting = 0;
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = async (count: number): Promise<void> => {
    while (waiting < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const watch = (client: unknown): void => {
    let isFirst = true;
    (client as Client).middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'TransactWriteItemsCommand' && isFirst) {
            isFirst = false;
            waiting += 1;
            await opened;
          }
          return next(args);
        },
      { step: 'initialize', priority: 'high', name: `gate-${Math.random()}` },
    );
  };
  return { watch, reached, open };
}
