/** The worker of a topic: delivery, claim, one call of the receiver, outcome. The same for every topic. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { messageReference, parseBody } from '../outbox/queue-messages.ts';
import { timestamp } from '../runtime/clock.ts';
import { cutText } from '../runtime/cut-text.ts';
import { lease } from '../runtime/delivery-limits.ts';
import { message as limits } from '../runtime/limits.ts';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import type { Topic, TopicPolicy } from '../runtime/topics.ts';
import type { LastError, MessageItem } from '../store/outbox/message-items.ts';
import type { OutboxAccess } from '../store/outbox/message-writes.ts';
import {
  claimMessage,
  recordDead,
  recordDone,
  recordRetry,
  redriveMessage,
} from '../store/outbox/messages.ts';
import type { Delivery } from '../store/outbox/messages.ts';
import { retryDelaySeconds } from './retry-delay.ts';
import { again, createQueueHandler, finished, receiveCount, toDeadLetters } from './batch.ts';
import type { Disposition, QueueHandler } from './batch.ts';
import { boundedResult } from './bounded-result.ts';
import { callReceiver } from './call-receiver.ts';
import type { Failure, Received, Receiver } from './receiver.ts';
import { createSourceQueue } from './source-queue.ts';

export interface TopicWorkerParts {
  readonly topic: Topic;
  readonly policy: TopicPolicy;
  readonly receiver: Receiver;
  readonly outbox: OutboxAccess;
  readonly sqs: SQSClient;
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** A message this delivery holds the lease of. */
interface Leased {
  readonly item: MessageItem;
  readonly token: string;
  readonly delivery: Delivery;
}

const exhausted: Failure = {
  code: 'attempts_exhausted',
  reason: 'The last attempt ended without an outcome: its worker stopped.',
};

/**
 * Order of the writes, and what a death between them leaves:
 * - claim, call: the lease runs out, the message is called again with the same key (or buried, with no attempt left);
 * - call, `done`: the same; the receiver knows the key;
 * - `dead`, the way to the dead letters: the delivery comes again, finds the record and goes on its way;
 * - `done`, the delivery's deletion: it comes again, finds the record and is dropped.
 */
export function createTopicWorker(parts: TopicWorkerParts): QueueHandler {
  const { topic, policy, receiver, outbox, sqs, log, metrics, random = Math.random } = parts;
  const queue = createSourceQueue(sqs, log);
  const terms = { attempts: policy.attempts, leaseMs: policy.callTimeoutMs + lease.marginMs };

  async function deliver(record: SQSRecord): Promise<Disposition> {
    const reference = parseBody(messageReference, record.body);
    if (reference === undefined) return reject(record, 'unreadable_message');
    if (reference.topic !== topic) return reject(record, 'wrong_topic');
    const delivery: Delivery = {
      ...reference,
      sqsMessageId: record.messageId,
      wasDeadLetter: record.attributes.DeadLetterQueueSourceArn !== undefined,
    };
    const claim = await claimMessage(outbox, delivery, terms);
    switch (claim.kind) {
      case 'claimed':
        return call({ ...claim, delivery });
      case 'exhausted':
        return bury({ ...claim, delivery }, exhausted);
      case 'leased':
        return again((claim.until - outbox.clock.now()) / 1000);
      case 'movedBack':
        return redrive(delivery);
      case 'dead':
        return toDeadLetters;
      case 'unknown':
        return reject(record, 'unknown_message');
      case 'done':
      case 'stale':
        log.info('delivery dropped', { messageId: delivery.id, tenant: delivery.tenant, found: claim.kind });
        return finished;
      default:
        return claim satisfies never;
    }
  }

  /** There is no record to note a reason on; the dead letter is found by its SQS message id. */
  function reject(record: SQSRecord, code: string): Disposition {
    log.error('delivery rejected', { sqsMessageId: record.messageId, code });
    // It comes a few times more on its way to the dead letters.
    if (receiveCount(record) === 1) metrics?.add('MessagesDead', 1, topic);
    return toDeadLetters;
  }

  /** The next run is sent by the relay, as after a redrive by the API; this delivery has done its part. */
  async function redrive(delivery: Delivery): Promise<Disposition> {
    const redriven = await redriveMessage(outbox, delivery, delivery.run);
    log.info('dead letter moved back', { messageId: delivery.id, tenant: delivery.tenant, redriven });
    return finished;
  }

  async function call(leased: Leased): Promise<Disposition> {
    const received = await callReceiver(receiver, leased.item, policy.callTimeoutMs, log);
    switch (received.is) {
      case 'done':
        return succeed(leased, received);
      case 'retry':
        return leased.item.attempts < policy.attempts ? postpone(leased, received) : bury(leased, received);
      case 'permanent':
        return bury(leased, received);
      default:
        return received satisfies never;
    }
  }

  async function succeed({ item }: Leased, { result }: Received & { is: 'done' }): Promise<Disposition> {
    const recorded = await recordDone(outbox, item, boundedResult(result, limits.resultMaxBytes));
    log.info(recorded ? 'message done' : 'message was done already', logged(item));
    if (recorded) countDone(item);
    return finished;
  }

  function countDone({ run, createdAt }: MessageItem): void {
    metrics?.add('MessagesDone', 1, topic);
    // The commit may have happened on a machine whose clock is ahead of ours.
    const latencyMs = Math.max(outbox.clock.now() - Date.parse(createdAt), 0);
    if (run === 1) metrics?.add('DeliveryLatency', latencyMs, topic);
  }

  async function postpone(
    { item, token }: Leased,
    failure: Received & { is: 'retry' },
  ): Promise<Disposition> {
    const seconds = retryDelaySeconds(policy, item.attempts, random(), failure.retryAfterMs);
    const notBefore = outbox.clock.now() + seconds * 1000;
    await recordRetry(outbox, item, token, { lastError: lastError(failure), notBefore });
    log.warn('message failed, tried again', { ...logged(item), code: failure.code, seconds });
    metrics?.add('AttemptsFailed', 1, topic);
    return again(seconds);
  }

  async function bury({ item, token, delivery }: Leased, failure: Failure): Promise<Disposition> {
    const recorded = await recordDead(outbox, item, token, {
      lastError: lastError(failure, item.lastError),
      delivered: delivery,
    });
    log.error('message dead', {
      ...logged(item),
      code: failure.code,
      sqsMessageId: delivery.sqsMessageId,
    });
    metrics?.add('AttemptsFailed', 1, topic);
    if (recorded) metrics?.add('MessagesDead', 1, topic);
    return toDeadLetters;
  }

  /** A worker that stopped left nothing to say, so the error before it stays visible. */
  const lastError = ({ code, reason, answer }: Failure, before?: LastError): LastError => ({
    code,
    reason: code === exhausted.code && before !== undefined ? `${reason} Before: ${before.code}.` : reason,
    at: timestamp(outbox.clock.now()),
    ...(answer !== undefined && { answer: cutText(answer, limits.resultMaxBytes) }),
  });

  return createQueueHandler({ topic, queue, log, metrics }, deliver);
}

const logged = (item: MessageItem): Record<string, unknown> => ({
  messageId: item.id,
  tenant: item.tenant,
  entity: item.entity,
  run: item.run,
  attempt: item.attempts,
  ...(item.requestId !== undefined && { requestId: item.requestId }),
  ...(item.traceparent !== undefined && { traceparent: item.traceparent }),
});
