import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { batchRead as limits } from '../runtime/delivery-limits.ts';

/**
 * Reads items by their keys, consistently and in no particular order; those that are not there are left out.
 * What the service leaves unprocessed (16 MB a request, throttling) is asked for again, after a pause.
 * @param signal the end of the request's time; without one, it is not asked for ever
 * @throws when it leaves items unprocessed again and again
 */
export async function readByKey<Item>(
  client: DynamoDBDocumentClient,
  table: string,
  keys: readonly { readonly pk: string; readonly sk: string }[],
  signal?: AbortSignal,
): Promise<Item[]> {
  const items: Item[] = [];
  const distinct = new Map(keys.map(({ pk, sk }) => [JSON.stringify([pk, sk]), { pk, sk }]));
  let open: Record<string, unknown>[] = [...distinct.values()];
  let fruitless = 0;
  while (open.length > 0) {
    const asked = open.slice(0, limits.keysMax);
    const { Responses, UnprocessedKeys } = await client.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys: asked, ConsistentRead: true } } }),
      { ...(signal && { abortSignal: signal }) },
    );
    const found = (Responses?.[table] ?? []) as Item[];
    const unprocessed = UnprocessedKeys?.[table]?.Keys ?? [];
    items.push(...found);
    open = [...unprocessed, ...open.slice(limits.keysMax)];
    fruitless = unprocessed.length === asked.length ? fruitless + 1 : 0;
    if (!signal && fruitless === limits.fruitlessMax) {
      throw new Error(`BatchGetItem leaves all keys of ${table} unprocessed`);
    }
    if (unprocessed.length > 0) await pauseBeforeRest(fruitless, signal);
  }
  return items;
}

/**
 * @param fruitless requests in a row that brought nothing
 * @throws AbortError when the time is over
 */
export async function pauseBeforeRest(fruitless: number, signal?: AbortSignal): Promise<void> {
  const pauseMs = Math.min(limits.pauseMs * 2 ** fruitless, limits.pauseMaxMs);
  await sleep(pauseMs, undefined, { ...(signal && { signal }) });
}
