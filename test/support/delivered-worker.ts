/**
 * A topic's worker on real tables and a real queue server, to which a test hands one delivery after the other; its receiver
 * says what the test wants.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createAnswers } from '../../functions/commands/carry-out-answer.ts';
import { message as messageLimits } from '../../functions/runtime/limits.ts';
import type { MetricWriter } from '../../functions/runtime/metric-writer.ts';
import { topicPolicies } from '../../functions/runtime/topics.ts';
import type { MessageItem, NewMessage } from '../../functions/store/outbox/message-items.ts';
import { didNotAct, mayHaveActed, refused } from '../../functions/workers/receiver.ts';
import type { Inquired, OngoingCall, Received } from '../../functions/workers/receiver.ts';
import { createTopicWorker } from '../../functions/workers/topic-worker.ts';
import { startBackend } from './backend.ts';
import type { TestBackend } from './backend.ts';
import { bodyOf, silent, sqsEvent, startOutbox } from './outbox.ts';
import type { TestOutbox } from './outbox.ts';
import { intercept } from './sdk-faults.ts';

/** What is not as usual at a delivery. */
export interface World {
  readonly now?: () => number;
  readonly inquired?: Inquired | (() => Promise<Inquired>) | undefined;
  readonly topic?: 'external-call' | 'notification';
  /** Before each of the worker's calls to the database: what it throws means that the call was lost. */
  readonly lose?: (command: string) => unknown;
  readonly receives?: number;
  readonly more?: object;
  readonly messageId?: string;
  readonly callTimeoutMs?: number;
  readonly isCounted?: boolean;
  readonly attributes?: object;
}

/** Few attempts and no chance, so that all times are known. */
export const policy = { ...topicPolicies['external-call'], attempts: 2, jitter: 0, callTimeoutMs: 5_000 };

export const done: Received = { kind: 'done', result: { status: 200 } };
export const no = { ...refused('402', 'No.'), answer: 'x'.repeat(messageLimits.resultMaxBytes + 9) };
export const busy = didNotAct('503', 'Later.');
export const unsure = mayHaveActed('500', 'It answered 500.');

/** What a test sees of the worker besides its messages. */
interface Seen {
  /** Seconds for which deliveries were hidden. */
  hidden: number[];
  /** The metrics, with their values where these are not 1. */
  counted: string[];
  /** How often the receiver was called. */
  calls: number;
  /** Milliseconds that each move of an entity was given; `undefined` where nobody said. */
  budgets: (number | undefined)[];
}

/** Tables, queues and a worker for the file that calls this; what is seen begins anew with each test. */
export function deliveredWorker() {
  const seen: Seen = { hidden: [], counted: [], calls: 0, budgets: [] };
  let started: TestOutbox;
  let api: TestBackend;
  let sqs: SQSClient;
  const outbox = (): TestOutbox => started;
  const backend = (): TestBackend => api;
  beforeAll(async () => {
    started = await startOutbox();
    api = await startBackend({ tables: started.tables, clock: { now: () => started.clock.now() } });
    sqs = started.anotherSqs();
    intercept(sqs, {
      before: ({ command, input }) => {
        if (command === 'ChangeMessageVisibilityCommand')
          seen.hidden.push((input as { VisibilityTimeout: number }).VisibilityTimeout);
      },
    });
  });
  afterAll(async () => {
    sqs.destroy();
    api.backend.store.client.destroy();
    await started.stop();
  });
  beforeEach(() => {
    Object.assign(seen, { hidden: [], counted: [], calls: 0, budgets: [] });
  });
  const metrics: MetricWriter = {
    add: (name, value, ...topic) =>
      seen.counted.push([name, ...topic].join(' ') + (value === 1 ? '' : ` ${value}`)),
    flush: () => undefined,
  };

  /** One delivery. @returns whether it comes again */
  async function deliver(
    item: MessageItem,
    received: Received | ((call: OngoingCall) => Promise<Received>),
    world: World = {},
  ) {
    const client = world.lose ? started.anotherClient() : started.client;
    if (world.lose) {
      const { lose } = world;
      intercept(client, {
        before: async ({ command }) => {
          await lose(command);
        },
      });
    }
    const clock = world.now ? { now: world.now } : started.clock;
    const access = { ...started.access, client, clock };
    const { inquired, topic = 'external-call' } = world;
    const { carryOut } = createAnswers(
      { ...api.backend, clock, store: { client, tables: started.tables } },
      access,
    );
    const handler = createTopicWorker({
      topic,
      policy: { ...policy, callTimeoutMs: world.callTimeoutMs ?? policy.callTimeoutMs },
      receiver: (_, call) => {
        seen.calls += 1;
        return typeof received === 'function' ? received(call) : Promise.resolve(received);
      },
      ...(inquired && {
        inquire: () => (typeof inquired === 'function' ? inquired() : Promise.resolve(inquired)),
      }),
      carryOut: (answered, terms) => {
        seen.budgets.push(terms?.budgetMs);
        return carryOut(answered, terms);
      },
      outbox: access,
      sqs,
      log: silent,
      ...(world.isCounted !== false && { metrics }),
      random: () => 0.5,
    });
    const { batchItemFailures } = await handler(eventOf(item, world));
    return batchItemFailures.length === 1;
  }
  function eventOf(
    item: MessageItem,
    { receives = 1, more = {}, messageId, attributes = {} }: World = {},
  ): SQSEvent {
    const { Records } = sqsEvent(
      started.queues['external-call'],
      JSON.stringify({ ...JSON.parse(bodyOf(item)), ...more }),
    );
    return {
      Records: Records.map((record) => ({
        ...record,
        ...(messageId !== undefined && { messageId }),
        attributes: { ...record.attributes, ApproximateReceiveCount: String(receives), ...attributes },
      })),
    };
  }
  const put = (message: Partial<NewMessage> = {}) => started.put(message);
  const set = (item: MessageItem, attribute: string, value: unknown) =>
    started.client.send(
      new UpdateCommand({
        TableName: started.tables.outbox,
        Key: { pk: item.pk, sk: item.sk },
        UpdateExpression: 'SET #a = :a',
        ExpressionAttributeNames: { '#a': attribute },
        ExpressionAttributeValues: { ':a': value },
      }),
    );

  /** A clock that stands still, so that times are known to the millisecond. */
  const still = (at = started.clock.now()) => ({ now: () => at, at });

  /** As a worker leaves it that dies in a call. */
  async function deadWorker(item: MessageItem): Promise<void> {
    let claims = 0;
    await deliver(item, done, {
      lose: (command) => {
        if (command !== 'UpdateCommand' && command !== 'UpdateItemCommand') return;
        claims += 1;
        if (claims > 1) throw new Error('dead');
      },
    });
    started.clock.ahead(60_000);
    seen.hidden = [];
    seen.counted = [];
    seen.calls = 0;
  }

  return { seen, outbox, backend, deliver, eventOf, put, set, still, deadWorker };
}
