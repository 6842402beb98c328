/** What a million of each command costs with all that it causes, beside other ways to do the same work. */
import { apiFunction, relayFunction, workerFunction } from '../../../functions/runtime/limits.ts';
import { assumptions, memoryOfOneProcessorMb, prices } from '../../cdk/prices.ts';
import type { CpuTimes } from './cpu-times.ts';
import type { Contract, Contracts, CostLine } from './contracts.ts';

/** Dollars for one request. */
export interface Price {
  readonly name: string;
  readonly api: number;
  readonly function: number;
  readonly database: number;
  /** Relay, queue, workers and timers, with what they read and write. */
  readonly followUp: number;
  readonly total: number;
  /** Of commands: other ways to do the same work. */
  readonly beside?: { readonly stepFunctions: number; readonly durable: number; readonly stock: number };
}

export function priceList(contracts: Contracts, cpu: CpuTimes): readonly Price[] {
  const jobs = jobPrices(contracts, cpu);
  return Object.entries(contracts)
    .filter(([name]) => /^(?:GET|POST) /.test(name))
    .map(([name, contract]) => {
      const api = prices.apiRequest;
      const fn = invocation(measured(cpu, name), contract.requests, apiFunction.memoryMb);
      const messages = messagesOf(contract);
      const followUp = messages * jobs.message + (jobs.timer(contract)?.all ?? 0);
      const own = database(contract);
      return {
        name,
        api,
        function: fn,
        database: own,
        followUp,
        total: api + fn + own + followUp,
        ...(hasRecord(contract) && { beside: beside(contract, fn, messages, followUp, jobs) }),
      };
    });
}

/** Dollars for one message on its own: relay, queue, worker. */
export interface MessagePrice {
  readonly function: number;
  readonly database: number;
  readonly queue: number;
  readonly total: number;
}

/** A message that nothing follows from, and one whose answer moves its entity: the answer is kept, and is a transaction. */
export function messagePrices(
  contracts: Contracts,
  cpu: CpuTimes,
): { readonly plain: MessagePrice; readonly answered: MessagePrice } {
  const [relay, plain, answered] = [
    'relay: one message',
    'worker: one message',
    'worker: a call whose answer moves its entity',
  ] as const;
  const priceWith = (worker: typeof plain | typeof answered): MessagePrice => {
    const fn =
      call(contracts, cpu, relay, relayFunction.memoryMb) +
      call(contracts, cpu, worker, workerFunction.memoryMb, assumptions.receiverMs);
    const own = database(agreed(contracts, relay)) + database(agreed(contracts, worker));
    return { function: fn, database: own, queue: passage, total: fn + own + passage };
  };
  return { plain: priceWith(plain), answered: priceWith(answered) };
}

/** Of a message or a timer through its queue: sent, received, deleted. */
const passage = 3 * prices.queueRequest;

const call = (contracts: Contracts, cpu: CpuTimes, name: string, memoryMb: number, waitMs = 0): number =>
  invocation(measured(cpu, name), agreed(contracts, name).requests, memoryMb, waitMs);

interface JobPrices {
  /** One message on its own. */
  readonly message: number;
  /** The worker's invocation alone, without claim and record. */
  readonly workerCall: number;
  /** What a scheduled transition adds: all of it, and the transition alone. */
  readonly timer: (contract: Contract) => { readonly all: number; readonly transition: number } | undefined;
}

function jobPrices(contracts: Contracts, cpu: CpuTimes): JobPrices {
  const [relay, worker, expiry] = [
    'relay: one message',
    'worker: one message',
    'timer: a hold that runs out',
  ] as const;
  const workerCall = call(contracts, cpu, worker, workerFunction.memoryMb, assumptions.receiverMs);
  const expired = call(contracts, cpu, expiry, workerFunction.memoryMb) + database(agreed(contracts, expiry));
  return {
    message: messagePrices(contracts, cpu).plain.total,
    workerCall,
    timer: (contract) => {
      const collection = /^put entity of (.*)$/.exec(
        contract.writes.find(({ item }) => item.startsWith('put entity of '))?.item ?? '',
      )?.[1];
      const waits = contract.writes.some(({ item }) => item === `entity of ${collection ?? ''} in index due`);
      if (!waits || collection === undefined) return undefined;
      const relayed = invocation(measured(cpu, relay), 0, relayFunction.memoryMb);
      return { all: relayed + passage + expired, transition: expired };
    },
  };
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
 * nor messages are written, and no queue is needed.
 * The stock pattern: `saveInProgress`, a GetItem, the transaction and `saveSuccess`, with the same outbox behind it.
 */
function beside(
  contract: Contract,
  fn: number,
  messages: number,
  followUp: number,
  jobs: JobPrices,
): NonNullable<Price['beside']> {
  const isRecord = ({ item }: CostLine): boolean => item.endsWith('idempotency record');
  const isMessage = ({ item }: CostLine): boolean => /^(?:put )?message to /.test(item);
  const readsWithout = sum(contract.reads.filter((line) => !isRecord(line)));
  const writesWithout = contract.writes.filter((line) => !isRecord(line));
  const record = sum(contract.writes.filter(isRecord));
  const timer = jobs.timer(contract);
  const steps = 1 + messages + (timer ? 2 : 0);
  const hosted =
    prices.apiRequest +
    fn +
    units(readsWithout, sum(writesWithout.filter((line) => !isMessage(line)))) +
    messages * jobs.workerCall +
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
const messagesOf = ({ writes }: Contract): number =>
  writes.filter(({ item }) => item.startsWith('put message to ')).length;
const units = (read: number, written: number): number =>
  read * prices.tableReadUnit + written * prices.tableWriteUnit;
const database = ({ readUnits, writeUnits }: Contract): number => units(readUnits, writeUnits);
const sum = (lines: readonly CostLine[]): number => lines.reduce((total, { units: of }) => total + of, 0);

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
