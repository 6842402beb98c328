/** The plan of a request: the calls it made, in order, with what each cost. */
import type { ObservedCall } from '../../../functions/store/metering/observed-calls.ts';
import { prices } from '../../cdk/prices.ts';
import { placeOf, sum } from './access.ts';
import type { Access } from './access.ts';

export interface Units {
  readonly readUnits: number;
  readonly writeUnits: number;
}

export interface PlannedCall extends Units {
  /** Calls of one step overlap; each step begins after the one before has ended. */
  readonly step: number;
  readonly operation: string;
  /** Name of the error it was answered with. */
  readonly error?: string;
  /** HTTP requests, more than one where the SDK tried again. */
  readonly requests: number;
  readonly milliseconds: number;
  readonly accesses: readonly Access[];
  /** The database's own figure; of DynamoDB Local it is wrong for transactions. */
  readonly reportedUnits: number;
}

export interface RecordedCall {
  readonly call: ObservedCall;
  readonly accesses: readonly Access[];
}

export interface Plan extends Units {
  readonly name: string;
  /** Of the answer; 0 for a job that has none. */
  readonly status: number;
  readonly calls: readonly PlannedCall[];
  readonly requests: number;
  readonly itemsRead: number;
  readonly itemsReturned: number;
  /** `data`, or `data/byStatus` for an index. */
  readonly places: readonly (Units & { readonly place: string })[];
  /** From the first call to the last answer, as the caller waits for it. */
  readonly milliseconds: number;
  /** Of DynamoDB alone, for a million of these requests. */
  readonly dollarsPerMillion: number;
}

type About = Pick<Plan, 'name' | 'status' | 'milliseconds'>;

export function planOf(recorded: readonly RecordedCall[], about: About): Plan {
  let step = 0;
  let end = 0;
  const inOrder = recorded.toSorted((a, b) => a.call.begun - b.call.begun);
  const calls = inOrder.map(({ call, accesses }): PlannedCall => {
    if (call.begun > end) step += 1;
    end = Math.max(end, call.ended);
    const capacities = [call.output?.['ConsumedCapacity'] ?? []].flat() as { CapacityUnits?: number }[];
    return {
      step,
      operation: call.operation,
      ...(call.error && { error: call.error.name }),
      requests: call.attempts,
      milliseconds: call.durationMs,
      ...unitsOf(accesses),
      accesses,
      reportedUnits: sum(capacities.map(({ CapacityUnits = 0 }) => CapacityUnits)),
    };
  });
  return summed(calls, about);
}

/** The plan that is made of these calls. */
export function summed(calls: readonly PlannedCall[], about: About): Plan {
  const accesses = calls.flatMap((call) => call.accesses);
  const units = unitsOf(accesses);
  const places = [...new Set(accesses.map(placeOf))].sort();
  return {
    ...about,
    ...units,
    calls,
    requests: sum(calls.map(({ requests }) => requests)),
    itemsRead: sum(accesses.map(({ itemsRead }) => itemsRead)),
    itemsReturned: sum(accesses.map(({ itemsReturned }) => itemsReturned)),
    places: places.map((place) => ({
      place,
      ...unitsOf(accesses.filter((access) => placeOf(access) === place)),
    })),
    dollarsPerMillion: dollarsOf(units) * 1e6,
  };
}

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
