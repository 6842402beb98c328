/** The plan of a request: the calls it made, in order, with what each cost. */
import type { TableName } from '../../../functions/store/tables.ts';
import { prices } from '../../cdk/prices.ts';
import { accessesOf } from './access.ts';
import type { Access } from './access.ts';
import type { RecordedCall, Recorder } from './recorder.ts';
import type { Schemas } from './tables.ts';

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
  /** The database's own figure, where it was asked for. */
  readonly reportedUnits?: number;
}

export interface PlaceUnits {
  /** `data`, or `data/byStatus` for an index. */
  readonly place: string;
  readonly readUnits: number;
  readonly writeUnits: number;
}

export interface Plan {
  readonly name: string;
  readonly status: number;
  readonly calls: readonly PlannedCall[];
  readonly requests: number;
  /** Of queries and scans. */
  readonly pages: number;
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

export interface PlanContext {
  readonly name: string;
  readonly status: number;
  readonly milliseconds: number;
  readonly schemas: Schemas;
  readonly tableOf: Recorder['tableOf'];
}

export function planOf(recorded: readonly RecordedCall[], context: PlanContext): Plan {
  const { name, status, milliseconds, schemas, tableOf } = context;
  const steps = stepsOf(recorded);
  const calls = recorded.map((one, index) =>
    plannedCall(one, steps[index] ?? 1, accessesOf(one, schemas, tableOf)),
  );
  const accesses = calls.flatMap((call) => call.accesses);
  const reads = total(calls, ({ readUnits }) => readUnits);
  const writes = total(calls, ({ writeUnits }) => writeUnits);
  return {
    name,
    status,
    calls,
    requests: total(calls, ({ requests }) => requests),
    pages: calls.filter(({ operation }) => operation === 'Query' || operation === 'Scan').length,
    itemsRead: total(accesses, ({ itemsRead }) => itemsRead),
    itemsReturned: total(accesses, ({ itemsReturned }) => itemsReturned),
    readUnits: reads,
    writeUnits: writes,
    places: placesOf(accesses),
    milliseconds,
    dollarsPerMillion: databaseDollars(reads, writes) * 1e6,
  };
}

export const databaseDollars = (readUnits: number, writeUnits: number): number =>
  readUnits * prices.tableReadUnit + writeUnits * prices.tableWriteUnit;

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

function plannedCall({ call }: RecordedCall, step: number, accesses: readonly Access[]): PlannedCall {
  const reported = reportedUnits(call.output?.['ConsumedCapacity']);
  return {
    step,
    operation: call.operation,
    ...(call.error && { error: call.error.name }),
    requests: call.attempts,
    milliseconds: call.durationMs,
    readUnits: total(accesses, ({ readUnits }) => readUnits),
    writeUnits: total(accesses, writesOf),
    continued: call.input['ExclusiveStartKey'] !== undefined,
    accesses,
    ...(reported !== undefined && { reportedUnits: reported }),
  };
}

const writesOf = ({ writeUnits, indexWrites }: Access): number =>
  writeUnits + total(indexWrites, ({ units }) => units);

function reportedUnits(capacity: unknown): number | undefined {
  if (capacity === undefined) return undefined;
  const all = (Array.isArray(capacity) ? capacity : [capacity]) as { CapacityUnits?: number }[];
  return total(all, ({ CapacityUnits = 0 }) => CapacityUnits);
}

function placesOf(accesses: readonly Access[]): readonly PlaceUnits[] {
  const places = new Map<string, { readUnits: number; writeUnits: number }>();
  const add = (table: TableName, index: string | undefined, readUnits: number, writeUnits: number): void => {
    const place = index === undefined ? table : `${table}/${index}`;
    const before = places.get(place) ?? { readUnits: 0, writeUnits: 0 };
    places.set(place, {
      readUnits: before.readUnits + readUnits,
      writeUnits: before.writeUnits + writeUnits,
    });
  };
  for (const { table, index, readUnits, writeUnits, indexWrites } of accesses) {
    add(table, index, readUnits, writeUnits);
    for (const write of indexWrites) add(table, write.index, 0, write.units);
  }
  return [...places]
    .map(([place, units]) => ({ place, ...units }))
    .sort((a, b) => (a.place < b.place ? -1 : 1));
}

const total = <Value>(values: readonly Value[], of: (value: Value) => number): number =>
  values.reduce((sum, value) => sum + of(value), 0);
