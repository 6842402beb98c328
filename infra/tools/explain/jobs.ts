/** The work that no request asks for: relay, workers and sweeper, on the same recorded store. */
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { createRunScheduledTransition } from '../../../functions/workers/scheduled-transition.ts';
import { sweep } from '../../../functions/runtime/delivery-limits.ts';
import { topicPolicies } from '../../../functions/runtime/topics.ts';
import {
  readDueKeys,
  readPosition,
  readWaiting,
  writePosition,
} from '../../../functions/store/outbox/due-timers.ts';
import {
  messageKey,
  messageShards,
  statePartitionOf,
} from '../../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../../functions/store/outbox/message-writes.ts';
import { recordSent } from '../../../functions/store/outbox/messages.ts';
import { walkOpenShard } from '../../../functions/store/outbox/open-messages.ts';
import { createTopicWorker } from '../../../functions/workers/topic-worker.ts';
import type { Step } from './request-case.ts';
import type { Saved } from './saved.ts';
import { log, tenant } from './workbench.ts';
import type { Workbench } from './workbench.ts';

export interface JobCase {
  readonly name: string;
  readonly before?: readonly Step[];
  /** What no request can prepare; not measured. */
  readonly arrange?: (bench: Workbench, saved: Saved) => Promise<void>;
  readonly run: (bench: Workbench, saved: Saved) => Promise<void>;
}

const outbox = ({ backend }: Workbench): OutboxAccess => ({
  client: backend.store.client,
  table: backend.store.tables.outbox,
  clock: backend.clock,
});

const confirmed: readonly Step[] = [
  {
    as: 'it',
    request: 'POST /v1/payments',
    body: { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' },
  },
  { request: 'POST /v1/payments/{it}/confirm' },
];
const hold: readonly Step[] = [
  { as: 'showing', request: 'POST /v1/showings', body: { title: 'Evening show', capacity: 50 } },
  { as: 'it', request: 'POST /v1/reservations', body: { showingId: '{showing}', customer: 'ada' } },
];
const holdMs = 600_000;

/** Runs the hold's scheduled transition as its worker does when the time has come. */
async function whenOver({ backend, clock }: Workbench, saved: Saved): Promise<void> {
  const dueAt = clock.now() + holdMs;
  clock.advance(holdMs);
  const run = createRunScheduledTransition(backend);
  await run({ tenant, collection: 'reservations', entity: saved.id('it'), transition: 'expire', dueAt });
  clock.advance(-holdMs);
}

/** The receipt of that payment. */
const messageOf = (saved: Saved): { id: string; tenant: string; run: number } => ({
  id: `msg_${saved.id('it')}_2_0`,
  tenant,
  run: 1,
});

export const jobs: readonly JobCase[] = [
  {
    name: 'relay: one message',
    before: confirmed,
    run: async (bench, saved) => {
      await recordSent(outbox(bench), messageOf(saved));
    },
  },
  {
    name: 'worker: one message',
    before: confirmed,
    arrange: async (bench, saved) => {
      await recordSent(outbox(bench), messageOf(saved));
    },
    run: async (bench, saved) => {
      const work = createTopicWorker({
        topic: 'notification',
        policy: topicPolicies.notification,
        receiver: () =>
          Promise.resolve({ is: 'done', result: { messageId: `<${'0'.repeat(36)}@example.com>` } }),
        outbox: outbox(bench),
        // Only failures reach a queue.
        sqs: new SQSClient({ region: 'us-east-1', endpoint: 'http://127.0.0.1:9' }),
        log,
      });
      await work(delivery({ ...messageOf(saved), topic: 'notification' }));
    },
  },
  {
    name: 'timer: a hold that runs out',
    before: hold,
    run: async (bench, saved) => {
      await whenOver(bench, saved);
    },
  },
  {
    name: 'timer: a hold that was confirmed',
    before: [...hold, { request: 'POST /v1/reservations/{it}/confirm' }],
    run: async (bench, saved) => {
      await whenOver(bench, saved);
    },
  },
  {
    name: 'POST /v1/messages/{id}/redrive',
    before: confirmed,
    arrange: (bench, saved) => bury(bench, messageOf(saved)),
    run: async (bench, saved) => {
      await bench.send({ method: 'POST', path: `/v1/messages/${messageOf(saved).id}/redrive` });
    },
  },
  {
    name: 'sweeper: open messages',
    run: async (bench) => {
      const shards = Array.from({ length: messageShards }, (_, shard) => shard);
      const walk = { pageSize: sweep.pageSize, visit: () => Promise.resolve(), hasTime: () => true };
      await Promise.all(shards.map((shard) => walkOpenShard(outbox(bench), shard, walk)));
    },
  },
  {
    name: 'sweeper: due timers',
    run: async (bench) => {
      const { client, tables } = bench.backend.store;
      const now = bench.clock.now();
      await readPosition(client, tables.outbox);
      const due = await readDueKeys(client, tables.data, { from: 0, until: now }, sweep.timersPerShard);
      await readWaiting(client, tables.data, due.keys);
      await writePosition(client, tables.outbox, { sweptUntil: now });
    },
  },
];

/** Leaves a message dead, as its worker does after the last attempt. */
async function bury({ probe, tables }: Workbench, name: { id: string; tenant: string }): Promise<void> {
  const key = messageKey(name);
  if (!key) throw new Error(`no message can be called ${name.id}`);
  await probe.send(
    new UpdateItemCommand({
      TableName: tables.outbox,
      Key: { pk: { S: key.pk }, sk: { S: key.sk } },
      UpdateExpression: 'SET #status = :dead, statePk = :state, attempts = :five',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: {
        ':dead': { S: 'dead' },
        ':state': { S: statePartitionOf(tenant, 'dead') },
        ':five': { N: '5' },
      },
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
