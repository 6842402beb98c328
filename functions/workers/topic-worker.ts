/** The worker of a topic: delivery, claim, one call of the receiver, outcome. The same for every topic. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import type { CarryOutAnswer } from '../commands/answers.ts';
import { messageReference, parseBody } from '../outbox/queue-messages.ts';
import { timestamp } from '../runtime/clock.ts';
import { cutText } from '../runtime/cut-text.ts';
import { lease, uncertainty } from '../runtime/delivery-limits.ts';
import { message as limits } from '../runtime/limits.ts';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import type { Topic, TopicPolicy } from '../runtime/topics.ts';
import { keepDeadEnd, noteTenant, takeAnswer } from '../store/outbox/answers.ts';
import type { Answer, CallRecord, LastError, MessageItem, Refusal } from '../store/outbox/message-items.ts';
import type { OutboxAccess } from '../store/outbox/message-writes.ts';
import {
  claimMessage,
  deadLetter,
  recordBehind,
  recordDead,
  recordInquiry,
  recordRetry,
  recordWaiting,
  redriveMessage,
} from '../store/outbox/messages.ts';
import type { Delivery } from '../store/outbox/messages.ts';
import { messageBefore, releaseNext } from '../store/outbox/ordered-messages.ts';
import { faultDelaySeconds, retryDelaySeconds } from './retry-delay.ts';
import { again, againOrLeft, createQueueHandler, finished, receiveCount, toDeadLetters } from './batch.ts';
import type { Disposition, QueueHandler } from './batch.ts';
import { boundedResult } from '../runtime/bounded-result.ts';
import { askReceiver, callReceiver } from './call-receiver.ts';
import { lastCallEnded, withCall } from './calls.ts';
import type { Failure, Inquire, Received, Receiver } from './receiver.ts';
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

/** A message this delivery holds the lease of. */
interface Leased {
  readonly item: MessageItem;
  readonly token: string;
  readonly delivery: Delivery;
  readonly record: SQSRecord;
}

const exhausted: Failure = {
  code: 'attempts_exhausted',
  reason: 'The last attempt ended without an outcome: its worker stopped.',
};

/**
 * Order of the writes, and what a death between them leaves:
 * - claim, call: the lease runs out. The message is called again with the same key, or buried with no attempt left;
 *   where its receiver would act again, it is asked, or the message is held;
 * - call, `done`: the same; the receiver knows the key;
 * - call, answer kept, entity moved: the delivery comes again, finds the answer and moves the entity;
 * - `dead`, the way to the dead letters: the delivery comes again, finds the record and goes on its way;
 * - `done`, the delivery's deletion: it comes again, finds the record and is dropped.
 */
export function createTopicWorker(parts: TopicWorkerParts): QueueHandler {
  const { topic, policy, receiver, inquire, carryOut, outbox, sqs, log, metrics } = parts;
  const { random = Math.random } = parts;
  const queue = createSourceQueue(sqs, log);
  const terms = { attempts: policy.attempts, leaseMs: policy.callTimeoutMs + lease.marginMs };
  const by = `receiver:${topic}`;
  const now = (): string => timestamp(outbox.clock.now());

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
        return bury({ ...claim, delivery, record }, exhausted, { isCertain: false });
      case 'uncertain':
        return settle({ ...claim, delivery, record });
      case 'answered':
        return moveEntity(claim.item, delivery, record);
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
    const redriven = await redriveMessage(outbox, delivery, delivery.run);
    log.info('dead letter moved back', { messageId: delivery.id, tenant: delivery.tenant, redriven });
    // One that must not be called again stays among the dead letters until a person resolves it.
    return redriven === 'held' ? toDeadLetters : finished;
  }

  async function call(leased: Leased): Promise<Disposition> {
    const { item, record } = leased;
    const before = item.ordered === true ? await messageBefore(outbox, item) : undefined;
    if (before !== undefined) return wait(leased, before);
    // A callback may come before the answer to the call itself.
    if (topic === 'external-call') await noteTenant(outbox, item);
    const { came, sent } = await callReceiver(receiver, item, policy.callTimeoutMs, log);
    const noted = (outcome: Failure | { readonly kind: string }, certain: boolean): readonly CallRecord[] =>
      withCall(item, {
        kind: 'call',
        at: now(),
        ...(sent !== undefined && { sent }),
        code: 'code' in outcome ? outcome.code : outcome.kind,
        reason: 'reason' in outcome ? outcome.reason : 'The receiver answered.',
        certain,
      });
    switch (came.kind) {
      case 'done':
        return take(leased, { outcome: 'done', ...resultOf(came.result) }, noted(came, true));
      case 'refused':
        return refuse(leased, came, noted(came, true));
      case 'accepted':
        return accept(leased, noted(came, true));
      case 'undeliverable':
        return bury(leased, came, { isCertain: true, calls: noted(came, true) });
      case 'did_not_act':
        return item.attempts < policy.attempts
          ? postpone(leased, came, { isCertain: true, calls: noted(came, true) })
          : bury(leased, came, { isCertain: true, calls: noted(came, true) });
      case 'may_have_acted': {
        const attempt = { isCertain: false, calls: noted(came, false) };
        if (item.onUncertain === 'hold') return bury(leased, came, attempt);
        const goesOn = item.onUncertain === 'inquire' || item.attempts < policy.attempts;
        return goesOn ? postpone(leased, came, attempt) : bury(leased, came, attempt);
      }
      default:
        return came satisfies never;
    }

    /** What comes first must end first, so this one is looked at again later; it costs no attempt. */
    async function wait(held: Leased, { id: behind }: MessageItem): Promise<Disposition> {
      const seconds = faultDelaySeconds(receiveCount(record));
      await recordBehind(outbox, held, { behind, notBefore: outbox.clock.now() + seconds * 1000 });
      log.info('message waits for the one before it', { ...logged(item), behind });
      return againOrLeft(record, seconds);
    }
  }

  /** Asks the receiver, where it can be asked. One that cannot, or is not to be asked, is held for a person. */
  async function settle(leased: Leased): Promise<Disposition> {
    const { item, record } = leased;
    if (item.onUncertain !== 'inquire' || inquire === undefined) {
      const reason = 'Its receiver may have acted, and must not be called again.';
      return bury(leased, item.lastError ?? { code: 'uncertain', reason }, { isCertain: false });
    }
    const { came, sent } = await askReceiver(inquire, item, policy.callTimeoutMs, log);
    const noted = (outcome: Failure | { readonly kind: string }, certain: boolean): readonly CallRecord[] =>
      withCall(item, {
        kind: 'inquiry',
        at: now(),
        ...(sent !== undefined && { sent }),
        code: 'code' in outcome ? outcome.code : outcome.kind,
        reason: 'reason' in outcome ? outcome.reason : 'The receiver was asked.',
        certain,
      });
    switch (came.kind) {
      case 'done':
        return take(leased, { outcome: 'done', ...resultOf(came.result) }, noted(came, true));
      case 'refused':
        return refuse(leased, came, noted(came, true));
      case 'never_seen': {
        const believedFrom = lastCallEnded(item) + uncertainty.onItsWayMs;
        return outbox.clock.now() >= believedFrom
          ? askAgain(true, noted(came, true), 1)
          : askAgain(false, noted(came, false), (believedFrom - outbox.clock.now()) / 1000);
      }
      case 'pending':
      case 'no_answer': {
        const { inquiries = 0 } = item;
        const begun = Date.parse(item.redrivenAt ?? item.createdAt);
        const isOver = outbox.clock.now() - begun >= uncertainty.waitingMaxMs;
        if (isOver && inquiries + 1 >= uncertainty.inquiriesMin) {
          const reason = 'Its receiver may have acted, and does not tell.';
          return bury(leased, { code: 'uncertain', reason }, { isCertain: false, calls: noted(came, false) });
        }
        return askAgain(false, noted(came, false), retryDelaySeconds(policy, inquiries + 1, random()));
      }
      default:
        return came satisfies never;
    }

    async function askAgain(
      neverSeen: boolean,
      calls: readonly CallRecord[],
      seconds: number,
    ): Promise<Disposition> {
      const notBefore = outbox.clock.now() + Math.ceil(seconds) * 1000;
      await recordInquiry(outbox, leased, { calls, notBefore, neverSeen });
      log.warn('receiver asked', { ...logged(item), came: came.kind, seconds });
      return againOrLeft(record, seconds);
    }
  }

  const resultOf = (result: Readonly<Record<string, unknown>>): Pick<Answer, 'result'> => ({
    result: boundedResult(result, limits.resultMaxBytes),
  });

  const refusalOf = ({ code, reason, answer }: Failure): Refusal => ({
    code,
    reason,
    ...(answer !== undefined && { answer: cutText(answer, limits.resultMaxBytes) }),
  });

  /** Keeps what the receiver said, and moves the entity by it. */
  async function take(
    { item, delivery, record }: Leased,
    said: Pick<Answer, 'result' | 'refused'> & { readonly outcome: 'done' | 'refused' },
    calls: readonly CallRecord[],
  ): Promise<Disposition> {
    const taken = await takeAnswer(outbox, item, {
      answer: { ...said, by, at: now() },
      // What nothing follows from keeps no record of a first attempt that went well.
      ...((item.answers !== undefined || item.calls !== undefined || said.outcome === 'refused') && {
        calls,
      }),
      from: 'worker',
    });
    switch (taken.kind) {
      case 'taken':
        break;
      case 'conflict':
        // The first answer counts. A person has to look at a receiver that says both.
        log.error('answer conflict', {
          ...logged(item),
          answer: said.outcome,
          taken: taken.item.answer?.outcome,
        });
        metrics?.add('AnswerConflicts', 1);
        return finished;
      case 'not_found':
        return reject(record, 'unknown_message');
      default:
        return taken satisfies never;
    }
    if (taken.item.answer !== undefined && isOpen(taken.item))
      return moveEntity(taken.item, delivery, record);
    log.info(taken.isFirst ? 'message done' : 'message was done already', logged(item));
    if (taken.isFirst) await finishDone(taken.item);
    return finished;
  }

  /** A refusal that nothing follows from is for people to look at. */
  function refuse(leased: Leased, came: Failure, calls: readonly CallRecord[]): Promise<Disposition> {
    const said = { outcome: 'refused' as const, refused: refusalOf(came) };
    if (leased.item.answers?.refused !== undefined) return take(leased, said, calls);
    return bury(leased, came, { isCertain: true, calls, answer: { ...said, by, at: now() } });
  }

  /** The answer is kept; what is left is one transaction, which any delivery may bring about. */
  async function moveEntity(item: MessageItem, delivery: Delivery, record: SQSRecord): Promise<Disposition> {
    const isDeadEnd = item.answer?.outcome === 'dead';
    const letter = isDeadEnd ? deadLetter(delivery, outbox.clock.now()) : undefined;
    const carried = await carryOut(item, letter);
    switch (carried.kind) {
      case 'ended':
        if (isDeadEnd) {
          if (carried.isFirst) countDead(item, item.lastError?.code, delivery);
          return toDeadLetters;
        }
        log.info('message done', { ...logged(item), answer: item.answer?.outcome });
        if (carried.isFirst) await finishDone(item);
        return finished;
      case 'waits':
        log.warn('answer waits for its entity', { ...logged(item), code: carried.code });
        metrics?.add('AttemptsFailed', 1, topic);
        return againOrLeft(record, faultDelaySeconds(receiveCount(record)));
      default:
        return carried satisfies never;
    }
  }

  async function finishDone(item: MessageItem): Promise<void> {
    metrics?.add('MessagesDone', 1, topic);
    // The commit may have happened on a machine whose clock is ahead of ours.
    const latencyMs = Math.max(outbox.clock.now() - Date.parse(item.createdAt), 0);
    if (item.run === 1) metrics?.add('DeliveryLatency', latencyMs, topic);
    if (item.ordered === true) await releaseNext(outbox, item);
  }

  async function accept(leased: Leased, calls: readonly CallRecord[]): Promise<Disposition> {
    const until = outbox.clock.now() + uncertainty.waitingMaxMs;
    const recorded = await recordWaiting(outbox, leased, { calls, until });
    log.info(recorded ? 'message waits for a callback' : 'message was answered already', logged(leased.item));
    // A callback that was faster has handed the message on by itself.
    return finished;
  }

  interface AttemptEnd {
    readonly isCertain: boolean;
    readonly calls?: readonly CallRecord[];
    readonly answer?: Answer;
  }

  async function postpone(
    leased: Leased,
    failure: Failure & Pick<Extract<Received, { kind: 'did_not_act' }>, 'retryAfterMs'>,
    { isCertain, calls = [] }: AttemptEnd,
  ): Promise<Disposition> {
    const { item } = leased;
    const seconds = retryDelaySeconds(policy, item.attempts, random(), failure.retryAfterMs);
    const notBefore = outbox.clock.now() + seconds * 1000;
    await recordRetry(outbox, leased, { lastError: lastError(failure), calls, notBefore, isCertain });
    log.warn('message failed, tried again', { ...logged(item), code: failure.code, seconds });
    metrics?.add('AttemptsFailed', 1, topic);
    return again(seconds);
  }

  async function bury(
    leased: Leased,
    failure: Failure,
    { isCertain, calls, answer: refusal }: AttemptEnd,
  ): Promise<Disposition> {
    const { item, delivery, record } = leased;
    const end = {
      lastError: lastError(failure, item.lastError),
      calls: calls ?? item.calls ?? withCall(item, { kind: 'call', at: now(), ...failure, certain: false }),
      isCertain,
    };
    // Its entity hears once that it was given up, whoever redrives it afterwards.
    if (item.answers?.dead !== undefined && item.hasDied !== true && refusal === undefined) {
      const answer: Answer = { outcome: 'dead', by, at: now(), lastError: end.lastError };
      const kept = await keepDeadEnd(outbox, leased, answer, end);
      return kept === undefined ? again(1) : moveEntity(kept, delivery, record);
    }
    const recorded = await recordDead(outbox, leased, { ...end, delivered: delivery, answer: refusal });
    if (recorded) countDead(item, failure.code, delivery);
    else return again(1);
    return toDeadLetters;
  }

  function countDead(item: MessageItem, code: string | undefined, { sqsMessageId }: Delivery): void {
    log.error('message dead', { ...logged(item), code, sqsMessageId });
    metrics?.add('AttemptsFailed', 1, topic);
    metrics?.add('MessagesDead', 1, topic);
  }

  /** A worker that stopped left nothing to say, so the error before it stays visible. */
  const lastError = ({ code, reason, answer }: Failure, before?: LastError): LastError => ({
    code,
    reason: code === exhausted.code && before !== undefined ? `${reason} Before: ${before.code}.` : reason,
    at: now(),
    ...(answer !== undefined && { answer: cutText(answer, limits.resultMaxBytes) }),
  });

  return createQueueHandler({ topic, queue, log, metrics }, deliver);
}

const isOpen = ({ status }: MessageItem): boolean => status === 'pending' || status === 'sent';

const logged = (item: MessageItem): Record<string, unknown> => ({
  messageId: item.id,
  tenant: item.tenant,
  entity: item.entity,
  run: item.run,
  attempt: item.attempts,
  ...(item.requestId !== undefined && { requestId: item.requestId }),
  ...(item.traceparent !== undefined && { traceparent: item.traceparent }),
});
