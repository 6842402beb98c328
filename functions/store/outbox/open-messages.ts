/** What the sweeper reads: messages that are open, or wait, shard by shard, and where a run before left off. */
import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Topic } from '../../runtime/topics.ts';
import { statePartition, sweeperKey } from './message-items.ts';
import type { MessageItem, MessageKey } from './message-items.ts';
import type { OutboxAccess } from './message-writes.ts';
import { readByKey } from '../batches.ts';

/** An open message as the state index has it: eventually consistent, and without what only a claim changes. */
export interface OpenMessage extends MessageKey {
  readonly topic: Topic;
  readonly status: 'pending' | 'sent' | 'waiting';
  /** RFC 3339 UTC: when it was last sent, or created. */
  readonly since: string;
}

export interface OpenWalk {
  /** Entries of the index in one page. */
  readonly pageSize: number;
  /** Waited for before the next page is read. */
  readonly visit: (page: readonly OpenMessage[]) => Promise<void>;
  /** Asked before each further page. */
  readonly hasTime: () => boolean;
}

/** The groups that the sweeper goes through. */
export type SweptGroup = 'open' | 'waiting';

/**
 * Goes through the messages of a group in a shard, from where the walk before ran out of time, and then from the beginning to
 * there, so that a tenant with a great many does not hide those behind it. A walk that dies before it notes its place
 * leaves the old one.
 * @returns whether all were visited
 */
export async function walkShard(
  { client, table }: OutboxAccess,
  group: SweptGroup,
  shard: number,
  { pageSize, visit, hasTime }: OpenWalk,
): Promise<boolean> {
  const Key = sweeperKey(statePartition(group, shard));
  const { Item } = await client.send(new GetCommand({ TableName: table, Key }));
  const begunAt = Item?.['startKey'] as IndexKey | undefined;
  let startKey = begunAt;
  let isSecondHalf = begunAt === undefined;
  for (;;) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: 'byState',
        KeyConditionExpression: 'statePk = :group',
        ExpressionAttributeValues: { ':group': statePartition(group, shard) },
        Limit: pageSize,
        ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
      }),
    );
    await visit(Items.flatMap((item) => openMessage(item) ?? []));
    startKey = LastEvaluatedKey as IndexKey | undefined;
    const isAtEnd = startKey === undefined;
    const isPastBegin =
      startKey !== undefined && begunAt !== undefined && startKey.stateSk >= begunAt.stateSk;
    if (isSecondHalf && (isAtEnd || isPastBegin)) break;
    isSecondHalf ||= isAtEnd;
    if (hasTime()) continue;
    if (isAtEnd) await client.send(new DeleteCommand({ TableName: table, Key }));
    else await client.send(new PutCommand({ TableName: table, Item: { ...Key, startKey } }));
    return false;
  }
  if (begunAt !== undefined) await client.send(new DeleteCommand({ TableName: table, Key }));
  return true;
}

/** Where a query of the state index goes on. */
type IndexKey = MessageKey & { readonly stateSk: string };

/** @returns the messages as they are now; what is gone is left out */
export const readMessages = (access: OutboxAccess, keys: readonly MessageKey[]): Promise<MessageItem[]> =>
  readByKey<MessageItem>(access.client, access.table, keys);

function openMessage(item: Record<string, unknown>): OpenMessage | undefined {
  const { pk, sk, topic, status, sentAt, stateSk } = item as Partial<Record<string, string>>;
  if (pk === undefined || sk === undefined || topic === undefined || stateSk === undefined) return undefined;
  if (status !== 'pending' && status !== 'sent' && status !== 'waiting') return undefined;
  const createdAt = stateSk.split('#').at(1) ?? '';
  return { pk, sk, topic: topic as Topic, status, since: sentAt ?? createdAt };
}
