/** The plan of a request: the calls it made, in order, with what each cost. */
import { prices } from '../../cdk/prices.ts';
import { placeOf, sum } from './access.ts';
import type { Access } from './access.ts';
import type { RecordedCall } from './recorder.ts';

export interface PlannedCall {
  /** Calls of one step overlap; each step begins after the one before has ended. */
  readonly step: number;
  readonly operation: string;
  /** Name of the error it was answered with. */
  readonly error?: string;
  /** HTTP requests, more than one where the SDK tried again. */
  readonly requests: number;
  readonly milliseconds: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** Whether it goes on where the call before it stopped. */
  readonly continued: boolean;
  readonly accesses: readonly Access[];
  /** The database's own figure; of DynamoDB Local it is wrong for transactions. */
  readonly reportedUnits: number;
}

export interface PlaceUnits {
  /** `data`, or `data/byStatus` for an index. */
  readonly place: string;
  readonly readUnits: number;
  readonly writeUnits: number;
}

export interface Plan {
  readonly name: string;
  /** Of the answer; 0 for a job that has none. */
  readonly status: number;
  readonly calls: readonly PlannedCall[];
  readonly requests: number;
  readonly itemsRead: number;
  readonly itemsReturned: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly places: readonly PlaceUnits[];
  /** From the first call to the last answer, as the caller waits for it. */
  readonly milliseconds: number;
  /** Of DynamoDB alone, for a million of these requests. */
  readonly dollarsPerMillion: number;
}

export function planOf(
  recorded: readonly RecordedCall[],
  about: Pick<Plan, 'name' | 'status' | 'milliseconds'>,
): Plan {
  const steps = stepsOf(recorded);
  const calls = recorded.map((one, index) => plannedCall(one, steps[index] ?? 1));
  const accesses = calls.flatMap((call) => call.accesses);
  const readUnits = sum(calls.map((call) => call.readUnits));
  const writeUnits = sum(calls.map((call) => call.writeUnits));
  return {
    ...about,
    calls,
    requests: sum(calls.map(({ requests }) => requests)),
    itemsRead: sum(accesses.map(({ itemsRead }) => itemsRead)),
    itemsReturned: sum(accesses.map(({ itemsReturned }) => itemsReturned)),
    readUnits,
    writeUnits,
    places: placesOf(accesses),
    dollarsPerMillion: (readUnits * prices.tableReadUnit + writeUnits * prices.tableWriteUnit) * 1e6,
  };
}

/** Numbers the groups of calls that overlap, by the order of their beginnings and ends. */
function stepsOf(recorded: readonly RecordedCall[]): readonly number[] {
  let step = 0;
  let end = 0;
  return recorded.map(({ call }) => {
    if (call.begun > end) step += 1;
    end = Math.max(end, call.ended);
    return step;
  });
}

function plannedCall({ call, accesses }: RecordedCall, step: number): PlannedCall {
  const capacities = [call.output?.['ConsumedCapacity'] ?? []].flat() as { CapacityUnits?: number }[];
  return {
    step,
    operation: call.operation,
    ...(call.error && { error: call.error.name }),
    requests: call.attempts,
    milliseconds: call.durationMs,
    readUnits: sum(accesses.map(({ readUnits }) => readUnits)),
    writeUnits: sum(
      accesses.flatMap(({ writeUnits, indexWrites }) => [
        writeUnits,
        ...indexWrites.map(({ units }) => units),
      ]),
    ),
    continued: call.input['ExclusiveStartKey'] !== undefined,
    accesses,
    reportedUnits: sum(capacities.map(({ CapacityUnits = 0 }) => CapacityUnits)),
  };
}

function placesOf(accesses: readonly Access[]): readonly PlaceUnits[] {
  const parts = accesses.flatMap((access): PlaceUnits[] => [
    { place: placeOf(access), readUnits: access.readUnits, writeUnits: access.writeUnits },
    ...access.indexWrites.map(({ index, units }) => ({
      place: placeOf({ table: access.table, index }),
      readUnits: 0,
      writeUnits: units,
    })),
  ]);
  return [...new Set(parts.map(({ place }) => place))].sort().map((place) => {
    const here = parts.filter((part) => part.place === place);
    return {
      place,
      readUnits: sum(here.map(({ readUnits }) => readUnits)),
      writeUnits: sum(here.map(({ writeUnits }) => writeUnits)),
    };
  });
}

/** What the caller waited for the database, in milliseconds: of calls that overlap the longest. */
export function databaseTime({ calls }: Plan): number {
  const steps = new Map<number, number>();
  for (const { step, milliseconds } of calls) steps.set(step, Math.max(steps.get(step) ?? 0, milliseconds));
  return sum([...steps.values()]);
}
