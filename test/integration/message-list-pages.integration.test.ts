/** Pages of lists of messages: how full they are, where they end, and what is read for them. */
import { randomUUID } from 'node:crypto';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { indexedAs } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { listEntityMessages, listMessages } from '../../functions/store/outbox/message-lists.ts';
import type { MessageFilter } from '../../functions/store/outbox/message-lists.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { putLetters } from '../support/dead-letters.ts';
import { intercept } from '../support/sdk-faults.ts';
import { time, writtenMessages } from '../support/written-messages.ts';

const { access, another, made } = writtenMessages();
let tenant: string;
beforeEach(() => {
  tenant = `tenant ${randomUUID()}`;
});

/** Messages that are on their way, a millisecond apart, the first the oldest. */
async function put(
  messages: readonly Partial<MessageItem>[],
  group: 'open' | 'done' = 'open',
): Promise<MessageItem[]> {
  const items = messages.map((more, n): MessageItem => {
    const { openPk: _, ...item } = made({ tenant, createdAt: timestamp(time.now + n) });
    const status = group === 'open' ? 'sent' : 'done';
    return { ...item, ...indexedAs(item, group), status, ...more };
  });
  const tables = { data: '', outbox: access.table, idempotency: '' };
  await putLetters({ client: access.client, tables }, items);
  return items;
}
/** Another process, and its queries. */
function watched(limit?: number): { readonly of: OutboxAccess; readonly queries: () => number } {
  const of = another();
  let queries = 0;
  intercept(of.client, {
    before: ({ command, input }) => {
      if (command !== 'QueryCommand') return;
      queries += 1;
      if (limit !== undefined) Object.assign(input as object, { Limit: limit });
    },
  });
  return { of, queries: () => queries };
}
const page = (filter: MessageFilter, limit: number, of = access, after?: string) =>
  listMessages(of, { tenant, filter, limit, ...(after !== undefined && { cursor: { after } }) });
const idsOf = (items: readonly MessageItem[]): string[] => items.map(({ id }) => id);
const type = 'payment.refund';

describe('a page', () => {
  test.each([{ type }, { type, topic: 'external-call' as const }])(
    'by what the items alone tell is full as long as there are some: %j',
    async (filter) => {
      const refund = { type };
      const items = await put([refund, refund, refund, refund, {}, {}, refund]);
      const fitting = idsOf(items.filter((item) => item.type === type)).toReversed();
      const first = await page(filter, 3);
      expect(idsOf(first.items)).toEqual(fitting.slice(0, 3));
      const rest = await page(filter, 3, access, first.cursor?.after);
      expect(idsOf(rest.items)).toEqual(fitting.slice(3));
      expect(rest).not.toHaveProperty('cursor');
    },
  );

  test('that is full and has all says that it is the last', async () => {
    await put([{ type }, { type }, { type }]);
    const all = await page({ type }, 3);
    expect(all.items).toHaveLength(3);
    expect(all).not.toHaveProperty('cursor');
  });

  test('of one shows one', async () => {
    const items = await put([{}, {}]);
    expect(idsOf((await page({}, 1)).items)).toEqual(idsOf(items.slice(1)));
  });

  test('shows also what has failed, was refused, and waits with an answer', async () => {
    const at = timestamp(time.now);
    const lastError = { code: '500', reason: 'It failed.', at };
    const refused = { code: '402', reason: 'No.' };
    const items = await put([{ lastError, refused, answerWaits: { code: 'locked', at } }]);
    expect((await page({}, 5)).items).toEqual(items);
  });

  test('leaves out what is gone by the time that it is read', async () => {
    const [kept, gone] = await put([{}, {}]);
    const of = another();
    intercept(of.client, {
      before: async ({ command }) => {
        if (!command.startsWith('BatchGet') || gone === undefined) return;
        const { pk, sk } = gone;
        await access.client.send(new DeleteCommand({ TableName: access.table, Key: { pk, sk } }));
      },
    });
    expect((await page({}, 5, of)).items).toEqual([kept]);
  });
});

describe('for a page is read', () => {
  test('no more of a group than it takes', async () => {
    await put(Array.from({ length: 40 }, () => ({})));
    const { of, queries } = watched(2);
    expect((await page({ status: 'sent' }, 1, of)).items).toHaveLength(1);
    // Two of each partition are enough, unless one has the two newest and the next one.
    expect(queries()).toBeLessThanOrEqual(8);
  });

  test('all at once where the index tells what is asked for, whatever else is not', async () => {
    const many = Array.from({ length: 500 }, () => ({}));
    const [few] = await put([{ topic: 'notification' }, ...many], 'done');
    const { of, queries } = watched();
    const filter = { status: 'done', topic: 'notification', code: undefined } as const;
    const { items } = await page(filter, 5, of);
    expect(items).toEqual([few]);
    // Two pages: the second has all that the first left.
    expect(queries()).toBe(8);
  });

  test('where it is of doubt, what is on its way and what is dead', async () => {
    const [doubtful] = await put([{ unsettled: 1 }]);
    const { of, queries } = watched();
    expect((await page({ uncertain: true }, 5, of)).items).toEqual([doubtful]);
    expect(queries()).toBe(8);
  });

  test('of an entity, what is there now', async () => {
    const [item] = await put([{}]);
    const of = another();
    const strong: unknown[] = [];
    intercept(of.client, {
      before: ({ input }) => void strong.push((input as { ConsistentRead?: boolean }).ConsistentRead),
    });
    const { items } = await listEntityMessages(of, { tenant, entityId: String(item?.entity), limit: 5 });
    expect(items).toEqual([item]);
    expect(strong).toEqual([true]);
  });
});
