/**
 * Dead messages by what they have in common, and how many of them one request counts: on both sides of its bound, and as
 * many as it has time for.
 */
import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it, vi } from 'vitest';
import { groupDeadMessages } from '../../functions/store/outbox/dead-groups.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { deadLetter, dyingMs, putDeadLetters, putLetters, startOfYear } from '../support/dead-letters.ts';

/** The limits here; those of production stay what they are. */
const { messagesMax, entriesPerPageMax } = vi.hoisted(() => ({ messagesMax: 500, entriesPerPageMax: 100 }));
vi.mock('../../functions/runtime/delivery-limits.ts', async (original) => {
  const real: { list: object } = await original();
  return { ...real, deadGroups: { messagesMax }, list: { ...real.list, entriesPerPageMax } };
});

let store: TestBackend['backend']['store'];
let outbox: OutboxAccess;
beforeAll(async () => {
  const { backend } = await startBackend();
  ({ store } = backend);
  outbox = { client: store.client, table: store.tables.outbox, clock: backend.clock };
});

it('counts those that died of the same, the most first, and of as many the last', async () => {
  const tenant = randomUUID();
  const mail = { topic: 'notification', type: 'payment.receipt' } as const;
  const at = startOfYear;
  const held = { ...deadLetter({ tenant, at, code: 'timeout', onUncertain: 'hold' }), unsettled: 1 };
  await putLetters(store, [held, deadLetter({ tenant, at: at + 3, receiver: 'mail' })]);
  await putDeadLetters(store, 3, { tenant, at });
  await putDeadLetters(store, 1, { tenant, at: at + 5, code: 'timeout' });
  await putDeadLetters(store, 2, { tenant, at: at + 7, type: 'payment.captured' });
  const died = (ms: number): string => new Date(at + dyingMs + ms).toISOString();
  const { groups, counted } = await groupDeadMessages(outbox, tenant);
  expect(counted).toBe(8);
  expect(groups).toStrictEqual([
    { ...mail, code: '503', count: 3, held: 0, firstAt: died(0), lastAt: died(2) },
    { ...mail, type: 'payment.captured', code: '503', count: 2, held: 0, firstAt: died(7), lastAt: died(8) },
    { ...mail, code: 'timeout', count: 2, held: 1, firstAt: died(0), lastAt: died(5) },
    { ...mail, code: '503', receiver: 'mail', count: 1, held: 0, firstAt: died(3), lastAt: died(3) },
  ]);
});

it('counts up to a bound at once, and says where it goes on beyond it', async () => {
  const tenant = randomUUID();
  // One short of the bound: a request that comes to it does not know whether there are more.
  await putDeadLetters(store, messagesMax - 1, { tenant });
  expect(await groupDeadMessages(outbox, tenant)).toMatchObject({
    counted: messagesMax - 1,
    position: undefined,
  });
  // It ends with the page that comes to the bound.
  const more = entriesPerPageMax + 1;
  await putDeadLetters(store, more, { tenant, at: startOfYear + 60_000 });
  const first = await groupDeadMessages(outbox, tenant);
  expect(first.position).toBeDefined();
  expect(first.counted).toBeGreaterThanOrEqual(messagesMax);
  expect(first.counted).toBeLessThan(messagesMax + entriesPerPageMax);
  expect(await groupDeadMessages(outbox, tenant, first.position)).toMatchObject({
    counted: messagesMax - 1 + more - first.counted,
  });
});

it('says where it came to in its time, and counts the rest from there, each message once', async () => {
  const tenant = randomUUID();
  const count = entriesPerPageMax + 50;
  await putDeadLetters(store, count, { tenant });
  let left = 10_000;
  const deadline = { signal: new AbortController().signal, remainingMs: () => (left -= 4_000) };
  const first = await groupDeadMessages({ ...outbox, deadline }, tenant);
  expect(first).toMatchObject({
    groups: [{ count: first.counted }],
    position: expect.any(String) as string,
  });
  expect(first.counted).toBeGreaterThan(0);
  expect(first.counted).toBeLessThanOrEqual(entriesPerPageMax);
  const rest = await groupDeadMessages(outbox, tenant, first.position);
  expect(rest).toMatchObject({ counted: count - first.counted, position: undefined });
});
