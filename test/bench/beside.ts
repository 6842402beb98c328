/**
 * `npm run bench`: this project beside the stock pattern, in one run on one machine. Rounds of the two take turns, and
 * the one that begins changes, so that what disturbs the machine disturbs both.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Domain } from '../../functions/core/definition.ts';
import { idempotency } from '../../functions/runtime/limits.ts';
import { median, run } from './load.ts';
import type { Command, Load, Round } from './load.ts';
import type { PrintRow, Tables } from './tables.ts';
import { requestsAlone } from './alone.ts';
import { inProcess, whole } from './sides.ts';
import type { Side } from './sides.ts';
import { plainDomains } from './plain/domains.ts';

export interface Size {
  readonly rounds: number;
  /** Commands a round. */
  readonly commands: number;
  /** Leaves out the payments of this project. */
  readonly sameWorkOnly: boolean;
}

const warmUp = 300;
const quietMs = 1_000;
const claims = 1_000;
const spends = 200;
const [keys, duplicates] = [200, 10];

const post = (path: string, body?: unknown): Command => ({
  path,
  ...(body !== undefined && { body }),
  key: randomUUID(),
});

/** Of people who have nothing to do with each other. */
const payment = (): Command =>
  post('/v1/payments', { payer: randomUUID(), payee: randomUUID(), amount: 1_250, currency: 'EUR' });

/** What a round of one line is on a side; what it needs is made before it is measured. */
type Line = (side: Side, size: Size) => Promise<Load>;

const createLine =
  (callers: number): Line =>
  (_side, { commands }) =>
    Promise.resolve({ count: commands, callers, command: payment });

const confirms = async ({ send }: Side, { commands }: Size, callers: number): Promise<Load> => {
  const { ids } = await run(send, { count: commands, callers: 16, command: payment });
  const each = ids.map((id) => post(`/v1/payments/${id}/confirm`));
  return { count: commands, callers, command: (n) => each[n] ?? payment() };
};

const confirmLine =
  (callers: number): Line =>
  (side, size) =>
    confirms(side, size, callers);

const replayLine =
  (callers: number): Line =>
  async (side, { commands, ...size }) => {
    // More than a process remembers: each answer comes from the database.
    const many = Math.max(commands, 2 * idempotency.localCacheEntries);
    const load = await confirms(side, { ...size, commands: many }, callers);
    await run(side.send, { ...load, callers: 16 });
    return load;
  };

const duplicateLine: Line = () => {
  const each = Array.from({ length: keys }, payment);
  return Promise.resolve({
    count: keys * duplicates,
    callers: 4 * duplicates,
    command: (n) => each[Math.floor(n / duplicates)] ?? payment(),
  });
};

const claimLine: Line = async ({ send }) => {
  const { json } = await send(post('/v1/showings', { title: 'Evening show', capacity: claims }));
  const claim = (): Command => post('/v1/reservations', { showingId: json['id'], customer: 'ada' });
  return { count: claims, callers: claims, command: claim };
};

const spendLine: Line = async ({ send }) => {
  const { json } = await send(post('/v1/point-accounts', { owner: 'ada' }));
  const points = `/v1/point-accounts/${String(json['id'])}`;
  await send(post(`${points}/earn`, { amount: spends, reason: 'welcome' }));
  const spend = (): Command => post(`${points}/spend`, { amount: 1, reason: 'coffee' });
  return { count: spends, callers: spends, command: spend };
};

type Lines = readonly (readonly [what: string, callers: number, line: Line])[];

const [createLabel, confirmLabel] = ['create a payment', 'confirm it'];
const claimLabel = 'places of one showing, all claimed at once';
const lines: Lines = [
  ...[1, 16, 64].flatMap((callers) => [
    [createLabel, callers, createLine(callers)] as const,
    [confirmLabel, callers, confirmLine(callers)] as const,
  ]),
  ['the same confirm again', 1, replayLine(1)],
  ['the same confirm again', 16, replayLine(16)],
  [`${duplicates} duplicates at once of each of ${keys} keys`, 4 * duplicates, duplicateLine],
  [claimLabel, claims, claimLine],
  ['points of one account, all spent at once', spends, spendLine],
];

/** What both write alike: entity, ledger entry, message, and the key's record. */
const sameWork = lines.filter(([what]) => [createLabel, confirmLabel, claimLabel].includes(what));

const columns = [
  'what',
  'callers',
  'commands/s',
  'stock',
  'ratio',
  'its requests alone',
  'their ratio',
  'p50 ms',
  'stock',
  'CPU ms',
  'stock',
  'requests',
  'stock',
  'answers',
  'stock',
  'all done s',
  'stock',
];

/** @param settle waits until all that follows of a side's commands is carried out, so that it burdens no other round */
async function compare(
  sides: readonly Side[],
  measured: Lines,
  size: Size,
  printRow: PrintRow,
  settle?: (side: Side) => Promise<void>,
): Promise<void> {
  for (const side of sides) {
    await run(side.send, { count: warmUp, callers: 8, command: payment });
    await settle?.(side);
  }
  for (const [what, callers, line] of measured) {
    const seen = sides.map(() => [] as Measured[]);
    for (let round = 0; round < size.rounds; round += 1) {
      const order = round % 2 === 0 ? sides : sides.toReversed();
      for (const side of order) {
        const wanted = await line(side, size);
        const load = (await side.prepare?.(wanted)) ?? wanted;
        await settle?.(side);
        const before = side.requests?.() ?? 0;
        const cpuBefore = side.cpuMs?.();
        const result = await run(side.send, load);
        const requests = side.requests && { requests: (side.requests() - before) / load.count };
        const answered = performance.now();
        await settle?.(side);
        const settled = settle && { settledSeconds: (performance.now() - answered) / 1_000 };
        seen[sides.indexOf(side)]?.push({
          ...result,
          ...requests,
          ...settled,
          cpuMs: cpuOf(side, cpuBefore, load, result),
        });
      }
    }
    printRow(row(what, callers, seen));
  }
}

/**
 * Milliseconds of processor time a command: of this process where the sides are in it, else of the program and its database,
 * with all that follows of the command.
 */
function cpuOf(
  side: Side,
  before: number | undefined,
  { count }: Load,
  { cpuMs }: Round,
): number | undefined {
  if (!side.cpuMs) return cpuMs;
  const after = side.cpuMs();
  return before === undefined || after === undefined ? undefined : (after - before) / count;
}

type Measured = Omit<Round, 'cpuMs'> & {
  readonly cpuMs: number | undefined;
  readonly requests?: number;
  /** From the last answer until all that follows was carried out. */
  readonly settledSeconds?: number;
};
type Seen = readonly Measured[];

function row(what: string, callers: number, [ours = [], stock = [], alone = []]: readonly Seen[]): string[] {
  const both = (value: (round: Measured) => number | undefined, digits: number): string[] =>
    [ours, stock].map((rounds) => {
      const values = rounds.flatMap((round) => value(round) ?? []);
      return values.length === 0 ? '' : median(values).toFixed(digits);
    });
  const ratesOf = (rounds: Seen): readonly number[] => rounds.map(({ perSecond }) => perSecond);
  const spread = (rounds: Seen): string => {
    const values = ratesOf(rounds);
    return `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`;
  };
  const ratio = (rounds: Seen): string => (median(ratesOf(rounds)) / median(ratesOf(stock))).toFixed(2);
  const answers = [ours, stock].map((rounds) =>
    Object.entries(rounds[0]?.answers ?? {})
      .map(([status, times]) => `${times} x ${status}`)
      .join(', '),
  );
  return [
    what,
    String(callers),
    spread(ours),
    spread(stock),
    ratio(ours),
    ...(alone.length > 0 ? [spread(alone), ratio(alone)] : ['', '']),
    ...both(({ p50 }) => p50, 1),
    ...both(({ cpuMs }) => cpuMs, 1),
    ...both(({ requests }) => requests, 2),
    ...answers,
    ...both(({ settledSeconds }) => settledSeconds, 1),
  ];
}

interface Kind {
  readonly title: string;
  /** At the end of its tables' names. */
  readonly suffix: '' | '-same-work';
  readonly measured: Lines;
  /** Of our side in this process; those of the application by default. */
  readonly domains?: readonly Domain[];
  /** Our side whole. */
  readonly program: string;
}

/** The domains of this project, and then the plain payments, which write what the stock pattern writes. */
const kinds: readonly Kind[] = [
  {
    title: 'the payments of this project',
    suffix: '',
    measured: lines,
    program: 'infra/local/start.ts',
  },
  {
    title: 'the same work: no named accounts, one message, no answer of its own, no deadlines',
    suffix: '-same-work',
    measured: sameWork,
    domains: plainDomains,
    program: 'test/bench/plain/start.ts',
  },
];

const kindsOf = ({ sameWorkOnly }: Size): readonly Kind[] =>
  kinds.filter(({ measured }) => !sameWorkOnly || measured === sameWork);

/** Both handlers alone: what a Lambda function does for a command. */
export async function handlersBeside(size: Size, tables: Tables): Promise<void> {
  for (const { title, suffix, measured, domains } of kindsOf(size)) {
    tables.printRow([`handlers alone, ${title}`]);
    const sides = [...(await inProcess(domains)), ...(domains ? [await requestsAlone(domains)] : [])];
    try {
      await compare(sides, measured, size, tables.begin(`handlers${suffix}`, columns));
    } finally {
      await Promise.all(sides.map((side) => side.stop()));
    }
  }
}

/** Both whole, as a person starts them: gateway, tokens, queues or streams, workers, calls. */
export async function stacksBeside(size: Size, tables: Tables): Promise<void> {
  for (const { title, suffix, measured, program } of kindsOf(size)) {
    tables.printRow([`stacks whole, ${title}`]);
    const receiver = await startReceiver();
    const sides = await whole(receiver.url, program);
    try {
      const settle = async ({ isBusy }: Side): Promise<void> => {
        await receiver.quiet();
        while (await isBusy?.()) await setTimeout(100);
      };
      await compare(sides, measured, size, tables.begin(`stacks${suffix}`, columns), settle);
      tables.printRow([]);
      const printRow = tables.begin(`effect${suffix}`, ['from commit to effect', 'p50 ms', 'p95 ms']);
      for (const side of sides) printRow([side.name, ...(await effectTimes(side, receiver))]);
    } finally {
      await Promise.all(sides.map((side) => side.stop()));
      await receiver.stop();
    }
  }
}

interface Receiver {
  readonly url: string;
  /** Waits for the call about an entity. @returns when it came */
  readonly callFor: (entity: string) => Promise<number>;
  /** Waits until it has not been called for a second. */
  readonly quiet: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function startReceiver(): Promise<Receiver> {
  const came = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();
  let last = performance.now();
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      // A call that took too long is asked about.
      if (request.method === 'GET') return response.end('{"outcome":"done"}');
      const { entity } = JSON.parse(text) as { entity: string | { id: string } };
      const id = typeof entity === 'string' ? entity : entity.id;
      const now = performance.now();
      last = now;
      came.set(id, now);
      waiting.get(id)?.(now);
      return response.end('{"reference":"bench"}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    callFor: (entity) => {
      const at = came.get(entity);
      return at === undefined ? new Promise((resolve) => waiting.set(entity, resolve)) : Promise.resolve(at);
    },
    quiet: async () => {
      while (performance.now() - last < quietMs) await setTimeout(quietMs - (performance.now() - last));
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** One confirm at a time, on a stack that has nothing else to do. */
async function effectTimes({ send }: Side, receiver: Receiver): Promise<string[]> {
  const took: number[] = [];
  for (let n = 0; n < 50; n += 1) {
    const { json } = await send(payment());
    const id = String(json['id']);
    await send(post(`/v1/payments/${id}/confirm`));
    const answered = performance.now();
    // A call may come before its command's answer.
    took.push(Math.max(0, (await receiver.callFor(id)) - answered));
  }
  took.sort((a, b) => a - b);
  return [took[25], took[47]].map((ms) => (ms ?? Number.NaN).toFixed(0));
}
