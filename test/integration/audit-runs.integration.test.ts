/** What a run of the audit keeps between its calls: sums by account, accounts that differed, and how far a walk has come. */
import { randomUUID } from 'node:crypto';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import {
  rangeOf,
  readSums,
  readSuspects,
  readWalk,
  writeSums,
  writeSuspects,
  writeWalk,
} from '../../functions/store/audit/audit-runs.ts';
import type { Run, StretchSums } from '../../functions/store/audit/audit-runs.ts';
import { dataTable } from '../../functions/store/tables.ts';
import type { Store } from '../../functions/store/store.ts';
import { startBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';

let store: Store;
let strong: unknown[] = [];
beforeAll(async () => {
  const { backend } = await startBackend({
    prepare: (client) => {
      intercept(client, {
        before: ({ input }) => void strong.push((input as { ConsistentRead?: boolean }).ConsistentRead),
      });
    },
  });
  ({ store } = backend);
});
let run: Run;
beforeEach(() => {
  run = { tenant: `a tenant/#${randomUUID()}`, id: 'run', expiresAt: 4_102_444_800 };
});

const sums = (stretch: string, of: Readonly<Record<string, number>>): StretchSums => ({
  stretch,
  sums: new Map(Object.entries(of).map(([account, sum]) => [account, { unit: 'EUR', sum, count: 1 }])),
});
async function rows(of: Run, pass: 1 | 2 = 1) {
  const read = await readSums(store, of, pass, { limit: 100 });
  return read.rows.map((row) => ({ ...rangeOf(row), account: row.account, sum: row.sum, count: row.count }));
}

test('a part leaves one row an account, which says of which stretches it is', async () => {
  await writeSums(store, run, 1, [
    sums('p#9', { bank: 5 }),
    sums('p#5', { bank: 2, till: 3 }),
    sums('p#1', {}),
  ]);
  const kept = await rows(run);
  expect(kept).toHaveLength(2);
  expect(kept).toEqual(
    expect.arrayContaining([
      { oldest: 'p#1', newest: 'p#9', account: 'bank', sum: 7, count: 2 },
      { oldest: 'p#1', newest: 'p#9', account: 'till', sum: 3, count: 1 },
    ]),
  );
  expect(await rows(run, 2)).toEqual([]);
  expect(await rows({ ...run, id: 'another' })).toEqual([]);
  await writeSums(store, run, 1, []);
  expect(await rows(run)).toHaveLength(2);
  // A call that is repeated writes the same rows.
  await writeSums(store, run, 1, [sums('p#9', { bank: 7, till: 3 }), sums('p#1', {})]);
  expect(await rows(run)).toHaveLength(2);
});

test('a row of the version before is of one stretch', () => {
  expect(rangeOf({ sk: 'sum#1#hash#p#3' })).toEqual({ oldest: 'p#3', newest: 'p#3' });
});

test('rows are read from one of them on, those of an account together, as they are now', async () => {
  for (const stretch of ['p3', 'p2', 'p1'])
    await writeSums(store, run, 2, [sums(stretch, { bank: 1, till: 1, safe: 1 })]);
  const first = await readSums(store, run, 2, { limit: 4 });
  expect([first.rows.length, first.isComplete]).toEqual([4, false]);
  const last = first.rows.at(-1);
  const rest = await readSums(store, run, 2, { from: last?.sk, limit: 100 });
  expect(rest.isComplete).toBe(true);
  expect(rest.rows[0]).toEqual(last);
  const accounts = [...first.rows.slice(0, -1), ...rest.rows].map(({ account }) => account);
  expect(accounts).toHaveLength(9);
  expect(accounts.filter((account, n) => account !== accounts[n - 1])).toHaveLength(3);
  strong = [];
  await readSums(store, run, 2, { limit: 1 });
  expect(strong).toEqual([true]);
});

test('suspects are found by their accounts, with the sum that they were compared with', async () => {
  const suspect = { account: 'bank', unit: 'EUR', sum: 3, count: 2 };
  await writeSuspects(store, run, [suspect]);
  const found = await readSuspects(store, run, new Set(['till', 'bank']));
  expect([...found.keys()]).toEqual(['bank']);
  expect(found.get('bank')).toMatchObject(suspect);
});

test('a walk is found where it was left, and nothing else', async () => {
  await writeWalk(store, run, 'pay_1', 7, { head: 'x', seq: 7 });
  strong = [];
  expect(await readWalk(store, run, 'pay_1', 7)).toEqual({ head: 'x', seq: 7 });
  expect(strong).toEqual([true]);
  expect(await readWalk(store, run, 'pay_1', 8)).toBeUndefined();
});

test('all that a run keeps goes when the run is over', async () => {
  await writeSums(store, run, 1, [sums('p#1', { bank: 5 })]);
  await writeSuspects(store, run, [{ account: 'bank', unit: 'EUR', sum: 3, count: 2 }]);
  await writeWalk(store, run, 'pay_1', 7, {});
  const { Items = [] } = await store.client.send(
    new QueryCommand({
      TableName: store.tables.data,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': `${encodeURIComponent(run.tenant)}#audit#run` },
    }),
  );
  expect(Items.map((item) => item[dataTable.timeToLive] as unknown)).toEqual(Items.map(() => run.expiresAt));
  expect(Items.map(({ sk }) => String(sk).split('#')[0]).sort()).toEqual(['sum', 'suspect', 'walk']);
});
