import { readFileSync } from 'node:fs';
import type { SQSEvent } from 'aws-lambda';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { message } from '../../functions/runtime/limits.ts';
import { queue as queueLimits, topicPolicies } from '../../functions/runtime/topics.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import { messageView } from '../../functions/store/outbox/message-view.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { createHttpCallReceiver } from '../../functions/workers/receivers/http-call.ts';
import { createTopicWorker } from '../../functions/workers/topic-worker.ts';
import { startBlackhole } from '../support/faults/blackhole.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { bodyOf, silent, sqsEvent, startOutbox } from '../support/outbox.ts';
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
      settingsOf: () => ({
        url: receiver.url,
        secrets: () => Promise.resolve(['secret of the test']),
      }),
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

  test('of a message that is being called end before their queue counts them as dead', async () => {
    const item = await outbox.put();
    let answer = (): void => undefined;
    receiver.answer = (response) => {
      answer = () => response.end();
    };
    const running = worker()(sqsEvent(outbox.queues['external-call'], bodyOf(item)));
    await expect.poll(() => receiver.calls.length).toBe(1);
    const copyAt = (count: number): SQSEvent => {
      const { Records } = sqsEvent(outbox.queues['external-call'], bodyOf(item));
      return {
        Records: Records.map((record) => ({
          ...record,
          attributes: { ...record.attributes, ApproximateReceiveCount: String(count) },
        })),
      };
    };
    const comesAgain = async (count: number): Promise<number> =>
      (await worker()(copyAt(count))).batchItemFailures.length;
    expect(await comesAgain(queueLimits.maxReceiveCount - 2)).toBe(1);
    expect(await comesAgain(queueLimits.maxReceiveCount - 1)).toBe(0);
    answer();
    await running;
    expect(await outbox.read(item)).toMatchObject({ status: 'done', attempts: 1 });
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

describe('what a message shows of its failures', () => {
  const shown = async (item: MessageItem): Promise<ReturnType<typeof messageView>> =>
    messageView(await outbox.read(item));
  const deliver = async (item: MessageItem, answers: number): Promise<void> => {
    receiver.answer = status(answers);
    await worker()(sqsEvent(outbox.queues['external-call'], bodyOf(item)));
    outbox.clock.ahead(60_000);
  };

  test('is the last one while it is true, and each attempt that failed', async () => {
    const item = await outbox.put();
    await deliver(item, 503);
    await deliver(item, 500);
    const failing = await shown(item);
    expect(failing).toMatchObject({ status: 'sent', attempts: 2, lastError: { code: '500' } });
    expect(failing.calls).toMatchObject([
      { run: 1, attempt: 1, code: '503' },
      { run: 1, attempt: 2, code: '500' },
    ]);
    await deliver(item, 200);
    const done = await shown(item);
    expect(done).toMatchObject({
      status: 'done',
      attempts: 3,
      calls: [...(failing.calls ?? []), { run: 1, attempt: 3, code: 'done', certain: true }],
    });
    expect(done).not.toHaveProperty('lastError');
  });

  test('stays over redrives, and is bounded', async () => {
    const item = await outbox.put();
    for (let run = 1; run <= message.callsMax + 2; run += 1) {
      await deliver(await outbox.read(item), 400);
      await redriveMessage(outbox.access, item);
    }
    const { calls = [] } = await shown(item);
    expect(calls).toHaveLength(message.callsMax);
    expect(calls.map(({ run, attempt }) => [run, attempt])).toEqual(
      Array.from({ length: message.callsMax }, (_, index) => [index + 3, 1]),
    );
  });

  test('of one that never failed is nothing', async () => {
    const item = await outbox.put();
    await deliver(item, 200);
    expect(await shown(item)).not.toHaveProperty('calls');
  });
});

test('a call to the database that hangs is given up within a worker’s time, and its delivery comes again', async () => {
  const item = await outbox.put();
  const hole = await startBlackhole(inject('dynamodbEndpoint'));
  hole.swallow = 'back';
  const client = createDocumentClient({
    endpoint: hole.endpoint,
    region: localRegion,
    credentials: localCredentials,
  });
  let tries = 0;
  client.middlewareStack.add(
    (next) => (args) => {
      tries += 1;
      return next(args);
    },
    // Inside the SDK's retries.
    { step: 'deserialize', priority: 'low', name: 'count-tries' },
  );
  const hanging = createTopicWorker({
    topic: 'external-call',
    policy: topicPolicies['external-call'],
    receiver: () => Promise.reject(new Error('no call was to be made')),
    carryOut: () => Promise.reject(new Error('no answer was to come')),
    outbox: { ...outbox.access, client, callMaxMs: 100 },
    sqs: outbox.sqs,
    log: silent,
  });
  const event = sqsEvent(outbox.queues['external-call'], bodyOf(item));
  expect((await hanging(event)).batchItemFailures).toHaveLength(1);
  // Given up by its own time: the client's would have let it try three times.
  expect(tries).toBe(1);
  client.destroy();
  await hole.stop();
});
