/** The plan of a request: the calls it made, in order, with what each cost. */
import type { ObservedCall } from '../../../functions/store/metering/observed-calls.ts';
import { prices } from '../../cdk/prices.ts';
import { placeOf, sum } from './access.ts';
import type { Access } from './access.ts';

export interface Units {
  readonly readUnits: number;
  readonly writeUnits: number;
}

export interface RecordedCall {
  readonly call: ObservedCall;
  readonly accesses: readonly Access[];
}

/** @param step calls of one step overlap; each step begins after the one before has ended */
function plannedCall({ call, accesses }: RecordedCall, step: number) {
  const capacities = [call.output?.['ConsumedCapacity'] ?? []].flat() as { CapacityUnits?: number }[];
  return {
    step,
    operation: call.operation,
    /** Name of the error it was answered with. */
    ...(call.error && { error: call.error.name }),
    /** HTTP requests, more than one where the SDK tried again. */
    requests: call.attempts,
    milliseconds: call.durationMs,
    ...unitsOf(accesses),
    accesses,
    /** The database's own figure; of DynamoDB Local it is wrong for transactions. */
    reportedUnits: sum(capacities.map(({ CapacityUnits = 0 }) => CapacityUnits)),
  };
}

export type PlannedCall = Readonly<ReturnType<typeof plannedCall>>;

interface About {
  readonly name: string;
  readonly sent: string;
  /** Of the answer; 0 for a job that has none. */
  readonly status: number;
  /** From the first call to the last answer, as the caller waits for it. */
  readonly milliseconds: number;
}

export function planOf(recorded: readonly RecordedCall[], about: About): Plan {
  let step = 0;
  let end = 0;
  const inOrder = recorded.toSorted((a, b) => a.call.begun - b.call.begun);
  const calls = inOrder.map((one) => {
    if (one.call.begun > end) step += 1;
    end = Math.max(end, one.call.ended);
    return plannedCall(one, step);
  });
  return summed(calls, about);
}

/** The plan that is made of these calls. */
export function summed(calls: readonly PlannedCall[], { name, sent, status, milliseconds }: About) {
  const accesses = calls.flatMap((call) => call.accesses);
  const units = unitsOf(accesses);
  const places = [...new Set(accesses.map(placeOf))].sort();
  return {
    ...{ name, sent, status, milliseconds, calls, ...units },
    requests: sum(calls.map(({ requests }) => requests)),
    itemsRead: sum(accesses.map(({ itemsRead }) => itemsRead)),
    itemsReturned: sum(accesses.map(({ itemsReturned }) => itemsReturned)),
    /** `data`, or `data/byStatus` for an index. */
    places: places.map((place) => ({
      place,
      ...unitsOf(accesses.filter((access) => placeOf(access) === place)),
    })),
    /** Of DynamoDB alone, for a million of these requests. */
    dollarsPerMillion: dollarsOf(units) * 1e6,
  };
}

export type Plan = Readonly<ReturnType<typeof summed>>;

const unitsOf = (all: readonly Units[]): Units => ({
  readUnits: sum(all.map(({ readUnits }) => readUnits)),
  writeUnits: sum(all.map(({ writeUnits }) => writeUnits)),
});

/** On demand. */
export const dollarsOf = ({ readUnits, writeUnits }: Units): number =>
  readUnits * prices.tableReadUnit + writeUnits * prices.tableWriteUnit;

/** What the caller waited for the database, in milliseconds: of calls that overlap the longest. */
export function databaseTime({ calls }: Plan): number {
  const steps = new Map<number, number>();
  for (const { step, milliseconds } of calls) steps.set(step, Math.max(steps.get(step) ?? 0, milliseconds));
  return sum([...steps.values()]);
}
