/** The bulk redrive: which messages it runs again, how many of them, and what it says of the rest. */
import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { delivery } from '../../functions/runtime/delivery-limits.ts';
import { redriveMessages } from '../../functions/store/outbox/bulk-redrive.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import { deadLetter, putLetters, startOfYear } from '../support/dead-letters.ts';
import { intercept } from '../support/sdk-faults.ts';
import { time, writtenMessages } from '../support/written-messages.ts';

const { access, another, read } = writtenMessages();
let tenant: string;
beforeEach(() => {
  tenant = randomUUID();
});
/** The first the oldest. */
async function died(count: number, more: Partial<MessageItem> = {}): Promise<MessageItem[]> {
  const letters = Array.from({ length: count }, (_, n) => ({
    ...deadLetter({ tenant, at: startOfYear + n }),
    ...more,
  }));
  const tables = { data: '', outbox: access.table, idempotency: '' };
  await putLetters({ client: access.client, tables }, letters);
  return letters;
}
const redrive = (limit: number, of: OutboxAccess = access) =>
  redriveMessages(of, { tenant, topic: 'notification', limit });
const runsOf = (items: readonly MessageItem[]): Promise<number[]> =>
  Promise.all(items.map(async (item) => (await read(item)).run));
/** Each of its requests reads so many entries of a partition at most. */
function narrow(limit: number): OutboxAccess & { readonly pages: () => number } {
  const of = another();
  let queries = 0;
  intercept(of.client, {
    before: ({ command, input }) => {
      if (command !== 'QueryCommand') return;
      queries += 1;
      Object.assign(input as object, { Limit: limit });
    },
  });
  return { ...of, pages: () => queries / 4 };
}

test('begins with the oldest, up to its limit, and says whether there were more', async () => {
  const letters = await died(5);
  expect(await redrive(3)).toEqual({ count: 3, isComplete: false });
  expect(await runsOf(letters)).toEqual([2, 2, 2, 1, 1]);
  expect(await redrive(2)).toEqual({ count: 2, isComplete: true });
  expect(await runsOf(letters)).toEqual([2, 2, 2, 2, 2]);
  expect(await redrive(9)).toEqual({ count: 0, isComplete: true });
});

test('begins no more than its limit, however many it begins at once', async () => {
  const atOnce = delivery.writeConcurrency;
  const letters = await died(atOnce + 5);
  expect(await redrive(atOnce + 2)).toEqual({ count: atOnce + 2, isComplete: false });
  expect((await runsOf(letters)).filter((run) => run === 2)).toHaveLength(atOnce + 2);
});

test('leaves alone what is held, and what is of another topic', async () => {
  const held = await died(2, { onUncertain: 'hold', unsettled: 1 });
  const other = await died(1, { topic: 'llm' });
  const of = another();
  let tried = 0;
  intercept(of.client, {
    before: ({ command }) => {
      if (command === 'UpdateItemCommand') tried += 1;
    },
  });
  expect(await redrive(9, of)).toEqual({ count: 0, isComplete: true });
  expect(tried).toBe(0);
  expect(await runsOf([...held, ...other])).toEqual([1, 1, 1]);
});

test('goes from page to page, and reads no further than its limit', async () => {
  await died(12);
  const of = narrow(1);
  expect(await redrive(100, of)).toEqual({ count: 12, isComplete: true });
  expect(of.pages()).toBeGreaterThan(2);
  await died(12);
  const limited = narrow(1);
  expect(await redrive(1, limited)).toEqual({ count: 1, isComplete: false });
  expect(limited.pages()).toBe(1);
});

test('counts what it has begun itself', async () => {
  const letters = await died(2);
  const of = another();
  const others: OutboxAccess = { ...access, clock: { now: () => time.now + 1 } };
  intercept(of.client, {
    before: async ({ command }) => {
      if (command === 'UpdateItemCommand') for (const letter of letters) await redriveMessage(others, letter);
    },
  });
  expect(await redrive(9, of)).toEqual({ count: 0, isComplete: true });
  expect(await runsOf(letters)).toEqual([2, 2]);
});

test('begins nothing without time for it, and says so', async () => {
  const letters = await died(3);
  const inTime = (left: () => number): OutboxAccess => ({
    ...access,
    deadline: { signal: new AbortController().signal, remainingMs: left },
  });
  let left = 1_000;
  expect(
    await redrive(
      9,
      inTime(() => left--),
    ),
  ).toEqual({ count: 3, isComplete: true });
  await died(3);
  let asked = 0;
  expect(
    await redrive(
      9,
      inTime(() => ((asked += 1) === 1 ? 1_000 : 0)),
    ),
  ).toEqual({
    count: 0,
    isComplete: false,
  });
  expect(await runsOf(letters)).toEqual([2, 2, 2]);
});
