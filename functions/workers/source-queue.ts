/** The queue a worker is fed from. */
import { ChangeMessageVisibilityCommand, GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { delivery, workerCall as limits } from '../runtime/delivery-limits.ts';
import type { Log } from '../runtime/logger.ts';

export interface SourceQueue {
  /**
   * Makes a delivery that is reported as failed come again after this long, instead of after the queue's own
   * timeout. Best effort: without it the message comes later, which is safe.
   */
  readonly hide: (record: SQSRecord, seconds: number) => Promise<void>;
}

/** A call has its own time, so that a slow queue delays no batch. */
const bounded = (): { readonly abortSignal: AbortSignal } => ({
  abortSignal: AbortSignal.timeout(limits.queueMs),
});

export function createSourceQueue(sqs: SQSClient, log: Log): SourceQueue {
  const urls = new Map<string, Promise<string>>();

  /** A record names its queue by ARN, the API wants its URL; asked once for an execution environment. */
  function urlOf(arn: string): Promise<string> {
    const known = urls.get(arn);
    if (known !== undefined) return known;
    const asked = sqs
      .send(new GetQueueUrlCommand({ QueueName: arn.split(':').at(-1) }), bounded())
      .then(({ QueueUrl }) => {
        if (QueueUrl === undefined) throw new Error('SQS names no URL for the queue of a delivery');
        return QueueUrl;
      });
    urls.set(arn, asked);
    // A failure is not kept: the next delivery asks again.
    asked.catch(() => urls.delete(arn));
    return asked;
  }

  return {
    hide: async (record, seconds) => {
      try {
        await sqs.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: await urlOf(record.eventSourceARN),
            ReceiptHandle: record.receiptHandle,
            VisibilityTimeout: Math.min(Math.ceil(seconds), delivery.visibilityMaxSeconds),
          }),
          bounded(),
        );
      } catch (error) {
        log.warn('visibility not changed', { sqsMessageId: record.messageId, error: error as Error });
      }
    },
  };
}
