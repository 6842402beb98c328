import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import { queue as limits } from '../runtime/topics.ts';
import type { Topic } from '../runtime/topics.ts';
import { faultDelaySeconds } from './retry-delay.ts';
import type { SourceQueue } from './source-queue.ts';

/** What becomes of a delivery: deleted from its queue, handed out again after this long, or left to the dead letters. */
export type Disposition =
  | { readonly kind: 'finished' }
  | { readonly kind: 'again'; readonly afterSeconds: number }
  | { readonly kind: 'toDeadLetters' };

export const finished: Disposition = { kind: 'finished' };
export const again = (afterSeconds: number): Disposition => ({
  kind: 'again',
  afterSeconds: Math.max(afterSeconds, 1),
});

/**
 * As `again`, for what waits and has not failed: before its queue would move it to the dead letters its delivery ends,
 * and the sweeper sends a copy when its turn has come.
 */
export const againOrLeft = (record: SQSRecord, afterSeconds: number): Disposition =>
  receiveCount(record) >= limits.maxReceiveCount - 1 ? finished : again(afterSeconds);

/**
 * A delivery that belongs among the dead letters is handed back at once and each time it comes, until its queue's
 * redrive policy moves it there: a few deliveries within a second or two. A letter that a worker sent there itself
 * would be quicker, but SQS does not know where to move it back to, and stops a redrive of the whole queue at it.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-dlq-redrive.html
 */
export const toDeadLetters: Disposition = { kind: 'toDeadLetters' };

export type QueueHandler = (event: SQSEvent, context?: Context) => Promise<SQSBatchResponse>;

/** What a worker and the handler of its deliveries have in common. */
export interface QueueHandlerParts {
  /** What the queue is named after. */
  readonly topic: Topic | 'timer';
  readonly queue: SourceQueue;
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
}

/** How often SQS has handed a delivery out, this time included. */
export const receiveCount = (record: SQSRecord): number =>
  Number(record.attributes.ApproximateReceiveCount) || 1;

/** Powertools learns of a delivery that has to come again by an exception alone. */
class ComesAgain extends Error {
  override readonly name = 'ComesAgain';
}

/**
 * Handles the deliveries of a batch at once, each for itself: none waits for, or fails with, another.
 * A delivery whose handling throws (AWS failed, or we have a defect) comes again, each time later.
 */
export function createQueueHandler(
  { topic, queue, log, metrics }: QueueHandlerParts,
  deliver: (record: SQSRecord) => Promise<Disposition>,
): QueueHandler {
  async function handle(record: SQSRecord): Promise<void> {
    let disposition: Disposition;
    try {
      disposition = await deliver(record);
    } catch (error) {
      log.error('delivery failed', { sqsMessageId: record.messageId, error: error as Error });
      metrics?.add('AttemptsFailed', 1, topic);
      disposition = again(faultDelaySeconds(receiveCount(record)));
    }
    if (disposition.kind === 'finished') return;
    // After this receipt the queue moves it to the dead letters, whatever was decided here. Where that was the
    // decision, the worker has counted it.
    const isLast = receiveCount(record) >= limits.maxReceiveCount;
    if (isLast && disposition.kind === 'again') metrics?.add('MessagesDead', 1, topic);
    await queue.hide(record, disposition.kind === 'again' ? disposition.afterSeconds : 0);
    throw new ComesAgain();
  }

  // One processor an invocation: it holds the batch it works on, and invocations overlap on one machine.
  return (event) =>
    processPartialResponse(event, handle, new BatchProcessor(EventType.SQS), {
      throwOnFullBatchFailure: false,
    });
}
