/**
 * What a request does where its index does not exist. DynamoDB has no planner that falls back to something slower,
 * so this is the slower thing as one would write it by hand: read the whole table page by page, let a filter throw
 * away what does not belong, sort, and cut. A filter cannot stop early, since items lie in no order of time.
 * Queries that are asked at the same time share one scan. Part of the explain tool alone; the application refuses
 * to work without its indexes.
 */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient, QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { IndexSchema } from '../../../functions/store/tables.ts';
import { schemasWithout } from './tables.ts';

type Item = Record<string, string | number>;

/** A query that waits for the scan it shares. */
interface Waiting {
  readonly query: QueryCommandInput;
  readonly resolve: (items: readonly Item[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Makes the client answer each query of the index by scanning its table. */
export function scanInsteadOf(client: DynamoDBDocumentClient, indexName: string): void {
  const index = Object.values(schemasWithout(undefined))
    .flatMap(({ indexes }): readonly IndexSchema[] => indexes)
    .find(({ name }) => name === indexName);
  if (!index) throw new Error(`there is no index "${indexName}"`);
  let waiting: Waiting[] = [];
  const sharedScan = (query: QueryCommandInput): Promise<readonly Item[]> =>
    new Promise((resolve, reject) => {
      waiting.push({ query, resolve, reject });
      if (waiting.length > 1) return;
      // By then everything that the request asks at once has been asked.
      setTimeout(() => {
        const together = waiting;
        waiting = [];
        void scanFor(client, together);
      }, 20);
    });
  client.middlewareStack.add(
    (next) => async (args) => {
      const query = args.input as QueryCommandInput;
      if (query.IndexName !== indexName) return next(args);
      const found = await sharedScan(query);
      return { output: page(found, query, index) as never, response: undefined };
    },
    // Before the recorder's part, so that what is recorded is the scan.
    { step: 'initialize', name: 'scanInstead', priority: 'high' },
  );
}

/** One scan for several queries: its filter lets through what any of them wants. */
async function scanFor(client: DynamoDBDocumentClient, together: readonly Waiting[]): Promise<void> {
  try {
    const items = await scanAll(
      client,
      together.map(({ query }) => query),
    );
    for (const { query, resolve } of together) resolve(items.filter(wantedBy(query)));
  } catch (error) {
    for (const { reject } of together) reject(error);
  }
}

async function scanAll(
  client: DynamoDBDocumentClient,
  queries: readonly QueryCommandInput[],
): Promise<Item[]> {
  const numbered = (text: string, of: number): string => text.replace(/[#:]\w+/g, `$&_${of}`);
  const placeholders = (parameter: 'ExpressionAttributeNames' | 'ExpressionAttributeValues') => {
    const all = queries.flatMap((query, of) =>
      Object.entries(query[parameter] ?? {}).map(([name, value]) => [numbered(name, of), value as unknown]),
    );
    return all.length > 0 ? (Object.fromEntries(all) as Record<string, never>) : undefined;
  };
  const items: Item[] = [];
  let startKey: Record<string, unknown> | undefined;
  do {
    const answer = await client.send(
      new ScanCommand({
        TableName: queries[0]?.TableName,
        FilterExpression: queries.map((query, of) => `(${numbered(conditionOf(query), of)})`).join(' OR '),
        ExpressionAttributeNames: placeholders('ExpressionAttributeNames'),
        ExpressionAttributeValues: placeholders('ExpressionAttributeValues'),
        // Of a scan the emulator's figure is right, and reading each page again would double the time.
        ReturnConsumedCapacity: 'TOTAL',
        ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
      }),
    );
    items.push(...((answer.Items ?? []) as Item[]));
    startKey = answer.LastEvaluatedKey;
  } while (startKey !== undefined);
  return items;
}

const conditionOf = ({ KeyConditionExpression = '', FilterExpression }: QueryCommandInput): string =>
  FilterExpression === undefined
    ? KeyConditionExpression
    : `${KeyConditionExpression} AND ${FilterExpression}`;

/** The few forms of conditions that our queries use, checked on an item. */
function wantedBy(query: QueryCommandInput): (item: Item) => boolean {
  const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } = query;
  const text = conditionOf(query);
  const between = /([#\w]+) BETWEEN (:\w+) AND (:\w+)/g;
  const rest = text.replace(between, '');
  const value = (placeholder = ''): string | number => values[placeholder] as string | number;
  const tests = [
    ...[...text.matchAll(between)].flatMap(([, name = '', low, high]) => [
      { name, operator: '>=', value: value(low) },
      { name, operator: '<=', value: value(high) },
    ]),
    ...[...rest.matchAll(/([#\w]+) (<=|>=|<|>|=) (:\w+)/g)].map(([, name = '', operator = '', of]) => ({
      name,
      operator,
      value: value(of),
    })),
  ];
  return (item) =>
    tests.every(({ name, operator, value: limit }) => {
      const is = item[names[name] ?? name];
      return is !== undefined && compare(is, operator, limit);
    });
}

function compare(is: string | number, operator: string, limit: string | number): boolean {
  switch (operator) {
    case '=':
      return is === limit;
    case '<':
      return is < limit;
    case '<=':
      return is <= limit;
    case '>':
      return is > limit;
    default:
      return is >= limit;
  }
}

/** The part of the items that the query asked for, in the order in which the index would have given it. */
function page(
  found: readonly Item[],
  query: QueryCommandInput,
  { partitionKey, sortKey = partitionKey }: IndexSchema,
): Record<string, unknown> {
  const direction = query.ScanIndexForward === false ? -1 : 1;
  const sorted = found.toSorted((a, b) => ((a[sortKey] ?? '') < (b[sortKey] ?? '') ? -direction : direction));
  const start = query.ExclusiveStartKey as Item | undefined;
  const keys = [...new Set(['pk', 'sk', partitionKey, sortKey])];
  const isStart = (item: Item): boolean =>
    start !== undefined && keys.every((key) => item[key] === start[key]);
  const rest = start === undefined ? sorted : sorted.slice(sorted.findIndex(isStart) + 1);
  const items = rest.slice(0, query.Limit ?? rest.length);
  const last = items.at(-1);
  return {
    $metadata: {},
    Items: items,
    Count: items.length,
    ScannedCount: items.length,
    ...(last &&
      items.length < rest.length && {
        LastEvaluatedKey: Object.fromEntries(keys.map((key) => [key, last[key]])),
      }),
  };
}
