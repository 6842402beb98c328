/** Steps that no request asks for: what relay, workers, timers, stream and sweeper do, on the same recorded store. */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Logger } from '@aws-lambda-powertools/logger';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AttributeValue, SQSEvent } from 'aws-lambda';
import { createAnswers } from '../../../functions/commands/carry-out-answer.ts';
import { exampleBody } from '../../../functions/core/examples.ts';
import type { ExampleBody } from '../../../functions/core/examples.ts';
import { createMessageRelay } from '../../../functions/outbox/message-relay.ts';
import { sweepMessages } from '../../../functions/outbox/sweep-messages.ts';
import { sweepOverdueTimers } from '../../../functions/outbox/sweep-timers.ts';
import { request } from '../../../functions/runtime/limits.ts';
import { createSendingClient } from '../../../functions/runtime/queue-client.ts';
import { topicPolicies, topics } from '../../../functions/runtime/topics.ts';
import type { Topic } from '../../../functions/runtime/topics.ts';
import { writePosition } from '../../../functions/store/outbox/due-timers.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import { listEntityMessages } from '../../../functions/store/outbox/message-lists.ts';
import { writeLines } from '../../../functions/store/statements/lines.ts';
import type { Received } from '../../../functions/workers/receiver.ts';
import { sentByCall } from '../../../functions/workers/receivers/http-call.ts';
import { createRunScheduledTransition } from '../../../functions/workers/scheduled-transition.ts';
import { createTopicWorker } from '../../../functions/workers/topic-worker.ts';
import { local, log } from './workbench.ts';
import type { Workbench } from './workbench.ts';

type Happening = () => Promise<unknown>;
/** Makes what an event needs. @returns what is measured of it */
type Event = (
  bench: Workbench,
  tenant: string,
  ...words: readonly string[]
) => Happening | Promise<Happening>;

const queueUrl = (name: string): string => `https://sqs.${local.region}.amazonaws.com/000000000000/${name}`;
const queueUrls = Object.fromEntries(topics.map((topic) => [topic, queueUrl(topic)])) as Record<
  Topic,
  string
>;
/** As much as a batch holds. */
const taken = Array.from({ length: 10 }, (_, place) => ({ Id: String(place), MessageId: '0' }));
const answered = Buffer.from(JSON.stringify({ QueueUrl: queueUrl('any'), Successful: taken }));
/** Queues that take what is sent to them, without a network: what the client does with a request is measured, too. */
const sqs = createSendingClient({
  ...local,
  md5: false,
  requestHandler: {
    handle: () =>
      Promise.resolve({ response: { statusCode: 200, headers: {}, body: Readable.from([answered]) } }),
  },
});
const relay = createMessageRelay({ sqs, queueUrls, log });
/** As the service sends it. */
const delivered = JSON.parse(
  await readFile(new URL('../../../events/sqs/notification.json', import.meta.url), 'utf8'),
) as SQSEvent;

/** By the first word of their steps; `request-case.ts` lists what follows it. */
export const events: Readonly<Record<string, Event>> = {
  RELAY: async (bench, tenant, entity, type) => {
    const NewImage = marshall(await openMessage(bench, tenant, entity, type));
    const dynamodb = { SequenceNumber: '1', NewImage: NewImage as Record<string, AttributeValue> };
    return () => relay({ Records: [{ eventName: 'INSERT', dynamodb }] }).then(assertWhole);
  },

  ANSWER: async (bench, tenant, outcome, entity, type) => {
    const message = await openMessage(bench, tenant, entity, type);
    const { id, topic, run } = message;
    const received = said(bench, message, outcome);
    const isDead = received.kind === 'undeliverable';
    const work = createTopicWorker({
      topic,
      policy: topicPolicies[topic],
      receiver: (called, call) => {
        // The record of a call keeps it, and counts with the message's size.
        const sent = topic === 'external-call' ? sentByCall(called) : undefined;
        if (sent !== undefined) call.sent = sent;
        return Promise.resolve(received);
      },
      carryOut: createAnswers(bench.backend, bench.outbox).carryOut,
      outbox: bench.outbox,
      sqs,
      // One that is meant to die is no news.
      log: isDead ? new Logger({ logLevel: 'SILENT' }) : log,
    });
    const body = JSON.stringify({ id, tenant, topic, run });
    const Records = delivered.Records.map((record) => ({ ...record, body }));
    return async () => {
      const report = await work({ Records });
      if (!isDead) assertWhole(report);
    };
  },

  DEADLINE: async ({ backend, clock, send }, tenant, transition = '', entity = '') => {
    const { collection = '', deadlines } = backend.registry.ofId(entity) ?? {};
    const { json } = await send({ method: 'GET', path: `/v1/${collection}/${entity}`, tenant });
    const dueAt = Date.parse(String(json[deadlines?.[transition]?.at ?? '']));
    if (Number.isNaN(dueAt)) throw new Error(`${entity} never waited for ${transition}`);
    const run = createRunScheduledTransition(backend);
    return () => {
      clock.ahead += Math.max(0, dueAt - clock.now());
      return run({ tenant, collection, entity, transition, dueAt });
    };
  },

  LIST: async ({ probe, tables, send }, tenant, collection = '', attribute = '', value = '') => {
    const path = `/v1/${collection}?limit=${request.pageDefault + 1}`;
    const { json } = await send({ method: 'GET', path, tenant });
    const lines = (json['items'] as readonly { readonly id: string }[]).map(({ id: entity }) => ({
      ...{ kind: 'listed' as const, tenant },
      line: { collection, attribute, value, entity, seq: 1, at: '' },
    }));
    return () => writeLines({ client: probe, tables }, lines);
  },

  SWEEP: ({ backend, outbox, probe, clock }, _tenant, what) => {
    const { client, tables } = backend.store;
    if (what === 'messages') {
      // None is late, so what is measured is the look at all that are open.
      const scope = { graceMs: Date.now(), everything: false, at: clock.now() };
      const parts = { outbox, sqs, queueUrls, onSent: () => undefined };
      return () => sweepMessages(parts, scope, () => true);
    }
    // As where more wait than one request tells: it costs the same however many they are.
    const parts = { client, sqs, clock, tables, timerQueueUrl: queueUrl('timer'), fewTimers: 1 };
    return async () => {
      // Every overdue timer has its turn, also in the next run.
      await writePosition(probe, tables.outbox, { sweptUntil: 0 });
      await sweepOverdueTimers(parts, () => true);
    };
  },
};

/** @throws where a delivery is to come again */
function assertWhole({ batchItemFailures }: { readonly batchItemFailures: readonly object[] }): void {
  if (batchItemFailures.length > 0) throw new Error('a message could not be sent, or not be answered');
}

/** @throws where no message of this type waits for an answer */
async function openMessage(
  { outbox }: Workbench,
  tenant: string,
  entity = '',
  type = '',
): Promise<MessageItem> {
  const { items } = await listEntityMessages(outbox, { tenant, entityId: entity, limit: 100 });
  const isOpen = ({ status, answer }: MessageItem): boolean => status !== 'done' && answer === undefined;
  const found = items.find((message) => message.type === type && isOpen(message));
  if (!found) throw new Error(`no ${type} of ${entity} waits for an answer`);
  return found;
}

/**
 * What the receiver says: where a transition follows from it, that one's example. Which message it was, and what was sent
 * with it, the transition is told by us (`commands/answer-input.ts`).
 */
function said({ backend }: Workbench, message: MessageItem, outcome: string | undefined): Received {
  const { transitions } = backend.registry.byCollection(message.collection);
  const input = transitions[message.answers?.[outcome as 'done' | 'refused'] ?? '']?.input;
  const mail = { messageId: `<${'0'.repeat(36)}@example.com>` };
  const example: ExampleBody = input ? exampleBody(input) : mail;
  const { code = '402', reason = 'No.', message: _message, sent: _sent, ...result } = example;
  return outcome === 'done'
    ? { kind: 'done', result }
    : { kind: outcome as 'refused' | 'undeliverable', code: String(code), reason: String(reason) };
}
