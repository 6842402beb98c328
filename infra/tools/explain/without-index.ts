/**
 * What a request would do where an index does not exist. DynamoDB has no planner that falls back to something slower,
 * so this is the slower thing as one would write it by hand: read the whole table page by page, and let a filter
 * throw away what does not belong. A filter cannot stop early, since items lie in no order of time. Queries that are
 * asked at the same time share one scan.
 *
 * A scan costs the same whatever its filter says, so the table is scanned once, and that scan stands in each plan. To
 * sort and cut what it found costs nothing in the database: what counts as returned is what the index returned.
 */
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { readUnitBytes } from '../../../functions/store/metering/capacity.ts';
import { tables } from '../../../functions/store/tables.ts';
import type { TableName, TableSchema } from '../../../functions/store/tables.ts';
import { sum } from './access.ts';
import { databaseTime, summed } from './plan.ts';
import type { Plan, PlannedCall } from './plan.ts';
import type { Workbench } from './workbench.ts';

export const allIndexes = Object.entries<TableSchema>(tables).flatMap(([table, { indexes }]) =>
  indexes.map(({ name, partitionKey }) => ({ table: table as TableName, name, partitionKey })),
);

/** Of one page. DynamoDB Local sorts the table anew for each, for longer than the application has patience. */
const pageTimeoutMs = 120_000;

/** Scans the table of an index. @returns what makes of a plan the one without that index */
export async function withoutIndex(
  { probe, tables: names }: Workbench,
  { table, name, partitionKey }: (typeof allIndexes)[number],
): Promise<(plan: Plan) => Plan> {
  const asked = { TableName: names[table], Select: 'COUNT', ReturnConsumedCapacity: 'TOTAL' } as const;
  const begun = performance.now();
  const pages: { readonly items: number; readonly units: number }[] = [];
  const scan = paginateScan({ client: probe }, asked, { requestTimeout: pageTimeoutMs });
  for await (const { ScannedCount = 0, ConsumedCapacity } of scan)
    pages.push({ items: ScannedCount, units: ConsumedCapacity?.CapacityUnits ?? 0 });
  const milliseconds = performance.now() - begun;
  const readUnits = sum(pages.map(({ units }) => units));

  const isRead = ({ accesses: [first] }: PlannedCall): boolean =>
    first?.index === name && first.action !== 'index';
  const scanFor = (queries: readonly PlannedCall[]): PlannedCall => {
    const accesses = queries.flatMap((query) => query.accesses);
    const conditions = accesses.map(({ expressions: { key, filter } }) =>
      // A scan of an index has no condition on its key: it reads all items that have one.
      [key ?? `attribute_exists(${partitionKey})`, ...(filter === undefined ? [] : [filter])].join(' AND '),
    );
    const access = {
      ...({ action: 'scan', table, purpose: 'every item', consistent: false } as const),
      expressions: { filter: conditions.map((condition) => `(${condition})`).join(' OR ') },
      itemsRead: sum(pages.map(({ items }) => items)),
      itemsReturned: sum(accesses.map(({ itemsReturned }) => itemsReturned)),
      ...{ bytes: readUnits * 2 * readUnitBytes, readUnits, writeUnits: 0 },
    };
    const about = { step: queries[0]?.step ?? 0, operation: 'Scan', requests: pages.length, milliseconds };
    return { ...about, readUnits, writeUnits: 0, accesses: [access], reportedUnits: readUnits };
  };
  return (plan) => {
    const calls = plan.calls.flatMap((call): readonly PlannedCall[] => {
      const together = plan.calls.filter((other) => other.step === call.step && isRead(other));
      if (isRead(call)) return together[0] === call ? [scanFor(together)] : [];
      const accesses = call.accesses.filter((access) => access.index !== name);
      return [{ ...call, accesses, writeUnits: sum(accesses.map(({ writeUnits }) => writeUnits)) }];
    });
    const changed = summed(calls, plan);
    const longer = databaseTime(changed) - databaseTime(plan);
    return { ...changed, milliseconds: plan.milliseconds + longer };
  };
}
