/** What the servers of this process hand out directly is what they hand out over HTTP. */
import { DescribeTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { DescribeStreamCommand, GetShardIteratorCommand } from '@aws-sdk/client-dynamodb-streams';
import { ChangeMessageVisibilityCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { queueOver } from '../../infra/local/queue-source.ts';
import { startSqsServer } from '../../infra/local/sqs.ts';
import type { SqsServer } from '../../infra/local/sqs.ts';
import { recordsOver, recordsWithin } from '../../infra/local/stream-records.ts';
import { createQueueClient } from '../../functions/runtime/queue-client.ts';
import { createTables, deleteTables } from '../support/dynamodb.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { createdQueue } from '../support/sqs.ts';

const local = { region: localRegion, credentials: localCredentials };

describe('a queue', () => {
  let server: SqsServer;
  let client: SQSClient;
  beforeAll(async () => {
    server = await startSqsServer(localRegion);
    client = createQueueClient({ ...local, endpoint: server.endpoint });
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  const counted = async (url: string): Promise<string | undefined> => {
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessages'] }),
    );
    return Attributes?.['ApproximateNumberOfMessages'];
  };
  const filled = async (name: string): Promise<string> => {
    const { url } = await createdQueue(client, name);
    const MessageAttributes = {
      word: { DataType: 'String', StringValue: 'héllo' },
      bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255, 1) },
    };
    for (const MessageBody of ['one', 'two'])
      await client.send(
        new SendMessageCommand({ QueueUrl: url, MessageBody, MessageGroupId: 'acme', MessageAttributes }),
      );
    // The server puts a message in a moment after it has answered.
    await expect.poll(() => counted(url)).toBe('2');
    return url;
  };
  /** Without what differs from one receipt to the next. */
  const seen = (messages: readonly Message[]) =>
    messages.map(({ MessageId, Body, MD5OfBody, Attributes, MessageAttributes }) => ({
      MessageId,
      Body,
      MD5OfBody,
      attributes: { ...Attributes, ApproximateReceiveCount: '' },
      bytes: [...(MessageAttributes?.['bytes']?.BinaryValue ?? [])],
      word: MessageAttributes?.['word'],
    }));
  test('gives the same messages', async () => {
    const url = await filled('same');
    const [within, over] = [server.queueSource(url), queueOver(client, url)];
    const received = await within.receive(10);
    expect(seen(received)).toMatchObject([{ Body: 'one', bytes: [0, 255, 1] }, { Body: 'two' }]);
    for (const { ReceiptHandle } of received)
      await client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 }),
      );
    expect(seen(await over.receive(10))).toEqual(seen(received));
  });

  test('gives no more than was asked for, and has no more what was removed', async () => {
    const url = await filled('removed');
    const source = server.queueSource(url);
    const [first, second] = [await source.receive(1), await source.receive(10)];
    expect([...first, ...second].map(({ Body }) => Body)).toEqual(['one', 'two']);
    expect(await source.receive(10)).toEqual([]);
    await source.remove(second);
    // This server counts those in flight, too.
    expect(await counted(url)).toBe('1');
    await source.remove(first);
    expect(await counted(url)).toBe('0');
  });
});

describe('a stream', () => {
  const endpoint = inject('dynamodbEndpoint');
  const creator = new DynamoDBClient({ ...local, endpoint });
  const streams = new DynamoDBStreamsClient({ ...local, endpoint });
  const pool = new Pool(endpoint);
  const [within, over] = [recordsWithin(pool), recordsOver(streams)];
  afterAll(async () => {
    await pool.destroy();
    for (const client of [creator, streams]) client.destroy();
  });

  test('gives the same records, page by page', async () => {
    const tables = await createTables(creator, 'embedded', { streams: true });
    const put = (pk: string) =>
      creator.send(
        new PutItemCommand({
          TableName: tables.data,
          Item: { pk: { S: pk }, sk: { S: 'x' }, n: { N: '1.5' }, b: { B: Uint8Array.of(0, 255) } },
        }),
      );
    await put('a');
    await put('b');
    const { Table } = await creator.send(new DescribeTableCommand({ TableName: tables.data }));
    const { LatestStreamArn: StreamArn } = Table ?? {};
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
    const position = { StreamArn, ShardId: StreamDescription?.Shards?.[0]?.ShardId };
    const { ShardIterator = '' } = await streams.send(
      new GetShardIteratorCommand({ ...position, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const [first, same] = [await within(ShardIterator, 1), await over(ShardIterator, 1)];
    expect(first.records).toMatchObject([{ eventName: 'INSERT', dynamodb: { Keys: { pk: { S: 'a' } } } }]);
    expect(same.records).toEqual(first.records);
    const rest = await within(first.next ?? '', 10);
    expect(rest.records).toMatchObject([{ dynamodb: { Keys: { pk: { S: 'b' } } } }]);
    expect((await within(rest.next ?? '', 10)).records).toEqual([]);
    await deleteTables(creator, tables);
  });

  test('names what the server refuses alike', async () => {
    const errors = await Promise.all(
      [within, over].map((read) => read('nonsense', 1).catch((error: unknown) => (error as Error).name)),
    );
    expect(errors).toEqual(['ValidationException', 'ValidationException']);
  });
});
