/** The way out in one process: real tables, real queues, the handlers of relay, workers and sweeper. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBStreamEvent, SQSEvent, SQSRecord } from 'aws-lambda';
import { inject } from 'vitest';
import { domains } from '../../functions/application.ts';
import { createAnswers } from '../../functions/commands/carry-out-answer.ts';
import type { CarryOutAnswer } from '../../functions/commands/carry-out-answer.ts';
import { createBackend } from '../../functions/commands/backend.ts';
import type { Clock } from '../../functions/runtime/clock.ts';
import type { Log } from '../../functions/runtime/logger.ts';
import { createSendingClient } from '../../functions/runtime/queue-client.ts';
import { topicPolicies, topics } from '../../functions/runtime/topics.ts';
import type { Topic, TopicPolicy } from '../../functions/runtime/topics.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import type { MessageItem, NewMessage } from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { readMessage } from '../../functions/store/outbox/messages.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import type { Inquire, Receiver } from '../../functions/workers/receiver.ts';
import { createTopicWorker } from '../../functions/workers/topic-worker.ts';
import { createTables, deleteTables } from './dynamodb.ts';
import type { TableNames } from '../../functions/store/store.ts';
import { localCredentials, localRegion } from './loopback.ts';
import { madeMessage } from './messages.ts';
import { queueDepth } from './queue-depth.ts';
import { startSqs } from './sqs.ts';
import type { TestSqs } from './sqs.ts';

export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A clock that runs with the machine's and can be moved ahead. */
export interface MovableClock extends Clock {
  ahead(ms: number): void;
}

export function movableClock(): MovableClock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    ahead: (ms) => {
      offset += ms;
    },
  };
}

export interface TestQueue {
  readonly url: string;
  readonly arn: string;
}

export interface TestOutbox {
  readonly client: DynamoDBDocumentClient;
  readonly tables: TableNames;
  readonly access: OutboxAccess;
  readonly clock: MovableClock;
  readonly sqs: SQSClient;
  /** As relay and sweeper have it. */
  readonly sender: SQSClient;
  readonly server: TestSqs;
  readonly queues: Readonly<Record<Topic | 'timer' | 'dead', TestQueue>>;
  readonly queueUrls: Readonly<Record<Topic, string>>;
  /** Another client of the same servers, to which a test adds middleware. */
  readonly anotherClient: () => DynamoDBDocumentClient;
  readonly anotherSqs: () => SQSClient;
  /** The message of a command, not written. */
  readonly made: (message?: Partial<NewMessage>) => MessageItem;
  /** Writes the message of a command. */
  readonly put: (message?: Partial<NewMessage>) => Promise<MessageItem>;
  readonly read: (item: MessageItem) => Promise<MessageItem>;
  readonly all: () => Promise<MessageItem[]>;
  readonly worker: (receiver: Receiver, options?: WorkerOptions) => QueueHandler;
  /** Hands a batch of what is visible to a handler, as an event source mapping does. @returns deliveries */
  readonly poll: (queue: TestQueue, handler: QueueHandler, batchMax?: number) => Promise<number>;
  /** The bodies of what is visible, left in the queue. */
  readonly look: (queue: TestQueue) => Promise<string[]>;
  /** How many messages a queue holds, visible or not. */
  readonly depth: (queue: TestQueue) => Promise<number>;
  readonly send: (queue: TestQueue, body: string) => Promise<void>;
  readonly purge: (queue: TestQueue) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface WorkerOptions {
  readonly topic?: Topic;
  readonly policy?: Partial<TopicPolicy>;
  readonly client?: DynamoDBDocumentClient;
  readonly sqs?: SQSClient;
  readonly clock?: Clock;
  readonly inquire?: Inquire;
}

export async function startOutbox(options: { readonly streams?: boolean } = {}): Promise<TestOutbox> {
  const server = await startSqs();
  const database = {
    endpoint: inject('dynamodbEndpoint'),
    region: localRegion,
    credentials: localCredentials,
  };
  const anotherClient = (): DynamoDBDocumentClient => createDocumentClient(database);
  const anotherSqs = (): SQSClient =>
    new SQSClient({ endpoint: server.endpoint, region: localRegion, credentials: localCredentials });
  const client = anotherClient();
  const creator = new DynamoDBClient(database);
  const tables = await createTables(creator, `outbox-${randomUUID()}`, options);
  const clock = movableClock();
  const access: OutboxAccess = { client, table: tables.outbox, clock };
  const dead = await server.createQueue('dead');
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 8 });
  const queues = {
    dead,
    ...Object.fromEntries(
      await Promise.all(
        // Shorter than in the infrastructure: a test that waits for a dead letter polls that often.
        [...topics, 'timer'].map(
          async (name) => [name, await server.createQueue(name, { RedrivePolicy })] as const,
        ),
      ),
    ),
  } as TestOutbox['queues'];
  const carryOutOf = (own: DynamoDBDocumentClient, ownClock: Clock): CarryOutAnswer =>
    createAnswers(createBackend({ domains, store: { client: own, tables }, clock: ownClock }), {
      ...access,
      client: own,
      clock: ownClock,
    }).carryOut;
  const made = (message?: Partial<NewMessage>): MessageItem => madeMessage(clock.now(), message);
  const sqs = server.client;
  const sender = createSendingClient({
    endpoint: server.endpoint,
    region: localRegion,
    credentials: localCredentials,
  });

  return {
    client,
    tables,
    access,
    clock,
    sqs,
    sender,
    server,
    queues,
    queueUrls: Object.fromEntries(topics.map((topic) => [topic, queues[topic].url])) as Record<Topic, string>,
    anotherClient,
    anotherSqs,
    made,
    put: async (message = {}) => {
      const item = made(message);
      await client.send(new PutCommand({ TableName: tables.outbox, Item: item }));
      return item;
    },
    read: async (item) => {
      const found = await readMessage(access, item);
      if (found === undefined) throw new Error(`no message ${item.id}`);
      return found;
    },
    all: async () => {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: tables.outbox }));
      return Items.filter((item) => item['id'] !== undefined) as MessageItem[];
    },
    worker: (receiver, options = {}) =>
      createTopicWorker({
        topic: options.topic ?? 'external-call',
        policy: { ...topicPolicies['external-call'], ...options.policy },
        receiver,
        inquire: options.inquire,
        carryOut: carryOutOf(options.client ?? client, options.clock ?? clock),
        outbox: { ...access, client: options.client ?? client, clock: options.clock ?? clock },
        sqs: options.sqs ?? sqs,
        log: silent,
      }),
    poll: async (queue, handler, batchMax = 10) => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queue.url,
          MaxNumberOfMessages: batchMax,
          VisibilityTimeout: 30,
          // oxlint-disable-next-line typescript/no-deprecated -- the local server knows its successor not
          AttributeNames: ['All'],
        }),
      );
      if (Messages.length === 0) return 0;
      const records = Messages.map((message) => ({
        ...sqsRecord(queue, message.Body ?? ''),
        messageId: message.MessageId ?? '',
        receiptHandle: message.ReceiptHandle ?? '',
        attributes: message.Attributes as unknown as SQSRecord['attributes'],
      }));
      const { batchItemFailures } = await handler({ Records: records });
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId, receiptHandle } of records) {
        if (failed.has(messageId)) continue;
        await sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: receiptHandle }));
      }
      return records.length;
    },
    look: async (queue) => {
      const seen: string[] = [];
      const handles: string[] = [];
      for (;;) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: queue.url,
            MaxNumberOfMessages: 10,
            VisibilityTimeout: 60,
          }),
        );
        if (Messages.length === 0) break;
        for (const { Body = '', ReceiptHandle } of Messages) {
          seen.push(Body);
          handles.push(ReceiptHandle ?? '');
        }
      }
      for (const ReceiptHandle of handles) {
        await sqs.send(
          new ChangeMessageVisibilityCommand({ QueueUrl: queue.url, ReceiptHandle, VisibilityTimeout: 0 }),
        );
      }
      return seen;
    },
    depth: async ({ url }) => {
      const { ready, delayed } = await queueDepth(sqs, url);
      return ready + delayed;
    },
    send: async (queue, body) => {
      await sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: body }));
    },
    purge: async (queue) => {
      await sqs.send(new PurgeQueueCommand({ QueueUrl: queue.url }));
    },
    stop: async () => {
      client.destroy();
      sender.destroy();
      await server.stop();
      if (options.streams === true) await deleteTables(creator, tables);
      creator.destroy();
    },
  };
}

/** A reference as the relay sends it. @param copy one id, where a test does not care for copies */
export const bodyOf = (item: MessageItem, run = item.run, copy = 'the first copy'): string =>
  JSON.stringify({ id: item.id, tenant: item.tenant, topic: item.topic, run, copy });

export const sqsRecord = (queue: TestQueue, body: string): SQSRecord => ({
  messageId: randomUUID(),
  receiptHandle: `handle-${randomUUID()}`,
  body,
  attributes: {
    ApproximateReceiveCount: '1',
    SentTimestamp: '1795169731000',
    SenderId: 'local',
    ApproximateFirstReceiveTimestamp: '1795169731012',
  },
  messageAttributes: {},
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: queue.arn,
  awsRegion: localRegion,
});

/** Deliveries that no queue knows of: duplicates, stale ones, those of a test that has no time to wait. */
export const sqsEvent = (queue: TestQueue, ...bodies: readonly string[]): SQSEvent => ({
  Records: bodies.map((body) => sqsRecord(queue, body)),
});

/** What the stream says of items that were written. */
export const streamEvent = (...items: readonly object[]): DynamoDBStreamEvent => ({
  Records: items.map((item, index) => ({
    eventID: randomUUID(),
    eventName: 'INSERT',
    eventSource: 'aws:dynamodb',
    awsRegion: localRegion,
    dynamodb: {
      NewImage: marshall(item) as NonNullable<
        NonNullable<DynamoDBStreamEvent['Records'][0]['dynamodb']>['NewImage']
      >,
      SequenceNumber: String(1000 + index),
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
  })),
});
