/** A random history: many callers, few entities, every fault at random rates, then the whole way out, then the check. */
import { inject } from 'vitest';
import type { Clock } from '../../../functions/runtime/clock.ts';
import { topics } from '../../../functions/runtime/topics.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import { readEntity } from '../../../functions/store/entities/reads.ts';
import { readMessage } from '../../../functions/store/outbox/messages.ts';
import { mayHaveActed, refused } from '../../../functions/workers/receiver.ts';
import { startOutbox } from '../outbox.ts';
import type { TestOutbox } from '../outbox.ts';
import { runCaller, untilFinal } from './caller.ts';
import type { Shared } from './caller.ts';
import type { Violation } from './checker.ts';
import {
  acts,
  clientsOf,
  drain,
  RememberingReceiver,
  relayOf,
  streamOf,
  sweeperOf,
  workerOf,
} from './delivery.ts';
import { faultKinds, Injector } from './fault-client.ts';
import type { Plan } from './fault-client.ts';
import { startLab } from './lab.ts';
import type { Lab, Process } from './lab.ts';
import { randomOf } from './random.ts';
import type { Random } from './random.ts';
import { readStore } from './store-image.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly callers: number;
  /** Commands of each caller. */
  readonly steps: number;
  readonly checksChanges: boolean;
}

export interface HistoryEnd {
  readonly requests: number;
  readonly faults: number;
  readonly violations: readonly Violation[];
}

const tenants = ['acme', 'other'] as const;
/** Processes run with clocks that are off by this much. */
const skewsMs = [0, 180_000, -180_000];

export async function runHistory(options: HistoryOptions): Promise<HistoryEnd> {
  const { seed, callers, steps, checksChanges } = options;
  const random = randomOf(seed);
  const rate = random.pick([0.02, 0.08, 0.2]);
  const isSkewed = random.chance(0.5);
  const injectors: Injector[] = [];
  const plan = (choices: Random): Plan => {
    return () => (choices.chance(rate) ? choices.pick(faultKinds) : undefined);
  };
  const injector = (choices: Random): Injector => {
    const made = new Injector(plan(choices));
    injectors.push(made);
    return made;
  };
  const lab = await startLab({ checksChanges });
  const outbox = await bound(lab);
  const receiver = new RememberingReceiver(outbox);
  try {
    const shared = await Promise.all(
      tenants.map(async (tenant, index) => share(lab, tenant, random.fork(index), injector, isSkewed)),
    );
    await Promise.all(
      Array.from({ length: callers }, (_, index) => {
        const [first] = shared;
        const one = shared[index % shared.length] ?? first;
        return one ? runCaller(one, random.fork(100 + index), steps) : Promise.resolve();
      }),
    );
    await settle(lab, shared, random.fork(200));
    await timers(lab, outbox);
    await deliver(outbox, receiver, random.fork(300), injector);
    const violations = await lab.violations(receiver.delivered(true));
    const faults = injectors.reduce((sum, { injected }) => sum + injected.length, 0);
    return { requests: lab.observer.seen.length, faults, violations };
  } finally {
    await lab.stop();
    await outbox.stop();
  }
}

/** Three processes a tenant; whoever finds one dead starts another. */
async function share(
  lab: Lab,
  tenant: string,
  random: Random,
  injector: (random: Random) => Injector,
  isSkewed: boolean,
): Promise<Shared> {
  let born = 0;
  const start = async (place: number): Promise<Process & { dead: boolean }> => {
    const skew = isSkewed ? (skewsMs[place] ?? 0) : 0;
    const clock: Clock = { now: () => lab.clock.now() + skew };
    const made = {
      ...(await lab.start({ injector: injector(random.fork((born += 1))), sdkRetries: place !== 1, clock })),
      dead: false,
    };
    void made.life.died.then(() => {
      made.dead = true;
    });
    return made;
  };
  const processes = await Promise.all(skewsMs.map((_, place) => start(place)));
  return {
    lab,
    tenant,
    ids: new Map(),
    tokens: new Map(),
    open: new Map(),
    process: async (choices) => {
      const place = choices.below(processes.length);
      const process = processes[place];
      if (process && !process.dead) return process;
      const next = await start(place);
      processes[place] = next;
      return next;
    },
  };
}

/** Whoever has no answer yet asks a healthy process until it has one. */
async function settle(lab: Lab, shared: readonly Shared[], random: Random): Promise<void> {
  const healthy = await lab.start();
  // Locks that a lost command left behind run out.
  lab.clock.advance(600_000);
  for (const one of shared) {
    for (const request of one.open.values()) {
      const key = request.key ?? '';
      await untilFinal({ ...one, process: () => Promise.resolve(healthy) }, random, { ...request, key }, 3);
    }
  }
}

/** Everything that is due happens, and each timer comes twice at once. */
async function timers(lab: Lab, outbox: TestOutbox): Promise<void> {
  lab.clock.advance(3_600_000);
  const [one, other] = await Promise.all([lab.start(), lab.start()]);
  outbox.clock.ahead(lab.clock.now() - outbox.clock.now());
  for (const [tenant, collection, id] of entitiesOf(lab)) {
    const due = (await readEntity(lab.clean.backend.store, tenant, id, new AbortController().signal))?.due;
    if (!due || due.at > lab.clock.now()) continue;
    const timer = { entity: id, collection, tenant, transition: due.transition, dueAt: due.at };
    await Promise.all([lab.due(one, timer), lab.due(other, timer)]);
  }
}

const entitiesOf = ({ observer }: Lab): [string, string, string][] =>
  observer.seen.flatMap(({ path, tenant, reply }) =>
    reply?.status === 201 ? [[tenant, path.split('/')[2] ?? '', String(reply.json['id'])]] : [],
  );

/** Relay, workers and sweeper under faults, then without, until everything is over. */
export async function deliver(
  outbox: TestOutbox,
  receiver: RememberingReceiver,
  random: Random,
  injector: (random: Random) => Injector,
): Promise<void> {
  receiver.behave = (message, n) => {
    if (random.chance(0.05)) return refused('400', 'It answered 400.');
    return random.chance(0.2) ? mayHaveActed('500', 'It answered 500.') : acts(message, n);
  };
  const process = async (
    work: (clients: ReturnType<typeof clientsOf>) => Promise<unknown>,
  ): Promise<void> => {
    const clients = clientsOf(outbox, {
      injector: injector(random.fork(random.below(1e6))),
      sdkRetries: random.chance(0.5),
    });
    await Promise.race([work(clients).catch(() => undefined), clients.life.died]);
    clients.destroy();
  };
  // Records come twice, out of order, in other batches; some never.
  const items = random.shuffled(await outbox.all());
  const records = items
    .filter(() => random.chance(0.9))
    .flatMap((item) => (random.chance(0.2) ? [item, item] : [item]));
  for (let place = 0; place < records.length; place += 10) {
    const batch: MessageItem[] = records.slice(place, place + 10);
    await process((clients) => relayOf(outbox, clients)(streamOf(...batch)));
  }
  for (let round = 0; round < 3; round += 1) {
    for (const topic of topics) {
      await process((clients) =>
        outbox.poll(outbox.queues[topic], workerOf(outbox, topic, receiver.receive, clients)),
      );
    }
    await process((clients) => sweeperOf(outbox, clients)({}));
    outbox.clock.ahead(180_000);
  }
  receiver.behave = acts;
  for (let round = 0; round < 8 && (await isOpen(outbox)); round += 1) {
    outbox.clock.ahead(180_000);
    await sweeperOf(outbox, outbox)({ graceSeconds: 0 });
    await drain(outbox, receiver.receive);
  }
}

const isOpen = async (outbox: TestOutbox): Promise<boolean> =>
  (await outbox.all()).some(({ status }) => status === 'pending' || status === 'sent');

/** Queues of their own for the tables of a lab. */
export async function bound(lab: Lab): Promise<TestOutbox> {
  const outbox = await startOutbox();
  const { tables, backend } = lab.clean;
  const access = { ...outbox.access, client: backend.store.client, table: tables.outbox };
  return {
    ...outbox,
    tables,
    access,
    read: async (item) => {
      const found = await readMessage(access, item);
      if (!found) throw new Error(`no message ${item.id}`);
      return found;
    },
    all: async () => {
      const { outbox: items } = await readStore(inject('dynamodbEndpoint'), tables);
      return items as unknown as MessageItem[];
    },
  };
}
