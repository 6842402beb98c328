import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Doorbell } from '../../infra/local/doorbell.ts';
import { StreamReader } from '../../infra/local/stream-reader.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A stream of one shard that never closes. */
const client = {
  send: () => Promise.resolve({ StreamDescription: { Shards: [{ ShardId: 'one' }] }, ShardIterator: 'at' }),
} as unknown as DynamoDBStreamsClient;

interface Given {
  /** How long each read takes. */
  readonly readMs: number;
  /** How many records each of the first reads finds; the others find none. */
  readonly found?: readonly number[];
  readonly gatherMs?: number;
  /** How often somebody writes. */
  readonly newsEachMs?: number;
}

/** @returns after how many milliseconds each of the first reads began */
async function readsOf({ readMs, found = [], gatherMs = 0, newsEachMs }: Given): Promise<number[]> {
  const began: number[] = [];
  const news = new Doorbell();
  const from = performance.now();
  const reader = new StreamReader({
    client,
    getRecords: async () => {
      const records = Array.from({ length: found[began.length] ?? 0 }, () => ({}));
      began.push(performance.now() - from);
      await pass(readMs);
      return { records, next: 'at' };
    },
    ...{ streamArn: 'stream', batchSize: 2, gatherMs, news },
    process: () => Promise.resolve(true),
    onError: (error) => {
      throw error;
    },
  });
  if (newsEachMs !== undefined) {
    setInterval(() => {
      news.ring();
    }, newsEachMs);
  }
  await reader.start('TRIM_HORIZON');
  await vi.advanceTimersByTimeAsync(5_000);
  const stopped = reader.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  await stopped;
  return began.slice(0, 4);
}

test('a quick read is followed by the next after a moment, however often somebody writes', async () => {
  expect(await readsOf({ readMs: 1, newsEachMs: 1 })).toEqual([0, 21, 42, 63]);
});

test('after a slow read the database is left to others for four times as long', async () => {
  expect(await readsOf({ readMs: 30, newsEachMs: 1 })).toEqual([0, 150, 300, 450]);
});

test('a full page is followed by the next at once', async () => {
  expect(await readsOf({ readMs: 30, found: [2, 2, 1] })).toEqual([0, 30, 60, 210]);
});

test('a shard without news is read less and less often', async () => {
  // Rests of 4 ms, and then 30, 45 and 67.5.
  expect(await readsOf({ readMs: 1 })).toEqual([0, 35, 85, 157]);
});

test('what is written while nobody reads is read soon', async () => {
  // Of the news at 40 and 80 the first comes while it waits for them, and the second while it rests.
  expect(await readsOf({ readMs: 1, newsEachMs: 40 })).toEqual([0, 35, 40, 80]);
});

test('where records are gathered, no news hurries them, and a full page goes on at once', async () => {
  const each = { readMs: 1, gatherMs: 1_000, newsEachMs: 1 };
  expect(await readsOf(each)).toEqual([0, 1_001, 2_002, 3_003]);
  expect(await readsOf({ ...each, found: [2, 1] })).toEqual([0, 1, 1_002, 2_003]);
});
