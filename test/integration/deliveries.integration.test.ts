import { readFileSync } from 'node:fs';
import type { SQSEvent } from 'aws-lambda';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { createHttpCallReceiver } from '../../functions/workers/receivers/http-call.ts';
import { bodyOf, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox, WorkerOptions } from '../support/outbox.ts';
import { startReceiver, status } from '../support/receivers.ts';
import type { TestReceiver } from '../support/receivers.ts';

let outbox: TestOutbox;
let receiver: TestReceiver;
let dispatcher: Agent;
beforeEach(async () => {
  [outbox, receiver] = await Promise.all([startOutbox(), startReceiver()]);
  dispatcher = new Agent();
});
afterEach(async () => {
  await dispatcher.destroy();
  await Promise.all([receiver.stop(), outbox.stop()]);
});

const worker = (options: WorkerOptions = {}): QueueHandler =>
  outbox.worker(
    createHttpCallReceiver({
      url: receiver.url,
      secret: () => Promise.resolve('secret of the test'),
      clock: outbox.clock,
      dispatcher,
      publicOnly: false,
    }),
    options,
  );

describe('deliveries', () => {
  test('nobody can read are dead letters, and their neighbours are worked off', async () => {
    const item = await outbox.put();
    const poisoned = JSON.parse(
      readFileSync(new URL('../../events/sqs/poisoned.json', import.meta.url), 'utf8'),
    ) as SQSEvent;
    const queue = outbox.queues['external-call'];
    // A queue takes no empty body.
    const bodies = poisoned.Records.map(({ body }) => body).filter((body) => body !== '');
    for (const body of bodies) await outbox.send(queue, body);
    await outbox.send(queue, bodyOf(item));
    const handler = worker();
    while ((await outbox.depth(queue)) > 0) await outbox.poll(queue, handler);
    expect((await outbox.look(outbox.queues.dead)).sort()).toEqual(bodies.sort());
    expect((await outbox.read(item)).status).toBe('done');
    expect(await outbox.all()).toHaveLength(1);
    expect(receiver.calls).toHaveLength(1);
  });

  test('of an event with nothing but poison fail one by one and never as a whole', async () => {
    const poisoned = JSON.parse(
      readFileSync(new URL('../../events/sqs/poisoned.json', import.meta.url), 'utf8'),
    ) as SQSEvent;
    const { batchItemFailures } = await worker()(poisoned);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(
      poisoned.Records.map(({ messageId }) => messageId).sort(),
    );
  });

  test('of one message at the same time make one call', async () => {
    const item = await outbox.put();
    const body = bodyOf(item);
    receiver.answer = (response) => {
      setTimeout(() => response.end('slow'), 100);
    };
    const event = sqsEvent(outbox.queues['external-call'], body, body, body);
    const [one, other] = await Promise.all([worker()(event), worker()(event)]);
    expect(receiver.calls).toHaveLength(1);
    expect(one.batchItemFailures.length + other.batchItemFailures.length).toBe(5);
    expect(await worker()(event)).toEqual({ batchItemFailures: [] });
    expect(receiver.calls).toHaveLength(1);
    expect(await outbox.read(item)).toMatchObject({ status: 'done', attempts: 1 });
  });

  test('of a message that hangs hold up no neighbour', async () => {
    const [slow, fast] = [await outbox.put(), await outbox.put()];
    receiver.answer = (response, call) => {
      if (call.headers['idempotency-key'] !== slow.id) response.end();
    };
    const bodies = [bodyOf(slow), bodyOf(fast)];
    const batch = worker({ policy: { callTimeoutMs: 3_000 } })(
      sqsEvent(outbox.queues['external-call'], ...bodies),
    );
    await expect.poll(async () => (await outbox.read(fast)).status).toBe('done');
    expect((await outbox.read(slow)).status).toBe('sent');
    receiver.answer = status(200);
    await batch;
  });

  test('of a queue come again by themselves until they are worked off', async () => {
    const item = await outbox.put();
    await outbox.send(outbox.queues['external-call'], bodyOf(item));
    receiver.answer = status(503);
    const handler = worker();
    await outbox.poll(outbox.queues['external-call'], handler);
    expect(await outbox.poll(outbox.queues['external-call'], handler)).toBe(0);
    receiver.answer = status(200);
    await expect
      .poll(
        async () => {
          await outbox.poll(outbox.queues['external-call'], handler);
          return (await outbox.read(item)).status;
        },
        { timeout: 15_000, interval: 200 },
      )
      .toBe('done');
    expect(receiver.calls).toHaveLength(2);
  });
});
