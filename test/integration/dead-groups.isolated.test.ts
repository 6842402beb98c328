/** How many dead messages one request counts, on both sides of the limit. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { deadGroups } from '../../functions/runtime/delivery-limits.ts';
import { groupDeadMessages } from '../../functions/store/outbox/dead-groups.ts';
import { startBackend } from '../support/backend.ts';
import { putDeadLetters, startOfYear } from '../support/dead-letters.ts';

it('counts up to a bound at once, and says where it goes on beyond it', async () => {
  const { store, clock } = (await startBackend()).backend;
  const outbox = { client: store.client, table: store.tables.outbox, clock };
  const tenant = randomUUID();
  const { messagesMax } = deadGroups;
  // One short of the bound: at the bound itself the database does not know yet that there are no more.
  await putDeadLetters(store, messagesMax - 1, { tenant });
  expect(await groupDeadMessages(outbox, tenant)).toMatchObject({
    counted: messagesMax - 1,
    position: undefined,
  });
  await putDeadLetters(store, 2, { tenant, at: startOfYear + 60_000 });
  const first = await groupDeadMessages(outbox, tenant);
  expect(first).toMatchObject({ counted: messagesMax, position: expect.any(String) as string });
  expect(await groupDeadMessages(outbox, tenant, first.position)).toMatchObject({ counted: 1 });
});
