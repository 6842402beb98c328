/** Walks through a tenant's messages are answered in time, however many there are and however slow the database is. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { delivery } from '../../functions/runtime/delivery-limits.ts';
import type { list } from '../../functions/runtime/delivery-limits.ts';
import type { request as limits } from '../../functions/runtime/limits.ts';
import type { Topic } from '../../functions/runtime/topics.ts';
import { itemsOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { putDeadLetters, startOfYear } from '../support/dead-letters.ts';
import { intercept } from '../support/sdk-faults.ts';

/** The limits of the requests here; those of production stay what they are. */
const { deadlineMs } = vi.hoisted(() => ({ deadlineMs: 2_000 }));
vi.mock('../../functions/runtime/limits.ts', async (original) => {
  const real: { request: typeof limits } = await original();
  return { ...real, request: { ...real.request, deadlineMs, deadlineReserveMs: 500 } };
});

/** So that a walk through some thousands has many pages, as one through very many has. */
vi.mock('../../functions/runtime/delivery-limits.ts', async (original) => {
  const real: { list: typeof list } = await original();
  return { ...real, list: { ...real.list, entriesPerPageMax: real.list.entriesPerPage } };
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
async function died(tenant: string, topic: Topic, count: number, at: number): Promise<string[]> {
  return (await putDeadLetters(api.backend.store, count, { tenant, topic, at })).map(({ id }) => id);
}

/** Sends a request until it has no more to say. */
async function followed(
  send: (cursor: string | undefined) => ReturnType<TestBackend['get']>,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const pages: Readonly<Record<string, unknown>>[] = [];
  let cursor: string | undefined;
  do {
    const { status, json, text } = await send(cursor);
    expect(status, text).toBeLessThan(300);
    pages.push(json);
    cursor = json['nextCursor'] as string | undefined;
  } while (cursor !== undefined && pages.length < 100);
  return pages;
}

/** The dead messages of a topic, page by page. */
const deadPages = (of: TestBackend, tenant: string, topic: Topic): ReturnType<typeof followed> =>
  followed((cursor) => {
    const rest = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    return of.get(`/v1/messages?status=dead&topic=${topic}&limit=100${rest}`, { tenant });
  });

const idsOf = (pages: Awaited<ReturnType<typeof followed>>): readonly unknown[] =>
  pages.flatMap((json) => itemsOf({ json } as never)).map(({ id }) => id);

describe('a list whose filter fits little', () => {
  it('says how far it came in its time, and goes on from there', async () => {
    const tenant = randomUUID();
    const [oldest] = await died(tenant, 'llm', 1, startOfYear);
    await died(tenant, 'notification', 2_000, startOfYear + 1_000);
    delayMs = 150;
    const pages = await deadPages(slow, tenant, 'llm');
    expect(pages.length).toBeGreaterThan(1);
    expect(idsOf(pages)).toEqual([oldest]);
  });
});

describe('a redrive in bulk', () => {
  const deadOf = async (tenant: string, topic: Topic): Promise<number> =>
    idsOf(await deadPages(api, tenant, topic)).length;

  /**
   * Repeats the request until nothing is left. One whose time was over says so, whether or not it had begun any; each
   * other tells how many it began.
   */
  async function redriven(of: TestBackend, tenant: string, topic: Topic, limit: number): Promise<number[]> {
    const counts: number[] = [];
    let dead = await deadOf(tenant, topic);
    for (let request = 0; request < 100; request += 1) {
      const { status, json } = await of.post('/v1/messages/redrive', { topic, limit }, { tenant });
      expect([202, 503]).toContain(status);
      const before = dead;
      dead = await deadOf(tenant, topic);
      if (status === 503) continue;
      expect(json).toEqual({ count: before - dead });
      if (json['count'] === 0) {
        expect(dead).toBe(0);
        return counts;
      }
      counts.push(Number(json['count']));
    }
    throw new Error('it never ends');
  }
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, count) => total + count, 0);

  it('takes its limit at a time, the oldest first, until there are no more', async () => {
    const tenant = randomUUID();
    const ids = await died(tenant, 'llm', 60, startOfYear);
    await died(tenant, 'notification', 5, startOfYear + 30);
    const first = await api.post('/v1/messages/redrive', { topic: 'llm', limit: 40 }, { tenant });
    expect(first.json).toEqual({ count: 40 });
    const dead = itemsOf(await api.get('/v1/messages?status=dead&topic=llm&limit=100', { tenant }));
    expect(dead.map(({ id }) => id)).toEqual(ids.slice(40).reverse());
    expect(await redriven(api, tenant, 'llm', 15)).toEqual([15, 5]);
  });

  it('finds the few of a topic among the many of another', async () => {
    const tenant = randomUUID();
    await died(tenant, 'notification', 1_500, startOfYear);
    await died(tenant, 'llm', 2, startOfYear + 60_000);
    expect(sum(await redriven(api, tenant, 'llm', 10))).toBe(2);
  });

  it('says how many it began in its time, and goes on in the next request', async () => {
    const tenant = randomUUID();
    await died(tenant, 'llm', 450, startOfYear);
    delayMs = 150;
    const counts = await redriven(slow, tenant, 'llm', 1_000);
    expect(counts.length).toBeGreaterThan(1);
  });

  it('runs its messages again beside each other, a bounded number at once', async () => {
    const tenant = randomUUID();
    await died(tenant, 'llm', 400, startOfYear);
    let [underWay, most] = [0, 0];
    const watched = await startBackend({
      tables: api.tables,
      prepare: (client) => {
        intercept(client, {
          before: async ({ command }) => {
            if (command !== 'UpdateItemCommand') return;
            most = Math.max(most, (underWay += 1));
            await new Promise((resolve) => setTimeout(resolve, 20));
          },
          after: ({ command }) => {
            if (command === 'UpdateItemCommand') underWay -= 1;
          },
        });
      },
    });
    // Node takes more than ten listeners of one deadline for a leak, unless it is told how many there may be.
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    expect(sum(await redriven(watched, tenant, 'llm', 1_000))).toBe(400);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(delivery.writeConcurrency);
  });
});
