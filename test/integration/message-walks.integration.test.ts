/** Walks through a tenant's messages are answered in time, however many there are and however slow the database is. */
import { randomUUID } from 'node:crypto';
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import { ulid } from 'ulid';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { request as limits } from '../../functions/runtime/limits.ts';
import type { Topic } from '../../functions/runtime/topics.ts';
import { messageItem, statePartitionOf } from '../../functions/store/message-items.ts';
import { itemsOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';

/** The budget of the requests here; the limits of production stay what they are. */
const { deadlineMs } = vi.hoisted(() => ({ deadlineMs: 2_000 }));
vi.mock('../../functions/runtime/limits.ts', async (original) => {
  const real: { request: typeof limits } = await original();
  return { ...real, request: { ...real.request, deadlineMs, deadlineReserveMs: 500 } };
});

let api: TestBackend;
/** A second environment, whose calls take a moment each. */
let slow: TestBackend;
let delayMs = 0;
beforeAll(async () => {
  api = await startBackend();
  slow = await startBackend({
    tables: api.tables,
    prepare: (client) => {
      intercept(client, { before: () => new Promise((resolve) => setTimeout(resolve, delayMs)) });
    },
  });
});

/** Messages of one topic that have died, the first the oldest. */
async function died(tenant: string, topic: Topic, count: number, since: number): Promise<string[]> {
  const items = Array.from({ length: count }, (_, index) => ({
    ...messageItem({
      tenant,
      entityId: `pay_${ulid()}`,
      collection: 'payments',
      seq: 2,
      n: 0,
      type: 'payment.confirmed',
      topic,
      payload: {},
      createdAt: new Date(since + index).toISOString(),
    }),
    status: 'dead',
    statePk: statePartitionOf(tenant, 'dead'),
  }));
  const batches = Array.from({ length: Math.ceil(count / 25) }, (_, at) =>
    items.slice(at * 25, at * 25 + 25),
  );
  await pMap(
    batches,
    (batch) => {
      const puts = batch.map((Item) => ({ PutRequest: { Item } }));
      return api.backend.store.client.send(
        new BatchWriteCommand({ RequestItems: { [api.tables.outbox]: puts } }),
      );
    },
    { concurrency: 8 },
  );
  return items.map(({ id }) => id);
}

/** Sends a request until it has no more to say; each answer comes in time. */
async function followed(
  send: (cursor: string | undefined) => ReturnType<TestBackend['get']>,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const pages: Readonly<Record<string, unknown>>[] = [];
  let cursor: string | undefined;
  do {
    const startedAt = performance.now();
    const { status, json, text } = await send(cursor);
    expect(status, text).toBeLessThan(300);
    expect(performance.now() - startedAt).toBeLessThan(deadlineMs);
    pages.push(json);
    cursor = json['nextCursor'] as string | undefined;
  } while (cursor !== undefined && pages.length < 100);
  return pages;
}

const startOfYear = Date.parse('2026-01-01T00:00:00Z');

describe('a list whose filter fits little', () => {
  it('says how far it came in its time, and goes on from there', async () => {
    const tenant = randomUUID();
    const [oldest] = await died(tenant, 'llm', 1, startOfYear);
    await died(tenant, 'notification', 2_000, startOfYear + 1_000);
    delayMs = 150;
    const pages = await followed((cursor) => {
      const rest = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      return slow.get(`/v1/messages?status=dead&topic=llm${rest}`, { tenant });
    });
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flatMap((json) => itemsOf({ json } as never)).map(({ id }) => id)).toEqual([oldest]);
  });
});
