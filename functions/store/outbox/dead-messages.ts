import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Topic } from '../../runtime/topics.ts';
import { messageShards, statePartition } from './message-items.ts';
import type { MessageItem, MessageKey } from './message-items.ts';
import type { OutboxAccess } from './message-writes.ts';
import { readByKey } from '../batches.ts';

/** Dead messages of one topic and all tenants, as they are now, shard by shard: for people who operate it all. */
export async function* readDeadMessages(access: OutboxAccess, topic: Topic): AsyncGenerator<MessageItem> {
  const { client, table } = access;
  for (let shard = 0; shard < messageShards; shard += 1) {
    let startKey: Record<string, unknown> | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: 'byState',
          KeyConditionExpression: 'statePk = :dead',
          FilterExpression: 'topic = :topic',
          ExpressionAttributeValues: { ':dead': statePartition('dead', shard), ':topic': topic },
          ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
        }),
      );
      const items = await readByKey<MessageItem>(client, table, Items as MessageKey[]);
      yield* items.filter(({ status }) => status === 'dead');
      startKey = LastEvaluatedKey;
    } while (startKey !== undefined);
  }
}
