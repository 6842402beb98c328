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
import { readByKey } from '../read-by-key.ts';

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
  // Below the highest point that some group was not read down to, the order of the groups is not known yet.
  const frontier = read.reduce(
    (highest, { readDownTo }) => (readDownTo > highest ? readDownTo : highest),
    '',
  );
  const known = read
    .flatMap(({ entries }) => entries)
    .filter(({ stateSk }) => stateSk >= frontier)
    .sort((a, b) => (a.stateSk < b.stateSk ? 1 : -1));
  const page = known.slice(0, limit);
  const after = known.length > limit ? page.at(-1)?.stateSk : frontier;
  const items = await readItems(access, page);
  const fitting = items.filter(
    (item) =>
      (status === undefined || item.status === status) && (topic === undefined || item.topic === topic),
  );
  return {
    items: fitting,
    ...(after !== undefined && after !== '' && { cursor: { after: after.slice(prefix.length) } }),
  };
}

/** @returns matching entries, newest first, and how far down the index was read; '' is its end. */
async function readGroup(
  access: OutboxAccess,
  query: GroupQuery & { readonly wanted: number },
): Promise<{ readonly entries: readonly IndexEntry[]; readonly readDownTo: string }> {
  const entries: IndexEntry[] = [];
  const hasTime = timeForMore(access);
  let evaluated = 0;
  for await (const page of groupPages(access, { ...query, newestFirst: true })) {
    entries.push(...page.entries);
    evaluated += page.evaluated;
    if (page.lastKey === undefined) break;
    if (entries.length >= query.wanted || evaluated >= list.entriesMax || !hasTime()) {
      return { entries, readDownTo: page.lastKey };
    }
  }
  return { entries, readDownTo: '' };
}

async function readItems(
  { client, table, deadline }: OutboxAccess,
  keys: readonly MessageKey[],
): Promise<MessageItem[]> {
  return inOrder(keys, await readByKey<MessageItem>(client, table, keys, deadline?.signal));
}

const inOrder = (keys: readonly MessageKey[], items: readonly MessageItem[]): MessageItem[] => {
  const byKey = new Map(items.map((item) => [`${item.pk} ${item.sk}`, item]));
  // An entry can be listed by two groups for a moment, when its item goes from one to the other.
  const once = new Set(keys.map(({ pk, sk }) => `${pk} ${sk}`));
  return [...once].flatMap((key) => byKey.get(key) ?? []);
};
