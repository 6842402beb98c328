import { Webhook } from 'standardwebhooks';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { createHttpCallReceiver } from '../../functions/workers/receivers/http-call.ts';
import { bodyOf, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox, WorkerOptions } from '../support/outbox.ts';
import { startReceiver, status } from '../support/receivers.ts';
import type { TestReceiver } from '../support/receivers.ts';
import { intercept } from '../support/sdk-faults.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let outbox: TestOutbox;
let receiver: TestReceiver;
let dispatcher: Agent;
/** What the worker asked SQS to hide deliveries for, in seconds. */
let hidden: number[];
beforeEach(async () => {
  [outbox, receiver] = await Promise.all([startOutbox(), startReceiver()]);
  dispatcher = new Agent();
  hidden = [];
});
afterEach(async () => {
  await dispatcher.destroy();
  await Promise.all([receiver.stop(), outbox.stop()]);
});

const worker = (options: WorkerOptions & { url?: string } = {}): QueueHandler => {
  const sqs = outbox.anotherSqs();
  intercept(sqs, {
    before: ({ command, input }) => {
      if (command === 'ChangeMessageVisibilityCommand') {
        hidden.push((input as { VisibilityTimeout: number }).VisibilityTimeout);
      }
    },
  });
  const call = createHttpCallReceiver({
    settingsOf: () => ({ url: options.url ?? receiver.url, secrets: () => Promise.resolve([secret]) }),
    clock: outbox.clock,
    dispatcher,
    publicOnly: false,
  });
  return outbox.worker(call, { sqs, ...options });
};

const deliver = (handler: QueueHandler, item: MessageItem, run = 1): ReturnType<QueueHandler> =>
  handler(sqsEvent(outbox.queues['external-call'], bodyOf(item, run)));

/** Delivers again and again, each time once the next attempt is due. @returns deliveries that failed */
async function deliverUntilOver(handler: QueueHandler, item: MessageItem): Promise<number> {
  for (let failed = 0; ; failed += 1) {
    await deliver(handler, item);
    const { status: now, leaseUntil = 0 } = await outbox.read(item);
    if (now !== 'sent') return failed;
    outbox.clock.ahead(Math.max(leaseUntil - outbox.clock.now(), 0));
  }
}

describe('a call to the outside', () => {
  test('is a signed POST that names the message, the entity and its seq; its answer is kept', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const item = await outbox.put({ seq: 7, traceparent });
    expect(await deliver(worker(), item)).toEqual({ batchItemFailures: [] });
    const [call] = receiver.calls;
    expect(call?.method).toBe('POST');
    expect(call?.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': item.id,
      'webhook-id': item.id,
      traceparent,
    });
    expect(new Webhook(secret).verify(call?.body ?? '', call?.headers as Record<string, string>)).toEqual({
      id: item.id,
      type: 'payment.confirmed',
      entity: item.entity,
      occurredAt: item.createdAt,
      data: { amount: 1250, seq: 7 },
    });
    const done = await outbox.read(item);
    expect(done).toMatchObject({ status: 'done', attempts: 1 });
    expect(JSON.parse(done.result ?? '')).toEqual({ status: 200, body: 'received' });
    expect(done.leaseUntil).toBeUndefined();
    expect(done.openPk).toBeUndefined();
    expect(done.closedPk).toMatch(/^acme#done#\d$/);
  });

  test('that is answered 500 is made five times, with growing gaps and one key, then it is dead', async () => {
    receiver.answer = status(500, 'out of order');
    const item = await outbox.put();
    expect(await deliverUntilOver(worker(), item)).toBe(4);
    expect(receiver.calls).toHaveLength(5);
    expect(new Set(receiver.calls.map(({ headers }) => headers['idempotency-key']))).toEqual(
      new Set([item.id]),
    );
    const waits = hidden.slice(0, 4);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThanOrEqual(6);
    // Handed back at once, for its queue to move it to the dead letters.
    expect(hidden.slice(4)).toEqual([0]);
    const dead = await outbox.read(item);
    expect(dead).toMatchObject({
      status: 'dead',
      attempts: 5,
      lastError: { code: '500', answer: 'out of order' },
    });
  });

  // What each status means: `http-call.unit.test.ts`.
  test.each([404, 302])('that is answered %i is dead at once', async (code) => {
    receiver.answer = status(code, 'no', { location: receiver.url });
    const item = await outbox.put();
    expect(await deliverUntilOver(worker(), item)).toBe(0);
    expect(receiver.calls).toHaveLength(1);
    expect(await outbox.read(item)).toMatchObject({
      status: 'dead',
      attempts: 1,
      lastError: { code: String(code) },
    });
    expect(hidden).toEqual([0]);
  });

  test.each([409, 503])('that is answered %i is tried again', async (code) => {
    receiver.answer = status(code);
    const item = await outbox.put();
    expect((await deliver(worker(), item)).batchItemFailures).toHaveLength(1);
    receiver.answer = status(204);
    expect(await deliverUntilOver(worker(), item)).toBe(1);
    expect(await outbox.read(item)).toMatchObject({
      status: 'done',
      attempts: 2,
      lastError: { code: String(code) },
    });
  });

  test('waits for as long as the receiver asks, also where a copy of the message comes sooner', async () => {
    receiver.answer = status(429, 'slow down', { 'retry-after': '37' });
    const item = await outbox.put();
    const before = outbox.clock.now();
    await deliver(worker(), item);
    expect(hidden).toEqual([37]);
    expect((await outbox.read(item)).leaseUntil).toBeGreaterThanOrEqual(before + 37_000);
    expect((await deliver(worker(), item)).batchItemFailures).toHaveLength(1);
    expect(receiver.calls).toHaveLength(1);
  });

  test('that hangs has failed when its time is over', async () => {
    receiver.answer = () => undefined;
    const item = await outbox.put();
    await deliver(worker({ policy: { callTimeoutMs: 100 } }), item);
    expect(await outbox.read(item)).toMatchObject({
      status: 'sent',
      attempts: 1,
      lastError: { code: 'timeout' },
    });
  });

  test('whose connection is cut after the receiver acted is made again with the same key', async () => {
    receiver.answer = (response) => {
      response.destroy();
    };
    const item = await outbox.put();
    expect((await deliver(worker(), item)).batchItemFailures).toHaveLength(1);
    receiver.answer = status(200);
    expect(await deliverUntilOver(worker(), item)).toBe(1);
    expect(receiver.calls.map(({ headers }) => headers['idempotency-key'])).toEqual([item.id, item.id]);
    expect((await outbox.read(item)).status).toBe('done');
  });

  test('to nobody is tried again', async () => {
    const { url } = receiver;
    await receiver.stop();
    const item = await outbox.put();
    await deliver(worker({ url }), item);
    expect(await outbox.read(item)).toMatchObject({ status: 'sent', lastError: { code: 'ECONNREFUSED' } });
    receiver = await startReceiver();
  });

  test('keeps the beginning of a long answer and says so', async () => {
    receiver.answer = status(200, 'ü'.repeat(1_000_000));
    const item = await outbox.put();
    await deliver(worker(), item);
    const { result = '' } = await outbox.read(item);
    expect(JSON.parse(result)).toEqual({ status: 200, body: 'ü'.repeat(2_048), truncated: true });
  });

  test('removes a confidential payload once it is done, not before', async () => {
    const item = await outbox.put({ sensitive: true });
    receiver.answer = status(500);
    await deliver(worker(), item);
    expect((await outbox.read(item)).payload).toBeDefined();
    receiver.answer = status(200);
    await deliverUntilOver(worker(), item);
    expect((await outbox.read(item)).payload).toBeUndefined();
  });
});
