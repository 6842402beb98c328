/** The calls of a plan beside those that a proxy between client and database saw. */
import { expect } from 'vitest';
import type { TableNames } from '../../functions/store/store.ts';
import type { Access } from '../../infra/tools/explain/access.ts';
import { tableOf } from '../../infra/tools/explain/access.ts';
import type { Plan, PlannedCall } from '../../infra/tools/explain/plan.ts';
import type { Passed } from './recording-proxy.ts';

/** Asserts that a plan's calls are those that passed between client and database, in the same order. */
export function expectSameCalls(plan: Plan, own: readonly Passed[], tables: TableNames): void {
  expect(own, plan.name).toHaveLength(plan.requests);
  const inPlan = plan.calls.map((call) => callOf(call));
  const onTheWire = own.map((one) => wireCallOf(one, tables));
  // Calls that overlap reach the proxy in any order.
  expect(sorted(onTheWire), plan.name).toEqual(sorted(inPlan));
  const steps = stepsOf(onTheWire, inPlan, plan.calls);
  for (const [index, earlier] of own.entries()) {
    for (const [place, later] of own.entries()) {
      if (place <= index) continue;
      const [a, b] = [steps[index] ?? 0, steps[place] ?? 0];
      // What the plan shows one after the other was asked after the other had been answered.
      if (a < b) expect(later.asked, plan.name).toBeGreaterThan(earlier.answered);
      expect(a, plan.name).toBeLessThanOrEqual(b);
    }
  }
}

/** The step of each call on the wire. Calls that say the same, as two updates of one message, come in their order. */
function stepsOf(
  onTheWire: readonly string[],
  inPlan: readonly string[],
  calls: readonly PlannedCall[],
): readonly number[] {
  const left = inPlan.map((call, index) => ({ call, step: calls[index]?.step ?? 0 }));
  return onTheWire.map((call) => {
    const [found] = left.splice(
      left.findIndex((one) => one.call === call),
      1,
    );
    return found?.step ?? 0;
  });
}

const sorted = (calls: readonly string[]): string[] => [...calls].sort();

/** A call in words that plan and wire have in common: operation, places, keys or conditions, and what came back. */
function callOf({ operation, accesses }: PlannedCall): string {
  return JSON.stringify([
    operation,
    accesses
      // What follows in an index passes between nobody.
      .filter(({ action }) => action !== 'index')
      .map(({ action, table, index, keys, itemsReturned, consistent, limit }: Access) => [
        action,
        table,
        index ?? null,
        keys?.toSorted() ?? null,
        ['get', 'query', 'scan'].includes(action) ? itemsReturned : null,
        consistent ?? null,
        limit ?? null,
      ])
      .toSorted(),
  ]);
}

type Wire = Record<string, unknown>;

function wireCallOf({ operation, body, answer }: Passed, tables: TableNames): string {
  const table = (name: unknown): string => tableOf(name, tables);
  const keyOf = (source: Wire): string =>
    JSON.stringify(
      Object.fromEntries(Object.entries(source).filter(([name]) => name === 'pk' || name === 'sk')),
    );
  const write = (action: string, parameters: Wire): unknown[] => [
    action,
    table(parameters['TableName']),
    null,
    [keyOf((parameters['Key'] ?? parameters['Item']) as Wire)],
    null,
    null,
    null,
  ];
  const accesses = ((): unknown[][] => {
    switch (operation) {
      case 'GetItem': {
        const found = answer['Item'] === undefined ? 0 : 1;
        const isConsistent = body['ConsistentRead'] === true;
        return [
          ['get', table(body['TableName']), null, [keyOf(body['Key'] as Wire)], found, isConsistent, null],
        ];
      }
      case 'BatchGetItem':
        return Object.entries(body['RequestItems'] as Record<string, Wire>).map(
          ([name, { Keys, ConsistentRead }]) => [
            'get',
            table(name),
            null,
            (Keys as Wire[]).map(keyOf).sort(),
            ((answer['Responses'] as Record<string, unknown[]>)[name] ?? []).length,
            ConsistentRead === true,
            null,
          ],
        );
      case 'Query':
      case 'Scan':
        return [
          [
            operation.toLowerCase(),
            table(body['TableName']),
            body['IndexName'] ?? null,
            null,
            answer['Count'],
            body['ConsistentRead'] === true,
            body['Limit'] ?? null,
          ],
        ];
      case 'TransactWriteItems': {
        const names: Wire = { Put: 'put', Update: 'update', Delete: 'delete', ConditionCheck: 'check' };
        return (body['TransactItems'] as Record<string, Wire>[]).flatMap((item) =>
          Object.entries(item).map(([name, parameters]) => write(String(names[name]), parameters)),
        );
      }
      default:
        return [write(operation.replace('Item', '').toLowerCase(), { ...body })];
    }
  })();
  return JSON.stringify([operation, accesses.toSorted()]);
}
