/** Calls whose answers move their entity, delivered to workers that may die, and what all of them come to. */
import { randomUUID } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { createAnswers } from '../../../functions/commands/carry-out-answer.ts';
import type { Answers } from '../../../functions/commands/carry-out-answer.ts';
import { IdempotencyKeys } from '../../../functions/commands/idempotency-keys.ts';
import { SpreadMemory } from '../../../functions/commands/spread-memory.ts';
import { createWaitingRoom } from '../../../functions/commands/waiting-room.ts';
import { timestamp } from '../../../functions/runtime/clock.ts';
import { topicPolicies } from '../../../functions/runtime/topics.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import { readMessage } from '../../../functions/store/outbox/messages.ts';
import type { Receiver } from '../../../functions/workers/receiver.ts';
import { createTopicWorker } from '../../../functions/workers/topic-worker.ts';
import { answerWhole, unanswered } from '../answering.ts';
import { startBackend } from '../backend.ts';
import type { TestBackend } from '../backend.ts';
import { decided, patientClient } from '../patient.ts';
import { bodyOf, movableClock, silent, sqsEvent, startOutbox } from '../outbox.ts';
import type { MovableClock, TestOutbox } from '../outbox.ts';
import { firstOf } from './checker.ts';
import type { Violation } from './checker.ts';
import { clientsOf } from './delivery.ts';
import type { Clients } from './delivery.ts';
import { Injector } from './fault-client.ts';
import type { Mutate } from './mutants.ts';
import { lateByMs, Provider } from './provider.ts';
import type { SocketEvent } from './provider.ts';

/** What is answered: a payment's capture and its refund, an order's charge, a settlement's transfer. */
export const answeredCalls = ['capture', 'refund', 'charge', 'transfer'] as const;
export type AnsweredCall = (typeof answeredCalls)[number];

/** What is done about a call that may have acted. The domains say `inquire`. */
export const uncertainWords = ['inquire', 'hold', 'retry'] as const;
export type UncertainWord = (typeof uncertainWords)[number];

/** Enough that what one case waits for is another one's turn. */
export const casesAtOnce = 4;

/** Of one event: hundreds of cases, also on a busy machine. */
export const eventTimeoutMs = 1_200_000;

/** A message that was sent, its receiver, and the time of its workers. */
export interface AnswerCase {
  readonly path: string;
  readonly message: MessageItem;
  readonly provider: Provider;
  readonly clock: MovableClock;
}

export interface AnswerCaseOptions {
  readonly call: AnsweredCall;
  readonly event: SocketEvent;
  readonly uncertain?: UncertainWord;
}

/** A build of the workers and of the API. */
export interface AnswerBuild {
  readonly mutate?: Mutate;
  /** How it takes what a receiver answered. */
  readonly receives?: (receiver: Receiver) => Receiver;
}

export interface AnswerLab {
  readonly outbox: TestOutbox;
  readonly api: TestBackend;
  /** Makes what sends the call, with receivers that are well. */
  readonly send: (options: AnswerCaseOptions) => Promise<AnswerCase>;
  /** One delivery to a worker; one that died does not answer. */
  readonly deliver: (sent: AnswerCase, clients: Clients, build?: AnswerBuild) => Promise<void>;
  /** Takes answers as a process with these clients does. */
  readonly answersOf: (sent: AnswerCase, clients: Pick<Clients, 'client'>) => Answers;
  /** Delivers until everything that comes by itself has come; after a death another process goes on. */
  readonly settle: (sent: AnswerCase, build?: AnswerBuild, injector?: Injector) => Promise<void>;
  /** Whether receiver, message and entity agree; what is held, once a person has said what the receiver did. */
  readonly violations: (sent: AnswerCase) => Promise<readonly Violation[]>;
  /** A whole case under faults. @returns the first of its violations */
  readonly firstViolation: (options: AnswerCaseOptions, injector: Injector) => Promise<string | undefined>;
  readonly stop: () => Promise<void>;
}

export async function startAnswerLab(): Promise<AnswerLab> {
  const outbox = await startOutbox();
  // What it prepares and reads is not put to the test, so on a busy machine it waits.
  const patient = { client: patientClient, log: silent };
  const api = await startBackend({ tables: outbox.tables, clock: outbox.clock, ...patient });
  async function read(message: MessageItem): Promise<MessageItem> {
    const found = await readMessage({ ...outbox.access, client: api.backend.store.client }, message);
    if (found === undefined) throw new Error(`no message ${message.id}`);
    return found;
  }

  async function send({ call, event, uncertain = 'inquire' }: AnswerCaseOptions): Promise<AnswerCase> {
    const tenant = randomUUID();
    const clock = movableClock();
    const path = await sendCall(api, call, tenant);
    const found = await unanswered(api, tenant, path.split('/').at(-1));
    const message = found.find(({ topic }) => topic === 'external-call');
    if (!message) throw new Error(`${path} has sent nothing`);
    if (uncertain !== 'inquire') await say(message, uncertain);
    // A receiver that honours keys is what `retry` asks for.
    const provider = new Provider({ event, clock, honoursKeys: uncertain === 'retry' });
    return { path, message, provider, clock };
  }

  /** As if its definition said so. */
  async function say({ pk, sk }: MessageItem, uncertain: 'hold' | 'retry'): Promise<void> {
    await api.backend.store.client.send(
      new UpdateCommand({
        TableName: outbox.tables.outbox,
        Key: { pk, sk },
        ...(uncertain === 'retry'
          ? { UpdateExpression: 'REMOVE onUncertain' }
          : {
              UpdateExpression: 'SET onUncertain = :word',
              ExpressionAttributeValues: { ':word': uncertain },
            }),
      }),
    );
  }

  function answersOf({ clock }: AnswerCase, { client }: Pick<Clients, 'client'>): Answers {
    const { registry } = api.backend;
    const store = { client, tables: outbox.tables };
    const own = {
      ...{ keys: new IdempotencyKeys(), waitingRoom: createWaitingRoom() },
      spreads: new SpreadMemory(),
    };
    return createAnswers({ registry, store, clock, ...own }, { ...outbox.access, client, clock });
  }

  async function deliver(sent: AnswerCase, clients: Clients, { receives }: AnswerBuild = {}): Promise<void> {
    const { message, provider, clock } = sent;
    const { client, sqs, life } = clients;
    const handler = createTopicWorker({
      topic: 'external-call',
      policy: topicPolicies['external-call'],
      receiver: receives ? receives(provider.receive) : provider.receive,
      inquire: provider.inquire,
      carryOut: answersOf(sent, clients).carryOut,
      outbox: { ...outbox.access, client, clock },
      sqs,
      log: silent,
    });
    const { run } = await read(message);
    const event = sqsEvent(outbox.queues['external-call'], bodyOf(message, run));
    await Promise.race([handler(event), life.died]);
  }

  /** The provider's callback, as the API takes it. */
  async function callBack(sent: AnswerCase): Promise<void> {
    const at = timestamp(sent.clock.now());
    const said = { outcome: 'done', by: 'receiver:external-call', at, result: '{"body":""}' } as const;
    const { answer } = answersOf(sent, api.backend.store);
    await answer(await read(sent.message), { answer: said, from: 'callback' });
  }

  async function settle(
    sent: AnswerCase,
    build: AnswerBuild = {},
    injector: Injector = new Injector(),
  ): Promise<void> {
    const { message, provider, clock } = sent;
    const { mutate } = build;
    const started = (): Clients =>
      clientsOf(outbox, { injector, sdkRetries: false, ...(mutate && { mutate }) });
    let process = started();
    const deliverOnce = async (): Promise<void> => {
      const end = await Promise.race([
        deliver(sent, process, build).catch(() => undefined),
        process.life.died,
      ]);
      if (end !== 'died') return;
      process.destroy();
      process = started();
    };
    await deliverOnce();
    for (let delivery = 0; delivery < 14; delivery += 1) {
      const { status } = await read(message);
      if (status === 'done' || status === 'dead') break;
      if (status === 'waiting') await callBack(sent);
      // The first waits are shorter than a call may be on its way.
      clock.ahead(delivery === 0 ? 2_000 : 61_000);
      provider.arrive();
      await deliverOnce();
    }
    clock.ahead(lateByMs);
    provider.arrive();
    // What comes again finds it over.
    await deliverOnce();
    process.destroy();
  }

  async function violations(sent: AnswerCase): Promise<readonly Violation[]> {
    const found: Violation[] = [];
    const { path, provider, message } = sent;
    const { tenant, id } = message;
    const report = (guarantee: 'G18' | 'G19', what: string): void => {
      found.push({ guarantee, what: `${id} ${what}`, tenant });
    };
    const acts = provider.acts.get(id) ?? 0;
    if (acts > 1) report('G19', `took effect ${acts} times`);
    const before = await read(message);
    if (before.status === 'dead') {
      const after = await commandsAfter(sent);
      if (after.length > 0) report('G18', `is dead, and ${after.join(', ')} followed`);
      if (acts > 0 && (before.unsettled ?? 0) === 0) report('G19', 'has acted, and is not called uncertain');
      const listed = await decided(() => api.get('/v1/messages?status=dead&uncertain=true', { tenant }));
      const items = listed.json['items'] as readonly { id: string }[];
      if ((before.unsettled ?? 0) > 0 && !items.some((item) => item.id === id))
        report('G19', 'is held, and not in the list');
      const word = { outcome: acts > 0 ? 'done' : 'refused', note: 'as the provider tells it' };
      const resolve = `/v1/messages/${id}/resolve`;
      const resolved = await decided((key) => api.post(resolve, word, { tenant, key }));
      if (resolved.status !== 200) report('G18', `could not be resolved: ${resolved.text}`);
    }
    const { status, answers = {} } = await read(message);
    if (status !== 'done') report('G18', `ended as ${status}`);
    const after = await commandsAfter(sent);
    const times = (name: string | undefined): number => after.filter((command) => command === name).length;
    if (times(answers.done) + times(answers.refused) > 1)
      report('G18', `moved its entity by ${after.join(', ')} at ${path}`);
    if (status === 'done' && times(acts > 0 ? answers.done : answers.refused) !== 1)
      report('G18', `is done, its receiver acted ${acts} times, and ${after.join(', ')} followed`);
    return found;
  }

  /** What happened to the entity after it had sent the call. */
  async function commandsAfter({ path, message: { tenant, seq } }: AnswerCase): Promise<readonly string[]> {
    const { json } = await decided(() => api.get(`${path}/ledger?limit=100`, { tenant }));
    const items = json['items'] as readonly { command: string; seq: number }[];
    return items.filter((item) => item.seq > seq).map(({ command }) => command);
  }

  return {
    outbox,
    api,
    send,
    deliver,
    answersOf,
    settle,
    violations,
    firstViolation: async (options, injector) => {
      const sent = await send(options);
      await settle(sent, {}, injector);
      return firstOf(await violations(sent));
    },
    stop: async () => {
      api.backend.store.client.destroy();
      await outbox.stop();
    },
  };
}

/** @returns the path of the entity that has sent it */
async function sendCall(api: TestBackend, call: AnsweredCall, tenant: string): Promise<string> {
  const post = async (path: string, body?: unknown): Promise<string> => {
    const reply = await decided((key) => api.post(path, body, { tenant, key }));
    if (reply.status >= 300) throw new Error(`${path}: ${reply.text}`);
    return reply.headers['location'] ?? path;
  };
  const idIn = (path: string): string => path.split('/').at(-1) ?? '';
  if (call === 'charge') {
    const showingId = idIn(await post('/v1/showings', { title: 'Show', capacity: 5 }));
    return post('/v1/orders', { showingId, places: 2, customer: 'ada', amount: 500, currency: 'EUR' });
  }
  const path = await post('/v1/payments', { payer: 'ada', payee: 'shop', amount: 1_250, currency: 'EUR' });
  await post(`${path}/confirm`);
  if (call === 'capture') return path;
  for (const message of await unanswered(api, tenant, idIn(path))) await answerWhole(api, message);
  if (call === 'refund') {
    await post(`${path}/refund`, { amount: 250 });
    return path;
  }
  const paymentIds = [idIn(path)];
  const settlement = await post('/v1/settlements', { payee: 'shop', currency: 'EUR', paymentIds });
  await post(`${settlement}/confirm`);
  await post(`${settlement}/pay`);
  return settlement;
}
