/** What a million of each command costs with all that it causes, beside other ways to do the same work. */
import { apiFunction, relayFunction, workerFunction } from '../../../functions/runtime/limits.ts';
import { assumptions, memoryOfOneProcessorMb, prices } from '../../cdk/prices.ts';
import type { Contract, Contracts, CostLine } from './contracts.ts';
import type { CpuTimes } from './cpu-times.ts';
import { answerName, doneOf, jobNames } from './request-case.ts';

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

export const priceList = (contracts: Contracts, cpu: CpuTimes): readonly Price[] =>
  Object.entries(contracts)
    .filter(([name]) => /^(?:GET|POST) /.test(name))
    .map(([name, contract]) => {
      const work = requestWork({ contracts, cpu }, name, contract);
      const { function: fn, database } = work;
      const [api, followUp] = [prices.apiRequest, followUpOf(work)];
      const total = api + fn + database + followUp;
      const isCommand = contract.writes.some(({ item }) => item === 'put idempotency record');
      return {
        ...{ name, api, function: fn, database, followUp, total },
        ...(isCommand && { beside: beside(work, contract) }),
      };
    });

/** Dollars for one message on its own: relay, queue, worker, and what follows from its answer. */
export interface MessagePrice extends Pick<Work, 'function' | 'database' | 'queue'> {
  /** The transition that its answer brings about, e.g. `payments/captured`; none where nothing follows from it. */
  readonly done?: string;
  /** The messages of the transition. */
  readonly followUp: number;
  readonly total: number;
}

/** A message that nothing follows from, then every one whose answer moves its entity. */
export const messagePrices = (contracts: Contracts, cpu: CpuTimes): readonly MessagePrice[] =>
  [undefined, ...Object.keys(contracts).flatMap((name) => doneOf(name) ?? [])].map((done) => {
    const work = messageWork({ contracts, cpu }, done);
    const { function: fn, database, queue } = work;
    const costs = { function: fn, database, queue, followUp: followUpOf(work), total: totalOf(work) };
    return { ...(done !== undefined && { done }), ...costs };
  });

interface Measured {
  readonly contracts: Contracts;
  readonly cpu: CpuTimes;
}

/** A piece of work, in dollars, and the work that follows from it. */
interface Work {
  readonly function: number;
  readonly database: number;
  readonly queue: number;
  readonly next: readonly Work[];
  /**
   * What is left of it where Step Functions or durable functions keep what is to be done: the function that does it, and its
   * entities. They keep their own state, so neither answers nor messages are written, and no queue is needed.
   */
  readonly hosted: number;
  /** Of such a service, the fewest there can be. */
  readonly steps: number;
}

const totalOf = (work: Work): number => work.function + work.database + work.queue + followUpOf(work);
const followUpOf = ({ next }: Work): number => add(next.map(totalOf));
const hostedOf = ({ hosted, next }: Work): number => hosted + add(next.map(hostedOf));
const stepsOf = ({ steps, next }: Work): number => steps + add(next.map(stepsOf));

function requestWork(from: Measured, name: string, contract: Contract): Work {
  const fn = invocation(cpuOf(from, name), contract.requests, apiFunction.memoryMb);
  const messages = messagesIn(contract).map((done) => messageWork(from, done));
  return {
    function: fn,
    database: databaseOf(contract),
    queue: 0,
    next: [...messages, ...timerWork(from, contract)],
    hosted:
      fn +
      unitsOf(
        contract,
        (item) => !isOfRecord(item),
        (item) => !isOfRecord(item) && !isOfMessage(item),
      ),
    steps: 1,
  };
}

/**
 * The transition of its answer is done in one step with the call of its receiver.
 * @param before the transitions that led to it: one that sends its own message again is counted once
 */
function messageWork(from: Measured, done: string | undefined, before: readonly string[] = []): Work {
  const worker = done === undefined ? jobNames.plainDelivery : answerName(done);
  const work = contractOf(from, worker);
  const called = call(from, worker, workerFunction.memoryMb, assumptions.receiverMs);
  const path = done === undefined ? before : [...before, done];
  const isEntitys = (item: string): boolean => !isOfMessage(item);
  return {
    function: relayed(from) + called,
    database: databaseOf(work),
    queue: passage,
    next: messagesIn(work)
      .filter((follows) => follows === undefined || !path.includes(follows))
      .map((follows) => messageWork(from, follows, path)),
    hosted: called + unitsOf(work, isEntitys, isEntitys),
    steps: 1,
  };
}

/** A scheduled transition, where a command creates an entity that waits for one: a step to wait, and one to run it. */
function timerWork(from: Measured, { writes }: Contract): readonly Work[] {
  const [, collection] = writes.flatMap(({ item }) => /^put entity of (.*)$/.exec(item) ?? []);
  if (!writes.some(({ item }) => item === `entity of ${collection} in index due`)) return [];
  const { timer } = jobNames;
  const run = call(from, timer, workerFunction.memoryMb);
  const database = databaseOf(contractOf(from, timer));
  return [
    { function: relayed(from) + run, database, queue: passage, next: [], hosted: run + database, steps: 2 },
  ];
}

/** The stock pattern: `saveInProgress`, a GetItem, the transaction and `saveSuccess`, with the same outbox behind it. */
function beside(work: Work, contract: Contract): NonNullable<Price['beside']> {
  const hosted = prices.apiRequest + hostedOf(work);
  const reads = unitsIn(contract.reads, (item) => !isOfRecord(item));
  const record = unitsIn(contract.writes, isOfRecord);
  // The first write keeps a mark; the second the whole answer, once instead of the transaction's twice.
  const writes = unitsIn(contract.writes, (item) => !isOfRecord(item)) + 1 + record / 2;
  const requests = 3 + (reads > 0 ? 1 : 0);
  return {
    stepFunctions: hosted + stepsOf(work) * prices.stepFunctionsTransition,
    durable: hosted + stepsOf(work) * prices.durableOperation,
    stock:
      prices.apiRequest +
      invocation(assumptions.stockCpuMs, requests, apiFunction.memoryMb) +
      dollars(reads, writes) +
      followUpOf(work),
  };
}

/** Of a message or a timer through its queue: sent, received, deleted. */
const passage = 3 * prices.queueRequest;

/** The relay reads and writes nothing: it makes one request, to the queue. */
const relayed = (from: Measured): number =>
  invocation(cpuOf(from, jobNames.relay), 1, relayFunction.memoryMb);

const call = (from: Measured, name: string, memoryMb: number, waitMs = 0): number =>
  invocation(cpuOf(from, name), contractOf(from, name).requests, memoryMb, waitMs);

/** A function is billed for the time it runs: computing, at its share of a processor, and waiting. */
function invocation(cpuMs: number, requests: number, memoryMb: number, waitMs = 0): number {
  const computing = cpuMs * Math.max(1, memoryOfOneProcessorMb / memoryMb);
  const waiting = requests * assumptions.requestMs + waitMs;
  const gbSeconds = (Math.ceil(computing + waiting) / 1000) * (memoryMb / 1024);
  return prices.functionInvocation + gbSeconds * prices.functionGbSecond;
}

const isOfRecord = (item: string): boolean => item.endsWith('idempotency record');
/** Whatever is written to know what is to be sent, and what became of it. */
const isOfMessage = (item: string): boolean => /\bmessage\b/.test(item);
/** Of each message that is sent, the transition that its answer brings about; none where nothing follows from it. */
const messagesIn = ({ writes }: Contract): readonly (string | undefined)[] =>
  writes.filter(({ item }) => item.startsWith('put message to ')).map(({ item }) => item.split(', then ')[1]);

type Chosen = (item: string) => boolean;
const unitsIn = (lines: readonly CostLine[], isCounted: Chosen): number =>
  add(lines.map(({ item, units }) => (isCounted(item) ? units : 0)));
const unitsOf = ({ reads, writes }: Contract, isRead: Chosen, isWritten: Chosen): number =>
  dollars(unitsIn(reads, isRead), unitsIn(writes, isWritten));
const databaseOf = ({ readUnits, writeUnits }: Contract): number => dollars(readUnits, writeUnits);
const dollars = (read: number, written: number): number =>
  read * prices.tableReadUnit + written * prices.tableWriteUnit;
const add = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function cpuOf({ cpu }: Measured, name: string): number {
  const found = cpu[name];
  if (found === undefined) throw new Error(`"${name}" was not measured yet: npm run cost:measure`);
  return found;
}

function contractOf({ contracts }: Measured, name: string): Contract {
  const found = contracts[name];
  if (!found) throw new Error(`"${name}" has no cost contract yet: npm run cost:update`);
  return found;
}
