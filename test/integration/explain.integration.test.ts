import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { indexWriteUnits, writeUnits } from '../../functions/store/metering/capacity.ts';
import type { Access } from '../../infra/tools/explain/access.ts';
import { cases } from '../../infra/tools/explain/cases.ts';
import { jobs } from '../../infra/tools/explain/jobs.ts';
import type { Plan, PlannedCall } from '../../infra/tools/explain/plan.ts';
import { renderPlan, renderSideBySide } from '../../infra/tools/explain/render.ts';
import { inOrder, measure } from '../../infra/tools/explain/run.ts';
import type { Case } from '../../infra/tools/explain/run.ts';
import { seed } from '../../infra/tools/explain/seed.ts';
import { takeIndex } from '../../infra/tools/explain/store.ts';
import { schemasWithout } from '../../infra/tools/explain/tables.ts';
import { warningsOf } from '../../infra/tools/explain/warnings.ts';
import { createWorkbench } from '../../infra/tools/explain/workbench.ts';
import type { Workbench, WorkbenchOptions } from '../../infra/tools/explain/workbench.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { emptyBench } from '../support/bench.ts';
import { startRecordingProxy } from '../support/recording-proxy.ts';
import type { Passed, RecordingProxy } from '../support/recording-proxy.ts';

const direct = (): WorkbenchOptions['client'] => ({
  endpoint: inject('dynamodbEndpoint'),
  region: localRegion,
  credentials: localCredentials,
});

async function seeded(options: Partial<WorkbenchOptions> = {}, entities = 60): Promise<Workbench> {
  const bench = await emptyBench(options);
  await seed(bench, entities);
  return bench;
}

const named = (name: string): Case => {
  const found = [...cases, ...jobs].find((one) => one.name === name);
  if (!found) throw new Error(`there is no case "${name}"`);
  return found;
};

describe('the plan of a request is the calls it made', () => {
  let proxy: RecordingProxy;
  let bench: Workbench;
  beforeAll(async () => {
    proxy = await startRecordingProxy(inject('dynamodbEndpoint'));
    // What is recorded goes through the proxy; the recorder's own second looks do not.
    bench = await seeded({ client: { ...direct(), endpoint: proxy.endpoint }, probe: direct() });
  });
  afterAll(async () => {
    bench.close();
    await proxy.stop();
  });

  it('for every command, query and job, as a proxy between client and database saw them', async () => {
    for (const one of inOrder([...cases, ...jobs])) {
      const { plan } = await measure(watching(bench), watched(one), 1);
      expectSame(plan, proxy.take());
    }
  });

  /** What passed before a request, or before a job's own work, is what prepared it, and is forgotten. */
  const watching = (of: Workbench): Workbench => ({
    ...of,
    send: (request) => {
      proxy.take();
      return of.send(request);
    },
  });
  const watched = (one: Case): Case =>
    'request' in one
      ? one
      : {
          ...one,
          run: (...parameters) => {
            proxy.take();
            return one.run(...parameters);
          },
        };

  function expectSame(plan: Plan, own: readonly Passed[]): void {
    expect(own, plan.name).toHaveLength(plan.requests);
    const inPlan = plan.calls.map((call) => callOf(call));
    const onTheWire = own.map((one) => wireCallOf(one, bench));
    // Calls that overlap reach the proxy in any order.
    expect(sorted(onTheWire), plan.name).toEqual(sorted(inPlan));
    const steps = new Map(inPlan.map((call, index) => [call, plan.calls[index]?.step ?? 0]));
    for (const [index, earlier] of own.entries()) {
      for (const later of own.slice(index + 1)) {
        const [a, b] = [wireCallOf(earlier, bench), wireCallOf(later, bench)].map(
          (call) => steps.get(call) ?? 0,
        );
        // What the plan shows one after the other was asked after the other had been answered.
        if (a !== undefined && b !== undefined && a < b)
          expect(later.asked, plan.name).toBeGreaterThan(earlier.answered);
        expect(a, plan.name).toBeLessThanOrEqual(b ?? 0);
      }
    }
  }
});

const sorted = (calls: readonly string[]): string[] => [...calls].sort();

/** A call in words that plan and wire have in common: operation, places, keys or conditions, and what came back. */
function callOf({ operation, accesses }: PlannedCall): string {
  return JSON.stringify([
    operation,
    accesses
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

function wireCallOf({ operation, body, answer }: Passed, { recorder }: Workbench): string {
  const table = (name: unknown): string => recorder.tableOf(name as string);
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
        return [
          [
            'query',
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

describe('what a plan tells', () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await seeded({}, 300);
  });
  afterAll(() => {
    bench.close();
  });

  it('is the purpose of every item of a transaction', async () => {
    const { plan } = await measure(bench, named('POST /v1/payments/{id}/confirm'), 1);
    const [read, write] = plan.calls;
    expect([read?.operation, read?.step, write?.operation, write?.step]).toEqual([
      'BatchGetItem',
      1,
      'TransactWriteItems',
      2,
    ]);
    expect(write?.accesses.map(({ purpose }) => purpose)).toEqual([
      'idempotency record',
      'entity of payments',
      'ledger entry of payments',
      'balance payer',
      'balance holding',
      'message to notification',
      'message to external-call',
    ]);
    const text = renderPlan(plan, []);
    expect(text).toContain('TransactWriteItems');
    expect(text).toContain("key: pk = 'acme#balance#holding:bookshop:EUR' AND sk = 'balance'");
  });

  it('is which calls run in parallel', async () => {
    const { plan } = await measure(bench, named('GET /v1/payments'), 1);
    expect(plan.calls.map(({ step, operation }) => [step, operation])).toEqual(
      Array.from({ length: 5 }, () => [1, 'Query']),
    );
    const { plan: confirmation } = await measure(
      bench,
      named('POST /v1/settlements/{id}/confirm (of 3 payments)'),
      1,
    );
    expect(confirmation.calls.map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  it('is what the request writes again and again', async () => {
    const measured = await measure(bench, named('POST /v1/reservations'), 3);
    const warnings = warningsOf(measured).filter(({ code }) => code === 'hot_key');
    expect(warnings.map(({ detail }) => detail).join()).toContain('other entity of showings');
  });

  it('is what a filter throws away', async () => {
    const request = { request: 'GET /v1/messages?topic=report' };
    const measured = await measure(bench, { name: 'messages of a topic', request }, 1);
    expect(warningsOf(measured).map(({ code }) => code)).toContain('filter_discards');
    expect(measured.plan.itemsRead).toBeGreaterThan(2 * measured.plan.itemsReturned);
  });

  it('agrees with the database wherever that tells its own figures right', async () => {
    const { tables } = bench;
    const asking = createWorkbench({ tables, client: direct(), reported: true });
    for (const name of [
      'GET /v1/payments/{id}',
      'GET /v1/payments',
      'GET /v1/payments/{id}/ledger',
      'relay: one message',
    ]) {
      const { plan } = await measure(asking, named(name), 1);
      for (const { readUnits, writeUnits: written, reportedUnits } of plan.calls) {
        expect(reportedUnits, name).toBe(readUnits + written);
      }
    }
    asking.close();
  });

  it('differs on a store without the index', async () => {
    const other = await seeded({}, 300);
    const list = named('GET /v1/payments (by status)');
    const { plan } = await measure(other, list, 1);
    const bare = await takeIndex(other, inject('dynamodbEndpoint'), 'byStatus');
    const without = await measure(bare, list, 1);
    const created = await measure(bare, named('POST /v1/payments'), 1);
    bare.close();
    expect(plan.calls.map(({ operation }) => operation)).toEqual(['Query']);
    expect(new Set(without.plan.calls.map(({ operation }) => operation))).toEqual(new Set(['Scan']));
    expect(warningsOf(without).map(({ code }) => code)).toContain('scan');
    expect(without.plan.itemsRead).toBeGreaterThan(20 * plan.itemsRead);
    expect(without.plan.readUnits).toBeGreaterThan(20 * plan.readUnits);
    expect(created.plan.places.map(({ place }) => place)).not.toContain('data/byStatus');
    expect(renderSideBySide(plan, without.plan, 'byStatus')).toContain('without byStatus');
  });
});

/** The recorder and the calculator work on the same schemas as the tables. */
it('an index that is taken away costs nothing', () => {
  const { data } = schemasWithout('byStatus');
  const item = { pk: { S: 'p' }, sk: { S: 's' }, listPk: { S: 'l' }, listSk: { S: 'k' } };
  expect(data.indexes.map((index) => indexWriteUnits(data, index, { after: item }))).toEqual([0]);
  expect(writeUnits({ after: item }, true)).toBe(2);
});
