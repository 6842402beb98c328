import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SendMessageBatchCommandInput } from '@aws-sdk/client-sqs';
import { SQSServiceException } from '@aws-sdk/client-sqs';
import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMessageRelay } from '../../functions/outbox/message-relay.ts';
import type { MessageRelay } from '../../functions/outbox/message-relay.ts';
import { createTimerRelay } from '../../functions/outbox/timer-stream.ts';
import { delivery as deliveryLimits, timer as timerLimits } from '../../functions/runtime/delivery-limits.ts';
import type { Log } from '../../functions/runtime/logger.ts';
import type { MetricWriter } from '../../functions/runtime/metric-writer.ts';
import { silent, startOutbox, streamEvent } from '../support/outbox.ts';
import type { TestOutbox, TestQueue } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

let outbox: TestOutbox;
beforeAll(async () => {
  outbox = await startOutbox();
});
afterAll(() => outbox.stop());

/** Each test has queues of its own. */
let queues: Readonly<Record<'external-call' | 'notification' | 'timer', TestQueue>>;
let queueUrls: TestOutbox['queueUrls'];
beforeEach(async () => {
  const queue = (topic: string) => outbox.server.createQueue(`${topic}-${randomUUID()}`);
  queues = {
    'external-call': await queue('call'),
    notification: await queue('mail'),
    timer: await queue('timer'),
  };
  queueUrls = {
    ...outbox.queueUrls,
    'external-call': queues['external-call'].url,
    notification: queues.notification.url,
  };
});

const event = (file: string): DynamoDBStreamEvent =>
  JSON.parse(
    readFileSync(new URL(`../../events/dynamodb-stream/${file}.json`, import.meta.url), 'utf8'),
  ) as DynamoDBStreamEvent;

const relayWith = (sqs = outbox.sqs): MessageRelay => createMessageRelay({ sqs, queueUrls, log: silent });

const unavailable = (): SQSServiceException =>
  new SQSServiceException({
    name: 'ServiceUnavailable',
    $fault: 'server',
    $metadata: { httpStatusCode: 503 },
  });

describe('the relay', () => {
  test('sends a reference to the queue of each topic and writes nothing', async () => {
    const call = await outbox.put({ traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' });
    const mail = await outbox.put({ topic: 'notification' });
    expect(await relayWith()(streamEvent(call, mail))).toEqual({ batchItemFailures: [] });
    const [sent] = await outbox.look(queues['external-call']);
    expect(JSON.parse(sent ?? '')).toEqual({
      id: call.id,
      tenant: 'acme',
      topic: 'external-call',
      run: 1,
      copy: expect.any(String) as unknown,
      traceparent: call.traceparent,
    });
    expect(await outbox.look(queues.notification)).toHaveLength(1);
    expect(await outbox.read(call)).toEqual(call);
  });

  test('sends a message that a batch holds twice once', async () => {
    const item = await outbox.put();
    await relayWith()(streamEvent(item, item));
    expect(await outbox.look(queues['external-call'])).toHaveLength(1);
  });

  test('sends more than ten', async () => {
    const items = await Promise.all(Array.from({ length: 23 }, () => outbox.put()));
    await relayWith()(streamEvent(...items));
    expect(await outbox.look(queues['external-call'])).toHaveLength(23);
  });

  test.each([
    ['messages-inserted', 1],
    ['message-redriven', 1],
    ['message-twice', 0],
    ['message-removed', 0],
    ['poisoned', 1],
  ])('takes the event %s and holds nothing up', async (file, calls) => {
    expect(await relayWith()(event(file))).toEqual({ batchItemFailures: [] });
    expect(await outbox.look(queues['external-call'])).toHaveLength(calls);
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
    const bodies = await outbox.look(queues['external-call']);
    const sent = items.map(({ id }) => bodies.some((body) => body.includes(id)));
    expect(sent).toEqual([true, false, true]);
  });

  test('does not let a queue that is gone hold up the other topics', async () => {
    const call = await outbox.put();
    const mail = await outbox.put({ topic: 'notification' });
    const relay = createMessageRelay({
      sqs: outbox.sqs,
      queueUrls: { ...queueUrls, 'external-call': `${outbox.server.endpoint}/000000000000/gone` },
      log: silent,
    });
    expect(await relay(streamEvent(call, mail))).toEqual({ batchItemFailures: [] });
    expect(await outbox.look(queues.notification)).toHaveLength(1);
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
});

describe('what was not sent', () => {
  const refusing = (Code: string, SenderFault: boolean) => {
    const sqs = outbox.anotherSqs();
    intercept(sqs, {
      before: () => {
        // As the service answers for an entry of a batch.
        throw Object.assign(unavailable(), { name: Code, $fault: SenderFault ? 'client' : 'server' });
      },
    });
    return sqs;
  };
  const watched = (): { readonly log: Log; readonly metrics: MetricWriter; readonly told: unknown[] } => {
    const told: unknown[] = [];
    return {
      told,
      log: {
        ...silent,
        error: (...line) => void told.push(line),
        warn: (...line) => void told.push(line),
      },
      metrics: {
        add: (name, value, ...topic) => {
          told.push([name, value, ...topic]);
        },
        flush: () => undefined,
      },
    };
  };

  test('is told with its name, and counted for its topic; what was sent is not', async () => {
    const item = await outbox.put();
    const { told, ...seen } = watched();
    const relay = createMessageRelay({
      ...{ queueUrls, sqs: refusing('ServiceUnavailable', false) },
      ...seen,
    });
    await createMessageRelay({ sqs: outbox.sqs, queueUrls, ...seen })(streamEvent(item));
    expect(told).toEqual([]);
    await relay(streamEvent(item));
    const outcome = { kind: 'failed', reason: 'ServiceUnavailable' };
    expect(told).toEqual([
      ['message not sent', { messageId: item.id, tenant: 'acme', topic: 'external-call', outcome }],
      ['MessagesNotSent', 1, 'external-call'],
    ]);
  });

  test('is told of a timer, too, and is left to the sweeper where it can never pass', async () => {
    const { told, ...seen } = watched();
    const begins = event('timer-begins');
    const dueAt = 1_795_170_330_123;
    const relay = (queueUrl: string, sqs = outbox.sqs) =>
      createTimerRelay({ sqs, queueUrl, clock: { now: () => dueAt }, ...seen })(begins);
    const [record] = begins.Records;
    expect(await relay(queues.timer.url, refusing('ServiceUnavailable', false))).toEqual({
      batchItemFailures: [{ itemIdentifier: record?.dynamodb?.SequenceNumber }],
    });
    const outcome = { kind: 'failed', reason: 'ServiceUnavailable' };
    const timer = { entity: 'rsv_01JD8Q5A1C2E3G4J5M6N7P8Q9R', tenant: 'acme' };
    expect(told).toEqual([
      ['timer not sent', { ...timer, outcome }],
      ['MessagesNotSent', 1, 'timer'],
    ]);
    const gone = `${outbox.server.endpoint}/000000000000/gone`;
    expect(await relay(gone)).toEqual({ batchItemFailures: [] });
    expect(told).toHaveLength(4);
    expect(await relay(queues.timer.url)).toEqual({ batchItemFailures: [] });
    expect(told).toHaveLength(4);
    const uncounted = createTimerRelay({
      ...{ sqs: refusing('ServiceUnavailable', false), queueUrl: queues.timer.url },
      ...{ clock: { now: () => dueAt }, log: silent },
    });
    expect((await uncounted(begins)).batchItemFailures).toHaveLength(1);
  });

  test('is reported by each record that carries it', async () => {
    const item = await outbox.put();
    const both = await relayWith(refusing('ServiceUnavailable', false))(streamEvent(item, item));
    expect(both.batchItemFailures).toEqual([{ itemIdentifier: '1000' }, { itemIdentifier: '1001' }]);
  });

  test('because it was no message that waits to be sent is left alone', async () => {
    const item = await outbox.put();
    const { told, ...seen } = watched();
    const relay = createMessageRelay({ sqs: outbox.sqs, queueUrls, ...seen });
    const batch = streamEvent(item, { ...item, status: 'sent' }, { ...item, run: 'x' });
    const [first, sent, unreadable] = batch.Records;
    if (!first?.dynamodb || !sent || !unreadable) throw new Error('there are three');
    const { SequenceNumber, ...unnumbered } = first.dynamodb;
    const records = [
      { ...first, dynamodb: unnumbered },
      { eventName: 'INSERT' as const },
      { ...first, eventName: 'REMOVE' as const },
      sent,
      unreadable,
    ];
    expect(await relay({ Records: records })).toEqual({ batchItemFailures: [] });
    expect(await outbox.look(queues['external-call'])).toEqual([]);
    expect(told).toEqual([['stream record without a readable message', { sequenceNumber: '1002' }]]);
    expect(SequenceNumber).toBe('1000');
    // Of two runs of a message each is sent.
    expect(await relay(streamEvent(item, { ...item, run: 2 }))).toEqual({ batchItemFailures: [] });
    expect(await outbox.look(queues['external-call'])).toHaveLength(2);
  });
});

describe('the relay of timers', () => {
  const relay = (now: number): ReturnType<typeof createTimerRelay> =>
    createTimerRelay({
      sqs: outbox.sqs,
      queueUrl: queues.timer.url,
      clock: { now: () => now },
      log: silent,
    });
  const dueAt = 1_795_170_330_123;

  test('sends a timer that is due now', async () => {
    expect(await relay(dueAt)(event('timer-begins'))).toEqual({ batchItemFailures: [] });
    const [sent] = await outbox.look(queues.timer);
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
    expect(await outbox.look(queues.timer)).toEqual([]);
  });

  test('sends one for as long as a queue can hide it, and leaves what is further away', async () => {
    const begins = event('timer-begins');
    const delays: unknown[] = [];
    const sqs = outbox.anotherSqs();
    intercept(sqs, {
      before: ({ input }) => {
        const { Entries = [] } = input as SendMessageBatchCommandInput;
        delays.push(...Entries.map(({ DelaySeconds, MessageGroupId }) => [DelaySeconds, MessageGroupId]));
      },
    });
    const at = (now: number) =>
      createTimerRelay({ sqs, queueUrl: queues.timer.url, clock: { now: () => now }, log: silent })(begins);
    const far = timerLimits.horizonSeconds * 1000;
    for (const now of [dueAt - far - 1, dueAt - far, dueAt - 1_001, dueAt - 1, dueAt, dueAt + 5_000])
      await at(now);
    expect(delays).toEqual([deliveryLimits.delayMaxSeconds, 2, 1, 0, 0].map((delay) => [delay, 'acme']));
  });

  test('sends one whose time or transition has changed, and none of what is gone or has no number', async () => {
    const [record] = event('timer-unchanged').Records;
    if (record?.dynamodb?.OldImage === undefined) throw new Error('there is one');
    const { OldImage, ...after } = record.dynamodb;
    const relayed = async (change: Partial<DynamoDBRecord>): Promise<number> => {
      await relay(dueAt + 1e9)({ Records: [{ ...record, ...change }] });
      const count = (await outbox.look(queues.timer)).length;
      queues = { ...queues, timer: await outbox.server.createQueue(`timer-${randomUUID()}`) };
      return count;
    };
    const before = (old: object): Partial<DynamoDBRecord> => ({
      dynamodb: { ...after, OldImage: { ...OldImage, ...old } },
    });
    expect(await relayed(before({}))).toBe(0);
    expect(await relayed(before({ dueAt: { N: '5' } }))).toBe(1);
    expect(await relayed(before({ timerTransition: { S: 'other' } }))).toBe(1);
    expect(await relayed({ ...before({ dueAt: { N: '5' } }), eventName: 'REMOVE' })).toBe(0);
    const { SequenceNumber, ...unnumbered } = after;
    expect(SequenceNumber).toBeDefined();
    expect(await relayed({ dynamodb: unnumbered })).toBe(0);
    await relay(dueAt)({ Records: [{ eventName: 'MODIFY' }] });
    // One that waits no more, and one that never did.
    const { timerTransition, ...idle } = OldImage;
    expect(timerTransition).toBeDefined();
    expect(await relayed({ dynamodb: { ...after, OldImage, NewImage: idle } })).toBe(0);
    expect(await relayed({ dynamodb: { ...after, OldImage: idle, NewImage: idle } })).toBe(0);
  });

  test('sends nothing where the timer is as it was', async () => {
    await relay(dueAt)(event('timer-unchanged'));
    expect(await outbox.look(queues.timer)).toEqual([]);
  });
});
