/** What the sweeper reads: messages that are open, shard by shard, and where a run before left off. */
import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Topic } from '../../runtime/topics.ts';
import { statePartition, sweeperKey } from './message-items.ts';
import type { MessageItem, MessageKey } from './message-items.ts';
import type { OutboxAccess } from './message-writes.ts';
import { readByKey } from '../batches.ts';

/** An open message as the state index has it: eventually consistent, and without what only a claim changes. */
export interface OpenMessage extends MessageKey {
  readonly topic: Topic;
  readonly status: 'pending' | 'sent';
  /** RFC 3339 UTC: when it was last sent, or created. */
  readonly since: string;
}

export interface OpenShard {
  readonly messages: readonly OpenMessage[];
  /** Whether the shard has messages that were not read. */
  readonly more: boolean;
}

const cursorKey = (shard: number): MessageKey => sweeperKey(statePartition('open', shard));

/**
 * Reads the open messages of a shard, `max` at most. A shard with more is read on from there by the next run, so
 * that a tenant with a great many does not hide those behind it; a run that dies before it notes its place reads
 * the same part again.
 */
export async function readOpenShard(access: OutboxAccess, shard: number, max: number): Promise<OpenShard> {
  const { client, table } = access;
  const begun = await client.send(new GetCommand({ TableName: table, Key: cursorKey(shard) }));
  const startedAt = begun.Item?.['startKey'] as Record<string, unknown> | undefined;
  let startKey = startedAt;
  const messages: OpenMessage[] = [];
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: 'byState',
        KeyConditionExpression: 'statePk = :open',
        ExpressionAttributeValues: { ':open': statePartition('open', shard) },
        Limit: max - messages.length,
        ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
      }),
    );
    messages.push(...Items.flatMap((item) => openMessage(item) ?? []));
    startKey = LastEvaluatedKey;
  } while (startKey !== undefined && messages.length < max);
  if (startKey !== undefined) {
    await client.send(new PutCommand({ TableName: table, Item: { ...cursorKey(shard), startKey } }));
  } else if (startedAt !== undefined) {
    await client.send(new DeleteCommand({ TableName: table, Key: cursorKey(shard) }));
  }
  // A run that began in the middle has not seen what is before.
  return { messages, more: startKey !== undefined || startedAt !== undefined };
}

/** @returns the messages as they are now; what is gone is left out */
export const readMessages = (access: OutboxAccess, keys: readonly MessageKey[]): Promise<MessageItem[]> =>
  readByKey<MessageItem>(access.client, access.table, keys);

function openMessage(item: Record<string, unknown>): OpenMessage | undefined {
  const { pk, sk, topic, status, sentAt, stateSk } = item as Partial<Record<string, string>>;
  if (pk === undefined || sk === undefined || topic === undefined || stateSk === undefined) return undefined;
  if (status !== 'pending' && status !== 'sent') return undefined;
  const createdAt = stateSk.split('#').at(1) ?? '';
  return { pk, sk, topic: topic as Topic, status, since: sentAt ?? createdAt };
}
