/** One message, taken from the stream to its queue. */
import { Readable } from 'node:stream';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AttributeValue } from 'aws-lambda';
import { createMessageRelay } from '../../../functions/outbox/message-relay.ts';
import { createSendingClient } from '../../../functions/runtime/queue-client.ts';
import { topics } from '../../../functions/runtime/topics.ts';
import type { Topic } from '../../../functions/runtime/topics.ts';
import type { MessageItem } from '../../../functions/store/outbox/message-items.ts';
import { local, log } from './workbench.ts';

const taken = JSON.stringify({ Successful: [{ Id: '0', MessageId: '0' }] });

/** A queue that takes what is sent to it, without a network: what the client does with a request is measured, too. */
const sqs = createSendingClient({
  ...local,
  md5: false,
  requestHandler: {
    handle: () =>
      Promise.resolve({
        response: { statusCode: 200, headers: {}, body: Readable.from([Buffer.from(taken)]) },
      }),
  },
});

const queueUrls = Object.fromEntries(
  topics.map((topic) => [topic, `https://sqs.${local.region}.amazonaws.com/000000000000/${topic}`]),
) as Record<Topic, string>;

const relay = createMessageRelay({ sqs, queueUrls, log });

/** @throws where the queue did not take it */
export async function relayed(message: MessageItem): Promise<void> {
  const NewImage = marshall(message) as Record<string, AttributeValue>;
  const record = { eventName: 'INSERT' as const, dynamodb: { SequenceNumber: '1', NewImage } };
  const { batchItemFailures } = await relay({ Records: [record] });
  if (batchItemFailures.length > 0) throw new Error(`${message.id} could not be sent`);
}
