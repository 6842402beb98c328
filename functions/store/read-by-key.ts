import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** DynamoDB: 100 items a BatchGetItem. */
const batchSize = 100;

/**
 * Reads items by their keys, consistently and in no particular order; those that are not there are left out.
 * What the service leaves unprocessed (16 MB a request, throttling) is asked for again, after a pause.
 * @throws when it leaves items unprocessed again and again
 */
export async function readByKey<Item>(
  client: DynamoDBDocumentClient,
  table: string,
  keys: readonly { readonly pk: string; readonly sk: string }[],
): Promise<Item[]> {
  const items: Item[] = [];
  const distinct = new Map(keys.map(({ pk, sk }) => [JSON.stringify([pk, sk]), { pk, sk }]));
  let open: Record<string, unknown>[] = [...distinct.values()];
  let fruitless = 0;
  while (open.length > 0) {
    const asked = open.slice(0, batchSize);
    const { Responses, UnprocessedKeys } = await client.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys: asked, ConsistentRead: true } } }),
    );
    const found = (Responses?.[table] ?? []) as Item[];
    const unprocessed = UnprocessedKeys?.[table]?.Keys ?? [];
    items.push(...found);
    open = [...unprocessed, ...open.slice(batchSize)];
    fruitless = unprocessed.length === asked.length ? fruitless + 1 : 0;
    if (fruitless > 3) throw new Error(`BatchGetItem leaves all keys of ${table} unprocessed`);
    if (unprocessed.length > 0) await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** fruitless));
  }
  return items;
}
