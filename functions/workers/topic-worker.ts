/**
 * The worker of a topic: delivery, claim, one call of the receiver, outcome. Topics differ in their policy and in
 * `receiver`: of outside calls it is `receivers/http-call.ts`, put in by `external-call.ts`; of mail `receivers/mail.ts`, put in
 * by `notification.ts`. Next: that call, and then `delivery-ends.ts`.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import type { CarryOutAnswer } from '../commands/carry-out-answer.ts';
import { messageReference, parseBody } from '../outbox/queue-messages.ts';
import { timestamp } from '../runtime/clock.ts';
import { lease, uncertainty } from '../runtime/delivery-limits.ts';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import type { Topic, TopicPolicy } from '../runtime/topics.ts';
import { noteTenant } from '../store/outbox/kept-answers.ts';
import { answeredCall } from '../store/outbox/call-records.ts';
import type { CallRecord, KeptCall } from '../store/outbox/call-records.ts';
import type { MessageItem } from '../store/outbox/message-items.ts';
import type { OutboxAccess } from '../store/outbox/message-writes.ts';
import { claimMessage, redriveMessage } from '../store/outbox/messages.ts';
import type { Delivery } from '../store/outbox/messages.ts';
import { messageBefore } from '../store/outbox/ordered-messages.ts';
import { againOrLeft, createQueueHandler, finished, receiveCount, toDeadLetters } from './batch.ts';
import type { Disposition, QueueHandler } from './batch.ts';
import { askReceiver, callReceiver } from './call-receiver.ts';
import type { Called } from './call-receiver.ts';
import { lastCallEnded, withCall } from './calls.ts';
import { createDeliveryEnds, exhaustedBy, keptResult } from './delivery-ends.ts';
import type { Leased } from './delivery-ends.ts';
import type { Failure, Inquire, Receiver } from './receiver.ts';
import { retryDelaySeconds } from './retry-delay.ts';
import { createSourceQueue } from './source-queue.ts';

export interface TopicWorkerParts {
  readonly topic: Topic;
  readonly policy: TopicPolicy;
  readonly receiver: Receiver;
  /** Where the receiver can be asked what became of a message. */
  readonly inquire?: Inquire | undefined;
  /** Moves an entity by the answer to its message. */
  readonly carryOut: CarryOutAnswer;
  readonly outbox: OutboxAccess;
  readonly sqs: SQSClient;
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** Where what came gives none of its own. */
const reasons = { call: answeredCall.reason, inquiry: 'The receiver was asked.' } as const;

/**
 * Order of the writes, and what a death between them leaves:
 * - claim, then call: the lease runs out. The message is called again with the same key, or buried with no attempt left.
 *   Where its receiver would act again, the receiver is asked, or the message is held;
 * - call, then the end of the message, with its entity moved: as after a claim, since the record does not show whether the
 *   call happened;
 * - call, then its answer kept, where the entity cannot be moved at once: as after a claim;
 * - answer kept, then entity moved: the delivery comes again, finds the answer and moves the entity;
 * - `dead`, then the way to the dead letters: the delivery comes again, finds the record and goes on its way;
 * - `done`, then the delivery's deletion: it comes again, finds the record and is dropped.
 */
export function createTopicWorker(parts: TopicWorkerParts): QueueHandler {
  const { topic, policy, receiver, inquire, outbox, sqs, log, metrics } = parts;
  const { random = Math.random } = parts;
  const queue = createSourceQueue(sqs, log);
  const terms = { attempts: policy.attempts, leaseMs: policy.callTimeoutMs + lease.marginMs };
  const ends = createDeliveryEnds({ ...parts, random });

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
        return call({ ...claim, delivery, record });
      case 'exhausted':
        return ends.bury({ ...claim, delivery, record }, exhaustedBy(claim.item), { isCertain: false });
      case 'uncertain':
        return askOrHold({ ...claim, delivery, record });
      case 'answered':
        return ends.moveEntity(claim.item, delivery, record);
      case 'notYet':
        return againOrLeft(record, (claim.until - outbox.clock.now()) / 1000);
      case 'movedBack':
        return redrive(delivery);
      case 'dead':
        return toDeadLetters;
      case 'unknown':
        return reject(record, 'unknown_message');
      case 'done':
      case 'stale':
      case 'waiting':
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
    const redriven = await redriveMessage(outbox, delivery, { run: delivery.run });
    log.info('dead letter moved back', { messageId: delivery.id, tenant: delivery.tenant, redriven });
    // One that must not be called again stays among the dead letters until a person resolves it.
    return redriven === 'held' ? toDeadLetters : finished;
  }

  /** The message's calls with this one. */
  const recordOf = (
    item: MessageItem,
    kind: CallRecord['kind'],
    { came, sent }: Called<Failure | { readonly kind: string }>,
    certain: boolean,
  ): readonly KeptCall[] =>
    withCall(item, {
      kind,
      at: timestamp(outbox.clock.now()),
      ...(sent !== undefined && { sent }),
      code: 'code' in came ? came.code : came.kind,
      reason: 'reason' in came ? came.reason : reasons[kind],
      certain,
    });

  async function call(leased: Leased): Promise<Disposition> {
    const { item } = leased;
    const before = item.ordered === true ? await messageBefore(outbox, item) : undefined;
    if (before !== undefined) return ends.wait(leased, before);
    // A callback may come before the answer to the call itself.
    if (topic === 'external-call') await noteTenant(outbox, item);
    const called = await callReceiver(receiver, item, policy.callTimeoutMs, log);
    const { came } = called;
    const noted = (certain: boolean): readonly KeptCall[] => recordOf(item, 'call', called, certain);
    switch (came.kind) {
      case 'done':
        return ends.take(leased, { outcome: 'done', result: keptResult(came.result) }, noted(true));
      case 'refused':
        return ends.refuse(leased, came, noted(true));
      case 'accepted':
        return ends.accept(leased, noted(true));
      case 'undeliverable':
        return ends.bury(leased, came, { isCertain: true, calls: noted(true) });
      case 'did_not_act':
        return item.attempts < policy.attempts
          ? ends.postpone(leased, came, { isCertain: true, calls: noted(true) })
          : ends.bury(leased, came, { isCertain: true, calls: noted(true) });
      case 'may_have_acted': {
        const attempt = { isCertain: false, calls: noted(false) };
        if (item.onUncertain === 'hold') return ends.bury(leased, came, attempt);
        const goesOn = item.onUncertain === 'inquire' || item.attempts < policy.attempts;
        return goesOn ? ends.postpone(leased, came, attempt) : ends.bury(leased, came, attempt);
      }
      default:
        return came satisfies never;
    }
  }

  /** Asks the receiver, where it can be asked. One that cannot, or is not to be asked, is held for a person. */
  async function askOrHold(leased: Leased): Promise<Disposition> {
    const { item } = leased;
    if (item.onUncertain !== 'inquire' || inquire === undefined) {
      const reason = 'Its receiver may have acted, and must not be called again.';
      return ends.bury(leased, item.lastError ?? { code: 'uncertain', reason }, { isCertain: false });
    }
    const asked = await askReceiver(inquire, item, policy.callTimeoutMs, log);
    const { came } = asked;
    const noted = (certain: boolean): readonly KeptCall[] => recordOf(item, 'inquiry', asked, certain);
    switch (came.kind) {
      case 'done':
        return ends.take(leased, { outcome: 'done', result: keptResult(came.result) }, noted(true));
      case 'refused':
        return ends.refuse(leased, came, noted(true));
      case 'never_seen': {
        const believedFrom = lastCallEnded(item) + uncertainty.onItsWayMs;
        const leftMs = believedFrom - outbox.clock.now();
        return leftMs <= 0
          ? ends.askAgain(leased, { neverSeen: true, calls: noted(true), seconds: 1 })
          : ends.askAgain(leased, {
              neverSeen: false,
              calls: noted(false),
              seconds: leftMs / 1000,
            });
      }
      case 'pending':
      case 'no_answer': {
        const { inquiries = 0 } = item;
        const begun = Date.parse(item.redrivenAt ?? item.createdAt);
        const isOver = outbox.clock.now() - begun >= uncertainty.waitingMaxMs;
        if (isOver && inquiries + 1 >= uncertainty.inquiriesMin) {
          const reason = 'Its receiver may have acted, and does not tell.';
          return ends.bury(leased, { code: 'uncertain', reason }, { isCertain: false, calls: noted(false) });
        }
        const seconds = retryDelaySeconds(policy, inquiries + 1, random());
        return ends.askAgain(leased, { neverSeen: false, calls: noted(false), seconds });
      }
      default:
        return came satisfies never;
    }
  }

  return createQueueHandler({ topic, queue, log, metrics }, deliver);
}
