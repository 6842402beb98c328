/** The operator's log as it lies in the table: what is added stays, and is read by time. */
import { randomUUID } from 'node:crypto';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { Operation } from '../../functions/core/operation.ts';
import { operationKey, operationsPartition } from '../../functions/store/keys.ts';
import { readNewest } from '../../functions/store/newest-page.ts';
import { listOperations, operationItem, putOperation } from '../../functions/store/operations/log.ts';
import type { Store } from '../../functions/store/store.ts';
import { startBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';

const { signal } = new AbortController();
let store: Store;
let asked: unknown[] = [];
beforeAll(async () => {
  const { backend } = await startBackend({
    prepare: (client) => {
      intercept(client, { before: ({ input }) => void asked.push(input) });
    },
  });
  ({ store } = backend);
});
let tenant: string;
beforeEach(() => {
  tenant = randomUUID();
  asked = [];
});

const operation = (n: number): Operation => ({
  ...{ id: `op_${n}`, tenant, operation: 'redriveMessage', by: 'ann', at: '2026-11-26T12:00:00.000Z' },
  ...{ requestId: `request ${n}`, message: 'msg' },
});
const stored = (n: number) => ({ ...operationKey(tenant, `op_${n}`), ...operation(n) });

test('entries are listed newest first, page by page, and a page says whether there are older ones', async () => {
  for (const n of [2, 1, 3]) await putOperation(store, operation(n), signal);
  await putOperation(store, { ...operation(9), tenant: `${tenant} 2` }, signal);
  const first = await listOperations(store, tenant, { limit: 2 }, signal);
  expect(first).toEqual({ operations: [stored(3), stored(2)], isComplete: false });
  const next = await listOperations(store, tenant, { limit: 2, before: 'op_2' }, signal);
  expect(next).toEqual({ operations: [stored(1)], isComplete: true });
  expect(await listOperations(store, tenant, { limit: 2, before: 'op_1' }, signal)).toEqual({
    operations: [],
    isComplete: true,
  });
});

test('a list shows what was written before it was asked for', async () => {
  await listOperations(store, tenant, { limit: 2 }, signal);
  expect(asked).toMatchObject([{ ConsistentRead: true, Limit: 2 }]);
});

test('an entry in the transaction of what it tells of is added once', async () => {
  const { label, item } = operationItem(store.tables.data, operation(1));
  expect(label).toEqual({ purpose: 'operation' });
  const add = () => store.client.send(new TransactWriteCommand({ TransactItems: [item] }));
  await add();
  await expect(add()).rejects.toMatchObject({
    CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
  });
  expect(await readNewest(store, operationsPartition(tenant), { limit: 9 })).toEqual({
    items: [stored(1)],
    isComplete: true,
  });
});

test('both end with the time of their request', async () => {
  const isOver = AbortSignal.abort();
  await expect(putOperation(store, operation(1), isOver)).rejects.toMatchObject({ name: 'AbortError' });
  await expect(listOperations(store, tenant, { limit: 9 }, isOver)).rejects.toMatchObject({
    name: 'AbortError',
  });
});
