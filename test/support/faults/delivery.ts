/** The way out under faults: relay, workers and sweeper as processes that may die, and a receiver that remembers. */
import { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { inject } from 'vitest';
import { domains } from '../../../functions/application.ts';
import { createAnswers } from '../../../functions/commands/carry-out-answer.ts';
import { createBackend } from '../../../functions/commands/backend.ts';
import { createMessageRelay } from '../../../functions/outbox/message-relay.ts';
import { createSweeper } from '../../../functions/outbox/sweep.ts';
import type { Clock } from '../../../functions/runtime/clock.ts';
import { createSendingClient } from '../../../functions/runtime/queue-client.ts';
import { topicPolicies, topics } from '../../../functions/runtime/topics.ts';
import type { Topic } from '../../../functions/runtime/topics.ts';
import { createDocumentClient } from '../../../functions/store/client.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import type { QueueHandler } from '../../../functions/workers/batch.ts';
import type { Received, Receiver } from '../../../functions/workers/receiver.ts';
import { createTopicWorker } from '../../../functions/workers/topic-worker.ts';
import { results } from '../answering.ts';
import { localCredentials, localRegion } from '../loopback.ts';
import { bodyOf, silent, sqsEvent, streamEvent } from '../outbox.ts';
import type { TestOutbox } from '../outbox.ts';
import { checkChanges } from './check-changes.ts';
import type { Report, Violation } from './checker.ts';
import { checkDeliveries } from './check-deliveries.ts';
import type { Call, Delivered } from './check-deliveries.ts';
import { injectFaults, life } from './fault-client.ts';
import type { Injector, Life } from './fault-client.ts';
import { readChanges, readStore } from './store-image.ts';

/** What a receiver does with the n-th call of a message, from 1. */
export type Behaviour = (message: MessageItem, n: number) => Received | Promise<Received>;

/** Gives back what a receiver of its topic does, since entities are moved by it, and which call it was. */
export const acts: Behaviour = ({ topic }, n) => ({ kind: 'done', result: { ...results[topic], call: n } });

/** A receiver that honours idempotency keys and heeds `seq`, and remembers all of its calls. */
export class RememberingReceiver {
  readonly calls: Call[] = [];
  readonly newest = new Map<string, number>();
  behave: Behaviour = acts;
  readonly #outbox: TestOutbox;

  constructor(outbox: TestOutbox) {
    this.#outbox = outbox;
  }

  readonly receive: Receiver = async (message) => {
    const { id, tenant, entity, type, seq } = message;
    const afterDone = (await this.#outbox.read(message)).status === 'done';
    const n = this.calls.filter((call) => call.message === id && call.tenant === tenant).length + 1;
    const received = await this.behave(message, n);
    const acted = received.kind === 'done';
    this.calls.push({ key: id, message: id, tenant, entity, type, seq, acted, afterDone });
    const place = `${tenant} ${entity}`;
    if (acted) this.newest.set(place, Math.max(this.newest.get(place) ?? 0, seq));
    return received;
  };

  delivered(isOver: boolean): Delivered {
    return { calls: this.calls, newest: this.newest, isOver };
  }
}

/** Clients of one process, with its faults. */
export interface Clients {
  readonly client: DynamoDBDocumentClient;
  readonly sqs: SQSClient;
  /** Of relay and sweeper. */
  readonly sender: SQSClient;
  readonly life: Life;
  readonly destroy: () => void;
}

export interface ClientOptions {
  readonly injector?: Injector;
  readonly sdkRetries?: boolean;
  /** Breaks the build. */
  readonly mutate?: (client: DynamoDBDocumentClient) => void;
  readonly mutateSends?: (client: SQSClient) => void;
}

export function clientsOf(
  outbox: TestOutbox,
  { injector, sdkRetries = true, mutate, mutateSends }: ClientOptions = {},
): Clients {
  const shared = {
    region: localRegion,
    credentials: localCredentials,
    ...(!sdkRetries && { maxAttempts: 1 }),
  };
  const client = createDocumentClient({ ...shared, endpoint: inject('dynamodbEndpoint') });
  const sqs = new SQSClient({ ...shared, endpoint: outbox.server.endpoint });
  const sender = createSendingClient({ ...shared, endpoint: outbox.server.endpoint });
  const alive = life();
  mutate?.(client);
  mutateSends?.(sender);
  if (injector) {
    injectFaults(client, injector, alive);
    injectFaults(sqs, injector, alive);
    injectFaults(sender, injector, alive);
  }
  const destroy = (): void => {
    client.destroy();
    sqs.destroy();
    sender.destroy();
  };
  return { client, sqs, sender, life: alive, destroy };
}

export const relayOf = (outbox: TestOutbox, { sender }: Pick<Clients, 'sender'>) =>
  createMessageRelay({
    sqs: sender,
    queueUrls: outbox.queueUrls,
    log: silent,
  });

export const sweeperOf = (outbox: TestOutbox, { client, sender }: Pick<Clients, 'client' | 'sender'>) =>
  createSweeper({
    client,
    sqs: sender,
    clock: outbox.clock,
    tables: outbox.tables,
    queueUrls: outbox.queueUrls,
    timerQueueUrl: outbox.queues.timer.url,
    log: silent,
  });

export const workerOf = (
  outbox: TestOutbox,
  topic: Topic,
  receiver: Receiver,
  { client, sqs }: Pick<Clients, 'client' | 'sqs'>,
  clock: Clock = outbox.clock,
): QueueHandler =>
  createTopicWorker({
    topic,
    policy: topicPolicies[topic],
    receiver,
    carryOut: createAnswers(createBackend({ domains, store: { client, tables: outbox.tables }, clock }), {
      ...outbox.access,
      client,
      clock,
    }).carryOut,
    outbox: { ...outbox.access, client, clock },
    sqs,
    log: silent,
  });

/** Delivers a message until it is over, with time moved past every lease and wait; a dead one goes its own way. */
export async function deliverUntilOver(
  outbox: TestOutbox,
  item: MessageItem,
  deliver: (body: string) => Promise<'over' | 'again'>,
): Promise<void> {
  for (let delivery = 0; delivery < 20; delivery += 1) {
    const { run, status } = await outbox.read(item);
    if (status === 'dead') return;
    if ((await deliver(bodyOf(item, run))) === 'over' && (await outbox.read(item)).status === 'done') return;
    outbox.clock.ahead(60_000);
  }
}

/** One delivery to a handler. A process that died, or a batch that failed, comes again. */
export async function deliverOnce(
  outbox: TestOutbox,
  topic: Topic,
  clients: Clients,
  receiver: Receiver,
  body: string,
): Promise<'over' | 'again'> {
  const handler = workerOf(outbox, topic, receiver, clients);
  const end = await Promise.race([handler(sqsEvent(outbox.queues[topic], body)), clients.life.died]);
  return end !== 'died' && end.batchItemFailures.length === 0 ? 'over' : 'again';
}

/** Works the queues off with processes that have no faults. */
export async function drain(
  outbox: TestOutbox,
  receiver: Receiver,
  of: readonly Topic[] = topics,
): Promise<void> {
  const workers = of.map((topic) => ({
    queue: outbox.queues[topic],
    handler: workerOf(outbox, topic, receiver, outbox),
  }));
  for (let delivered = 1; delivered > 0;) {
    const counts = await Promise.all(workers.map(({ queue, handler }) => outbox.poll(queue, handler)));
    delivered = counts.reduce((sum, one) => sum + one, 0);
  }
}

/** What the stream says of messages as they are now. */
export const streamOf = (...items: readonly MessageItem[]) => streamEvent(...items);

export async function deliveryViolations(
  outbox: TestOutbox,
  receiver: RememberingReceiver,
  options: Partial<Delivered> = {},
): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  const endpoint = inject('dynamodbEndpoint');
  const [store, changes] = await Promise.all([
    readStore(endpoint, outbox.tables),
    readChanges(endpoint, outbox.tables),
  ]);
  const report: Report = (guarantee, what, tenant) => {
    violations.push({ guarantee, what, ...(tenant !== undefined && { tenant }) });
  };
  checkDeliveries(store, { ...receiver.delivered(true), ...options }, report);
  checkChanges([], changes, [], report);
  return violations;
}
