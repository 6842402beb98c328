/** Messages of one entity to one receiver that are sent in the order of its entries. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { MessageItem } from './message-items.ts';
import { all, clause, within, write } from './message-writes.ts';
import type { OutboxAccess } from './message-writes.ts';

/** The nearest message before this one that has not ended, where both are ordered. A dead one has not: it is resolved. */
export async function messageBefore(
  access: OutboxAccess,
  item: MessageItem,
): Promise<MessageItem | undefined> {
  const found = await neighbours(access, item, 'sk < :sk');
  return found.findLast(({ status }) => status !== 'done');
}

/**
 * Has the stream send what waits behind a message that has ended. What is lost on the way is found by the sweeper, like
 * any other message. Nothing waits behind one that is not ordered.
 */
export async function releaseNext(access: OutboxAccess, item: MessageItem): Promise<void> {
  if (item.ordered !== true) return;
  const behind = (await neighbours(access, item, 'sk > :sk')).find((next) => next.behind === item.id);
  if (behind === undefined) return;
  await write(
    access,
    { pk: behind.pk, sk: behind.sk },
    'SET #status = :pending REMOVE #leaseUntil, #behind',
    all(clause.open, clause.behind),
    { ':id': item.id },
  );
}

async function neighbours(
  { client, table, ...time }: OutboxAccess,
  { pk, sk, receiver }: MessageItem,
  place: string,
): Promise<MessageItem[]> {
  const items: MessageItem[] = [];
  let startKey: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: `pk = :pk AND ${place}`,
        FilterExpression: `ordered = :true AND ${receiver === undefined ? 'attribute_not_exists(receiver)' : 'receiver = :receiver'}`,
        ExpressionAttributeValues: {
          ':pk': pk,
          ':sk': sk,
          ':true': true,
          ...(receiver !== undefined && { ':receiver': receiver }),
        },
        ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
      }),
      within(time),
    );
    items.push(...((page.Items ?? []) as MessageItem[]));
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
  return items;
}
