/** Lists of messages for the API: an entity's, and a tenant's by state. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { list } from '../../runtime/delivery-limits.ts';
import type { Topic } from '../../runtime/topics.ts';
import type { EntryFilter } from './entry-filter.ts';
import { groupPages, timeForMore } from './message-groups.ts';
import type { GroupQuery, IndexEntry } from './message-groups.ts';
import { groupOf, isOpen, messageGroups, messagePartition } from './message-items.ts';
import type { MessageGroup, MessageItem, MessageKey, MessageStatus } from './message-items.ts';
import { isUncertain } from './message-view.ts';
import { within } from './message-writes.ts';
import type { OutboxAccess } from './message-writes.ts';
import { readByKey } from '../batches.ts';
import { newestFirst } from '../newest-first.ts';
import type { ReadList } from '../newest-first.ts';

/** Plain data; the API signs it and shows it as an opaque string. */
export interface MessageCursor {
  /** The position within the list up to which everything was listed. */
  readonly after: string;
}

export interface MessagePage {
  readonly items: readonly MessageItem[];
  readonly cursor?: MessageCursor;
}

/** The messages one entity caused, in the order of its ledger. */
export async function listEntityMessages(
  access: OutboxAccess,
  options: {
    readonly tenant: string;
    readonly entityId: string;
    readonly limit: number;
    readonly cursor?: MessageCursor;
  },
): Promise<MessagePage> {
  const pk = messagePartition(options.tenant, options.entityId);
  const { Items = [], LastEvaluatedKey } = await access.client.send(
    new QueryCommand({
      TableName: access.table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
      Limit: options.limit,
      ...(options.cursor !== undefined && { ExclusiveStartKey: { pk, sk: options.cursor.after } }),
    }),
    within(access),
  );
  return {
    items: Items as MessageItem[],
    ...(LastEvaluatedKey !== undefined && { cursor: { after: LastEvaluatedKey['sk'] as string } }),
  };
}

/** What is asked for. */
export interface MessageFilter {
  readonly status?: MessageStatus | undefined;
  readonly topic?: Topic | undefined;
  readonly type?: string | undefined;
  /** Of the last error, of the refusal, or why an answer has not moved the entity yet. */
  readonly code?: string | undefined;
  readonly uncertain?: boolean | undefined;
}

/**
 * What the index tells of the messages of a group; for the rest they are read. Whether one that is open was claimed
 * changes without a write to its index.
 */
const told: Readonly<Record<MessageGroup, readonly (keyof MessageFilter)[]>> = {
  open: ['topic'],
  waiting: ['status', 'topic'],
  done: ['status', 'topic', 'type'],
  dead: ['status', 'topic', 'type', 'code', 'uncertain'],
};

function entryFilter(group: MessageGroup, filter: MessageFilter): EntryFilter {
  const asked = told[group].filter((name) => name !== 'status').map((name) => [name, filter[name]]);
  return Object.fromEntries(asked) as EntryFilter;
}

const isOfItems = (filter: MessageFilter): boolean =>
  groupsOf(filter).some((group) =>
    Object.entries(filter).some(
      ([name, value]) => value !== undefined && !told[group].some((each) => each === name),
    ),
  );

/** What is uncertain is on its way, or dead. */
function groupsOf({ status, uncertain }: MessageFilter): readonly MessageGroup[] {
  if (status !== undefined) return [groupOf(status)];
  return uncertain === true ? ['open', 'dead'] : messageGroups;
}

/** Whether a message is still what was asked for. Its topic never changes, and each index tells it. */
function fits(item: MessageItem, { status, type, code, uncertain }: MessageFilter): boolean {
  const { lastError, refused, answerWaits } = item;
  const codes = [
    item.status === 'done' ? undefined : lastError?.code,
    refused?.code,
    isOpen(item) ? answerWaits?.code : undefined,
  ];
  return (
    (status === undefined || item.status === status) &&
    (type === undefined || item.type === type) &&
    (code === undefined || codes.includes(code)) &&
    (uncertain === undefined || isUncertain(item) === uncertain)
  );
}

/**
 * The tenant's messages of all entities, newest first. A page can hold fewer than `limit`, even none, and still
 * have a cursor: one request reads a bounded part of the index, and no more than it has time for. A message that
 * changes its state during the request is shown as it is now, or not at all where it no longer fits the filter.
 */
export async function listMessages(
  access: OutboxAccess,
  options: {
    readonly tenant: string;
    readonly filter: MessageFilter;
    readonly limit: number;
    readonly cursor?: MessageCursor | undefined;
  },
): Promise<MessagePage> {
  const { tenant, filter, limit } = options;
  const hasTime = timeForMore(access);
  const items: MessageItem[] = [];
  let { cursor } = options;
  // What some index does not tell is looked for in the items, page by page. How deep the others are looked through at once
  // grows with it: what they have below the page is read again for the next one.
  const isInItems = isOfItems(filter);
  let depth: number = isInItems ? list.entriesPerPage : list.entriesMax;
  do {
    const page = await listIndexed(access, { tenant, filter, limit, cursor, depth });
    depth = Math.min(depth * list.pageGrowth, list.entriesPerPageMax);
    items.push(...page.items);
    cursor = page.cursor;
    const last = items[limit - 1];
    if (items.length > limit && last !== undefined)
      return { items: items.slice(0, limit), cursor: { after: last.stateSk } };
  } while (cursor !== undefined && items.length < limit && isInItems && hasTime());
  return { items, ...(cursor !== undefined && { cursor }) };
}

async function listIndexed(
  access: OutboxAccess,
  options: {
    readonly tenant: string;
    readonly filter: MessageFilter;
    readonly limit: number;
    readonly cursor: MessageCursor | undefined;
    /** Entries of each group that are enough, however few of them fit. */
    readonly depth: number;
  },
): Promise<MessagePage> {
  const { tenant, filter, limit, depth } = options;
  const groups = groupsOf(filter);
  const after = options.cursor?.after;
  const read = await Promise.all(
    groups.map((group) =>
      readGroup(access, {
        tenant,
        group,
        filter: entryFilter(group, filter),
        after,
        wanted: limit + 1,
        depth,
        newestFirst: true,
      }),
    ),
  );
  const { items: page, next } = newestFirst(read, limit, ({ stateSk }) => stateSk);
  const items = await readItems(access, page);
  return {
    items: items.filter((item) => fits(item, filter)),
    ...(next !== undefined && { cursor: { after: next } }),
  };
}

/** Matching entries, and how far down the index was read for them. */
async function readGroup(
  access: OutboxAccess,
  { depth, ...query }: GroupQuery & { readonly wanted: number; readonly depth: number },
): Promise<ReadList<IndexEntry>> {
  const entries: IndexEntry[] = [];
  const hasTime = timeForMore(access);
  let evaluated = 0;
  for await (const page of groupPages(access, query)) {
    entries.push(...page.entries);
    evaluated += page.evaluated;
    if (page.position === undefined) break;
    if (entries.length >= query.wanted || evaluated >= depth || !hasTime()) {
      return { items: entries, readDownTo: page.position };
    }
  }
  return { items: entries, readDownTo: '' };
}

async function readItems(
  { client, table, deadline }: OutboxAccess,
  keys: readonly MessageKey[],
): Promise<MessageItem[]> {
  const items = await readByKey<MessageItem>(client, table, keys, deadline?.signal);
  const byKey = new Map(items.map((item) => [`${item.pk} ${item.sk}`, item]));
  return keys.flatMap(({ pk, sk }) => byKey.get(`${pk} ${sk}`) ?? []);
}
