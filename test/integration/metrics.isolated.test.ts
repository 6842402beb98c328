/** The metrics that the functions of the template write: their real handlers, in this process, on local servers. */
import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { createMetricWriter, withMetrics } from '../../functions/runtime/metric-writer.ts';
import { metrics } from '../../functions/runtime/metrics.ts';
import type { MetricDefinition } from '../../functions/runtime/metrics.ts';
import { queue as queueLimits } from '../../functions/runtime/topics.ts';
import { signatureHeaders } from '../../functions/runtime/webhook-signature.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { recordSent } from '../../functions/store/outbox/messages.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { createTimerWorker } from '../../functions/workers/timer-worker.ts';
import { idOf } from '../support/answers.ts';
import { gatewayEvent, startBackend } from '../support/backend.ts';
import type { RequestOptions } from '../support/backend.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { bodyOf, silent, sqsEvent, sqsRecord, startOutbox, streamEvent } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { startRecordingProxy } from '../support/recording-proxy.ts';
import type { Hold, RecordingProxy } from '../support/recording-proxy.ts';
import { startReceiver, status } from '../support/receivers.ts';
import type { TestReceiver } from '../support/receivers.ts';
import { metricLines, sums } from '../support/written-metrics.ts';
import type { WrittenMetric } from '../support/written-metrics.ts';

type Handler = (event: unknown, context: Context) => Promise<unknown>;

let outbox: TestOutbox;
let receiver: TestReceiver;
/** The database, with requests held back where a test says so. */
let database: RecordingProxy;
const passes: Hold = () => Promise.resolve();
let hold = passes;
const handlers = {} as Record<
  'api' | 'worker' | 'timer' | 'relay' | 'timerRelay' | 'sweeper' | 'audit',
  Handler
>;
/** Every line that any test of this file saw written. */
const seen: WrittenMetric[] = [];

beforeAll(async () => {
  outbox = await startOutbox();
  receiver = await startReceiver();
  database = await startRecordingProxy(inject('dynamodbEndpoint'), (...request) => hold(...request));
  const { data, outbox: messages, idempotency } = outbox.tables;
  const { queues } = outbox;
  const variables = {
    STAGE: 'test',
    POWERTOOLS_METRICS_DISABLED: 'false',
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: database.endpoint,
    AWS_ENDPOINT_URL_SQS: outbox.server.endpoint,
    DATA_TABLE: data,
    OUTBOX_TABLE: messages,
    IDEMPOTENCY_TABLE: idempotency,
    NOTIFICATION_QUEUE_URL: queues.notification.url,
    EXTERNAL_CALL_QUEUE_URL: queues['external-call'].url,
    REPORT_QUEUE_URL: queues.report.url,
    LLM_QUEUE_URL: `${queues.llm.url}-that-is-gone`,
    TIMER_QUEUE_URL: `${queues.timer.url}-that-is-gone`,
    EXTERNAL_CALL_URL: receiver.url,
    WEBHOOK_SECRET: `whsec_${Buffer.alloc(24).toString('base64')}`,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const load = async (module: Promise<{ handler: unknown }>): Promise<Handler> =>
    (await module).handler as Handler;
  handlers.timerRelay = await load(import('../../functions/outbox/timer-relay.ts'));
  vi.stubEnv('TIMER_QUEUE_URL', queues.timer.url);
  handlers.api = await load(import('../../functions/api/handler.ts'));
  handlers.worker = await load(import('../../functions/workers/external-call.ts'));
  handlers.timer = await load(import('../../functions/workers/timer.ts'));
  handlers.relay = await load(import('../../functions/outbox/relay.ts'));
  handlers.sweeper = await load(import('../../functions/outbox/sweeper.ts'));
  handlers.audit = await load(import('../../functions/audit/handler.ts'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await receiver.stop();
  await outbox.stop();
  await database.stop();
});
beforeEach(() => {
  receiver.answer = status(200);
  hold = passes;
});

const context = { getRemainingTimeInMillis: () => 60_000 } as Context;
async function written(work: () => unknown): Promise<WrittenMetric[][]> {
  const lines = await metricLines(work);
  seen.push(...lines.flat());
  return lines;
}
/** Sums by name and topic of what one invocation writes. */
const countsOf = async (handler: Handler, event: unknown): Promise<Record<string, number>> =>
  sums(await written(() => handler(event, context)));

/**
 * Lets no transaction through before so many are there: by then each of their commands has read the same version, and
 * all but one must lose. One that is sent again, because it was held for long, has the token that it had.
 */
function allAtOnce(count: number): Hold {
  const tokens = new Set<unknown>();
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async (operation, { ClientRequestToken: token }) => {
    if (operation !== 'TransactWriteItems') return;
    tokens.add(token);
    if (tokens.size >= count) open();
    await opened;
  };
}

describe('a command', () => {
  const payment = { payer: 'alice', payee: 'bookshop', amount: 1250, currency: 'EUR' };
  const command = (path: string, body?: unknown, options: RequestOptions = {}): APIGatewayProxyEventV2 =>
    gatewayEvent('POST', path, { key: randomUUID(), ...(body !== undefined && { body }), ...options });
  const create = async (): Promise<string> => {
    let id = '';
    await written(async () => {
      const { body } = (await handlers.api(command('/v1/payments', payment), context)) as { body: string };
      ({ id } = JSON.parse(body) as { id: string });
    });
    return id;
  };

  test('is counted as committed, and its duplicate as replayed', async () => {
    const key = randomUUID();
    const send = () => countsOf(handlers.api, command('/v1/payments', payment, { key }));
    expect(await send()).toEqual({ CommandsCommitted: 1 });
    expect(await send()).toEqual({ CommandsReplayed: 1 });
  });

  test('is written in one line, with the dimension stage alone', async () => {
    expect(await written(() => handlers.api(command('/v1/payments', payment), context))).toEqual([
      [
        {
          namespace: 'CommitOnce',
          name: 'CommandsCommitted',
          unit: 'Count',
          dimensions: { stage: 'test' },
          values: [1],
        },
      ],
    ]);
  });

  test('is counted as refused, whether that is kept under its key or not', async () => {
    const path = `/v1/payments/${await create()}/refund`;
    expect(await countsOf(handlers.api, command(path, { amount: 1 }))).toEqual({ CommandsRefused: 1 });
    const nowhere = '/v1/payments/pay_01JZZZZZZZZZZZZZZZZZZZZZZZ/confirm';
    expect(await countsOf(handlers.api, command(nowhere))).toEqual({ CommandsRefused: 1 });
  });

  test('is not counted where it is none: a query, a malformed body', async () => {
    expect(await countsOf(handlers.api, gatewayEvent('GET', '/v1/payments'))).toEqual({});
    expect(await countsOf(handlers.api, command('/v1/payments', { amount: 'much' }))).toEqual({});
  });

  test('that loses races counts its attempts', async () => {
    const path = `/v1/payments/${await create()}/confirm`;
    hold = allAtOnce(5);
    const counts = sums(
      await written(() => Promise.all([1, 2, 3, 4, 5].map(() => handlers.api(command(path), context)))),
    );
    expect(counts).toEqual({ CommandsCommitted: 1, CommandsRefused: 4, CommandAttemptsLost: 4 });
  });
});

describe('a worker', () => {
  const deliver = (items: readonly MessageItem[]): Promise<WrittenMetric[][]> =>
    written(() =>
      handlers.worker(sqsEvent(outbox.queues['external-call'], ...items.map((i) => bodyOf(i))), context),
    );
  const fiveSecondsAgo = (): { createdAt: string } => ({ createdAt: timestamp(Date.now() - 5_000) });

  test('writes one line a batch: what is done, and how long after its commit', async () => {
    const lines = await deliver([await outbox.put(fiveSecondsAgo()), await outbox.put(fiveSecondsAgo())]);
    const [done, latency] = lines[0] ?? [];
    const dimensions = { stage: 'test', topic: 'external-call' };
    expect(lines).toHaveLength(1);
    expect(done).toMatchObject({ name: 'MessagesDone', unit: 'Count', dimensions, values: [1, 1] });
    expect(latency).toMatchObject({ name: 'DeliveryLatency', unit: 'Milliseconds', dimensions });
    expect(latency?.values).toHaveLength(2);
    for (const value of latency?.values ?? []) {
      expect(value).toBeGreaterThanOrEqual(5_000);
      expect(value).toBeLessThan(60_000);
    }
  });

  test('counts a message that is done once, however often it comes', async () => {
    const item = await outbox.put();
    expect(sums(await deliver([item]))).toMatchObject({ 'MessagesDone external-call': 1 });
    expect(await deliver([item])).toEqual([]);
  });

  test('leaves the time out for which a dead message waited for a person', async () => {
    const item = await outbox.put();
    const again = { ...item, run: 2 };
    await outbox.put({ entityId: item.entity });
    receiver.answer = status(400);
    expect(sums(await deliver([item]))).toEqual({
      'AttemptsFailed external-call': 1,
      'MessagesDead external-call': 1,
    });
    receiver.answer = status(200);
    const redrive = gatewayEvent('POST', `/v1/messages/${item.id}/redrive`, { key: randomUUID() });
    await handlers.api(redrive, context);
    expect(sums(await deliver([again]))).toEqual({ 'MessagesDone external-call': 1 });
  });

  test('counts an attempt that failed', async () => {
    const item = await outbox.put();
    receiver.answer = status(503);
    expect(sums(await deliver([item]))).toEqual({ 'AttemptsFailed external-call': 1 });
  });

  test('counts a delivery that nobody can read as dead, once on its way to the dead letters', async () => {
    const { queues } = outbox;
    const poisoned = sqsRecord(queues['external-call'], '{"id":');
    const unknown = sqsRecord(queues['external-call'], bodyOf({ ...(await outbox.put()), tenant: 'nobody' }));
    const nth = (count: number) => ({
      Records: [poisoned, unknown].map((record) => ({
        ...record,
        attributes: { ...record.attributes, ApproximateReceiveCount: String(count) },
      })),
    });
    expect(await countsOf(handlers.worker, nth(1))).toEqual({ 'MessagesDead external-call': 2 });
    expect(await countsOf(handlers.worker, nth(2))).toEqual({});
    expect(await countsOf(handlers.worker, nth(queueLimits.maxReceiveCount))).toEqual({});
  });
});

describe('the timer', () => {
  test('counts a scheduled transition once, and a second delivery as a replay', async () => {
    const past = { now: () => Date.now() - 30 * 24 * 60 * 60 * 1000 };
    const before = await startBackend({ tables: outbox.tables, clock: past });
    const invite = await before.post('/v1/invites', {
      workspace: 'press',
      email: 'a@b.example',
      role: 'editor',
    });
    const dueAt = Date.parse(String(invite.json['validUntil']));
    const timer = {
      entity: idOf(invite),
      collection: 'invites',
      tenant: 'acme',
      transition: 'expire',
      dueAt,
    };
    const event = sqsEvent(outbox.queues.timer, JSON.stringify(timer));
    expect(await countsOf(handlers.timer, event)).toEqual({ CommandsCommitted: 1, ScheduledTransitions: 1 });
    expect(await countsOf(handlers.timer, event)).toEqual({ CommandsReplayed: 1 });
  });

  test('counts what fails, and gives up where its queue does', async () => {
    expect(await countsOf(handlers.timer, sqsEvent(outbox.queues.timer, 'no JSON'))).toEqual({
      'MessagesDead timer': 1,
    });
    const writer = createMetricWriter('test', silent);
    const failing = (run: () => Promise<'retry'>): QueueHandler =>
      withMetrics(
        writer,
        createTimerWorker({ run, sqs: outbox.sqs, clock: outbox.clock, log: silent, metrics: writer }),
      );
    const timer = { entity: 'x', collection: 'invites', tenant: 'acme', transition: 'expire', dueAt: 1 };
    const record = sqsRecord(outbox.queues.timer, JSON.stringify(timer));
    for (const run of [
      () => Promise.resolve('retry' as const),
      () => Promise.reject(new Error('no table')),
    ]) {
      for (const [count, counts] of [
        [queueLimits.maxReceiveCount - 1, { 'AttemptsFailed timer': 1 }],
        [queueLimits.maxReceiveCount, { 'AttemptsFailed timer': 1, 'MessagesDead timer': 1 }],
      ] as const) {
        record.attributes.ApproximateReceiveCount = String(count);
        expect(await countsOf(failing(run) as Handler, { Records: [record] })).toEqual(counts);
      }
    }
  });
});

describe('the relays and the sweeper', () => {
  test('count what a queue does not take', async () => {
    const [llm, report] = [await outbox.put({ topic: 'llm' }), await outbox.put({ topic: 'report' })];
    expect(await countsOf(handlers.relay, streamEvent(llm, report))).toEqual({ 'MessagesNotSent llm': 1 });
    const waiting = {
      id: 'inv_1',
      collection: 'invites',
      tenant: 'acme',
      timerTransition: 'expire',
      dueAt: Date.now(),
    };
    expect(await countsOf(handlers.timerRelay, streamEvent(waiting))).toEqual({ 'MessagesNotSent timer': 1 });
  });

  test('count what was lost and is sent again, by topic', async () => {
    // What the tests before left open.
    await written(() => handlers.sweeper({ graceSeconds: 0 }, context));
    const lost = [await outbox.put({ topic: 'report' }), await outbox.put({ topic: 'report' })];
    for (const item of lost) await recordSent(outbox.access, item);
    await outbox.put({ topic: 'notification' });
    const counts = await countsOf(handlers.sweeper, { graceSeconds: 0 });
    expect(counts).toMatchObject({ 'MessagesSwept notification': expect.any(Number) as number });
    expect(counts['MessagesSwept report']).toBeGreaterThanOrEqual(2);
    expect(counts['MessagesNotSent llm']).toBeGreaterThanOrEqual(1);
    // The schedule's own event: what was sent a moment ago is not lost, and what did not happen is not written.
    const run = (): Promise<unknown> => handlers.sweeper({}, context);
    expect(await written(run)).toEqual([]);
  });
});

test('a callback that contradicts the answer before, and the longest wait for one, are counted', async () => {
  const item = await outbox.put();
  receiver.answer = status(202);
  await written(() => handlers.worker(sqsEvent(outbox.queues['external-call'], bodyOf(item)), context));
  expect(await countsOf(handlers.sweeper, {})).toEqual({ OldestWaitingAge: expect.any(Number) as number });
  const callBack = (outcome: string) => {
    const rawBody = JSON.stringify({ id: item.id, outcome });
    const signed = signatureHeaders([process.env['WEBHOOK_SECRET'] ?? ''], 'cb', rawBody, Date.now());
    return gatewayEvent('POST', '/callbacks/default', { rawBody, headers: { ...signed }, anonymous: true });
  };
  expect(await countsOf(handlers.api, callBack('done'))).toEqual({});
  expect(await countsOf(handlers.api, callBack('refused'))).toEqual({ AnswerConflicts: 1 });
});

test('the audit writes 0 where it finds nothing, and how old its oldest full audit is', async () => {
  const { AuditProblems, OldestAuditAge, ...others } = await countsOf(handlers.audit, {
    tenants: ['nobody'],
  });
  expect([AuditProblems, others]).toEqual([0, {}]);
  expect(OldestAuditAge).toBeLessThan(60);
});

test('every metric was written by some function above, and each as it is defined', () => {
  expect(new Set(seen.map(({ name }) => name))).toEqual(new Set(Object.keys(metrics)));
  const definitions: Readonly<Record<string, MetricDefinition>> = metrics;
  for (const { namespace, name, unit, dimensions } of seen) {
    expect(namespace).toBe('CommitOnce');
    const { topic, ...others } = dimensions;
    expect(others).toEqual({ stage: 'test' });
    const definition = definitions[name];
    expect(unit).toBe(definition?.unit);
    if (definition?.topics.length === 0) expect(topic).toBeUndefined();
    else expect(definition?.topics).toContain(topic);
  }
});
