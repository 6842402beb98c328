/**
 * G18 and G19: a receiver that ignores the idempotency key, whose answers are lost and whose workers die. It acts once
 * for each message, every answer moves its entity once, and the two agree.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { domains } from '../../functions/application.ts';
import { createAnswers } from '../../functions/commands/carry-out-answer.ts';
import { createBackend } from '../../functions/commands/backend.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { uncertainty } from '../../functions/runtime/delivery-limits.ts';
import { topicPolicies } from '../../functions/runtime/topics.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { didNotAct, mayHaveActed, refused } from '../../functions/workers/receiver.ts';
import type { Inquire, Received, Receiver } from '../../functions/workers/receiver.ts';
import { createTopicWorker } from '../../functions/workers/topic-worker.ts';
import { answerAll, unanswered } from '../support/answering.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import type { Violation } from '../support/faults/checker.ts';
import { count } from '../support/faults/counts.ts';
import { clientsOf } from '../support/faults/delivery.ts';
import type { Clients } from '../support/faults/delivery.ts';
import { faultsAt, faultsOf, Injector } from '../support/faults/fault-client.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { condition, transactions, writes } from '../support/faults/mutants.ts';
import type { Mutate } from '../support/faults/mutants.ts';
import { isFullScope } from '../support/faults/scope.ts';
import { bodyOf, silent, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';

let outbox: TestOutbox;
let api: TestBackend;
beforeAll(async () => {
  outbox = await startOutbox();
  api = await startBackend({ tables: outbox.tables, clock: outbox.clock });
});
afterAll(async () => {
  api.backend.store.client.destroy();
  await outbox.stop();
});

/** What becomes of the first call of a message, seen from the socket. Every later call acts and is answered. */
const socketEvents = [
  'it acts and answers',
  'it acts, and its answer is lost',
  'the call is lost after its first byte',
  'no connection can be made',
  'it refuses',
  'it takes it and calls back',
] as const;
type SocketEvent = (typeof socketEvents)[number] | 'the call arrives late';

/** How long a late call is on its way, by the clock of the test: less than `uncertainty.onItsWayMs`. */
const lateByMs = 5_000;

/** A receiver that acts at every call, whatever the key, and tells the truth when it is asked. */
class Provider {
  readonly acts = new Map<string, number>();
  readonly refusals = new Set<string>();
  readonly #calls = new Map<string, number>();
  readonly #late = new Map<string, number>();
  readonly #event: SocketEvent;

  constructor(event: SocketEvent) {
    this.#event = event;
  }

  /** Late calls that have arrived by now act. */
  arrive(): void {
    for (const [id, at] of this.#late) {
      if (outbox.clock.now() < at) continue;
      this.#late.delete(id);
      this.#act(id);
    }
  }

  #act(id: string): Received {
    this.acts.set(id, (this.acts.get(id) ?? 0) + 1);
    return { kind: 'done', result: { status: 200, body: '{"reference":"ch_1"}' } };
  }

  readonly receive: Receiver = ({ id }) => {
    const n = (this.#calls.get(id) ?? 0) + 1;
    this.#calls.set(id, n);
    return Promise.resolve(n === 1 ? this.#first(id) : this.#act(id));
  };

  #first(id: string): Received {
    switch (this.#event) {
      case 'it acts and answers':
        return this.#act(id);
      case 'it acts, and its answer is lost':
        this.#act(id);
        return mayHaveActed('UND_ERR_SOCKET', 'The connection was cut.');
      case 'the call is lost after its first byte':
        return mayHaveActed('UND_ERR_SOCKET', 'The connection was cut.');
      case 'the call arrives late':
        this.#late.set(id, outbox.clock.now() + lateByMs);
        return mayHaveActed('timeout', 'The receiver took too long.');
      case 'no connection can be made':
        return didNotAct('ECONNREFUSED', 'The receiver could not be reached.');
      case 'it refuses':
        this.refusals.add(id);
        return refused('402', 'The receiver answered 402.');
      case 'it takes it and calls back':
        this.#act(id);
        return { kind: 'accepted' };
      default:
        return this.#event satisfies never;
    }
  }

  readonly inquire: Inquire = ({ id }) => {
    this.arrive();
    if (this.acts.has(id)) return Promise.resolve({ kind: 'done', result: { body: '{"reference":"ch_1"}' } });
    if (this.refusals.has(id))
      return Promise.resolve({ kind: 'refused', code: 'refused', reason: 'It refused.' });
    return Promise.resolve({ kind: 'never_seen' });
  };
}

interface Sent {
  readonly path: string;
  readonly message: MessageItem;
}
type Command = 'capture' | 'refund' | 'charge' | 'transfer';

async function messageOf(tenant: string, path: string): Promise<Sent> {
  const found = await unanswered(api, tenant, path.split('/').at(-1));
  const message = found.find(({ topic }) => topic === 'external-call');
  if (!message) throw new Error(`${path} has sent nothing`);
  return { path, message };
}

/** Makes what sends each call, with a receiver that is well. */
async function send(command: Command, tenant: string): Promise<Sent> {
  const post = async (path: string, body?: unknown): Promise<string> => {
    const reply = await api.post(path, body, { tenant });
    if (reply.status >= 300) throw new Error(`${path}: ${reply.text}`);
    return reply.headers['location'] ?? path;
  };
  const payment = { payer: 'ada', payee: 'shop', amount: 1_250, currency: 'EUR' };
  if (command === 'charge') {
    const showing = await post('/v1/showings', { title: 'Show', capacity: 5 });
    const showingId = showing.split('/').at(-1);
    const order = { showingId, places: 2, customer: 'ada', amount: 500, currency: 'EUR' };
    return messageOf(tenant, await post('/v1/orders', order));
  }
  const path = await post('/v1/payments', payment);
  await post(`${path}/confirm`);
  if (command === 'capture') return messageOf(tenant, path);
  await answerAll(api, tenant);
  if (command === 'refund') {
    await post(`${path}/refund`, { amount: 250 });
    return messageOf(tenant, path);
  }
  const paymentIds = [path.split('/').at(-1)];
  const settlement = await post('/v1/settlements', { payee: 'shop', currency: 'EUR', paymentIds });
  await post(`${settlement}/confirm`);
  await post(`${settlement}/pay`);
  return messageOf(tenant, settlement);
}

/** One delivery to a worker of its own; one that died does not answer. */
async function deliver(provider: Provider, { message }: Sent, clients: Clients): Promise<void> {
  const { client, sqs } = clients;
  const access = { ...outbox.access, client };
  const backend = createBackend({ domains, store: { client, tables: outbox.tables }, clock: outbox.clock });
  const handler = createTopicWorker({
    topic: 'external-call',
    policy: topicPolicies['external-call'],
    receiver: provider.receive,
    inquire: provider.inquire,
    carryOut: createAnswers(backend, access).carryOut,
    outbox: access,
    sqs,
    log: silent,
  });
  const { run } = await outbox.read(message);
  const event = sqsEvent(outbox.queues['external-call'], bodyOf(message, run));
  await Promise.race([handler(event), clients.life.died]);
}

/** The provider's callback, as the API takes it. */
async function callBack({ message }: Sent): Promise<void> {
  const { answer } = createAnswers(api.backend, outbox.access);
  const at = timestamp(outbox.clock.now());
  await answer(await outbox.read(message), {
    answer: { outcome: 'done', by: 'receiver:external-call', at, result: '{"body":""}' },
    from: 'callback',
  });
}

interface Build {
  readonly mutate?: Mutate;
  readonly provider?: (event: SocketEvent) => Provider;
}

/** Delivers with faults first, then without, until everything that comes by itself has come. */
async function settle(
  event: SocketEvent,
  sent: Sent,
  { mutate, provider: made = (of) => new Provider(of) }: Build = {},
  injector?: Injector,
): Promise<Provider> {
  const provider = made(event);
  const faulty = clientsOf(outbox, {
    ...(injector && { injector, sdkRetries: false }),
    ...(mutate && { mutate }),
  });
  const healthy = clientsOf(outbox, mutate ? { mutate } : {});
  await deliver(provider, sent, faulty).catch(() => undefined);
  for (let delivery = 0; delivery < 12; delivery += 1) {
    const { status } = await outbox.read(sent.message);
    if (status === 'done' || status === 'dead') break;
    if (status === 'waiting') await callBack(sent);
    // The first waits are shorter than a call may be on its way.
    outbox.clock.ahead(delivery === 0 ? 2_000 : 61_000);
    provider.arrive();
    await deliver(provider, sent, healthy).catch(() => undefined);
  }
  outbox.clock.ahead(lateByMs);
  provider.arrive();
  // What comes again finds it over.
  await deliver(provider, sent, healthy).catch(() => undefined);
  faulty.destroy();
  healthy.destroy();
  return provider;
}

/** Whether receiver, message and entity agree. */
async function violations(provider: Provider, { path, message }: Sent): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  const report = (number: 'G18' | 'G19', what: string): void => {
    found.push({ guarantee: number, what: `${message.id} ${what}`, tenant: message.tenant });
  };
  const { status, unsettled = 0, answers = {} } = await outbox.read(message);
  const acts = provider.acts.get(message.id) ?? 0;
  if (acts > 1) report('G19', `took effect ${acts} times`);
  const { items } = (await api.get(`${path}/ledger?limit=100`, { tenant: message.tenant })).json as {
    items: { command: string; seq: number }[];
  };
  const after = items.filter(({ seq }) => seq > message.seq).map(({ command }) => command);
  const times = (name: string | undefined): number => after.filter((command) => command === name).length;
  if (times(answers.done) + times(answers.refused) > 1)
    report('G18', `moved its entity by ${after.join(', ')}`);
  if (status === 'done') {
    const expected = acts > 0 ? answers.done : answers.refused;
    if (times(expected) !== 1)
      report('G18', `is done, its receiver acted ${acts} times, and ${after.join(', ')} followed`);
  } else if (status === 'dead') {
    if (after.length > 0) report('G18', `is dead, and ${after.join(', ')} followed`);
    if (acts > 0 && unsettled === 0) report('G19', 'has acted, is dead, and is not called uncertain');
  } else {
    report('G18', `ended as ${status}`);
  }
  return found;
}

/**
 * The shapes of calls that had their faults. `npm run test:all` brings every fault to every call for one command; the
 * worker is the same for all of them, so for the others to each shape of call once.
 */
const tried = new Set<string>();
const isTriedAt = (command: Command, shape: string): boolean => {
  const name = isFullScope ? `${command} ${shape}` : shape;
  const isNew = !tried.has(name);
  tried.add(name);
  return isNew || (isFullScope && command === 'capture');
};

describe.each(['capture', 'refund', 'charge', 'transfer'] as const)('%s', (command) => {
  test.each(socketEvents)('%s, under every fault at every call to AWS', async (event) => {
    const tenant = randomUUID();
    const clean = new Injector();
    const first = await send(command, tenant);
    const all = await violations(await settle(event, first, {}, clean), first);
    expect(all).toEqual([]);
    let faults = 0;
    for (const [index, call] of clean.attempts.entries()) {
      if (!isTriedAt(command, clean.shapes[index] ?? '')) continue;
      for (const fault of faultsOf(call)) {
        const sent = await send(command, tenant);
        const provider = await settle(event, sent, {}, new Injector(faultsAt({ [index]: fault })));
        expect(await violations(provider, sent), `${fault} at ${call} (${index})`).toEqual([]);
        faults += 1;
      }
    }
    count({
      subject: `answer to ${command}`,
      what: 'single fault',
      cases: faults + 1,
      faults,
      violations: 0,
    });
  });
});

/** Where an update says this, changes it. */
const updates = (mark: string, change: (input: Record<string, unknown>) => Record<string, unknown>): Mutate =>
  writes('UpdateItemCommand', (input) =>
    String(input['UpdateExpression']).includes(mark) ? change(input) : input,
  );
const unconditional = (mark: string): Mutate =>
  updates(mark, (input) => condition(input, 'attribute_exists(pk)'));

/** Leaves a clause out of an update's condition. */
const without = (mark: string, clause: string): Mutate =>
  updates(mark, (input) =>
    condition(input, String(input['ConditionExpression']).replace(clause, 'attribute_exists(pk)')),
  );

const prove =
  (event: SocketEvent, command: Command, scenario: 'alone' | 'twice at once' | 'two answers' = 'alone') =>
  async (build?: Build): Promise<readonly Violation[]> => {
    const sent = await send(command, randomUUID());
    if (scenario === 'two answers') {
      // A callback says no while the call that acted is on its way back.
      const provider = new Provider(event);
      const clients = clientsOf(outbox, build?.mutate ? { mutate: build.mutate } : {});
      const { answer } = createAnswers(
        createBackend({
          domains,
          store: { client: clients.client, tables: outbox.tables },
          clock: outbox.clock,
        }),
        { ...outbox.access, client: clients.client },
      );
      const at = timestamp(outbox.clock.now());
      const item = await outbox.read(sent.message);
      await deliver(provider, sent, clients);
      await answer(item, {
        answer: {
          outcome: 'refused',
          by: 'receiver:external-call',
          at,
          refused: { code: 'x', reason: 'no' },
        },
        from: 'callback',
      }).catch(() => undefined);
      clients.destroy();
      return violations(provider, sent);
    }
    const provider = await settle(event, sent, build);
    return violations(provider, sent);
  };

guarantee<Build>(
  'G18 an answer is taken once',
  async (build) => [
    ...(await prove('it acts and answers', 'capture')(build)),
    ...(await prove('it refuses', 'capture')(build)),
    ...(await prove('it acts and answers', 'capture', 'two answers')(build)),
  ],
  {
    'a message is done before its entity has moved': {
      mutate: updates('#answer = :answer', (input) => ({
        ...input,
        ExpressionAttributeValues: { ...(input['ExpressionAttributeValues'] as object), ':status': 'done' },
      })),
    },
    'the entity moves, and its message does not end with it': {
      mutate: transactions((items) =>
        items.filter(({ Update }) => Update?.TableName?.endsWith('-outbox') !== true),
      ),
    },
    'a second answer takes the place of the first': { mutate: unconditional('#answer = :answer') },
    'a timeout is taken for a refusal': {
      provider: (event) => {
        const provider = new Provider(event);
        const receive: Receiver = async (message, call) => {
          const received = await provider.receive(message, call);
          return received.kind === 'done' ? refused('timeout', 'It took too long.') : received;
        };
        return Object.assign(provider, { receive });
      },
    },
  },
);

guarantee<Build>(
  'G19 uncertain is never guessed',
  async (build) => [
    ...(await prove('it acts, and its answer is lost', 'charge')(build)),
    ...(await prove('the call arrives late', 'charge')(build)),
  ],
  {
    'a call that may have acted is made again': {
      mutate: without(
        '#attempts = #attempts + :one',
        '(attribute_not_exists(#onUncertain) OR attribute_not_exists(#unsettled) OR #unsettled = :zero)',
      ),
    },
    'a call that may have acted counts as one that did not': {
      mutate: updates('#lastError = :error, #calls = :calls, #leaseUntil = :until', (input) => ({
        ...input,
        UpdateExpression: String(input['UpdateExpression']).replace(
          'REMOVE #leaseToken',
          'REMOVE #leaseToken, #unsettled',
        ),
        ExpressionAttributeNames: {
          ...(input['ExpressionAttributeNames'] as object),
          '#unsettled': 'unsettled',
        },
      })),
    },
    'a receiver that has never seen it is believed while the call is on its way': {
      mutate: updates('#lastError = :error, #calls = :calls, #leaseUntil = :until', (input) => ({
        ...input,
        ExpressionAttributeValues: { ...(input['ExpressionAttributeValues'] as object), ':calls': [] },
      })),
    },
  },
);

test('a late call is on its way for less than it is waited for', () => {
  expect(lateByMs).toBeLessThan(uncertainty.onItsWayMs);
});
