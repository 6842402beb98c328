import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import type { Template } from '../../infra/local/template.ts';
import { fixtureFunction, startFixtureStack, type FixtureStack } from '../support/fixture-stack.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';

/** Until: state of other processes and timers is waited for, never slept for. */
const until = { timeout: 15_000, interval: 50 };

const template: Template = {
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        TableName: 'local-events',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
        StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      },
    },
    Source: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        QueueName: 'source',
        VisibilityTimeout: 1,
        RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] }, maxReceiveCount: 2 },
      },
    },
    DeadLetters: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        QueueName: 'dead-letters',
        RedriveAllowPolicy: {
          redrivePermission: 'byQueue',
          sourceQueueArns: [{ 'Fn::GetAtt': ['Source', 'Arn'] }],
        },
      },
    },
    Failures: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'failures' } },
    Consumer: fixtureFunction('consumer', { FAIL_ON: 'poison', THROW_ON: 'explosive' }),
    FromQueue: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Source', 'Arn'] },
        FunctionName: { Ref: 'Consumer' },
        BatchSize: 10,
        ScalingConfig: { MaximumConcurrency: 2 },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    },
    FromStream: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        EventSourceArn: { 'Fn::GetAtt': ['Table', 'StreamArn'] },
        FunctionName: { 'Fn::GetAtt': ['Consumer', 'Arn'] },
        BatchSize: 10,
        StartingPosition: 'TRIM_HORIZON',
        MaximumRetryAttempts: 1,
        MaximumRecordAgeInSeconds: 3600,
        BisectBatchOnFunctionError: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Failures', 'Arn'] } } },
        FilterCriteria: {
          Filters: [
            {
              Pattern: JSON.stringify({
                eventName: ['INSERT'],
                dynamodb: { NewImage: { status: { S: ['pending'] } } },
              }),
            },
          ],
        },
      },
    },
  },
};

let fixture: FixtureStack;
let sqs: SQSClient;
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  fixture = await startFixtureStack(template, inject('dynamodbEndpoint'), 'local-events');
  const common = { region: localRegion, credentials: localCredentials };
  sqs = new SQSClient({ ...common, endpoint: fixture.sqsEndpoint });
  dynamodb = new DynamoDBClient({ ...common, endpoint: inject('dynamodbEndpoint') });
});
afterAll(async () => {
  sqs.destroy();
  dynamodb.destroy();
  await fixture.stop();
});

const queueUrl = (name: string): string => `${fixture.sqsEndpoint}/000000000000/${name}`;

async function depth(name: string): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl(name),
      AttributeNames: ['ApproximateNumberOfMessages'],
    }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages']);
}

async function received(): Promise<string[]> {
  const events = await fixture.received();
  return events.flatMap(({ Records }) => Records.map((record) => JSON.stringify(record)));
}

describe('a queue mapping', () => {
  test('hands over what Lambda hands over, and deletes it', async () => {
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: queueUrl('source'),
        MessageBody: 'good',
        MessageGroupId: 'acme',
        MessageAttributes: { reason: { DataType: 'String', StringValue: 'test' } },
      }),
    );
    const [record] = await vi.waitFor(async () => {
      const records = (await received()).filter((text) => text.includes('"good"'));
      expect(records).toHaveLength(1);
      return records;
    }, until);
    expect(JSON.parse(record ?? '')).toMatchObject({
      body: 'good',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:source',
      attributes: { ApproximateReceiveCount: '1', MessageGroupId: 'acme' },
      messageAttributes: { reason: { stringValue: 'test', dataType: 'String' } },
    });
    await vi.waitFor(async () => {
      expect(await depth('source')).toBe(0);
    }, until);
  });

  test('lets come back only what failed, until it is a dead letter; a move task brings it again', async () => {
    for (const body of ['poison', 'fine']) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl('source'), MessageBody: body }));
    }
    await vi.waitFor(async () => {
      expect(await depth('dead-letters')).toBe(1);
    }, until);
    const count = async (body: string): Promise<number> =>
      (await received()).filter((text) => text.includes(`"${body}"`)).length;
    expect(await count('fine')).toBe(1);
    expect(await count('poison')).toBe(2);
    await sqs.send(
      new StartMessageMoveTaskCommand({ SourceArn: 'arn:aws:sqs:us-east-1:000000000000:dead-letters' }),
    );
    await vi.waitFor(async () => {
      expect(await count('poison')).toBeGreaterThan(2);
    }, until);
  });
});

describe('a stream mapping', () => {
  const put = async (pk: string, status: string, more: Record<string, { S: string }> = {}): Promise<void> => {
    await dynamodb.send(
      new PutItemCommand({
        TableName: 'local-events',
        Item: { pk: { S: pk }, status: { S: status }, ...more },
      }),
    );
  };
  const seen = async (pk: string): Promise<string[]> =>
    (await received()).filter((text) => text.includes(`"pk":{"S":"${pk}"}`));

  test('hands over what Lambda hands over, as far as the filter lets it pass', async () => {
    await put('kept-back', 'done');
    await put('passed', 'pending');
    const [record] = await vi.waitFor(async () => {
      const records = await seen('passed');
      expect(records).toHaveLength(1);
      return records;
    }, until);
    expect(JSON.parse(record ?? '')).toMatchObject({
      eventName: 'INSERT',
      eventSource: 'aws:dynamodb',
      dynamodb: {
        Keys: { pk: { S: 'passed' } },
        NewImage: { pk: { S: 'passed' }, status: { S: 'pending' } },
        StreamViewType: 'NEW_IMAGE',
      },
    });
    expect(await seen('kept-back')).toEqual([]);
  });

  test.each(['poison', 'explosive'])(
    'isolates a record that is %s, reports it, and goes on',
    async (word) => {
      for (const at of [1, 2, 3]) await put(`${word}-before-${at}`, 'pending');
      await put(`${word}-itself`, 'pending', { kind: { S: word } });
      for (const at of [1, 2, 3]) await put(`after-${word}-${at}`, 'pending');
      const failure = await vi.waitFor(async () => {
        const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl('failures') }));
        const body = Messages?.[0]?.Body;
        expect(body).toBeDefined();
        return JSON.parse(body ?? '') as Record<string, Record<string, unknown>>;
      }, until);
      expect(failure['requestContext']).toMatchObject({ condition: 'RetryAttemptsExhausted' });
      expect(failure['DDBStreamBatchInfo']?.['batchSize']).toBeLessThan(7);
      await vi.waitFor(async () => {
        expect(await seen(`after-${word}-3`)).not.toEqual([]);
      }, until);
    },
  );
});
