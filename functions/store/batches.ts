/**
 * Batch requests of DynamoDB. What the service leaves unprocessed (16 MB a request, throttling) is asked for again,
 * after a pause that grows while a request brings nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand, BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { batch as limits } from '../runtime/delivery-limits.ts';
import type { ItemKey } from './keys.ts';
import type { Consistency } from './metering/capacity.ts';

export interface TableKey {
  readonly table: string;
  readonly key: Record<string, unknown>;
}

/**
 * Reads items by their keys, in no particular order; those that are not there are left out. No key may be named twice.
 * @returns items by table
 * @param signal the end of the request's time; without one, it is not asked for ever
 * @throws when the service leaves items unprocessed again and again
 */
export async function readBatches(
  client: DynamoDBDocumentClient,
  keys: readonly TableKey[],
  signal?: AbortSignal,
  consistency: Consistency = 'strong',
): Promise<ReadonlyMap<string, readonly Record<string, unknown>[]>> {
  const found = new Map<string, Record<string, unknown>[]>();
  await processAll(keys, limits.keysMax, signal, async (asked) => {
    const tables = [...new Set(asked.map(({ table }) => table))];
    const keysOf = (name: string): Record<string, unknown>[] =>
      asked.flatMap(({ table, key }) => (table === name ? [key] : []));
    const { Responses = {}, UnprocessedKeys = {} } = await client.send(
      new BatchGetCommand({
        RequestItems: Object.fromEntries(
          tables.map((table) => [table, { Keys: keysOf(table), ConsistentRead: consistency === 'strong' }]),
        ),
      }),
      { ...(signal && { abortSignal: signal }) },
    );
    for (const [table, items] of Object.entries(Responses)) {
      found.set(table, [...(found.get(table) ?? []), ...items]);
    }
    return Object.entries(UnprocessedKeys).flatMap(([table, { Keys = [] }]) =>
      Keys.map((key) => ({ table, key })),
    );
  });
  return found;
}

/** Items of one table by their keys, like {@link readBatches}; a key that is named twice is read once. */
export async function readByKey<Item>(
  client: DynamoDBDocumentClient,
  table: string,
  keys: readonly ItemKey[],
  signal?: AbortSignal,
  consistency?: Consistency,
): Promise<Item[]> {
  const distinct = new Map(keys.map(({ pk, sk }) => [nameOf({ pk, sk }), { pk, sk }]));
  const asked = [...distinct.values()].map((key) => ({ table, key }));
  const found = await readBatches(client, asked, signal, consistency);
  return (found.get(table) ?? []) as unknown as Item[];
}

/** What lies at a key, among items of one table that were read. */
export function byKey<Item extends ItemKey>(items: readonly Item[]): (key: ItemKey) => Item | undefined {
  const found = new Map(items.map((item) => [nameOf(item), item]));
  return (key) => found.get(nameOf(key));
}

const nameOf = ({ pk, sk }: ItemKey): string => JSON.stringify([pk, sk]);

/** Puts items, whatever is there. @throws when the service leaves items unprocessed again and again */
export async function putAll(
  client: DynamoDBDocumentClient,
  table: string,
  items: readonly Record<string, unknown>[],
): Promise<void> {
  await processAll(items, limits.putsMax, undefined, async (asked) => {
    const { UnprocessedItems = {} } = await client.send(
      new BatchWriteCommand({ RequestItems: { [table]: asked.map((Item) => ({ PutRequest: { Item } })) } }),
    );
    const left = UnprocessedItems[table] ?? [];
    return left.flatMap(({ PutRequest }): Record<string, unknown>[] =>
      PutRequest?.Item ? [PutRequest.Item] : [],
    );
  });
}

/** @param send hands back what the service left unprocessed */
async function processAll<Each>(
  all: readonly Each[],
  atOnceMax: number,
  signal: AbortSignal | undefined,
  send: (some: readonly Each[]) => Promise<readonly Each[]>,
): Promise<void> {
  let open = all;
  let fruitless = 0;
  while (open.length > 0) {
    const asked = open.slice(0, atOnceMax);
    const unprocessed = await send(asked);
    open = [...unprocessed, ...open.slice(atOnceMax)];
    fruitless = unprocessed.length === asked.length ? fruitless + 1 : 0;
    if (!signal && fruitless === limits.fruitlessMax) {
      throw new Error('the database leaves every item of a batch unprocessed');
    }
    if (unprocessed.length > 0) {
      const pauseMs = Math.min(limits.pauseMs * 2 ** fruitless, limits.pauseMaxMs);
      await sleep(pauseMs, undefined, { ...(signal && { signal }) });
    }
  }
}
