/** How many dead messages one request counts, on both sides of the limit. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { deadGroups, list } from '../../functions/runtime/delivery-limits.ts';
import { groupDeadMessages } from '../../functions/store/outbox/dead-groups.ts';
import { startBackend } from '../support/backend.ts';
import { putDeadLetters, startOfYear } from '../support/dead-letters.ts';

it('counts up to a bound at once, and says where it goes on beyond it', async () => {
  const { store, clock } = (await startBackend()).backend;
  const outbox = { client: store.client, table: store.tables.outbox, clock };
  const tenant = randomUUID();
  const { messagesMax } = deadGroups;
  // One short of the bound: a request that comes to it does not know whether there are more.
  await putDeadLetters(store, messagesMax - 1, { tenant });
  expect(await groupDeadMessages(outbox, tenant)).toMatchObject({
    counted: messagesMax - 1,
    position: undefined,
  });
  // It ends with the page that comes to the bound.
  const more = list.entriesPerPage + 1;
  await putDeadLetters(store, more, { tenant, at: startOfYear + 60_000 });
  const first = await groupDeadMessages(outbox, tenant);
  expect(first.position).toBeDefined();
  expect(first.counted).toBeGreaterThanOrEqual(messagesMax);
  expect(first.counted).toBeLessThan(messagesMax + list.entriesPerPage);
  expect(await groupDeadMessages(outbox, tenant, first.position)).toMatchObject({
    counted: messagesMax - 1 + more - first.counted,
  });
});
