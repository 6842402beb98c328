/** What a million of each command costs with all that it causes, beside other ways to do the same work. */
import {
  apiFunction,
  relayFunction,
  timerFunction,
  workerFunction,
} from '../../../functions/runtime/limits.ts';
import { assumptions, memoryOfOneProcessorMb, prices } from '../../cdk/prices.ts';
import { sum } from './access.ts';
import type { Contract, Contracts } from './contracts.ts';
import type { MeasuredCpu } from './cpu-times.ts';
import { dollarsOf } from './plan.ts';
import { answerName, doneOf, jobNames } from './request-case.ts';

/** Of a request, or of a message on its own, in dollars for one. */
export interface Price {
  /** Of its contract. */
  readonly name: string;
  readonly api: number;
  readonly function: number;
  /** Which functions that is. */
  readonly runs: readonly Run[];
  readonly database: number;
  readonly queue: number;
  /** Relay, queue, workers, timers and the transitions of answers, with what they read and write. */
  readonly followUp: number;
  /** Each message and timer of it. */
  readonly next: readonly Price[];
  readonly total: number;
  /**
   * What is left of it all where Step Functions or durable functions keep what is to be done: the function that does it, and
   * its entities. They keep their own state, so neither answers nor messages are written, and no queue is needed.
   */
  readonly hosted: number;
  /** Of such a service, the fewest there can be. */
  readonly steps: number;
  /** Of commands: other ways to do the same work. */
  readonly stock?: number;
  readonly durable?: number;
  readonly stepFunctions?: number;
}

/** One invocation of a function, as it is billed. */
export interface Run {
  readonly of: 'API' | 'relay' | 'worker' | 'timer';
  readonly milliseconds: number;
  readonly memoryMb: number;
  readonly dollars: number;
}

type CpuTimes = MeasuredCpu['milliseconds'];

export const priceList = (contracts: Contracts, cpu: CpuTimes): readonly Price[] =>
  Object.entries(contracts)
    .filter(([name]) => /^(?:GET|POST) /.test(name))
    .map(([name, contract]) => {
      const price = priceOf({ contracts, cpu }, 'request', name);
      const isCommand = contract.writes.some(({ item }) => item === 'put idempotency record');
      return { ...price, ...(isCommand && otherWays(price, contract)) };
    });

/** A message that nothing follows from, then every one whose answer moves its entity; each on its own. */
export const messagePrices = (contracts: Contracts, cpu: CpuTimes): readonly Price[] =>
  [undefined, ...Object.keys(contracts).flatMap((name) => doneOf(name) ?? [])].map((done) =>
    messagePrice({ contracts, cpu }, done, []),
  );

interface Measured {
  readonly contracts: Contracts;
  readonly cpu: CpuTimes;
}

/**
 * How each kind of work is done. A message's receiver is waited for, and the transition of its answer is done in one step
 * with its call; a timer takes a step to wait and one to run.
 */
const kinds = {
  request: { of: 'API', memoryMb: apiFunction.memoryMb, waitMs: 0, steps: 1 },
  message: { of: 'worker', memoryMb: workerFunction.memoryMb, waitMs: assumptions.receiverMs, steps: 1 },
  timer: { of: 'timer', memoryMb: timerFunction.memoryMb, waitMs: 0, steps: 2 },
} as const;

/** @param before the transitions that led to it: one that sends its own message again is counted once */
function priceOf(
  from: Measured,
  kind: keyof typeof kinds,
  name: string,
  before: readonly string[] = [],
): Price {
  const { of, memoryMb, waitMs, steps } = kinds[kind];
  const contract = known(from.contracts, name, 'cost:update');
  const run = {
    of,
    ...invocation(known(from.cpu, name, 'cost:measure'), contract.requests, memoryMb, waitMs),
  };
  // The relay reads and writes nothing: it makes one request, to the queue.
  const relayed = (): Run => ({
    of: 'relay',
    ...invocation(known(from.cpu, jobNames.relay, 'cost:measure'), 1, relayFunction.memoryMb),
  });
  const runs = kind === 'request' ? [run] : [relayed(), run];
  const own = {
    runs,
    function: sum(runs.map(({ dollars }) => dollars)),
    ...(kind === 'request'
      ? { api: prices.apiRequest, queue: 0 }
      : // Sent, received, deleted.
        { api: 0, queue: 3 * prices.queueRequest }),
  };
  const database = dollarsOf(contract);
  const next = [...messagesAfter(from, contract, before), ...timerAfter(from, contract)];
  const followUp = sum(next.map(({ total }) => total));
  const entities = unitsOf(contract, (item) => !isOfRecord(item) && !isOfMessage(item));
  return {
    ...{ name, ...own, database, followUp, next },
    total: own.api + own.function + database + own.queue + followUp,
    hosted: run.dollars + dollarsOf(entities) + sum(next.map(({ hosted }) => hosted)),
    steps: steps + sum(next.map((one) => one.steps)),
  };
}

/** @param done the transition that its answer brings about; none where nothing follows from it */
const messagePrice = (from: Measured, done: string | undefined, before: readonly string[]): Price =>
  done === undefined
    ? priceOf(from, 'message', jobNames.plainDelivery, before)
    : priceOf(from, 'message', answerName(done), [...before, done]);

const messagesAfter = (from: Measured, { writes }: Contract, before: readonly string[]): readonly Price[] =>
  writes
    .filter(({ item }) => item.startsWith('put message to '))
    .map(({ item }) => item.split(', then ')[1])
    .filter((done) => done === undefined || !before.includes(done))
    .map((done) => messagePrice(from, done, before));

/** A scheduled transition, where an entity is created that waits for one. */
function timerAfter(from: Measured, { writes }: Contract): readonly Price[] {
  const [, collection] = writes.flatMap(({ item }) => /^put entity of (.*)$/.exec(item) ?? []);
  const waits = writes.some(({ item }) => item === `entity of ${collection} in index due`);
  return waits ? [priceOf(from, 'timer', jobNames.timer)] : [];
}

/** The stock pattern: `saveInProgress`, a GetItem, the transaction and `saveSuccess`, with the same outbox behind it. */
function otherWays({ hosted, steps, followUp }: Price, contract: Contract) {
  const { readUnits, writeUnits } = unitsOf(contract, (item) => !isOfRecord(item));
  const record = contract.writeUnits - writeUnits;
  const requests = 3 + (readUnits > 0 ? 1 : 0);
  return {
    stepFunctions: prices.apiRequest + hosted + steps * prices.stepFunctionsTransition,
    durable: prices.apiRequest + hosted + steps * prices.durableOperation,
    stock:
      prices.apiRequest +
      invocation(assumptions.stockCpuMs, requests, apiFunction.memoryMb).dollars +
      // The first write keeps a mark; the second the whole answer, once instead of the transaction's twice.
      dollarsOf({ readUnits, writeUnits: writeUnits + 1 + record / 2 }) +
      followUp,
  };
}

/** A function is billed for the time it runs: computing, at its share of a processor, and waiting. */
function invocation(cpuMs: number, requests: number, memoryMb: number, waitMs = 0): Omit<Run, 'of'> {
  const computing = cpuMs * Math.max(1, memoryOfOneProcessorMb / memoryMb);
  const waiting = requests * assumptions.requestMs + waitMs;
  const milliseconds = Math.ceil(computing + waiting);
  const gbSeconds = (milliseconds / 1000) * (memoryMb / 1024);
  return { milliseconds, memoryMb, dollars: prices.functionInvocation + gbSeconds * prices.functionGbSecond };
}

const isOfRecord = (item: string): boolean => item.endsWith('idempotency record');
/** Whatever is written to know what is to be sent, and what became of it. */
const isOfMessage = (item: string): boolean => /\bmessage\b/.test(item);

function unitsOf({ reads, writes }: Contract, isCounted: (item: string) => boolean) {
  const unitsIn = (lines: Contract['reads']): number =>
    sum(lines.filter(({ item }) => isCounted(item)).map(({ units }) => units));
  return { readUnits: unitsIn(reads), writeUnits: unitsIn(writes) };
}

function known<Value>(values: Readonly<Record<string, Value>>, name: string, command: string): Value {
  const found = values[name];
  if (found === undefined) throw new Error(`"${name}" was not measured yet: npm run ${command}`);
  return found;
}
