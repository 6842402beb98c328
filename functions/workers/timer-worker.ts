/** The worker of scheduled transitions: runs each when it is due. The entity itself says whether it still waits. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { parseBody, timerReference } from '../outbox/queue-messages.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import { faultDelaySeconds } from './retry-delay.ts';
import { again, createQueueHandler, finished, receiveCount, toDeadLetters } from './batch.ts';
import type { Disposition, QueueHandler } from './batch.ts';
import type { RunScheduledTransition } from './scheduled-transition.ts';
import { createSourceQueue } from './source-queue.ts';

export interface TimerWorkerParts {
  readonly run: RunScheduledTransition;
  readonly sqs: SQSClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
}

/**
 * There is no record of attempts: a timer that fails waits longer each time, and the queue's own redrive policy
 * ends it. The entity still waits then, so the sweeper begins anew once the fault may be over.
 */
export function createTimerWorker({ run, sqs, clock, log, metrics }: TimerWorkerParts): QueueHandler {
  const queue = createSourceQueue(sqs, log);

  async function deliver(record: SQSRecord): Promise<Disposition> {
    const timer = parseBody(timerReference, record.body);
    if (timer === undefined) {
      log.error('delivery rejected', { sqsMessageId: record.messageId, code: 'unreadable_message' });
      // It comes a few times more on its way to the dead letters.
      if (receiveCount(record) === 1) metrics?.add('MessagesDead', 1, 'timer');
      return toDeadLetters;
    }
    const early = timer.dueAt - clock.now();
    if (early > 0) return again(early / 1000);
    const outcome = await run(timer);
    const { entity, tenant, transition } = timer;
    log.info('scheduled transition', { entity, tenant, transition, outcome });
    switch (outcome) {
      case 'done':
      case 'not_needed':
        return finished;
      case 'not_due':
        return again(1);
      case 'retry':
        metrics?.add('AttemptsFailed', 1, 'timer');
        return again(faultDelaySeconds(receiveCount(record)));
      default:
        return outcome satisfies never;
    }
  }

  return createQueueHandler({ topic: 'timer', queue, log, metrics }, deliver);
}
