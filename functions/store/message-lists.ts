/** Lists of messages for the API: an entity's, a tenant's by state, and the bulk redrive of the dead. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { list } from '../runtime/delivery-limits.ts';
import type { Topic } from '../runtime/topics.ts';
import {
  groupOf,
  messageGroups,
  messagePartition,
  statePartitionOf,
  stateSortPrefix,
} from './message-items.ts';
import type { MessageGroup, MessageItem, MessageKey, MessageStatus } from './message-items.ts';
import { readByKey } from './read-by-key.ts';
import { redriveMessage } from './messages.ts';
import type { OutboxAccess } from './message-writes.ts';

/** Plain data; the API signs it and shows it as an opaque string. */
export interface MessageCursor {
  /** The position within the list up to which everything was listed. */
  readonly after: string;
}

export interface MessagePage {
  readonly items: readonly MessageItem[];
  readonly cursor?: MessageCursor;
}

/** The state index's entry of a message. */
interface IndexEntry extends MessageKey {
  readonly statePk: string;
  readonly stateSk: string;
  readonly status: MessageStatus;
  readonly topic: Topic;
  readonly sentAt?: string;
}

/** The messages one entity caused, in the order of its ledger. */
export async function listEntityMessages(
  { client, table }: OutboxAccess,
  options: {
    readonly tenant: string;
    readonly entityId: string;
    readonly limit: number;
    readonly cursor?: MessageCursor;
  },
): Promise<MessagePage> {
  const pk = messagePartition(options.tenant, options.entityId);
  const { Items = [], LastEvaluatedKey } = await client.send(
    new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
      Limit: options.limit,
      ...(options.cursor !== undefined && { ExclusiveStartKey: { pk, sk: options.cursor.after } }),
    }),
  );
  return {
    items: Items as MessageItem[],
    ...(LastEvaluatedKey !== undefined && { cursor: { after: LastEvaluatedKey['sk'] as string } }),
  };
}

/**
 * The tenant's messages of all entities, newest first. A page can hold fewer than `limit`, even none, and still
 * have a cursor: one request reads a bounded part of the index. A message that changes its state during the
 * request is shown as it is now, or not at all where it no longer fits the filter.
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

/**
 * Begins the next run of a tenant's dead messages of one topic, the oldest first.
 * @param limit messages at most
 * @returns how many were redriven; repeat until it is 0. Safe to repeat, at the same time too.
 */
export async function redriveMessages(
  access: OutboxAccess,
  options: { readonly tenant: string; readonly topic: Topic; readonly limit: number },
): Promise<number> {
  const { tenant, topic, limit } = options;
  let count = 0;
  for await (const entry of groupEntries(access, { tenant, group: 'dead', topic, newestFirst: false })) {
    if (count >= limit) break;
    const id = entry.stateSk.slice(entry.stateSk.lastIndexOf('#') + 1);
    if ((await redriveMessage(access, { tenant, id })) === 'redriven') count += 1;
  }
  return count;
}

interface GroupQuery {
  readonly tenant: string;
  readonly group: MessageGroup;
  readonly status?: MessageStatus | undefined;
  readonly topic?: Topic | undefined;
  /** Exclusive upper bound of `stateSk`. */
  readonly below?: string | undefined;
}

/** @returns matching entries, newest first, and how far down the index was read; '' is its end. */
async function readGroup(
  access: OutboxAccess,
  query: GroupQuery & { readonly wanted: number },
): Promise<{ readonly entries: readonly IndexEntry[]; readonly readDownTo: string }> {
  const entries: IndexEntry[] = [];
  let evaluated = 0;
  for await (const page of groupPages(access, { ...query, newestFirst: true })) {
    entries.push(...page.entries);
    evaluated += page.evaluated;
    if (page.lastKey === undefined) break;
    if (entries.length >= query.wanted || evaluated >= list.entriesMax) {
      return { entries, readDownTo: page.lastKey };
    }
  }
  return { entries, readDownTo: '' };
}

async function* groupEntries(
  access: OutboxAccess,
  query: GroupQuery & { readonly newestFirst: boolean },
): AsyncGenerator<IndexEntry> {
  for await (const page of groupPages(access, query)) yield* page.entries;
}

interface GroupPage {
  readonly entries: readonly IndexEntry[];
  readonly evaluated: number;
  /** `stateSk` of the last entry looked at; none at the end. */
  readonly lastKey: string | undefined;
}

async function* groupPages(
  { client, table }: OutboxAccess,
  { tenant, group, status, topic, below, newestFirst }: GroupQuery & { readonly newestFirst: boolean },
): AsyncGenerator<GroupPage> {
  const prefix = stateSortPrefix(tenant);
  let startKey: Record<string, unknown> | undefined;
  do {
    const filters = [
      ...(status === undefined ? [] : ['#status = :status']),
      ...(topic === undefined ? [] : ['topic = :topic']),
    ];
    const answer = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: 'byState',
        ScanIndexForward: !newestFirst,
        Limit: list.entriesPerQuery,
        // Times begin with a digit, and a colon follows all digits: the bounds enclose just this tenant.
        KeyConditionExpression: 'statePk = :state AND stateSk BETWEEN :low AND :high',
        ...(filters.length > 0 && { FilterExpression: filters.join(' AND ') }),
        ...(status !== undefined && { ExpressionAttributeNames: { '#status': 'status' } }),
        ExpressionAttributeValues: {
          ':state': statePartitionOf(tenant, group),
          ':low': prefix,
          ':high': below ?? `${prefix}:`,
          ...(status !== undefined && { ':status': status }),
          ...(topic !== undefined && { ':topic': topic }),
        },
        ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
      }),
    );
    startKey = answer.LastEvaluatedKey;
    yield {
      // BETWEEN includes its upper bound, which the page before has shown.
      entries: ((answer.Items ?? []) as IndexEntry[]).filter(({ stateSk }) => stateSk !== below),
      evaluated: answer.ScannedCount ?? 0,
      lastKey: startKey?.['stateSk'] as string | undefined,
    };
  } while (startKey !== undefined);
}

async function readItems(
  { client, table }: OutboxAccess,
  keys: readonly MessageKey[],
): Promise<MessageItem[]> {
  return inOrder(keys, await readByKey<MessageItem>(client, table, keys));
}

const inOrder = (keys: readonly MessageKey[], items: readonly MessageItem[]): MessageItem[] => {
  const byKey = new Map(items.map((item) => [`${item.pk} ${item.sk}`, item]));
  // An entry can be listed by two groups for a moment, when its item goes from one to the other.
  const once = new Set(keys.map(({ pk, sk }) => `${pk} ${sk}`));
  return [...once].flatMap((key) => byKey.get(key) ?? []);
};
