import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startDynamoDbLocal } from '../../infra/local/dynamodb.ts';
import { StartError } from '../../infra/local/start-error.ts';
import { createTables } from '../support/dynamodb.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { startSqs, type TestSqs } from '../support/sqs.ts';

describe('DynamoDB Local', () => {
  const client = new DynamoDBClient({
    endpoint: inject('dynamodbEndpoint'),
    region: localRegion,
    credentials: localCredentials,
  });
  afterAll(() => {
    client.destroy();
  });

  test('has the tables of the store, with their indexes and streams', async () => {
    const names = await createTables(client, 'servers', { streams: true });
    const { Table: data } = await client.send(new DescribeTableCommand({ TableName: names.data }));
    expect(data?.GlobalSecondaryIndexes?.map((index) => index.IndexName).sort()).toEqual(['byStatus', 'due']);
    expect(data?.StreamSpecification?.StreamViewType).toBe('NEW_AND_OLD_IMAGES');
    const { Table: idempotency } = await client.send(
      new DescribeTableCommand({ TableName: names.idempotency }),
    );
    expect(idempotency?.StreamSpecification).toBeUndefined();
  });

  test('refuses to create tables anywhere but on this machine', async () => {
    const remote = new DynamoDBClient({
      endpoint: 'https://dynamodb.us-east-1.amazonaws.com',
      region: localRegion,
      credentials: localCredentials,
    });
    await expect(createTables(remote, 'servers')).rejects.toThrow();
  });

  test('names a missing Java in one line', async () => {
    const error: unknown = await startDynamoDbLocal({ java: 'java-that-is-not-there' }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StartError);
    expect(String(error)).not.toContain('\n');
  });
});

describe('the SQS server', () => {
  let sqs: TestSqs;
  beforeAll(async () => {
    sqs = await startSqs();
  });
  afterAll(() => sqs.stop());

  test('keeps a message and gives it out', async () => {
    const { url } = await sqs.createQueue('orders');
    await sqs.client.send(
      new SendMessageCommand({ QueueUrl: url, MessageBody: 'one', MessageGroupId: 'acme' }),
    );
    const { Messages } = await sqs.client.send(new ReceiveMessageCommand({ QueueUrl: url }));
    expect(Messages?.map((message) => message.Body)).toEqual(['one']);
  });

  test.each([
    ['no target', { 'content-type': 'application/x-amz-json-1.0' }, '{}'],
    [
      'no JSON',
      { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' },
      '{',
    ],
    ['nothing at all', {}, ''],
  ])('answers 4xx to a request with %s', async (_case, headers: Record<string, string>, body) => {
    const response = await fetch(sqs.endpoint, { method: 'POST', headers, body });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
  });
});
