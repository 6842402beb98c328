/** What everything costs is agreed; a change of it is a change of the file `infra/explain/cost-contracts.json`. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { routesOf } from '../../functions/api/routes.ts';
import { summary } from '../../functions/core/messages.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { contractEntities, measureContracts, readContracts, readCpu } from '../../infra/explain/agreed.ts';
import { cases, routesWithoutCase } from '../../infra/explain/cases.ts';
import { compareContracts } from '../../infra/explain/contracts.ts';
import { jobs } from '../../infra/explain/jobs.ts';
import { markdownPriceList, withSection } from '../../infra/explain/price-section.ts';
import { seed } from '../../infra/explain/seed.ts';
import { createTables, schemasWithout } from '../../infra/explain/tables.ts';
import { createWorkbench } from '../../infra/explain/workbench.ts';
import type { Workbench, WorkbenchOptions } from '../../infra/explain/workbench.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';

const benches: Workbench[] = [];
async function emptyBench(options: Partial<WorkbenchOptions> = {}): Promise<Workbench> {
  const client = { endpoint: inject('dynamodbEndpoint'), region: localRegion, credentials: localCredentials };
  const maker = new DynamoDBClient(client);
  const tables = await createTables(maker, `cost-${randomUUID()}`, schemasWithout(undefined));
  maker.destroy();
  const bench = createWorkbench({ tables, client, ...options });
  benches.push(bench);
  return bench;
}
afterAll(() => {
  for (const bench of benches) bench.close();
});

it('every route has a case, and every case a contract', async () => {
  const names = [...cases, ...jobs].map(({ name }) => name);
  const missing = routesOf(registerDomains(domains))
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !names.some((name) => name === route || name.startsWith(`${route} (`)))
    .filter((route) => !routesWithoutCase.has(route));
  expect(missing).toEqual([]);
  expect(Object.keys(await readContracts())).toEqual(names);
});

describe('on a store three times as large as the contracts were measured on', () => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await emptyBench();
    await seed(bench, 3 * contractEntities);
  }, 120_000);

  it('every command, query and job costs what was agreed; `npm run cost:update` agrees anew', async () => {
    expect(compareContracts(await readContracts(), await measureContracts(bench))).toEqual([]);
  }, 120_000);
});

it('an item more in a transaction is named with its price, and so is one less', async () => {
  const withSummary = domains.map((domain) =>
    domain.collection === 'payments'
      ? {
          ...domain,
          create: {
            ...domain.create,
            messages: () => [summary('payment.created', { title: 'a', text: 'b' })],
          },
        }
      : domain,
  );
  const bench = await emptyBench({ domains: withSummary });
  const name = 'POST /v1/payments';
  const { [name]: agreed } = await readContracts();
  if (!agreed) throw new Error(`${name} has no contract`);
  const measured = await measureContracts(
    bench,
    cases.filter((one) => one.name === name),
  );
  expect(compareContracts({ [name]: agreed }, measured)).toEqual([
    `${name}: + put message to llm: 2 write units, adds $1.250 per million`,
    `${name}: + message to llm in index byState: 1 write unit, adds $0.625 per million`,
  ]);
  expect(compareContracts(measured, { [name]: agreed })).toEqual([
    `${name}: - put message to llm: 2 write units, saves $1.250 per million`,
    `${name}: - message to llm in index byState: 1 write unit, saves $0.625 per million`,
  ]);
});

it('the price list of the README is the one that contracts and prices make', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const list = markdownPriceList(await readContracts(), await readCpu());
  expect(readme, 'npm run cost:readme').toBe(withSection(readme, list));
});
