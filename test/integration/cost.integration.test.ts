/** What everything costs is agreed; a change of it is a change of the file `infra/tools/explain/cost-contracts.json`. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { routesOf } from '../../functions/api/routes.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { cases } from '../../infra/tools/explain/cases.ts';
import {
  compareContracts,
  contractEntities,
  measureContracts,
  readContracts,
} from '../../infra/tools/explain/contracts.ts';
import type { Contracts } from '../../infra/tools/explain/contracts.ts';
import { readCpu } from '../../infra/tools/explain/cpu-times.ts';
import { pricedFiles } from '../../infra/tools/explain/priced-files.ts';
import { routeOf } from '../../infra/tools/explain/request-case.ts';
import { seed } from '../../infra/tools/explain/seed.ts';
import type { Workbench, WorkbenchOptions } from '../../infra/tools/explain/workbench.ts';
import { emptyBench } from '../support/bench.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { expectSameCalls } from '../support/plan-on-the-wire.ts';
import { startRecordingProxy } from '../support/recording-proxy.ts';
import type { RecordingProxy } from '../support/recording-proxy.ts';

/** Routes without a case, and why. */
const routesWithoutCase: ReadonlyMap<string, string> = new Map([
  ...domains.map(({ collection }): [string, string] => [
    `GET /v1/${collection}/{id}/timing`,
    'costs what a read of the entity costs, which is all that it does',
  ]),
  ['GET /v1/audit', 'reads a bounded part of all data by design; its cost is that part'],
  ['GET /v1/messages/groups', 'reads a bounded part of the dead messages by design; its cost is that part'],
  ['POST /v1/redrives', 'lists a bounded part of the dead messages by design, and begins in one transaction'],
  ['GET /v1/requests', 'is asked by a person, and reads two items'],
  ['GET /v1/operations', 'is asked by a person, and reads a page of entries'],
  ['GET /v1/redrives', 'is asked by a person, and reads a page of runs'],
  ['GET /v1/redrives/{id}', 'is asked by a person, and reads one item'],
  ['POST /v1/redrives/{id}/stop', 'is asked by a person, and writes one item'],
  ['POST /v1/messages/redrive', 'costs what its messages cost one by one, and a query'],
  ['POST /v1/messages/{id}/resolve', 'costs what the answer of a receiver costs, and two reads'],
]);

/** Whether a route is of a collection of which nothing was agreed yet; `npm run cost:update` does so. */
function isNew(contracts: Contracts, name: string): boolean {
  const collectionOf = (route: string): string | undefined =>
    /^(?:GET|POST|ANSWER) (\/v1\/[^/ ]+)/.exec(route)?.[1];
  const collection = collectionOf(name);
  return (
    collection !== undefined && !Object.keys(contracts).some((known) => collectionOf(known) === collection)
  );
}

const benches: Workbench[] = [];
async function bench(options: Partial<WorkbenchOptions> = {}): Promise<Workbench> {
  const made = await emptyBench(options);
  benches.push(made);
  return made;
}
afterAll(() => {
  for (const made of benches) made.close();
});

it('every route has a case, and every case a contract, a new collection excepted', async () => {
  const names = cases.map(({ name }) => name);
  const missing = routesOf(registerDomains(domains))
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !cases.some((one) => routeOf(one) === route))
    .filter((route) => !routesWithoutCase.has(route));
  expect(missing).toEqual([]);
  const contracts = await readContracts();
  expect(Object.keys(contracts)).toEqual(names.filter((name) => !isNew(contracts, name)));
});

describe('on a store half as large again as the one that the contracts were measured on', () => {
  let proxy: RecordingProxy;
  let store: Workbench;
  beforeAll(async () => {
    proxy = await startRecordingProxy(inject('dynamodbEndpoint'));
    const direct = {
      endpoint: inject('dynamodbEndpoint'),
      region: localRegion,
      credentials: localCredentials,
    };
    // What is recorded goes through the proxy; the recorder's own second looks do not.
    store = await bench({ client: { ...direct, endpoint: proxy.endpoint }, probe: direct });
    await seed(store, 1.5 * contractEntities);
  }, 120_000);
  afterAll(async () => {
    await proxy.stop();
  });

  it('every command, query and job costs what was agreed, by the calls that a proxy saw', async () => {
    /** What passed before the measured work is what prepared it, and is forgotten. */
    const watched: Workbench = {
      ...store,
      recorder: {
        ...store.recorder,
        record: (name, work) => {
          proxy.take();
          return store.recorder.record(name, work);
        },
      },
    };
    const contracts = await readContracts();
    const agreed = cases.filter(({ name }) => !isNew(contracts, name));
    const measured = await measureContracts(watched, agreed, (plan) => {
      expectSameCalls(plan, proxy.take(), store.tables);
    });
    expect(compareContracts(contracts, measured), 'npm run cost:update').toEqual([]);
  }, 120_000);
});

it('a collection is new until one of its routes has a contract', () => {
  const contract = { requests: 1, readUnits: 1, writeUnits: 0, reads: [], writes: [] };
  const contracts = { 'GET /v1/parcels': contract };
  expect(isNew(contracts, 'POST /v1/parcels/{id}/collect')).toBe(false);
  expect(isNew(contracts, 'POST /v1/parcel')).toBe(true);
  expect(isNew(contracts, 'relay: one message')).toBe(false);
});

it('an item more in a transaction is named with its price, and so is one less', async () => {
  const withSummary = domains.map((domain) =>
    domain.collection === 'payments'
      ? {
          ...domain,
          create: {
            ...domain.create,
            messages: [{ topic: 'llm' as const, type: 'x', payload: () => ({ title: 'a', text: 'b' }) }],
          },
        }
      : domain,
  );
  const store = await bench({ domains: withSummary });
  const name = 'POST /v1/payments';
  const { [name]: agreed } = await readContracts();
  if (!agreed) throw new Error(`${name} has no contract`);
  const measured = await measureContracts(
    store,
    cases.filter((one) => one.name === name),
  );
  expect(compareContracts({ [name]: agreed }, measured)).toEqual([
    `${name}: + put message to llm: 2 write units, adds $1.250 per million`,
    `${name}: + message to llm in index open: 1 write unit, adds $0.625 per million`,
  ]);
  expect(compareContracts(measured, { [name]: agreed })).toEqual([
    `${name}: - put message to llm: 2 write units, saves $1.250 per million`,
    `${name}: - message to llm in index open: 1 write unit, saves $0.625 per million`,
  ]);
});

it('the price list, the prices of the README and the costs of the console are those that contracts and prices make', async () => {
  for (const { file, text } of await pricedFiles(await readContracts(), await readCpu()))
    expect(await readFile(file, 'utf8'), `npm run cost:readme writes ${file.pathname}`).toBe(text);
});
