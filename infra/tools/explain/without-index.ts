/**
 * What a request would do where an index does not exist. DynamoDB has no planner that falls back to something slower,
 * so this is the slower thing as one would write it by hand: read the whole table page by page, and let a filter
 * throw away what does not belong. A filter cannot stop early, since items lie in no order of time. Queries that are
 * asked at the same time share one scan.
 *
 * The scan is really done, and recorded in the query's place. The application's answer still comes from the index,
 * which is there: to sort and cut what the scan found costs nothing in the database.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { paginateScan, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient, QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { tables } from '../../../functions/store/tables.ts';
import type { IndexSchema, TableSchema } from '../../../functions/store/tables.ts';

export const allIndexes: readonly IndexSchema[] = Object.values<TableSchema>(tables).flatMap(
  ({ indexes }) => indexes,
);

/** Queries that are asked within this time are asked together. */
const togetherMs = 20;

/**
 * Scans before each query or scan of the index, and hides that one from those who record.
 * @param unrecorded the client that answers in its place
 */
export function scanInsteadOf(
  client: DynamoDBDocumentClient,
  unrecorded: DynamoDBDocumentClient,
  indexName: string,
): void {
  const waiting: QueryCommandInput[] = [];
  let scan: Promise<void> | undefined;
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const query = args.input as QueryCommandInput;
        if (query.IndexName !== indexName) return next(args);
        waiting.push(query);
        scan ??= sleep(togetherMs).then(() => {
          scan = undefined;
          return scanAll(client, waiting.splice(0));
        });
        await scan;
        const Asked = commandName === 'ScanCommand' ? ScanCommand : QueryCommand;
        return { output: (await unrecorded.send(new Asked(query))) as never, response: undefined };
      },
    // Before the recorder's part, so that what is recorded is the scan.
    { step: 'initialize', name: 'scanInstead', priority: 'high' },
  );
}

/** One scan for several queries: its filter lets through what any of them wants. */
async function scanAll(client: DynamoDBDocumentClient, queries: readonly QueryCommandInput[]): Promise<void> {
  const parts = queries.map((query, place) => {
    const { IndexName, KeyConditionExpression, FilterExpression } = query;
    const key = allIndexes.find(({ name }) => name === IndexName)?.partitionKey;
    // A scan of an index has no condition on its key: it reads all items that have one.
    const range = KeyConditionExpression ?? `attribute_exists(${key})`;
    const filter = FilterExpression === undefined ? '' : ` AND ${FilterExpression}`;
    const numbered = (text: string): string => text.replace(/[#:]\w+/g, `$&_${place}`);
    const renamed = (all: Record<string, unknown> = {}): [string, unknown][] =>
      Object.entries(all).map(([name, value]) => [numbered(name), value]);
    return {
      condition: `(${numbered(range + filter)})`,
      names: renamed(query.ExpressionAttributeNames),
      values: renamed(query.ExpressionAttributeValues),
    };
  });
  const [names, values] = [parts.flatMap((part) => part.names), parts.flatMap((part) => part.values)];
  const scan = {
    TableName: queries[0]?.TableName,
    FilterExpression: parts.map(({ condition }) => condition).join(' OR '),
    ...(names.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(names) as Record<string, string>,
    }),
    ...(values.length > 0 && { ExpressionAttributeValues: Object.fromEntries(values) }),
  };
  for await (const _ of paginateScan({ client }, scan));
}
