/** What the nightly audit knows from one night to the next: each write replaces the revision that it read, or none. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { putAll } from '../../functions/store/batches.ts';
import { entityKey } from '../../functions/store/keys.ts';
import type { Store } from '../../functions/store/store.ts';
import {
  readSearches,
  readTenant,
  readTenants,
  scanTenants,
  writeSearch,
  writeTenant,
} from '../../functions/store/audit/tenant-register.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { intercept, loseFirstAnswer } from '../support/sdk-faults.ts';

let api: TestBackend;
let store: Store;
beforeEach(async () => {
  api = await startBackend();
  ({ store } = api.backend);
});
const foundAt = '2026-11-26T12:00:00.000Z';
const known = (tenant: string, revision: number) => ({ tenant, revision, foundAt });
/** Another process. */
async function another(prepare: (client: Store['client']) => void): Promise<Store> {
  return (await startBackend({ tables: api.tables, prepare })).backend.store;
}
/** More of these than two are more than a page. */
const filler = 'x'.repeat(390_000);

describe('a record', () => {
  test('is written once a revision', async () => {
    expect(await readTenant(store, 'acme')).toBeUndefined();
    const first = await writeTenant(store, 'run 1', known('acme', 0));
    expect(first).toEqual({ ...known('acme', 1), writer: 'run 1' });
    expect(await writeTenant(store, 'run 2', known('acme', 0))).toBeUndefined();
    expect(await writeTenant(store, 'run 2', known('acme', 1))).toMatchObject({ revision: 2 });
    expect(await writeTenant(store, 'run 1', known('acme', 1))).toBeUndefined();
    expect(await readTenant(store, 'acme')).toMatchObject({ ...known('acme', 2), writer: 'run 2' });
  });

  test('that is gone, or is at another revision of the same writer, is not replaced', async () => {
    expect(await writeTenant(store, 'run 1', known('acme', 5))).toBeUndefined();
    for (const revision of [0, 1]) await writeTenant(store, 'run 1', known('acme', revision));
    expect(await writeTenant(store, 'run 1', known('acme', 0))).toBeUndefined();
  });

  test('whose write was answered too late is what was written', async () => {
    const deaf = await another((client) => {
      loseFirstAnswer(client, 'PutItemCommand');
    });
    const written = await writeTenant(deaf, 'run 1', known('acme', 0));
    expect(written).toEqual({ ...known('acme', 1), writer: 'run 1' });
  });

  test('that cannot be written for another reason is told of', async () => {
    const lost = await another((client) => {
      intercept(client, {
        before: ({ command }) => {
          if (command === 'PutItemCommand') throw new Error('it is away');
        },
      });
    });
    await expect(writeTenant(lost, 'run 1', known('acme', 0))).rejects.toThrow('it is away');
  });

  test('is read as it is now', async () => {
    const asked: unknown[] = [];
    const watched = await another((client) => {
      intercept(client, {
        before: ({ input }) => void asked.push((input as { ConsistentRead?: boolean }).ConsistentRead),
      });
    });
    await readTenant(watched, 'acme');
    await readTenants(watched);
    expect(asked).toEqual([true, true]);
  });
});

test('all records are read, also where they fill more than a page', async () => {
  const tenants = ['a', 'b', 'c', 'd'];
  for (const tenant of tenants)
    await writeTenant(store, 'run', { ...known(tenant, 0), filler } as Parameters<typeof writeTenant>[2]);
  expect((await readTenants(store)).map(({ tenant }) => tenant)).toEqual(tenants);
});

test('a search is kept by segment, and means nothing where there is another number of them', async () => {
  for (const segment of [10, 2])
    expect(await writeSearch(store, 'run', 11, { segment, revision: 0 })).toMatchObject({
      segment,
      revision: 1,
    });
  expect((await readSearches(store, 11)).map(({ segment }) => segment)).toEqual([2, 10]);
  expect(await readSearches(store, 12)).toEqual([]);
  expect(await readTenants(store)).toEqual([]);
});

test('tenants are found in all segments of the index of entities, page by page', async () => {
  const listed = (tenant: unknown, more: object = {}) => {
    const id = `pay_${randomUUID()}`;
    const listPk = `list ${randomUUID()}`;
    return { ...entityKey(String(tenant), id), tenant, listPk, listSk: id, ...more };
  };
  // One of two segments has more than a page of them.
  const filled = ['c', 'd', 'e', 'f', 'g', 'h', 'i'];
  await putAll(store.client, store.tables.data, [
    ...[listed('a'), listed('a'), listed('b'), listed(''), listed(7)],
    ...filled.map((tenant) => listed(tenant, { attributes: { filler } })),
    { ...entityKey('not in the index', 'pay_1'), tenant: 'not in the index' },
  ]);
  const found: string[] = [];
  let pages = 0;
  for (const segment of [0, 1]) {
    let startKey: Record<string, unknown> | undefined;
    do {
      const page = await scanTenants(store, { segment, segments: 2 }, startKey);
      expect(new Set(page.tenants).size).toBe(page.tenants.length);
      found.push(...page.tenants);
      pages += 1;
      ({ startKey } = page);
    } while (startKey !== undefined);
  }
  expect([...new Set(found)].sort()).toEqual(['a', 'b', ...filled]);
  expect(pages).toBeGreaterThan(2);
});
