/** Stream to queue: takes entities that begin to wait for a scheduled transition to the timer queue. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { Clock } from '../runtime/clock.ts';
import { delivery, timer as limits } from '../runtime/delivery-limits.ts';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import { messageGroup, timerReference } from './queue-messages.ts';
import type { TimerReference } from './queue-messages.ts';
import { sendAll } from './send.ts';
import type { Outgoing } from './send.ts';
import { newImage, oldImage } from './stream-images.ts';

export interface TimerRelayParts {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
}

/** An entity's item, as far as it concerns its timer. @returns nothing where it does not wait. */
export const timerOf = (item: Readonly<Record<string, unknown>> | undefined): TimerReference | undefined =>
  timerReference.safeParse({
    entity: item?.['id'],
    collection: item?.['collection'],
    tenant: item?.['tenant'],
    transition: item?.['timerTransition'],
    dueAt: item?.['dueAt'],
  }).data;

/** The latest time, epoch milliseconds, for which a timer goes to the queue at `now`. */
export const horizon = (now: number): number => now + limits.horizonSeconds * 1000;

/** Whether the queue takes it now; what is further away is left to the sweeper. */
export const isNear = ({ dueAt }: TimerReference, now: number): boolean => dueAt <= horizon(now);

/**
 * The queue hides it until it is due, or as long as SQS can; a worker that gets it early hides it again. It
 * comes at the due time or up to a second after, never before.
 */
export const timerMessage = (timer: TimerReference, now: number): Outgoing => ({
  // Copies need not be told apart: the entity itself says whether it still waits, so none begins anything anew.
  body: () => JSON.stringify(timer),
  group: messageGroup(timer.tenant),
  delaySeconds: Math.min(Math.max(Math.ceil((timer.dueAt - now) / 1000), 0), delivery.delayMaxSeconds),
});

export type TimerRelay = (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;

export function createTimerRelay({ sqs, queueUrl, clock, log, metrics }: TimerRelayParts): TimerRelay {
  return async ({ Records }) => {
    const now = clock.now();
    const begun = Records.flatMap((record) => {
      const sequenceNumber = record.dynamodb?.SequenceNumber;
      const timer = beginning(record);
      if (sequenceNumber === undefined || timer === undefined || !isNear(timer, now)) return [];
      return { sequenceNumber, timer };
    });
    const outcomes = await sendAll(
      sqs,
      queueUrl,
      begun.map(({ timer }) => timerMessage(timer, now)),
    );
    const batchItemFailures = begun.flatMap(({ sequenceNumber, timer }, index) => {
      const outcome = outcomes[index] ?? { kind: 'failed', reason: 'no_outcome' };
      if (outcome.kind === 'sent') return [];
      const { entity, tenant } = timer;
      log.error('timer not sent', { entity, tenant, outcome });
      metrics?.add('MessagesNotSent', 1, 'timer');
      // What will never pass is left to the sweeper; reported, it would hold up the shard.
      return outcome.kind === 'failed' ? { itemIdentifier: sequenceNumber } : [];
    });
    return { batchItemFailures };
  };
}

/** A change that leaves the timer as it was has its message in the queue already. */
function beginning(record: DynamoDBRecord): TimerReference | undefined {
  if (record.eventName === 'REMOVE') return undefined;
  const now = timerOf(newImage(record));
  const before = timerOf(oldImage(record));
  return now?.dueAt === before?.dueAt && now?.transition === before?.transition ? undefined : now;
}
