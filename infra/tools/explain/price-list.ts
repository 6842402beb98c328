/** What a million of each command costs with all that it causes, beside other ways to do the same work. */
import { apiFunction, relayFunction, workerFunction } from '../../../functions/runtime/limits.ts';
import { assumptions, memoryOfOneProcessorMb, prices } from '../../cdk/prices.ts';
import type { CpuTimes } from './cpu-times.ts';
import type { Contract, Contracts, CostLine } from './contracts.ts';
import { jobNames } from './cases.ts';
import { answeredDelivery, doneOf } from './example-cases.ts';

/** Dollars for one request. */
export interface Price {
  readonly name: string;
  readonly api: number;
  readonly function: number;
  readonly database: number;
  /** Relay, queue, workers, timers and the transitions of answers, with what they read and write. */
  readonly followUp: number;
  readonly total: number;
  /** Of commands: other ways to do the same work. */
  readonly beside?: { readonly stepFunctions: number; readonly durable: number; readonly stock: number };
}

export function priceList(contracts: Contracts, cpu: CpuTimes): readonly Price[] {
  return Object.entries(contracts)
    .filter(([name]) => /^(?:GET|POST) /.test(name))
    .map(([name, contract]) => {
      const api = prices.apiRequest;
      const fn = invocation(measured(cpu, name), contract.requests, apiFunction.memoryMb);
      const messages = messagesIn(contract).map((done) => messagePrice(contracts, cpu, done));
      const timer = timerPrice(contracts, cpu, contract);
      const followUp = add(messages.map(({ total }) => total)) + (timer?.all ?? 0);
      const own = database(contract);
      return {
        name,
        api,
        function: fn,
        database: own,
        followUp,
        total: api + fn + own + followUp,
        ...(hasRecord(contract) && { beside: beside(contract, fn, messages, timer, followUp) }),
      };
    });
}

/** Dollars for one message on its own: relay, queue, worker, and what follows from its answer. */
export interface MessagePrice {
  /** The transition that its answer brings about, e.g. `payments/captured`; none where nothing follows from it. */
  readonly done?: string;
  readonly function: number;
  readonly database: number;
  readonly queue: number;
  /** The messages of the transition. */
  readonly followUp: number;
  readonly total: number;
  readonly beside: BesideMessage;
}

/** The same message where another service keeps what is to be done. */
interface BesideMessage {
  /** Dollars for the worker and for what it writes of entities. */
  readonly hosted: number;
  /** One for each message: the transition is done where the receiver was called. */
  readonly steps: number;
}

/** A message that nothing follows from, then every one whose answer moves its entity. */
export function messagePrices(contracts: Contracts, cpu: CpuTimes): readonly MessagePrice[] {
  const answered = Object.keys(contracts).flatMap((name) => doneOf(name) ?? []);
  return [undefined, ...answered].map((done) => messagePrice(contracts, cpu, done));
}

/** @param before the transitions that led to it: one that sends its own message again is counted once */
function messagePrice(
  contracts: Contracts,
  cpu: CpuTimes,
  done: string | undefined,
  before: readonly string[] = [],
): MessagePrice {
  const { relay } = jobNames;
  const worker = done === undefined ? jobNames.plainDelivery : answeredDelivery(done);
  const work = agreed(contracts, worker);
  const called = call(contracts, cpu, worker, workerFunction.memoryMb, assumptions.receiverMs);
  const fn = call(contracts, cpu, relay, relayFunction.memoryMb) + called;
  const own = database(agreed(contracts, relay)) + database(work);
  const path = done === undefined ? before : [...before, done];
  const next = messagesIn(work)
    .filter((follows) => follows === undefined || !path.includes(follows))
    .map((follows) => messagePrice(contracts, cpu, follows, path));
  const followUp = add(next.map(({ total }) => total));
  const entities = ({ item }: CostLine): boolean => !isOfMessage(item);
  const kept = units(sum(work.reads.filter(entities)), sum(work.writes.filter(entities)));
  return {
    ...(done !== undefined && { done }),
    ...{ function: fn, database: own, queue: passage, followUp, total: fn + own + passage + followUp },
    beside: {
      hosted: called + kept + add(next.map(({ beside: { hosted } }) => hosted)),
      steps: 1 + add(next.map(({ beside: { steps } }) => steps)),
    },
  };
}

/** Of a message or a timer through its queue: sent, received, deleted. */
const passage = 3 * prices.queueRequest;

const call = (contracts: Contracts, cpu: CpuTimes, name: string, memoryMb: number, waitMs = 0): number =>
  invocation(measured(cpu, name), agreed(contracts, name).requests, memoryMb, waitMs);

/** What a scheduled transition adds: all of it, and the transition alone. */
interface TimerPrice {
  readonly all: number;
  readonly transition: number;
}

function timerPrice(contracts: Contracts, cpu: CpuTimes, { writes }: Contract): TimerPrice | undefined {
  const created = writes.find(({ item }) => item.startsWith('put entity of '))?.item;
  const collection = created?.slice('put entity of '.length);
  const waits = writes.some(({ item }) => item === `entity of ${collection ?? ''} in index due`);
  if (!waits || collection === undefined) return undefined;
  const { relay, timer: expiry } = jobNames;
  const transition =
    call(contracts, cpu, expiry, workerFunction.memoryMb) + database(agreed(contracts, expiry));
  const relayed = invocation(measured(cpu, relay), 0, relayFunction.memoryMb);
  return { all: relayed + passage + transition, transition };
}

/** A function is billed for the time it runs: computing, at its share of a processor, and waiting. */
function invocation(cpuMs: number, databaseRequests: number, memoryMb: number, waitMs = 0): number {
  const computing = cpuMs * Math.max(1, memoryOfOneProcessorMb / memoryMb);
  const waiting = databaseRequests * assumptions.databaseRequestMs + waitMs;
  const gbSeconds = (Math.ceil(computing + waiting) / 1000) * (memoryMb / 1024);
  return prices.functionInvocation + gbSeconds * prices.functionGbSecond;
}

/**
 * Step Functions and durable functions: one step for the command's transaction and one for each message, the fewest
 * there can be, and two more to wait and to run what was waited for; they keep their own state, so neither answer
 * nor messages are written, and no queue is needed. A transition by an answer is part of its message's step.
 * The stock pattern: `saveInProgress`, a GetItem, the transaction and `saveSuccess`, with the same outbox behind it.
 */
function beside(
  contract: Contract,
  fn: number,
  messages: readonly MessagePrice[],
  timer: TimerPrice | undefined,
  followUp: number,
): NonNullable<Price['beside']> {
  const isRecord = ({ item }: CostLine): boolean => item.endsWith('idempotency record');
  const readsWithout = sum(contract.reads.filter((line) => !isRecord(line)));
  const writesWithout = contract.writes.filter((line) => !isRecord(line));
  const record = sum(contract.writes.filter(isRecord));
  const steps = 1 + add(messages.map((message) => message.beside.steps)) + (timer ? 2 : 0);
  const hosted =
    prices.apiRequest +
    fn +
    units(readsWithout, sum(writesWithout.filter(({ item }) => !isOfMessage(item)))) +
    add(messages.map((message) => message.beside.hosted)) +
    (timer?.transition ?? 0);
  const stockRequests = 3 + (readsWithout > 0 ? 1 : 0);
  // The first write keeps a mark; the second the whole answer, once instead of the transaction's twice.
  const stockWrites = sum(writesWithout) + 1 + record / 2;
  return {
    stepFunctions: hosted + steps * prices.stepFunctionsTransition,
    durable: hosted + steps * prices.durableOperation,
    stock:
      prices.apiRequest +
      invocation(assumptions.stockCpuMs, stockRequests, apiFunction.memoryMb) +
      units(readsWithout, stockWrites) +
      followUp,
  };
}

const hasRecord = ({ writes }: Contract): boolean =>
  writes.some(({ item }) => item === 'put idempotency record');
/** Of each message that is sent, the transition that its answer brings about; none where nothing follows from it. */
const messagesIn = ({ writes }: Contract): readonly (string | undefined)[] =>
  writes.filter(({ item }) => item.startsWith('put message to ')).map(({ item }) => item.split(', then ')[1]);
/** Whatever is written to know what is to be sent, and what became of it. */
const isOfMessage = (item: string): boolean => /\bmessage\b/.test(item);
const units = (read: number, written: number): number =>
  read * prices.tableReadUnit + written * prices.tableWriteUnit;
const database = ({ readUnits, writeUnits }: Contract): number => units(readUnits, writeUnits);
const add = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const sum = (lines: readonly CostLine[]): number => add(lines.map(({ units: of }) => of));

function measured(cpu: CpuTimes, name: string): number {
  const found = cpu[name];
  if (found === undefined) throw new Error(`"${name}" was not measured yet: npm run cost:measure`);
  return found;
}

function agreed(contracts: Contracts, name: string): Contract {
  const found = contracts[name];
  if (!found) throw new Error(`"${name}" has no cost contract yet: npm run cost:update`);
  return found;
}
