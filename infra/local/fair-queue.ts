/**
 * Fair queues, as SQS has them for standard queues: where messages carry a group, the long backlog of one group does
 * not hold up the others. The embedded server keeps a message's group, but hands out in order of arrival; here it
 * is given only the next few messages of each group, and gets more as they are received.
 * Source: Amazon SQS Developer Guide, "Amazon SQS fair queues".
 */
import type { EmbeddedQueue } from './embedded-queue.ts';

interface QueueMessage {
  readonly MessageId: string;
  readonly attributes: Readonly<Record<string, string | undefined>>;
}

/** Messages of one group in the server that nobody received yet: two full receives. */
export const offeredPerGroup = 20;

/** The group of a message that may have to wait. Who comes later anyway must not take the place of who could come now. */
function groupOf(
  queue: EmbeddedQueue,
  { attributes }: QueueMessage,
  delaySeconds: number,
): string | undefined {
  // Without a redrive policy it is a dead-letter queue, whose letters a move task takes in any order.
  const isFair = !queue.FifoQueue && queue.RedrivePolicy !== undefined && delaySeconds === 0;
  return isFair ? attributes['MessageGroupId'] : undefined;
}

/** Makes a queue of the embedded server fair; what it counts includes the messages that wait. */
export function makeFair(queue: EmbeddedQueue): void {
  const waiting = new Map<string, QueueMessage[]>();
  /** Message ids by group. */
  const offered = new Map<string, Set<string>>();
  const [offer, receive, clearRecords, getAttributes] = [
    queue.newRecord.bind(queue),
    queue.receive.bind(queue),
    queue.clearRecords.bind(queue),
    queue.getAttributes.bind(queue),
  ];
  const offeredOf = (group: string): Set<string> => {
    const ids = offered.get(group) ?? new Set();
    offered.set(group, ids);
    return ids;
  };
  queue.newRecord = (record, delay) => {
    const message = record as unknown as QueueMessage;
    const delaySeconds = delay === undefined || Number.isNaN(delay) ? queue.DelaySeconds : delay;
    const group = groupOf(queue, message, delaySeconds);
    if (group === undefined) return offer(message, delay) as unknown;
    const ids = offeredOf(group);
    if (ids.size < offeredPerGroup) {
      ids.add(message.MessageId);
      return offer(message, delay) as unknown;
    }
    const line = waiting.get(group) ?? [];
    waiting.set(group, line);
    line.push(message);
    return { visible: true, delayed: false, record: message };
  };
  queue.receive = async (options: unknown) => {
    const messages = (await receive(options)) as QueueMessage[];
    for (const { MessageId, attributes } of messages) {
      const group = attributes['MessageGroupId'];
      // One that was received before holds nobody's place any more.
      if (group === undefined || offered.get(group)?.delete(MessageId) !== true) continue;
      const next = waiting.get(group)?.shift();
      if (next) {
        offeredOf(group).add(next.MessageId);
        offer(next);
      } else {
        waiting.delete(group);
        if (offeredOf(group).size === 0) offered.delete(group);
      }
    }
    return messages;
  };
  queue.clearRecords = () => {
    waiting.clear();
    offered.clear();
    clearRecords();
  };
  queue.getAttributes = (names?: string[]) => {
    const attributes = getAttributes(names) as Record<string, unknown>;
    const count = [...waiting.values()].reduce((sum, line) => sum + line.length, 0);
    const name = 'ApproximateNumberOfMessages';
    return name in attributes
      ? { ...attributes, [name]: String(Number(attributes[name]) + count) }
      : attributes;
  };
}
