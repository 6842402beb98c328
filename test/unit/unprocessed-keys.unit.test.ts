/** A database that leaves keys unprocessed is throttling: it is asked again, but not at once, and not for ever. */
import type {
  BatchGetCommandInput,
  BatchGetCommandOutput,
  BatchWriteCommandInput,
  BatchWriteCommandOutput,
} from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../functions/store/store.ts';
import { putAll, readBatches, readByKey } from '../../functions/store/batches.ts';
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

/** What a client was asked, and how. */
interface Asked {
  readonly input: BatchGetCommandInput & BatchWriteCommandInput;
  readonly options: unknown;
}
type Output = Partial<BatchGetCommandOutput & BatchWriteCommandOutput>;

/** Answers each request as it is told, or with nothing. */
function answering(...answers: readonly ((asked: Asked['input']) => Output)[]) {
  const asked: Asked[] = [];
  const send = ({ input }: Pick<Asked, 'input'>, options: unknown): Promise<Output> => {
    asked.push({ input, options });
    return Promise.resolve(answers[asked.length - 1]?.(input) ?? {});
  };
  return { client: { send } as never as Store['client'], asked };
}
const key = (n: number): { readonly pk: string; readonly sk: string } => ({ pk: `${n}`, sk: 'x' });
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

describe('a read in batches', () => {
  const keysIn = ({ input }: Asked, table: string): number[] =>
    (
      input.RequestItems?.[table] as { readonly Keys?: readonly { readonly pk: string }[] } | undefined
    )?.Keys?.map(({ pk }) => Number(pk)) ?? [];

  test('asks for as many as a request may have, of each table its own, and again for what is left first', async () => {
    const keys = numbers(0, 150).map((n) => ({ table: n % 2 === 0 ? 'even' : 'odd', key: key(n) }));
    const { client, asked } = answering(
      () => ({
        Responses: { even: [key(2)] },
        UnprocessedKeys: { even: { Keys: [key(0)] }, odd: { Keys: undefined } },
      }),
      () => ({ Responses: { even: [key(0)], odd: [key(149)] } }),
    );
    const found = await readBatches(client, keys);
    expect(asked.map((one) => [keysIn(one, 'even'), keysIn(one, 'odd')])).toEqual([
      [numbers(0, 50).map((n) => 2 * n), numbers(0, 50).map((n) => 2 * n + 1)],
      [[0, ...numbers(50, 75).map((n) => 2 * n)], numbers(50, 75).map((n) => 2 * n + 1)],
    ]);
    expect(Object.fromEntries(found)).toEqual({ even: [key(2), key(0)], odd: [key(149)] });
  });

  test.each([
    ['as strongly as can be', undefined, true],
    ['as strongly as can be', 'strong', true],
    ['as weakly as it may', 'eventual', false],
  ] as const)('asks %s (%s)', async (_, consistency, ConsistentRead) => {
    const { client, asked } = answering();
    await readByKey(client, 'data', [key(1)], undefined, consistency);
    expect(asked[0]?.input.RequestItems).toEqual({ data: { Keys: [key(1)], ConsistentRead } });
  });

  test('ends its calls with its time, where it has one', async () => {
    const { signal } = new AbortController();
    const { client, asked } = answering();
    await readByKey(client, 'data', [key(1)], signal);
    await readByKey(client, 'data', [key(1)]);
    expect(asked.map(({ options }) => options)).toStrictEqual([{ abortSignal: signal }, {}]);
  });

  test('reads once what is named twice, and finds nothing where nothing is', async () => {
    const { client, asked } = answering(() => ({ Responses: { data: [{ ...key(1), found: true }] } }));
    const named = [{ ...key(1), more: 1 }, key(2), { pk: '1', sk: 'y' }, key(1)];
    expect(await readByKey(client, 'data', named)).toEqual([{ ...key(1), found: true }]);
    expect(asked.map((one) => keysIn(one, 'data'))).toEqual([[1, 2, 1]]);
    expect(asked[0]?.input.RequestItems?.['data']).toMatchObject({
      Keys: [key(1), key(2), { pk: '1', sk: 'y' }],
    });
    expect(await readByKey(client, 'data', [key(1)])).toEqual([]);
    expect(await readByKey(client, 'data', [])).toEqual([]);
    expect(asked).toHaveLength(2);
  });

  test('makes no pause where nothing is left', async () => {
    const time = new AbortController();
    // A pause would end with the time.
    const { client } = answering(() => (time.abort(), { Responses: { data: [key(1)] } }));
    expect(await readByKey(client, 'data', [key(1)], time.signal)).toEqual([key(1)]);
  });

  test('goes on as long as each request brings something', async () => {
    const leaving = numbers(1, 8).map((n) => () => ({
      UnprocessedKeys: { data: { Keys: numbers(n, 9).map(key) } },
    }));
    const { client, asked } = answering(...leaving);
    await readByKey(client, 'data', numbers(0, 9).map(key));
    expect(asked.map((one) => keysIn(one, 'data').length)).toEqual([9, 8, 7, 6, 5, 4, 3, 2]);
  });
});

test('a write in batches puts as many as a request may have, and again what is left', async () => {
  const { client, asked } = answering(() => ({
    UnprocessedItems: {
      data: [{ PutRequest: { Item: key(7) } }, {}],
      other: [{ PutRequest: { Item: key(8) } }],
    },
  }));
  await putAll(client, 'data', numbers(0, 30).map(key));
  const puts = (...ns: readonly number[]) => ({ data: ns.map((n) => ({ PutRequest: { Item: key(n) } })) });
  expect(asked.map(({ input }) => input.RequestItems)).toEqual([
    puts(...numbers(0, 25)),
    puts(7, ...numbers(25, 30)),
  ]);
});
