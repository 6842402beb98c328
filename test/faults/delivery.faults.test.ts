/**
 * The way out: every AWS call of relay, workers, sweeper and redrive, every fault at that call. Whoever died is
 * followed by a new process, as its event source would have it; at the end every message is worked off.
 */
import { ulid } from 'ulid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTimerRelay } from '../../functions/outbox/timer-stream.ts';
import { topics } from '../../functions/runtime/topics.ts';
import type { Topic } from '../../functions/runtime/topics.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { redriveMessages } from '../../functions/store/outbox/bulk-redrive.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import { createTimerWorker } from '../../functions/workers/timer-worker.ts';
import type { RunScheduledTransition } from '../../functions/workers/scheduled-transition.ts';
import { didNotAct, mayHaveActed, refused } from '../../functions/workers/receiver.ts';
import { firstOf } from '../support/faults/checker.ts';
import { count } from '../support/faults/counts.ts';
import {
  acts,
  clientsOf,
  deliverOnce,
  deliverUntilOver,
  deliveryViolations,
  drain,
  RememberingReceiver,
  relayOf,
  streamOf,
  sweeperOf,
} from '../support/faults/delivery.ts';
import type { Behaviour, ClientOptions, Clients } from '../support/faults/delivery.ts';
import { faultsAt, faultsOf, Injector, retriesOf } from '../support/faults/fault-client.ts';
import { isFullScope } from '../support/faults/scope.ts';
import { bodyOf, silent, sqsEvent, startOutbox, streamEvent } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';

let outbox: TestOutbox;
let receiver: RememberingReceiver;
let clean: Clients;
beforeEach(async () => {
  outbox = await startOutbox({ streams: true });
  clean = clientsOf(outbox);
  receiver = new RememberingReceiver(outbox);
});
afterEach(async () => {
  clean.destroy();
  await outbox.stop();
});

/** Runs work in a process; one that died, or failed, is followed by another until it comes through. */
async function untilThrough(
  options: ClientOptions,
  work: (clients: Clients) => Promise<boolean>,
): Promise<void> {
  for (let tries = 0; tries < 6; tries += 1) {
    const clients = clientsOf(outbox, options);
    try {
      const end = await Promise.race([work(clients).catch(() => false), clients.life.died]);
      if (end === true) return;
    } finally {
      clients.destroy();
    }
  }
}

/** The shapes of calls that had their faults. */
type Tried = Set<string>;

/**
 * Where a run makes several calls of one shape, the first and the last of them stand for all. `npm test` takes the first
 * alone, once for all tests that share what was tried.
 */
function placesOf({ attempts, shapes }: Injector, tried: Tried): { index: number; command: string }[] {
  const stands = (shape: string, index: number): boolean =>
    isFullScope
      ? shapes.indexOf(shape) === index || shapes.lastIndexOf(shape) === index
      : shapes.indexOf(shape) === index && !tried.has(shape);
  const places = attempts.flatMap((command, index) =>
    stands(shapes[index] ?? '', index) ? [{ index, command }] : [],
  );
  for (const shape of shapes) tried.add(shape);
  return places;
}

type Case = ClientOptions & {
  readonly injector: Injector;
  /** Its messages belong to this tenant, so that a violation names the case. */
  readonly tenant: string;
};

interface CaseOptions {
  readonly tried?: Tried;
  /** What all cases need at their end, once. */
  readonly end?: () => Promise<unknown>;
}

/** Runs a case without faults, then with each fault at each of its calls. */
async function everyFault(
  subject: string,
  run: (options: Case) => Promise<void>,
  { tried = new Set(), end }: CaseOptions = {},
): Promise<void> {
  const faultless = new Injector();
  await run({ injector: faultless, tenant: 'no fault' });
  expect(faultless.attempts.length).toBeGreaterThan(0);
  let [cases, faults] = [0, 0];
  for (const { index, command } of placesOf(faultless, tried)) {
    for (const fault of faultsOf(command)) {
      for (const sdkRetries of retriesOf(fault)) {
        const injector = new Injector(faultsAt({ [index]: fault }));
        const retried = sdkRetries ? ', retried by the SDK' : '';
        await run({ injector, sdkRetries, tenant: `${fault} at call ${index} (${command})${retried}` });
        [cases, faults] = [cases + 1, faults + injector.injected.length];
      }
    }
  }
  await end?.();
  const violations = await deliveryViolations(outbox, receiver);
  count({ subject, what: 'single fault', cases, faults, violations: violations.length });
  expect(firstOf(violations)).toBeUndefined();
}

/** Works off what all cases have sent. */
const worksOff: CaseOptions = { end: () => drain(outbox, receiver.receive) };

test('the relay', async () => {
  receiver.behave = acts;
  const relays = async ({ tenant, ...options }: Case): Promise<void> => {
    const items = await Promise.all([
      outbox.put({ tenant }),
      outbox.put({ tenant, topic: 'notification', n: 1 }),
      outbox.put({ tenant: `other ${tenant}` }),
    ]);
    // The stream hands a batch out again until it is through.
    await untilThrough(options, async (clients) => {
      const { batchItemFailures } = await relayOf(outbox, clients)(streamOf(...items));
      return batchItemFailures.length === 0;
    });
  };
  await everyFault('relay', relays, worksOff);
});

test('the relay, with records twice, out of order and in another batch', async () => {
  receiver.behave = acts;
  const relays = async ({ tenant, ...options }: Case): Promise<void> => {
    const [first, second] = await Promise.all([
      outbox.put({ tenant, seq: 2 }),
      outbox.put({ tenant, seq: 3 }),
    ]);
    const batches = [streamOf(second, first, second), streamOf(first), streamOf(second)];
    for (const batch of batches) {
      await untilThrough(options, async (clients) => {
        return (await relayOf(outbox, clients)(batch)).batchItemFailures.length === 0;
      });
    }
  };
  await everyFault('relay', relays, worksOff);
});

const behaviours: Readonly<Record<string, Behaviour>> = {
  'whose receiver acts': acts,
  'whose receiver acts and is not heard': (message, n) =>
    n === 1 ? mayHaveActed('UND_ERR_SOCKET', 'The connection was cut.') : acts(message, n),
  'whose receiver fails once': (message, n) =>
    n === 1 ? mayHaveActed('500', 'It answered 500.') : acts(message, n),
  'whose receiver refuses': () => refused('400', 'It answered 400.'),
  'whose receiver always fails': () => didNotAct('503', 'It answered 503.'),
};

/** The first goes through everything a receiver can do, the others through the two ends. */
const ofOthers = ['whose receiver acts', 'whose receiver refuses'];
const behavioursOf = (topic: Topic): [string, Behaviour][] =>
  Object.entries(behaviours).filter(([name]) => topic === 'external-call' || ofOthers.includes(name));

/** The workers of all topics are one, so `npm test` takes the first. */
const chosenTopics = isFullScope ? topics : (['external-call'] as const);

describe.each(chosenTopics)('the worker of %s', (topic) => {
  const tried: Tried = new Set();

  test.for(behavioursOf(topic))('%s', async ([, behave]) => {
    receiver.behave = behave;
    const works = async ({ tenant, ...options }: Case): Promise<void> => {
      const item = await outbox.put({ tenant, topic });
      let clients = clientsOf(outbox, options);
      await deliverUntilOver(outbox, item, async (body) => {
        const end = await deliverOnce(outbox, topic, clients, receiver.receive, body);
        if (end === 'again') {
          clients.destroy();
          clients = clientsOf(outbox, options);
        }
        return end;
      });
      clients.destroy();
    };
    await everyFault(`worker ${topic}`, works, { tried });
  });
});

/** An entity's item, as far as its timer is concerned. */
const waiting = (
  tenant: string,
): { readonly dueAt: number; readonly entity: string; readonly item: object } => {
  const entity = `rsv_${ulid()}`;
  const dueAt = Date.now() - 1_000;
  const item = { id: entity, tenant, collection: 'reservations', dueAt, timerTransition: 'expire' };
  return { dueAt, entity, item };
};

test('the relay of timers', async () => {
  const entities: string[] = [];
  await everyFault('timer', async ({ tenant, ...options }) => {
    const { entity, item } = waiting(tenant);
    entities.push(entity);
    await untilThrough(options, async ({ sender: sqs }) => {
      const parts = { sqs, queueUrl: outbox.queues.timer.url, clock: outbox.clock, log: silent };
      const { batchItemFailures } = await createTimerRelay(parts)(streamEvent(item));
      return batchItemFailures.length === 0;
    });
  });
  const sent = await outbox.look(outbox.queues.timer);
  const arrived = new Set(sent.map((body) => (JSON.parse(body) as { entity: string }).entity));
  expect(entities.filter((entity) => !arrived.has(entity))).toEqual([]);
});

test('the worker of timers', async () => {
  const ran: string[] = [];
  const done: string[] = [];
  await everyFault('timer', async ({ tenant, ...options }) => {
    const { dueAt, entity } = waiting(tenant);
    const body = JSON.stringify({
      entity,
      collection: 'reservations',
      tenant,
      transition: 'expire',
      dueAt,
    });
    ran.push(entity);
    let runs = 0;
    await untilThrough(options, async ({ sqs }) => {
      const run: RunScheduledTransition = () => {
        runs += 1;
        if (runs > 1) done.push(entity);
        return Promise.resolve(runs > 1 ? 'done' : 'retry');
      };
      const handler = createTimerWorker({ run, sqs, clock: outbox.clock, log: silent });
      return (await handler(sqsEvent(outbox.queues.timer, body))).batchItemFailures.length === 0;
    });
  });
  expect(done).toEqual(ran);
});

/** Whatever the sweeper is kept from, its next run does. */
test('the sweeper', async () => {
  receiver.behave = acts;
  const used = ['external-call', 'llm'] as const;
  await everyFault('sweeper', async ({ tenant, ...options }) => {
    const items = await Promise.all([
      outbox.put({ tenant }),
      outbox.put({ topic: 'llm', tenant: `other ${tenant}` }),
    ]);
    await untilThrough(options, async (clients) => {
      await sweeperOf(outbox, clients)({ graceSeconds: 0 });
      return true;
    });
    await drain(outbox, receiver.receive, used);
    // What a run took for sent, or could not mark, the next one finds.
    const now = await Promise.all(items.map((item) => outbox.read(item)));
    if (now.every(({ status }) => status === 'done')) return;
    await sweeperOf(outbox, outbox)({ graceSeconds: 0 });
    await drain(outbox, receiver.receive, used);
  });
});

async function deadMessage(tenant: string): Promise<MessageItem> {
  const before = receiver.behave;
  receiver.behave = () => refused('400', 'It answered 400.');
  const item = await outbox.put({ tenant });
  await deliverOnce(outbox, 'external-call', clean, receiver.receive, bodyOf(item));
  receiver.behave = before;
  return outbox.read(item);
}

test('a redrive by the API, one message and in bulk', async () => {
  receiver.behave = acts;
  const redriven: MessageItem[] = [];
  const redrives = async ({ tenant, ...options }: Case): Promise<void> => {
    const dead = await deadMessage(tenant);
    const bulk = await deadMessage(tenant);
    expect(dead.status).toBe('dead');
    const { topic } = dead;
    await untilThrough(options, async ({ client }) => {
      const access = { ...outbox.access, client };
      await redriveMessage(access, dead);
      await redriveMessages(access, { tenant, topic, limit: 10 });
      return true;
    });
    const items = await Promise.all([outbox.read(dead), outbox.read(bulk)]);
    expect(items.map(({ status, run }) => [status, run])).toEqual([
      ['pending', 2],
      ['pending', 2],
    ]);
    redriven.push(...items);
  };
  const end = async (): Promise<void> => {
    await relayOf(outbox, outbox)(streamOf(...redriven));
    await drain(outbox, receiver.receive);
    const ends = await Promise.all(redriven.map((item) => outbox.read(item)));
    expect(ends.filter(({ status }) => status !== 'done')).toEqual([]);
  };
  await everyFault('redrive', redrives, { end });
});
