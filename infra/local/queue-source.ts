import { DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';

/** Where an event source mapping takes the messages of one queue from. */
export interface QueueSource {
  /** Waits a while where there are none, and then gives none. */
  receive(max: number): Promise<readonly Message[]>;
  remove(messages: readonly Message[]): Promise<void>;
}

/** A queue of any server, asked by long polls. */
export const queueOver = (sqs: SQSClient, queueUrl: string): QueueSource => ({
  receive: async (max) => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: max,
        WaitTimeSeconds: 1,
        // Servers beside the service may not know the newer name yet; the service knows both.
        // oxlint-disable-next-line typescript/no-deprecated
        AttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    return Messages;
  },
  remove: async (messages) => {
    await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
  },
});
