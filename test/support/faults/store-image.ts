/** Everything that is in the tables, read with a client of its own and told apart by its keys alone. */
import { DynamoDBClient, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { TableNames } from '../../../functions/store/store.ts';
import { assertLoopback, localCredentials, localRegion } from '../loopback.ts';

export type Item = Readonly<Record<string, unknown>>;

export interface StoreImage {
  readonly data: readonly Item[];
  readonly outbox: readonly Item[];
  readonly records: readonly Item[];
}

/** One change of one item, in the order in which it happened to that item. */
export interface Change {
  readonly before?: Item;
  readonly after?: Item;
}

export interface StoreChanges {
  readonly data: readonly Change[];
  readonly outbox: readonly Change[];
}

const config = (endpoint: string) => ({
  endpoint: assertLoopback(endpoint),
  region: localRegion,
  credentials: localCredentials,
});

export async function readStore(endpoint: string, tables: TableNames): Promise<StoreImage> {
  const client = new DynamoDBClient(config(endpoint));
  const documents = DynamoDBDocumentClient.from(client);
  const scan = async (table: string): Promise<Item[]> => {
    const items: Item[] = [];
    let from: Record<string, unknown> | undefined;
    do {
      const page = await documents.send(
        new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey: from }),
      );
      items.push(...(page.Items ?? []));
      from = page.LastEvaluatedKey;
    } while (from);
    return items;
  };
  try {
    const [data, outbox, records] = await Promise.all([
      scan(tables.data),
      scan(tables.outbox),
      scan(tables.idempotency),
    ]);
    // Only a message's partition has a tenant in its name: the sweeper's places and what callbacks are found by have none.
    return { data, outbox: outbox.filter(({ pk }) => String(pk).includes('#')), records };
  } finally {
    client.destroy();
  }
}

/** All that ever happened to data and outbox, from their streams. */
export async function readChanges(endpoint: string, tables: TableNames): Promise<StoreChanges> {
  const client = new DynamoDBClient(config(endpoint));
  const streams = new DynamoDBStreamsClient(config(endpoint));
  try {
    const read = async (table: string): Promise<Change[]> => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
      const described = await streams.send(new DescribeStreamCommand({ StreamArn: Table?.LatestStreamArn }));
      const changes: Change[] = [];
      for (const { ShardId } of described.StreamDescription?.Shards ?? []) {
        const { ShardIterator } = await streams.send(
          new GetShardIteratorCommand({
            StreamArn: Table?.LatestStreamArn,
            ShardId,
            ShardIteratorType: 'TRIM_HORIZON',
          }),
        );
        let iterator = ShardIterator;
        while (iterator !== undefined) {
          const page = await streams.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: 1_000 }));
          for (const { dynamodb } of page.Records ?? []) {
            changes.push({
              ...(dynamodb?.OldImage && { before: unmarshall(dynamodb.OldImage) }),
              ...(dynamodb?.NewImage && { after: unmarshall(dynamodb.NewImage) }),
            });
          }
          iterator = (page.Records ?? []).length === 0 ? undefined : page.NextShardIterator;
        }
      }
      return changes;
    };
    const [data, outbox] = await Promise.all([read(tables.data), read(tables.outbox)]);
    return { data, outbox };
  } finally {
    client.destroy();
    streams.destroy();
  }
}
