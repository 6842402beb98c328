/** The work that no request asks for: relay, workers and sweeper, on the same recorded store. */
import { SQSClient } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { SQSEvent } from 'aws-lambda';
import { createAnswers } from '../../../functions/commands/carry-out-answer.ts';
import { sweep } from '../../../functions/runtime/delivery-limits.ts';
import { request } from '../../../functions/runtime/limits.ts';
import { topicPolicies } from '../../../functions/runtime/topics.ts';
import {
  readDueKeys,
  readPosition,
  readWaiting,
  writePosition,
} from '../../../functions/store/outbox/due-timers.ts';
import { messageId, messageKey } from '../../../functions/store/outbox/message-items.ts';
import { indexedIn } from '../../../functions/store/outbox/message-writes.ts';
import type { OutboxAccess } from '../../../functions/store/outbox/message-writes.ts';
import { writeLines } from '../../../functions/store/statements/lines.ts';
import { recordSent } from '../../../functions/store/outbox/messages.ts';
import { walkOpen } from '../../../functions/store/outbox/open-messages.ts';
import { createRunScheduledTransition } from '../../../functions/workers/scheduled-transition.ts';
import { createTopicWorker } from '../../../functions/workers/topic-worker.ts';
import { hold, pay, payCaptured, payConfirmed, show } from './cases.ts';
import type { JobCase, Run } from './run.ts';
import { log, tenant } from './workbench.ts';
import type { Workbench } from './workbench.ts';

const outbox = ({ backend }: Workbench): OutboxAccess => ({
  client: backend.store.client,
  table: backend.store.tables.outbox,
  clock: backend.clock,
});

/** Lets an entity expire, as the worker of its timer does when the time has come. */
export async function expire(
  { backend, clock }: Workbench,
  collection: string,
  entity: string,
  waitMs: number,
): Promise<void> {
  clock.advance(waitMs);
  const run = createRunScheduledTransition(backend);
  await run({ tenant, collection, entity, transition: 'expire', dueAt: clock.now() });
  clock.advance(-waitMs);
}

const holdMs = 600_000;

/** The receipt of a payment whose money was taken: nothing follows from it. */
const receiptOf = (run: Run): { id: string; tenant: string; run: number } => ({
  id: messageId(run.id('it'), 3, 0),
  tenant,
  run: 1,
});

export const jobs: readonly JobCase[] = [
  {
    name: 'relay: one message',
    before: payCaptured,
    job: (run) => () => recordSent(outbox(run.bench), receiptOf(run)),
  },
  {
    name: 'worker: one message',
    before: payCaptured,
    job: async (run) => {
      await recordSent(outbox(run.bench), receiptOf(run));
      const work = createTopicWorker({
        topic: 'notification',
        policy: topicPolicies.notification,
        receiver: () =>
          Promise.resolve({ kind: 'done', result: { messageId: `<${'0'.repeat(36)}@example.com>` } }),
        carryOut: () => Promise.reject(new Error('nothing follows from a receipt')),
        outbox: outbox(run.bench),
        // Only failures reach a queue.
        sqs: new SQSClient({ region: 'us-east-1', endpoint: 'http://127.0.0.1:9' }),
        log,
      });
      return () => work(delivery({ ...receiptOf(run), topic: 'notification' }));
    },
  },
  {
    name: 'worker: a call whose answer moves its entity',
    before: payConfirmed,
    job: (run) => {
      const call = { id: messageId(run.id('it'), 2, 0), tenant, run: 1, topic: 'external-call' as const };
      const access = outbox(run.bench);
      const work = createTopicWorker({
        topic: call.topic,
        policy: topicPolicies[call.topic],
        receiver: () =>
          Promise.resolve({ kind: 'done', result: { status: 200, body: '{"reference":"ch_1234567890"}' } }),
        carryOut: createAnswers(run.bench.backend, access).carryOut,
        outbox: access,
        sqs: new SQSClient({ region: 'us-east-1', endpoint: 'http://127.0.0.1:9' }),
        log,
      });
      return () => work(delivery(call));
    },
  },
  {
    name: 'timer: a hold that runs out',
    before: [show, hold],
    job: (run) => () => expire(run.bench, 'reservations', run.id('it'), holdMs),
  },
  {
    name: 'timer: a hold that was confirmed',
    before: [show, hold, { request: 'POST /v1/reservations/{it}/confirm' }],
    job: (run) => () => expire(run.bench, 'reservations', run.id('it'), holdMs),
  },
  {
    name: 'POST /v1/messages/{id}/redrive',
    before: payCaptured,
    job: async (run) => {
      await bury(run);
      return () => run.bench.send({ method: 'POST', path: `/v1/messages/${receiptOf(run).id}/redrive` });
    },
  },
  {
    // No request writes the lines of a list: the stream does.
    name: 'GET /v1/payments (by payer)',
    before: [pay],
    job: async (run) => {
      const { probe, tables, send } = run.bench;
      const all = await send({ method: 'GET', path: `/v1/payments?limit=${request.pageDefault + 1}` });
      const payments = all.json['items'] as readonly { id: string; payer: string }[];
      const value = payments[0]?.payer ?? '';
      const listed = { collection: 'payments', attribute: 'payer', value, seq: 1, at: '' };
      await writeLines(
        { client: probe, tables },
        payments.map(({ id }) => ({ kind: 'listed', tenant, line: { ...listed, entity: id } })),
      );
      return () => send({ method: 'GET', path: `/v1/payments?payer=${encodeURIComponent(value)}` });
    },
  },
  {
    name: 'sweeper: open messages',
    job:
      ({ bench }) =>
      () => {
        const walk = { pageSize: sweep.pageSize, visit: () => Promise.resolve(), hasTime: () => true };
        return walkOpen(outbox(bench), sweep.segments, walk);
      },
  },
  {
    name: 'sweeper: due timers',
    job:
      ({ bench }) =>
      async () => {
        const { client, tables } = bench.backend.store;
        const now = bench.clock.now();
        await readPosition(client, tables.outbox);
        // As where more wait than one request tells: it costs the same however many they are.
        const few = 1;
        const due = await readDueKeys(
          client,
          tables.data,
          { from: 0, until: now },
          sweep.timersPerShard,
          few,
        );
        await readWaiting(client, tables.data, due.keys);
        await writePosition(client, tables.outbox, { sweptUntil: now });
      },
  },
];

/** Leaves the receipt dead, as its worker does after the last attempt. */
async function bury(run: Run): Promise<void> {
  const { client, tables } = run.bench.backend.store;
  const dead = indexedIn(receiptOf(run), 'dead');
  await client.send(
    new UpdateCommand({
      TableName: tables.outbox,
      Key: { ...messageKey(receiptOf(run)) },
      UpdateExpression: `SET #status = :dead, ${dead.set}, attempts = :five REMOVE ${dead.remove}`,
      ExpressionAttributeNames: { '#status': 'status', '#openPk': 'openPk', '#closedPk': 'closedPk' },
      ExpressionAttributeValues: { ...dead.values, ':dead': 'dead', ':five': 5 },
    }),
  );
}

function delivery(reference: object): SQSEvent {
  return {
    Records: [
      {
        messageId: 'delivery',
        receiptHandle: 'handle',
        body: JSON.stringify(reference),
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: '0',
          SenderId: 'relay',
          ApproximateFirstReceiveTimestamp: '0',
        },
        messageAttributes: {},
        md5OfBody: '',
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:notification',
        awsRegion: 'us-east-1',
      },
    ],
  };
}
