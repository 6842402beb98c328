/** The walk through all open messages: each is visited, whatever a walk before it left undone. */
import { DeleteCommand, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { sweeperKey } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem, MessageKey } from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { readMessages, walkOpen } from '../../functions/store/outbox/open-messages.ts';
import type { OpenMessage } from '../../functions/store/outbox/open-messages.ts';
import { intercept } from '../support/sdk-faults.ts';
import { time, writtenMessages } from '../support/written-messages.ts';

const { access, another, made, put } = writtenMessages();

async function scanned(more: object = {}): Promise<readonly MessageItem[]> {
  const { Items = [] } = await access.client.send(new ScanCommand({ TableName: access.table, ...more }));
  return Items as MessageItem[];
}
beforeEach(async () => {
  for (const { pk, sk } of await scanned())
    await access.client.send(new DeleteCommand({ TableName: access.table, Key: { pk, sk } }));
});
const puts = (count: number): Promise<MessageItem[]> =>
  Promise.all(Array.from({ length: count }, () => put()));
const keys = (items: readonly MessageKey[]): string[] => items.map(({ pk }) => pk).sort();

interface Walk {
  readonly segments?: number;
  readonly pageSize?: number;
  /** After so many pages there is no time for more. */
  readonly pages?: number;
  readonly of?: OutboxAccess;
  readonly visit?: (page: readonly OpenMessage[]) => void;
}
async function walked(walk: Walk = {}) {
  const { segments = 1, pageSize = 2, pages = Infinity, of = access, visit = () => undefined } = walk;
  const seen: OpenMessage[] = [];
  let left = pages;
  const isComplete = await walkOpen(of, segments, {
    pageSize,
    visit: async (page) => {
      visit(page);
      await Promise.resolve();
      seen.push(...page);
    },
    hasTime: () => (left -= 1) > 0,
  });
  return { seen, isComplete };
}
/** What a walk notes for the next one. */
async function noted(segments: number): Promise<readonly string[]> {
  const key = { ...sweeperKey(`open#${segments}`) };
  const { Item = key } = await access.client.send(new GetCommand({ TableName: access.table, Key: key }));
  return Object.keys(Item).filter((name) => name.startsWith('segment'));
}
/** Another process, and what it asks of the database. */
function watched(): { readonly of: OutboxAccess; readonly asked: unknown[] } {
  const of = another();
  const asked: unknown[] = [];
  intercept(of.client, {
    before: ({ command, input }) => {
      const { Segment, TotalSegments } = input as { Segment?: number; TotalSegments?: number };
      asked.push([command, ...(Segment === undefined ? [] : [Segment, TotalSegments])]);
    },
  });
  return { of, asked };
}

test('what one page holds is asked for once, as the index has it', async () => {
  const item = await put({}, { waitingUntil: 5 });
  const { pk, sk, topic } = item;
  await access.client.send(
    new PutCommand({ TableName: access.table, Item: { ...made(), pk: 'none', topic: undefined } }),
  );
  const { of, asked } = watched();
  const { seen, isComplete } = await walked({ segments: 3, pageSize: 3, of });
  expect(isComplete).toBe(true);
  expect(seen).toEqual([{ pk, sk, topic, createdAt: timestamp(time.now), waitingUntil: 5 }]);
  expect(asked).toEqual([['GetItemCommand'], ['ScanCommand']]);
});

describe('more than one page', () => {
  test('is walked through in segments, each message visited once, and nothing is noted', async () => {
    const items = await puts(12);
    const { of, asked } = watched();
    const { seen, isComplete } = await walked({ segments: 2, of });
    expect([keys(seen), isComplete]).toEqual([keys(items), true]);
    for (const segment of [0, 1]) expect(asked).toContainEqual(['ScanCommand', segment, 2]);
    expect(asked.map((each) => (each as string[])[0])).not.toContain('UpdateItemCommand');
  });

  test('is gone on with where the time was over, and then from the beginning, until all was seen', async () => {
    const items = await puts(9);
    const first = await walked({ pages: 1 });
    expect(first).toMatchObject({ isComplete: false, seen: { length: 2 } });
    expect(await noted(1)).toEqual(['segment0']);
    const second = await walked({ pages: 1 });
    expect(keys([...first.seen, ...second.seen])).toHaveLength(
      new Set(keys([...first.seen, ...second.seen])).size,
    );
    const { seen, isComplete } = await walked();
    expect(isComplete).toBe(true);
    // It begins behind the four that were seen, and ends with all from the beginning.
    expect(seen).toHaveLength(items.length - 4 + items.length);
    expect([...new Set(keys(seen))]).toEqual(keys(items));
    expect(await noted(1)).toEqual([]);
    expect((await walked()).seen).toHaveLength(items.length);
  });

  test('is gone on with also where all is in one page by then', async () => {
    const items = await puts(3);
    await walked({ pages: 1 });
    const [{ pk, sk }] = items as [MessageItem];
    await access.client.send(new DeleteCommand({ TableName: access.table, Key: { pk, sk } }));
    const { seen, isComplete } = await walked({ pageSize: 3 });
    expect([[...new Set(keys(seen))], isComplete]).toEqual([keys(items.slice(1)), true]);
    expect(await noted(1)).toEqual([]);
  });

  test('is as a whole not seen where one segment is not, whatever another number of segments left', async () => {
    await puts(12);
    expect(await walked({ segments: 2, pages: 2 })).toMatchObject({ isComplete: false });
    expect(await noted(2)).not.toEqual([]);
    expect(await noted(1)).toEqual([]);
    const { seen } = await walked({ segments: 1 });
    expect(seen).toHaveLength(12);
  });

  test('of a segment that fails leaves the others their turn, and the walk fails afterwards', async () => {
    await puts(12);
    const segments = await Promise.all(
      [0, 1].map((Segment) => scanned({ IndexName: 'open', Segment, TotalSegments: 2 })),
    );
    const [[bad] = [], other = []] = segments.toSorted((one, another) => another.length - one.length);
    const visited: string[] = [];
    const visit = (page: readonly OpenMessage[]): void => {
      if (page.some(({ pk }) => pk === bad?.pk)) throw new Error('it is bad');
      visited.push(...keys(page));
    };
    // The first one is read as a part of the whole index, too.
    await expect(walked({ segments: 2, visit })).rejects.toThrow();
    expect(visited).toEqual(expect.arrayContaining(keys(other)));
  });
});

test('messages are read as they are now; what is gone is left out', async () => {
  const [item] = await puts(1);
  if (item === undefined) throw new Error('one was put');
  expect(
    await readMessages(access, [
      { pk: item.pk, sk: item.sk },
      { pk: 'none', sk: 'none' },
    ]),
  ).toEqual([item]);
});
