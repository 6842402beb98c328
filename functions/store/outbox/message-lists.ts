/** Lists of messages for the API: an entity's, and a tenant's by state. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { list } from '../../runtime/delivery-limits.ts';
import type { Topic } from '../../runtime/topics.ts';
import { groupPages, timeForMore } from './message-groups.ts';
import type { GroupQuery, IndexEntry } from './message-groups.ts';
import { groupOf, messageGroups, messagePartition, stateSortPrefix } from './message-items.ts';
import type { MessageItem, MessageKey, MessageStatus } from './message-items.ts';
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

/**
 * The tenant's messages of all entities, newest first. A page can hold fewer than `limit`, even none, and still
 * have a cursor: one request reads a bounded part of the index, and no more than it has time for. A message that
 * changes its state during the request is shown as it is now, or not at all where it no longer fits the filter.
 */
export async function listMessages(
  access: OutboxAccess,
  options: {
    readonly tenant: string;
    readonly status?: MessageStatus | undefined;
    readonly topic?: Topic | undefined;
    readonly limit: number;
    readonly cursor?: MessageCursor | undefined;
  },
): Promise<MessagePage> {
  const { tenant, status, topic, limit } = options;
  const groups = status === undefined ? messageGroups : [groupOf(status)];
  const prefix = stateSortPrefix(tenant);
  const below = options.cursor && `${prefix}${options.cursor.after}`;
  const read = await Promise.all(
    groups.map((group) => readGroup(access, { tenant, group, status, topic, wanted: limit + 1, below })),
  );
  const { items: page, next } = newestFirst(read, limit, ({ stateSk }) => stateSk);
  const items = await readItems(access, page);
  const fitting = items.filter(
    (item) =>
      (status === undefined || item.status === status) && (topic === undefined || item.topic === topic),
  );
  return {
    items: fitting,
    ...(next !== undefined && { cursor: { after: next.slice(prefix.length) } }),
  };
}

/** Matching entries, and how far down the index was read for them. */
async function readGroup(
  access: OutboxAccess,
  query: GroupQuery & { readonly wanted: number },
): Promise<ReadList<IndexEntry>> {
  const entries: IndexEntry[] = [];
  const hasTime = timeForMore(access);
  let evaluated = 0;
  for await (const page of groupPages(access, { ...query, newestFirst: true })) {
    entries.push(...page.entries);
    evaluated += page.evaluated;
    if (page.lastKey === undefined) break;
    if (entries.length >= query.wanted || evaluated >= list.entriesMax || !hasTime()) {
      return { items: entries, readDownTo: page.lastKey };
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
