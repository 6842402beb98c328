import { readFileSync } from 'node:fs';
import type { SendMessageBatchCommandInput } from '@aws-sdk/client-sqs';
import { SQSServiceException } from '@aws-sdk/client-sqs';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMessageRelay } from '../../functions/outbox/message-relay.ts';
import type { MessageRelay } from '../../functions/outbox/message-relay.ts';
import { createTimerRelay } from '../../functions/outbox/timer-stream.ts';
import { silent, startOutbox, streamEvent } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

let outbox: TestOutbox;
beforeEach(async () => {
  outbox = await startOutbox();
});
afterEach(() => outbox.stop());

const event = (file: string): DynamoDBStreamEvent =>
  JSON.parse(
    readFileSync(new URL(`../../events/dynamodb-stream/${file}.json`, import.meta.url), 'utf8'),
  ) as DynamoDBStreamEvent;

const relayWith = (sqs = outbox.sqs, client = outbox.client): MessageRelay =>
  createMessageRelay({ outbox: { ...outbox.access, client }, sqs, queueUrls: outbox.queueUrls, log: silent });

const unavailable = (): SQSServiceException =>
  new SQSServiceException({
    name: 'ServiceUnavailable',
    $fault: 'server',
    $metadata: { httpStatusCode: 503 },
  });

describe('the relay', () => {
  test('sends a reference to the queue of each topic and marks the message', async () => {
    const call = await outbox.put({ traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' });
    const mail = await outbox.put({ topic: 'notification' });
    expect(await relayWith()(streamEvent(call, mail))).toEqual({ batchItemFailures: [] });
    const [sent] = await outbox.look(outbox.queues['external-call']);
    expect(JSON.parse(sent ?? '')).toEqual({
      id: call.id,
      tenant: 'acme',
      topic: 'external-call',
      run: 1,
      copy: expect.any(String) as unknown,
      traceparent: call.traceparent,
    });
    expect(await outbox.look(outbox.queues.notification)).toHaveLength(1);
    expect(await outbox.read(call)).toMatchObject({ status: 'sent', attempts: 0 });
    expect((await outbox.read(call)).sentAt).toBeDefined();
  });

  test('sends a message that a batch holds twice once', async () => {
    const item = await outbox.put();
    await relayWith()(streamEvent(item, item));
    expect(await outbox.look(outbox.queues['external-call'])).toHaveLength(1);
  });

  test('sends more than ten', async () => {
    const items = await Promise.all(Array.from({ length: 23 }, () => outbox.put()));
    await relayWith()(streamEvent(...items));
    expect(await outbox.look(outbox.queues['external-call'])).toHaveLength(23);
  });

  test.each([
    ['messages-inserted', 1],
    ['message-redriven', 1],
    ['message-twice', 0],
    ['message-removed', 0],
    ['poisoned', 1],
  ])('takes the event %s and holds nothing up', async (file, calls) => {
    expect(await relayWith()(event(file))).toEqual({ batchItemFailures: [] });
    expect(await outbox.look(outbox.queues['external-call'])).toHaveLength(calls);
  });

  test('reports the part of a batch that SQS failed to take, and just that', async () => {
    const items = await Promise.all([outbox.put(), outbox.put(), outbox.put()]);
    const sqs = outbox.anotherSqs();
    intercept(sqs, {
      // The service takes the entry out of the batch and says so.
      before: ({ input }) => {
        const batch = input as SendMessageBatchCommandInput;
        const taken = batch.Entries?.filter(({ MessageBody }) => !MessageBody?.includes(items[1].id)) ?? [];
        // Alone, when it is tried again, it makes the whole request fail.
        if (taken.length === 0) throw unavailable();
        batch.Entries = taken;
      },
    });
    const { batchItemFailures } = await relayWith(sqs)(streamEvent(...items));
    expect(batchItemFailures).toEqual([{ itemIdentifier: '1001' }]);
    const states = await Promise.all(items.map((item) => outbox.read(item)));
    expect(states.map(({ status }) => status)).toEqual(['sent', 'pending', 'sent']);
  });

  test('does not let a queue that is gone hold up the other topics', async () => {
    const call = await outbox.put();
    const mail = await outbox.put({ topic: 'notification' });
    const relay = createMessageRelay({
      outbox: outbox.access,
      sqs: outbox.sqs,
      queueUrls: { ...outbox.queueUrls, 'external-call': `${outbox.server.endpoint}/000000000000/gone` },
      log: silent,
    });
    expect(await relay(streamEvent(call, mail))).toEqual({ batchItemFailures: [] });
    expect((await outbox.read(call)).status).toBe('pending');
    expect((await outbox.read(mail)).status).toBe('sent');
  });

  test('reports everything while SQS is away', async () => {
    const item = await outbox.put();
    const sqs = outbox.anotherSqs();
    intercept(sqs, {
      before: () => {
        throw unavailable();
      },
    });
    expect((await relayWith(sqs)(streamEvent(item))).batchItemFailures).toHaveLength(1);
  });

  test('that cannot mark has sent all the same', async () => {
    const item = await outbox.put();
    const client = outbox.anotherClient();
    intercept(client, {
      before: () => {
        throw new Error('lost');
      },
    });
    expect(await relayWith(outbox.sqs, client)(streamEvent(item))).toEqual({ batchItemFailures: [] });
    expect(await outbox.look(outbox.queues['external-call'])).toHaveLength(1);
    expect((await outbox.read(item)).status).toBe('pending');
  });

  test('does not undo what a worker that was faster has done', async () => {
    const item = await outbox.put();
    const worker = outbox.worker(() => Promise.resolve({ kind: 'done', result: {} }));
    const sqs = outbox.anotherSqs();
    intercept(sqs, {
      after: async () => {
        await outbox.poll(outbox.queues['external-call'], worker);
      },
    });
    await relayWith(sqs)(streamEvent(item));
    expect((await outbox.read(item)).status).toBe('done');
  });
});

describe('the relay of timers', () => {
  const relay = (now: number): ReturnType<typeof createTimerRelay> =>
    createTimerRelay({
      sqs: outbox.sqs,
      queueUrl: outbox.queues.timer.url,
      clock: { now: () => now },
      log: silent,
    });
  const dueAt = 1_795_170_330_123;

  test('sends a timer that is due now', async () => {
    expect(await relay(dueAt)(event('timer-begins'))).toEqual({ batchItemFailures: [] });
    const [sent] = await outbox.look(outbox.queues.timer);
    expect(JSON.parse(sent ?? '')).toEqual({
      entity: 'rsv_01JD8Q5A1C2E3G4J5M6N7P8Q9R',
      collection: 'reservations',
      tenant: 'acme',
      transition: 'expire',
      dueAt,
    });
  });

  test('hides one that is not', async () => {
    await relay(dueAt - 600_000)(event('timer-begins'));
    expect(await outbox.look(outbox.queues.timer)).toEqual([]);
  });

  test('sends nothing where the timer is as it was', async () => {
    await relay(dueAt)(event('timer-unchanged'));
    expect(await outbox.look(outbox.queues.timer)).toEqual([]);
  });
});
