/** A database that leaves keys unprocessed is throttling: it is asked again, but not at once, and not for ever. */
import type { BatchGetCommandInput, BatchGetCommandOutput } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../functions/store/store.ts';
import { readByKey } from '../../functions/store/batches.ts';
import { readTogether } from '../../functions/store/entities/reads.ts';

const tables = { data: 'data', outbox: 'outbox', idempotency: 'idempotency' };

/** Answers the first requests with nothing, and every later one with an item a key. */
function throttling(fruitless: number): { readonly client: Store['client']; readonly count: () => number } {
  let count = 0;
  const send = ({ input }: { input: BatchGetCommandInput }): Promise<Partial<BatchGetCommandOutput>> => {
    count += 1;
    const { RequestItems = {} } = input;
    if (count <= fruitless) return Promise.resolve({ Responses: {}, UnprocessedKeys: RequestItems });
    const found = Object.entries(RequestItems).map(([table, { Keys = [] }]) => [table, Keys]);
    return Promise.resolve({ Responses: Object.fromEntries(found) as never });
  };
  return { client: { send } as never, count: () => count };
}

const together = (client: Store['client'], budgetMs: number) =>
  readTogether({ client, tables }, 'acme', [], 'key', AbortSignal.timeout(budgetMs));
const byKey = (client: Store['client'], budgetMs?: number) =>
  readByKey(
    client,
    'data',
    [{ pk: 'a', sk: 'b' }],
    budgetMs === undefined ? undefined : AbortSignal.timeout(budgetMs),
  );

describe.each([
  ['of a key and entities', together],
  ['by keys', byKey],
] as const)('a read %s', (_what, read) => {
  test('asks again for what was left, after a pause that grows', async () => {
    const { client, count } = throttling(2);
    const startedAt = performance.now();
    await read(client, 5_000);
    expect(count()).toBe(3);
    expect(performance.now() - startedAt).toBeGreaterThan(250);
  });

  test('ends with its time, without having crowded the database', async () => {
    const { client, count } = throttling(Infinity);
    const startedAt = performance.now();
    await expect(read(client, 500)).rejects.toMatchObject({ name: 'AbortError' });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(count()).toBeLessThan(6);
  });
});

test('a read by keys that has all the time there is gives up at last', async () => {
  const { client, count } = throttling(Infinity);
  await expect(byKey(client)).rejects.toThrow();
  expect(count()).toBeLessThan(6);
});
