/** A copy of a reference is told from a dead letter that was moved back (G21), on every kind of queue there is. */
import {
  ChangeMessageVisibilityCommand,
  ListMessageMoveTasksCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMessageRelay } from '../../functions/outbox/message-relay.ts';
import type { MessageRelay } from '../../functions/outbox/message-relay.ts';
import { createSweeper } from '../../functions/outbox/sweep.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { sweep as limits } from '../../functions/runtime/delivery-limits.ts';
import { createSendingClient } from '../../functions/runtime/queue-client.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { refused } from '../../functions/workers/receiver.ts';
import type { Received } from '../../functions/workers/receiver.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { bodyOf, silent, sqsEvent, startOutbox, streamEvent } from '../support/outbox.ts';
import type { TestOutbox, TestQueue } from '../support/outbox.ts';
import { intercept, loseFirstAnswer } from '../support/sdk-faults.ts';

let outbox: TestOutbox;
let handler: QueueHandler;
let queue: TestQueue;
let calls: string[];
let answer: Received;
const refusal = refused('400', 'The receiver answered 400.');
const done: Received = { kind: 'done', result: {} };
beforeEach(async () => {
  outbox = await startOutbox();
  queue = outbox.queues['external-call'];
  calls = [];
  answer = refusal;
  handler = outbox.worker((message) => {
    calls.push(message.id);
    return Promise.resolve(answer);
  });
});
afterEach(() => outbox.stop());

const relayWith = (sqs = outbox.sqs): MessageRelay =>
  createMessageRelay({ sqs, queueUrls: outbox.queueUrls, log: silent });

/**
 * Until the queue is empty: what is dead is handed back until SQS moves it. One delivery at a time: of two copies at
 * once the second would be hidden for as long as the lease of the first, by the clock of the queue.
 */
async function drain(by: QueueHandler = handler): Promise<void> {
  while ((await outbox.depth(queue)) > 0) await outbox.poll(queue, by, 1);
}

/** A redrive by the console or the CLI. */
async function moved(): Promise<void> {
  await outbox.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: outbox.queues.dead.arn }));
  const task = async (): Promise<unknown> => {
    const command = new ListMessageMoveTasksCommand({ SourceArn: outbox.queues.dead.arn });
    return (await outbox.sqs.send(command)).Results?.[0]?.Status;
  };
  await expect.poll(task, { timeout: 10_000 }).toBe('COMPLETED');
}

async function expectDeadInItsFirstRun(item: MessageItem): Promise<void> {
  expect(await outbox.read(item)).toMatchObject({ status: 'dead', run: 1, attempts: 1 });
  expect(calls).toEqual([item.id]);
}

describe('a copy that comes after the death', () => {
  test('from a relay that was handed the same batch again joins the dead letters', async () => {
    const item = await outbox.put();
    await relayWith()(streamEvent(item));
    await drain();
    await relayWith()(streamEvent(item));
    await drain();
    await expectDeadInItsFirstRun(item);
    expect(await outbox.look(outbox.queues.dead)).toHaveLength(2);
  });

  test('from a sweeper that read the message before it died joins the dead letters', async () => {
    const longAgo = Date.now() - (limits.graceSeconds + 1) * 1000;
    const item = await outbox.put({ createdAt: timestamp(longAgo) });
    const sqs = outbox.anotherSqs();
    intercept(sqs, {
      before: async ({ command }) => {
        if (command === 'SendMessageBatchCommand') await handler(sqsEvent(queue, bodyOf(item)));
      },
    });
    await createSweeper({
      client: outbox.client,
      sqs,
      clock: outbox.clock,
      tables: outbox.tables,
      queueUrls: outbox.queueUrls,
      timerQueueUrl: outbox.queues.timer.url,
      log: silent,
    })({});
    await drain();
    await expectDeadInItsFirstRun(item);
    expect(await outbox.look(outbox.queues.dead)).toHaveLength(1);
  });

  test('from a send whose answer was lost, and that was tried again, joins the dead letters', async () => {
    const item = await outbox.put();
    const sqs = createSendingClient({
      endpoint: outbox.server.endpoint,
      region: localRegion,
      credentials: localCredentials,
    });
    loseFirstAnswer(sqs, 'SendMessageBatchCommand');
    await relayWith(sqs)(streamEvent(item));
    sqs.destroy();
    expect(await outbox.look(queue)).toHaveLength(2);
    await drain();
    await expectDeadInItsFirstRun(item);
    expect(await outbox.look(outbox.queues.dead)).toHaveLength(2);
  });
});

test('of a message with several dead letters the one it died with begins the next run, the others join it', async () => {
  const item = await outbox.put();
  for (let copy = 0; copy < 3; copy += 1) await relayWith()(streamEvent(item));
  await drain();
  await expectDeadInItsFirstRun(item);
  answer = done;
  await moved();
  await drain();
  await relayWith()(streamEvent(await outbox.read(item)));
  await drain();
  expect(await outbox.read(item)).toMatchObject({ status: 'done', run: 2 });
  expect(calls).toHaveLength(2);
});

/**
 * A queue as LocalStack 4.14 has it: a message that is moved keeps its id, its time and its attributes, so its count
 * goes on and it says from which queue's dead letters it comes. Here the server's own moved message is given back what
 * it had: a body is that of one copy alone.
 */
function keepingQueue(): (inner: QueueHandler) => QueueHandler {
  const first = new Map<string, SQSRecord>();
  return (inner) =>
    async ({ Records }, context) => {
      const outer = new Map<string, string>();
      const kept = Records.map((record): SQSRecord => {
        const known = first.get(record.body);
        if (known === undefined) first.set(record.body, record);
        if (known === undefined || known.messageId === record.messageId) return record;
        outer.set(known.messageId, record.messageId);
        const attributes = {
          ...record.attributes,
          SentTimestamp: known.attributes.SentTimestamp,
          // Those of the first stay, and the one by which the move task took it.
          ApproximateReceiveCount: String(9 + Number(record.attributes.ApproximateReceiveCount)),
          DeadLetterQueueSourceArn: queue.arn,
        };
        return { ...record, messageId: known.messageId, attributes };
      });
      const { batchItemFailures } = await inner({ Records: kept }, context);
      return {
        batchItemFailures: batchItemFailures.map(({ itemIdentifier }) => ({
          itemIdentifier: outer.get(itemIdentifier) ?? itemIdentifier,
        })),
      };
    };
}

/** Nobody works on what it gets. */
const noWorker: QueueHandler = async ({ Records }) => {
  for (const { receiptHandle } of Records) {
    await outbox.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queue.url,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }),
    );
  }
  return { batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
};

describe('on a queue that keeps id and time of what it moves', () => {
  test('three dead letters are worked off once each', async () => {
    const keeping = keepingQueue();
    const items = await Promise.all([outbox.put(), outbox.put(), outbox.put()]);
    await relayWith()(streamEvent(...items));
    await drain(keeping(handler));
    expect(calls).toHaveLength(3);
    calls.length = 0;
    answer = done;
    await moved();
    await drain(keeping(handler));
    const again = await Promise.all(items.map((item) => outbox.read(item)));
    await relayWith()(streamEvent(...again));
    await drain(keeping(handler));
    expect(calls.sort()).toEqual(items.map(({ id }) => id).sort());
    const ends = await Promise.all(items.map((item) => outbox.read(item)));
    expect(ends.map(({ status, run }) => [status, run])).toEqual(items.map(() => ['done', 2]));
    expect(await outbox.look(outbox.queues.dead)).toEqual([]);
  });

  test('one that was moved back while it was open, and dies then, is not revived on its way', async () => {
    const keeping = keepingQueue();
    const item = await outbox.put();
    await relayWith()(streamEvent(item));
    await drain(keeping(noWorker));
    expect(await outbox.read(item)).toMatchObject({ status: 'pending', attempts: 0 });
    await moved();
    await drain(keeping(handler));
    await expectDeadInItsFirstRun(item);
    expect(await outbox.look(outbox.queues.dead)).toHaveLength(1);
  });
});

describe('a reference without a copy id, of the version before', () => {
  const old = (item: MessageItem): string => {
    const { id, tenant, topic, run } = item;
    return JSON.stringify({ id, tenant, topic, run });
  };

  test('is worked off like any other', async () => {
    answer = done;
    const item = await outbox.put();
    await outbox.send(queue, old(item));
    await drain();
    expect(await outbox.read(item)).toMatchObject({ status: 'done', run: 1 });
  });

  test('never begins a new run: its dead letter goes back, and the API redrives it', async () => {
    const item = await outbox.put();
    await outbox.send(queue, old(item));
    await drain();
    await outbox.send(queue, old(item));
    await moved();
    await drain();
    await expectDeadInItsFirstRun(item);
    expect(await outbox.look(outbox.queues.dead)).toHaveLength(2);
    expect(await redriveMessage(outbox.access, item)).toBe('redriven');
  });
});
