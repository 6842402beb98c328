/** Steps that no request asks for: what relay, workers, timers, stream and sweeper do, on the same recorded store. */
import { readFile } from 'node:fs/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { createAnswers } from '../../../functions/commands/carry-out-answer.ts';
import { exampleBody } from '../../../functions/core/examples.ts';
import type { ExampleBody } from '../../../functions/core/examples.ts';
import { sweep } from '../../../functions/runtime/delivery-limits.ts';
import { request } from '../../../functions/runtime/limits.ts';
import { topicPolicies } from '../../../functions/runtime/topics.ts';
import {
  readDueKeys,
  readPosition,
  readWaiting,
  writePosition,
} from '../../../functions/store/outbox/due-timers.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import { listEntityMessages } from '../../../functions/store/outbox/message-lists.ts';
import { walkOpen } from '../../../functions/store/outbox/open-messages.ts';
import { writeLines } from '../../../functions/store/statements/lines.ts';
import type { Received } from '../../../functions/workers/receiver.ts';
import { createRunScheduledTransition } from '../../../functions/workers/scheduled-transition.ts';
import { createTopicWorker } from '../../../functions/workers/topic-worker.ts';
import { relayed } from './relayed.ts';
import { log } from './workbench.ts';
import type { Workbench } from './workbench.ts';

type Happening = () => Promise<unknown>;
/** Makes what an event needs. @returns what is measured of it */
type Event = (
  bench: Workbench,
  tenant: string,
  ...words: readonly string[]
) => Happening | Promise<Happening>;

/** By the first word of their steps; `request-case.ts` lists what follows it. */
export const events: Readonly<Record<string, Event>> = {
  RELAY: async (bench, tenant, entity, type) => {
    const message = await openMessage(bench, tenant, entity, type);
    return () => relayed(message);
  },

  ANSWER: async (bench, tenant, outcome, entity, type) => {
    const message = await openMessage(bench, tenant, entity, type);
    const deliver = delivery(bench, message, said(bench, message, outcome));
    return async () => {
      const { batchItemFailures } = await deliver();
      if (outcome !== 'undeliverable' && batchItemFailures.length > 0)
        throw new Error(`${message.id} could not be answered`);
    };
  },

  DEADLINE: async ({ backend, clock, send }, tenant, transition = '', entity = '') => {
    const { collection, deadlines } = backend.registry.ofId(entity) ?? {};
    const { json } = await send({ method: 'GET', path: `/v1/${collection}/${entity}`, tenant });
    const dueAt = Date.parse(String(json[deadlines?.[transition]?.at ?? '']));
    if (Number.isNaN(dueAt)) throw new Error(`${entity} never waited for ${transition}`);
    const run = createRunScheduledTransition(backend);
    return () => {
      clock.ahead += Math.max(0, dueAt - clock.now());
      return run({ tenant, collection: collection ?? '', entity, transition, dueAt });
    };
  },

  LIST: ({ probe, tables, send }, tenant, collection = '', attribute = '', value = '') => {
    const listed = { collection, attribute, value, seq: 1, at: '' };
    return async () => {
      const path = `/v1/${collection}?limit=${request.pageDefault + 1}`;
      const { json } = await send({ method: 'GET', path, tenant });
      const lines = (json['items'] as readonly { readonly id: string }[]).map(({ id }) => ({
        ...{ kind: 'listed' as const, tenant },
        line: { ...listed, entity: id },
      }));
      await writeLines({ client: probe, tables }, lines);
    };
  },

  SWEEP: ({ backend, outbox, clock }, _tenant, what) => {
    const { client, tables } = backend.store;
    if (what === 'messages') {
      const walk = { pageSize: sweep.pageSize, visit: () => Promise.resolve(), hasTime: () => true };
      return () => walkOpen(outbox, sweep.segments, walk);
    }
    return async () => {
      const range = { from: 0, until: clock.now() };
      await readPosition(client, tables.outbox);
      // As where more wait than one request tells: it costs the same however many they are.
      const few = 1;
      const due = await readDueKeys(client, tables.data, range, sweep.timersPerShard, few);
      await readWaiting(client, tables.data, due.keys);
      await writePosition(client, tables.outbox, { sweptUntil: range.until });
    };
  },
};

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

const runOf = ({ id, tenant, topic, run }: MessageItem) => ({ id, tenant, topic, run });

/** What the receiver says: where a transition follows from it, that one's example. */
function said({ backend }: Workbench, message: MessageItem, outcome = ''): Received {
  const { transitions } = backend.registry.byCollection(message.collection);
  const input = transitions[message.answers?.[outcome as 'done' | 'refused'] ?? '']?.input;
  const mail = { messageId: `<${'0'.repeat(36)}@example.com>` };
  const { code = '402', reason = 'No.', ...result }: ExampleBody = input ? exampleBody(input) : mail;
  return outcome === 'done'
    ? { kind: 'done', result }
    : { kind: outcome as 'refused' | 'undeliverable', code: String(code), reason: String(reason) };
}

/** As the service sends it. */
const delivered = JSON.parse(
  await readFile(new URL('../../../events/sqs/notification.json', import.meta.url), 'utf8'),
) as SQSEvent;

/** A delivery to the worker of the message's topic. */
function delivery({ backend, outbox }: Workbench, message: MessageItem, received: Received) {
  const work = createTopicWorker({
    topic: message.topic,
    policy: topicPolicies[message.topic],
    receiver: () => Promise.resolve(received),
    carryOut: createAnswers(backend, outbox).carryOut,
    outbox,
    // No queue waits for what becomes of it.
    sqs: { send: () => Promise.resolve({ QueueUrl: '' }) } as unknown as SQSClient,
    // One that is meant to die is no news.
    log: received.kind === 'undeliverable' ? new Logger({ logLevel: 'SILENT' }) : log,
  });
  const body = JSON.stringify(runOf(message));
  return () => work({ Records: delivered.Records.map((record) => ({ ...record, body })) });
}
