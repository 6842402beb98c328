import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { createRequestHandler } from 'local-aws-sqs';
import type { Doorbell } from './doorbell.ts';
import type { QueueSource } from './queue-source.ts';

export type EmbeddedQueue = ReturnType<typeof createRequestHandler>['service']['Queues'][number];

/** A message as the embedded server keeps it; it came as JSON, so binary values are base64. */
interface EmbeddedMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly MessageBody: string;
  readonly MD5OfMessageBody: string;
  readonly attributes: Record<string, string>;
  readonly MessageAttributes?: Readonly<
    Record<
      string,
      { readonly DataType: string; readonly StringValue?: string; readonly BinaryValue?: string }
    >
  >;
}

/** How often an empty queue is looked at without a call: delays and visibility timeouts end by themselves. */
const idleMs = 100;
const inFlight = 'ApproximateNumberOfMessagesNotVisible';
/** On AWS without those in flight; this server counts them in. */
const notDelayed = 'ApproximateNumberOfMessages';

/**
 * A queue of the server in this process, without a request to ourselves. The server wakes a long poll late and repeats
 * messages in it, so it is asked for no more than it has.
 * @param arrivals rings when there may be messages
 */
export const queueWithin = (queue: () => EmbeddedQueue | undefined, arrivals: Doorbell): QueueSource => ({
  receive: async (max) => {
    const found = queue();
    const count = found === undefined ? 0 : Math.min(max, visible(found));
    if (found === undefined || count === 0) {
      await arrivals.wait(idleMs);
      return [];
    }
    const messages = await found.receive({ MaxNumberOfMessages: count, WaitTimeSeconds: 0 });
    return (messages as EmbeddedMessage[]).map(toMessage);
  },
  remove: (messages) => {
    for (const { ReceiptHandle = '' } of messages) queue()?.delete(ReceiptHandle);
    return Promise.resolve();
  },
});

/** How many messages a receive would find now. */
function visible(queue: EmbeddedQueue): number {
  const attributes = queue.getAttributes([inFlight, notDelayed]) as Record<string, string>;
  return Math.max(0, Number(attributes[notDelayed]) - Number(attributes[inFlight]));
}

function toMessage({ MessageAttributes, ...message }: EmbeddedMessage): Message {
  return {
    MessageId: message.MessageId,
    ReceiptHandle: message.ReceiptHandle,
    Body: message.MessageBody,
    MD5OfBody: message.MD5OfMessageBody,
    Attributes: message.attributes,
    ...(MessageAttributes !== undefined && {
      MessageAttributes: Object.fromEntries(
        Object.entries(MessageAttributes).map(([name, { BinaryValue, ...value }]) => [
          name,
          {
            ...value,
            ...(BinaryValue !== undefined && { BinaryValue: Buffer.from(BinaryValue, 'base64') }),
          } satisfies MessageAttributeValue,
        ]),
      ),
    }),
  };
}
