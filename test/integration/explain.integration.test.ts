import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Domain } from '../../functions/core/definition.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { payments } from '../../functions/domains/payments.ts';
import { listShards } from '../../functions/store/keys.ts';
import { readUnitBytes, readUnits } from '../../functions/store/metering/capacity.ts';
import { itemSize } from '../../functions/store/metering/item-size.ts';
import type { TableName } from '../../functions/store/tables.ts';
import { cases, casesOf, routesNotLedTo } from '../../infra/tools/explain/cases.ts';
import { comparisonTable, renderPlan } from '../../infra/tools/explain/render.ts';
import { measure } from '../../infra/tools/explain/run.ts';
import type { Case } from '../../infra/tools/explain/request-case.ts';
import { seed } from '../../infra/tools/explain/seed.ts';
import { warningsOf } from '../../infra/tools/explain/warnings.ts';
import { allIndexes, withoutIndex } from '../../infra/tools/explain/without-index.ts';
import { standardNow } from '../../infra/tools/explain/workbench.ts';
import type { Workbench } from '../../infra/tools/explain/workbench.ts';
import { campaigns, pledges } from '../examples/crowdfunding.ts';
import { equipment, rentals } from '../examples/rentals.ts';
import { emptyBench } from '../support/bench.ts';

const named = (name: string): Case => {
  const found = cases.find((one) => one.name === name);
  if (!found) throw new Error(`there is no case "${name}"`);
  return found;
};

it('a command to which no examples lead is told', () => {
  const { end, prolong, 'pay-out': payOut } = campaigns.transitions;
  const never = {
    ...payOut,
    rules: { never: { holds: () => false, otherwise: 'Nothing is paid.' } },
  } as const;
  const changed = { ...campaigns, transitions: { end, prolong, 'pay-out': never } } as Domain;
  expect(routesNotLedTo(registerDomains([changed, pledges]))).toEqual(['POST /v1/campaigns/{id}/pay-out']);
});

it('a definition is measured by its examples, sent by whom they name, when their deadlines have passed', async () => {
  const domains = [campaigns, pledges, equipment, rentals];
  const registry = registerDomains(domains);
  expect(routesNotLedTo(registry)).toEqual([]);
  const bench = await emptyBench({ domains });
  const statuses: Record<string, number> = {};
  for (const one of casesOf(registry)) {
    if (
      !/^POST \/v1\/(?:campaigns|pledges|equipment|rentals)(?:\/\{id\}\/(?:prolong|pay-out|give-back|return))?$/.test(
        one.name,
      )
    )
      continue;
    const { plan } = await measure(bench, one, 1);
    statuses[plan.name] = plan.status;
  }
  expect(bench.clock.now()).toBe(standardNow);
  bench.close();
  expect(statuses).toEqual({
    'POST /v1/campaigns': 201,
    'POST /v1/campaigns/{id}/prolong': 200,
    'POST /v1/campaigns/{id}/pay-out': 200,
    'POST /v1/pledges': 201,
    'POST /v1/pledges/{id}/give-back': 200,
    'POST /v1/equipment': 201,
    'POST /v1/rentals': 201,
    'POST /v1/rentals/{id}/return': 200,
  });
});

describe('what a plan tells', () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await emptyBench();
    await seed(bench, 300);
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
    const written = write?.accesses.filter(({ action }) => action !== 'index');
    expect(written?.map(({ purpose }) => purpose)).toEqual([
      'idempotency record',
      'entity of payments',
      'ledger entry of payments',
      'balance payer',
      'balance holding',
      'message to external-call, then payments/captured',
    ]);
    const text = renderPlan(plan, []);
    expect(text).toContain('TransactWriteItems');
    expect(text).toMatch(/key: pk = 'acme#balance(?:\.\d+)?#holding:bookshop:EUR' AND sk = 'balance'/);
  });

  it('is which calls run in parallel', async () => {
    const { plan } = await measure(bench, named('GET /v1/payments'), 1);
    expect(plan.calls.map(({ step, operation }) => [step, operation])).toEqual(
      payments.states.flatMap(() => Array.from({ length: listShards }, () => [1, 'Query'])),
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
    const ofTopic = { name: 'messages of a topic', request: 'GET /v1/messages?topic=report' };
    const measured = await measure(bench, ofTopic, 1);
    expect(warningsOf(measured).map(({ code }) => code)).toContain('filter_discards');
    expect(measured.plan.itemsRead).toBeGreaterThan(2 * measured.plan.itemsReturned);
  });

  it('agrees with the database wherever that tells its own figures right', async () => {
    for (const name of [
      'GET /v1/payments/{id}',
      'GET /v1/payments',
      'GET /v1/payments/{id}/ledger',
      'worker: one message',
    ]) {
      const { plan } = await measure(bench, named(name), 1);
      for (const { readUnits: read, writeUnits: written, reportedUnits, accesses } of plan.calls) {
        // It counts nothing for an empty page, which the service counts as a small item.
        const isEmpty = accesses.every(({ action, itemsRead }) => action === 'query' && itemsRead === 0);
        expect(reportedUnits, name).toBe(isEmpty ? 0 : read + written);
        if (isEmpty) expect(read, name).toBe(0.5);
      }
      // The units of any other query are the database's own; counted from the items they are the same.
      for (const access of plan.calls.flatMap(({ accesses }) => accesses)) {
        if (access.action !== 'query') continue;
        const consistency = access.consistent === true ? 'strong' : 'eventual';
        expect(readUnits(access.bytes, consistency), name).toBe(access.readUnits);
      }
    }
  });

  it('differs on a store without the index', async () => {
    const byStatus = allIndexes.find(({ name }) => name === 'byStatus');
    if (!byStatus) throw new Error('there is no such index');
    const { plan } = await measure(bench, named('GET /v1/payments (by status)'), 1);
    const { plan: created } = await measure(bench, named('POST /v1/payments'), 1);
    const bare = await withoutIndex(bench, byStatus);
    const [without, createdWithout] = [bare(plan), bare(created)];
    expect(plan.calls.map(({ operation }) => operation)).toEqual(
      Array.from({ length: listShards }, () => 'Query'),
    );
    // Asked at once, they share a scan.
    expect(without.calls.map(({ operation }) => operation)).toEqual(['Scan']);
    expect(warningsOf({ plan: without, runs: [without] }).map(({ code }) => code)).toEqual(['scan']);
    expect(without.itemsRead).toBeGreaterThan(20 * plan.itemsRead);
    expect(without.readUnits).toBeGreaterThan(20 * plan.readUnits);
    expect(created.places.map(({ place }) => place)).toContain('data/byStatus');
    expect(createdWithout.places.map(({ place }) => place)).not.toContain('data/byStatus');
    expect(createdWithout.writeUnits).toBe(created.writeUnits - 1);
    const plans = { 'with byStatus': plan, 'without byStatus': without };
    expect(comparisonTable(plan.name, plans)).toContain('without byStatus');
  });

  it('takes the units of a scan from the table, which lie in what its items hold', async () => {
    for (const index of allIndexes) {
      const bare = await withoutIndex(bench, index);
      const items = await everyItem(bench, index.table);
      const { plan } = await measure(bench, named(readers[index.name] ?? ''), 1);
      const [scan] = bare(plan).calls.filter(
        ({ operation, accesses }) => operation === 'Scan' && accesses[0]?.index === undefined,
      );
      const bytes = items.reduce((sum, item) => sum + itemSize(marshall(item)), 0);
      expect(scan?.accesses[0]?.itemsRead, index.name).toBe(items.length);
      // Each page is rounded up for itself.
      expect(scan?.readUnits, index.name).toBeGreaterThanOrEqual(bytes / readUnitBytes / 2);
      expect(scan?.readUnits, index.name).toBeLessThanOrEqual(
        bytes / readUnitBytes / 2 + (scan?.requests ?? 0),
      );
    }
  });
});

/** What reads each index. */
const readers: Readonly<Record<string, string>> = {
  byStatus: 'GET /v1/payments (by status)',
  due: 'sweeper: due timers',
  open: 'sweeper: open messages',
  closed: 'GET /v1/messages (dead)',
};

async function everyItem({ probe, tables }: Workbench, table: TableName) {
  const items: Record<string, unknown>[] = [];
  for await (const { Items = [] } of paginateScan({ client: probe }, { TableName: tables[table] }))
    items.push(...Items);
  return items;
}
