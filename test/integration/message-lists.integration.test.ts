/** Lists of messages: which they show, in what order, and that page by page none is left out and none comes twice. */
import { randomUUID } from 'node:crypto';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LetterMatch } from '../../functions/core/redrive-run.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { list } from '../../functions/runtime/delivery-limits.ts';
import { deadPages, isHeld } from '../../functions/store/outbox/dead-letters.ts';
import { groupPages, timeForMore } from '../../functions/store/outbox/message-groups.ts';
import type { GroupQuery } from '../../functions/store/outbox/message-groups.ts';
import {
  groupOf,
  indexedAs,
  messageShards,
  toldByPlace,
} from '../../functions/store/outbox/message-items.ts';
import type { MessageItem, NewMessage } from '../../functions/store/outbox/message-items.ts';
import { listEntityMessages, listMessages } from '../../functions/store/outbox/message-lists.ts';
import type { MessageCursor, MessageFilter } from '../../functions/store/outbox/message-lists.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { intercept } from '../support/sdk-faults.ts';
import { time, writtenMessages } from '../support/written-messages.ts';

const { access, another, made } = writtenMessages();
/** Each of its requests reads two entries of a partition at most. */
let narrow: OutboxAccess;
/** How many entries its requests asked for. */
let asked: number[] = [];
beforeAll(() => {
  narrow = another();
  intercept(narrow.client, {
    before: ({ command, input }) => {
      if (command !== 'QueryCommand') return;
      asked.push((input as { Limit: number }).Limit);
      Object.assign(input as object, { Limit: 2 });
    },
  });
});

let tenant: string;
let count = 0;
beforeEach(() => {
  tenant = `tenant ${randomUUID()}`;
  count = 0;
  asked = [];
});
/** A message that stands in the index of its status; each is a millisecond younger than the one before. */
async function put(
  status: MessageItem['status'],
  message: Partial<NewMessage> = {},
  more: Partial<MessageItem> = {},
): Promise<MessageItem> {
  count += 1;
  const { openPk: _, ...item } = made({ tenant, createdAt: timestamp(time.now + count), ...message });
  const died = status === 'dead' && { died: { code: more.lastError?.code ?? '500', at: time.now } };
  const Item: MessageItem = { ...item, ...indexedAs(item, groupOf(status)), ...died, status, ...more };
  await access.client.send(new PutCommand({ TableName: access.table, Item }));
  return Item;
}
const puts = async (statuses: readonly MessageItem['status'][]): Promise<MessageItem[]> => {
  const items: MessageItem[] = [];
  for (const status of statuses) items.push(await put(status));
  return items;
};
const idsOf = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id);
const failed = (code: string): Pick<MessageItem, 'lastError'> => ({
  lastError: { code, reason: 'It failed.', at: timestamp(time.now) },
});

describe('the messages of a group', () => {
  const walked = async (query: Partial<GroupQuery>, of = narrow) => {
    const pages = [];
    for await (const page of groupPages(of, { tenant, group: 'dead', newestFirst: false, ...query }))
      pages.push(page);
    return { pages, places: pages.flatMap(({ entries }) => entries.map(({ stateSk }) => stateSk)) };
  };

  test('are walked through by time, from either end, each once, and from any place on', async () => {
    const items = await puts(Array<'dead'>(15).fill('dead'));
    await puts(['done', 'sent', 'waiting']);
    const places = items.map(({ stateSk }) => stateSk);
    const [oldest, newest] = [await walked({}), await walked({ newestFirst: true })];
    expect(oldest.places).toEqual(places);
    expect(newest.places).toEqual(places.toReversed());
    expect(oldest.pages.length).toBeGreaterThan(1);
    expect(oldest.pages.at(-1)?.position).toBeUndefined();
    expect((await walked({ after: places[6] })).places).toEqual(places.slice(7));
    expect((await walked({ after: places[6], newestFirst: true })).places).toEqual(
      places.slice(0, 6).toReversed(),
    );
    // One page shows all, where all partitions are read to their ends.
    const { pages } = await walked({}, access);
    expect(pages).toMatchObject([{ evaluated: 15, position: undefined }]);
  });

  test('are those of one topic, where that is asked for', async () => {
    const [pending] = await puts(['pending']);
    const [sent] = await puts(['sent']);
    const mail = await put('sent', { topic: 'notification' });
    const places = (...items: readonly (MessageItem | undefined)[]) => items.map((item) => item?.stateSk);
    expect((await walked({ group: 'open' })).places).toEqual(places(pending, sent, mail));
    expect((await walked({ group: 'open', filter: { topic: 'notification' } })).places).toEqual(places(mail));
    expect((await walked({ group: 'open', filter: { topic: 'report' } })).places).toEqual([]);
  });

  test('are asked for in pages that grow up to a bound, and not many more of them than are wanted', async () => {
    // A page shows eight at most, so there are five pages and more.
    await puts(Array<'dead'>(40).fill('dead'));
    await walked({});
    const { entriesPerPage, entriesPerPageMax, pageGrowth } = list;
    const sizes = [0, 1, 2, 3].map((n) => Math.min(entriesPerPage * pageGrowth ** n, entriesPerPageMax));
    expect([...new Set(asked)]).toEqual(sizes.map((size) => size / messageShards));
    asked = [];
    await walked({ wanted: 8 });
    expect(asked[0]).toBe(6);
    asked = [];
    // Of what a filter leaves out nobody knows before how much it is.
    await walked({ wanted: 8, filter: { topic: 'report' } });
    expect(asked[0]).toBe(entriesPerPage / messageShards);
  });

  test('are begun with as long as a share of the time is left', () => {
    let left = 1_000;
    const deadline = { signal: new AbortController().signal, remainingMs: () => left };
    const hasTime = timeForMore({ deadline });
    expect(hasTime()).toBe(true);
    left = 1_000 * (1 - list.shareOfTime);
    expect(hasTime()).toBe(false);
    left += 1;
    expect(hasTime()).toBe(true);
    expect(timeForMore({})()).toBe(true);
  });
});

describe('a list', () => {
  const listed = async (filter: MessageFilter, limit = 100, of = access): Promise<string[]> => {
    const ids: string[] = [];
    let cursor: MessageCursor | undefined;
    do {
      const page = await listMessages(of, { tenant, filter, limit, cursor });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      ids.push(...idsOf(page.items));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return ids;
  };

  test.each([1, 3, 100])('of %i a page shows all there are, newest first, each once', async (limit) => {
    const items = await puts(['dead', 'done', 'sent', 'waiting', 'pending', 'dead', 'dead', 'done']);
    const ids = idsOf(items).toReversed();
    expect(await listed({}, limit, narrow)).toEqual(ids);
    // What only the items tell is looked for in page after page.
    expect(await listed({ type: 'payment.confirmed' }, limit, narrow)).toEqual(ids);
    expect(await listed({ type: 'payment.refund' }, limit, narrow)).toEqual([]);
  });

  test('shows what fits its filter as it is now', async () => {
    const dead = await put('dead', { topic: 'notification' }, failed('503'));
    const done = await put('done', {}, failed('503'));
    const refused = await put(
      'done',
      { type: 'payment.refund' },
      { refused: { code: '402', reason: 'No.' } },
    );
    const waits = { answerWaits: { code: 'locked', at: timestamp(time.now) } };
    const kept = await put('sent', {}, waits);
    const over = await put('done', {}, waits);
    const unsure = await put('sent', {}, { unsettled: 1 });
    const held = await put('dead', {}, { ...failed('500'), unsettled: 1 });
    const waiting = await put('waiting', {}, { unsettled: 1 });
    const shown = async (filter: MessageFilter, ...items: readonly MessageItem[]): Promise<void> => {
      expect(await listed(filter), JSON.stringify(filter)).toEqual(idsOf(items).toReversed());
    };
    await shown({ status: 'dead' }, dead, held);
    await shown({ status: 'sent' }, kept, unsure);
    await shown({ status: 'pending' });
    await shown({ topic: 'notification' }, dead);
    await shown({ type: 'payment.refund' }, refused);
    // The failure of one that is done is history, and so is why its answer waited.
    await shown({ code: '503' }, dead);
    await shown({ code: '402' }, refused);
    await shown({ code: 'locked' }, kept);
    await shown({ uncertain: true }, unsure, held);
    await shown({ uncertain: false }, dead, done, refused, kept, over, waiting);
    await shown({ uncertain: true, status: 'dead' }, held);
    await shown({ topic: 'notification', code: '500' });
  });

  test('of an entity is in the order of its ledger, and goes on from its cursor', async () => {
    const first = await put('done', { seq: 2, n: 1 });
    const entityId = first.entity;
    const items = [
      first,
      await put('dead', { entityId, seq: 2, n: 2 }),
      await put('sent', { entityId, seq: 10 }),
    ];
    const page = await listEntityMessages(access, { tenant, entityId, limit: 2 });
    expect(idsOf(page.items)).toEqual(idsOf(items.slice(0, 2)));
    const rest = await listEntityMessages(access, {
      ...{ tenant, entityId, limit: 2 },
      ...(page.cursor && { cursor: page.cursor }),
    });
    expect(rest).toMatchObject({ items: [{ id: items[2]?.id }] });
    expect(rest).not.toHaveProperty('cursor');
  });
});

describe('dead letters', () => {
  const at = (ms: number): string => timestamp(time.now + ms);

  const found = async (match: LetterMatch, after?: string, of = access) => {
    const entries = [];
    for await (const page of deadPages(of, { tenant, match, after })) entries.push(...page.entries);
    return entries;
  };

  test('match by all that is asked of them, both ends of a time included', async () => {
    const mail = { topic: 'notification', type: 'payment.receipt' } as const;
    const { id, entity, ...one } = await put('dead', { ...mail, receiver: 'mail' }, failed('503'));
    await put('done', mail, failed('503'));
    const matched = async (...matches: readonly LetterMatch[]): Promise<number[]> => {
      const all = await Promise.all(matches.map((match) => found(match)));
      return all.map((entries) => entries.length);
    };
    const same = { ...mail, code: '503', entity };
    expect(await matched({}, same, { ...same, since: at(0), until: at(0) })).toEqual([1, 1, 1]);
    const other = `${entity.slice(0, -1)}_`;
    expect(await matched({ topic: 'llm' }, { type: 'a' }, { code: '500' }, { entity: other })).toEqual(
      Array<number>(4).fill(0),
    );
    expect(await matched({ since: at(1) }, { until: at(-1) })).toEqual([0, 0]);
    const [entry] = await found(same);
    expect(entry).toMatchObject({
      ...mail,
      receiver: 'mail',
      run: 1,
      stateSk: one.stateSk,
      died: { code: '503', at: time.now },
    });
    expect(entry && toldByPlace(entry).id).toBe(id);
  });

  test('are held where they may have acted and must not be called again', async () => {
    await put('dead', { onUncertain: 'hold' }, { unsettled: 1 });
    await put('dead', { onUncertain: 'hold' }, { unsettled: 0 });
    await put('dead', { onUncertain: 'inquire' }, { unsettled: 1 });
    await put('dead');
    expect((await found({})).map(isHeld)).toEqual([true, false, false, false]);
  });

  test('are read in the order in which they were made, those of one entity alone', async () => {
    const [first, second] = [await put('dead'), await put('dead')];
    const same = await put('dead', { entityId: first.entity, seq: 5 });
    const read = async (entity?: string, after?: string) =>
      (await found({ entity }, after, narrow)).map((entry) => toldByPlace(entry).id);
    expect(await read()).toEqual(idsOf([first, second, same]));
    expect(await read(first.entity)).toEqual(idsOf([first, same]));
    expect(await read(undefined, first.stateSk)).toEqual(idsOf([second, same]));
  });
});
