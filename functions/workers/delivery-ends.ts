/** Records what became of a call, an inquiry or an answer, and says what becomes of its delivery. */
import type { SQSRecord } from 'aws-lambda';
import type { CarryOutAnswer } from '../commands/carry-out-answer.ts';
import { boundedResult } from '../runtime/bounded-result.ts';
import { timestamp } from '../runtime/clock.ts';
import { cutText } from '../runtime/cut-text.ts';
import { uncertainty, workerCall } from '../runtime/delivery-limits.ts';
import { message as limits } from '../runtime/limits.ts';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import type { Topic, TopicPolicy } from '../runtime/topics.ts';
import { keepDeadEnd, takeAnswer } from '../store/outbox/kept-answers.ts';
import type { AnswerNews } from '../store/outbox/kept-answers.ts';
import { isOpen } from '../store/outbox/message-items.ts';
import type { KeptCall } from '../store/outbox/call-records.ts';
import type { Answer, LastError, MessageItem, Refusal } from '../store/outbox/message-items.ts';
import type { OutboxAccess } from '../store/outbox/message-writes.ts';
import {
  deadLetter,
  recordBehind,
  recordDead,
  recordInquiry,
  recordRetry,
  recordWaiting,
} from '../store/outbox/messages.ts';
import type { Delivery } from '../store/outbox/messages.ts';
import { releaseNext } from '../store/outbox/ordered-messages.ts';
import { again, againOrLeft, finished, receiveCount, toDeadLetters } from './batch.ts';
import type { Disposition } from './batch.ts';
import { withCall } from './calls.ts';
import type { Failure, Received } from './receiver.ts';
import { faultDelaySeconds, retryDelaySeconds } from './retry-delay.ts';

export interface DeliveryEndParts {
  readonly topic: Topic;
  readonly policy: TopicPolicy;
  /** Moves an entity by the answer to its message. */
  readonly carryOut: CarryOutAnswer;
  readonly outbox: OutboxAccess;
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** A message that a delivery holds the lease of. */
export interface Leased {
  readonly item: MessageItem;
  readonly token: string;
  readonly delivery: Delivery;
  readonly record: SQSRecord;
}

/** How an attempt that brought no answer ended. */
export interface AttemptEnd {
  /** Whether the receiver did not act. */
  readonly isCertain: boolean;
  readonly calls?: readonly KeptCall[];
  /** Where the receiver's own refusal ended it. */
  readonly answer?: Answer;
}

export interface Asked {
  readonly neverSeen: boolean;
  readonly calls: readonly KeptCall[];
  readonly seconds: number;
}

type Said = Pick<Answer, 'result' | 'refused'> & { readonly outcome: 'done' | 'refused' };

/** What a receiver gave back, as JSON of bounded size. */
export const keptResult = (result: Readonly<Record<string, unknown>>): string =>
  boundedResult(result, limits.resultMaxBytes);

const exhausted = 'attempts_exhausted';

/** Why no attempt is left: an inquiry has told of the last one, or its worker stopped and nobody knows. */
export const exhaustedBy = ({ unsettled }: MessageItem): Failure => ({
  code: exhausted,
  reason:
    unsettled === 0
      ? 'Its receiver has never seen it, and no attempt is left.'
      : 'The last attempt ended without an outcome: its worker stopped.',
});

export interface DeliveryEnds {
  /** Moves the entity by what the receiver said, at once or, where that cannot be, once it is kept. */
  readonly take: (leased: Leased, said: Said, calls: readonly KeptCall[]) => Promise<Disposition>;
  readonly refuse: (leased: Leased, came: Failure, calls: readonly KeptCall[]) => Promise<Disposition>;
  /** The receiver says by a callback what became of it. */
  readonly accept: (leased: Leased, calls: readonly KeptCall[]) => Promise<Disposition>;
  readonly postpone: (leased: Leased, failure: Postponed, end: AttemptEnd) => Promise<Disposition>;
  readonly bury: (leased: Leased, failure: Failure, end: AttemptEnd) => Promise<Disposition>;
  readonly wait: (leased: Leased, before: MessageItem) => Promise<Disposition>;
  readonly askAgain: (leased: Leased, asked: Asked) => Promise<Disposition>;
  readonly moveEntity: (
    item: MessageItem,
    delivery: Delivery,
    record: SQSRecord,
    budgetMs?: number,
  ) => Promise<Disposition>;
}

type Postponed = Failure & Pick<Extract<Received, { kind: 'did_not_act' }>, 'retryAfterMs'>;

export function createDeliveryEnds(parts: DeliveryEndParts): DeliveryEnds {
  const { topic, policy, carryOut, outbox, log, metrics, random } = parts;
  const by = `receiver:${topic}`;
  const now = (): string => timestamp(outbox.clock.now());

  const refusalOf = ({ code, reason, answer }: Failure): Refusal => ({
    code,
    reason,
    ...(answer !== undefined && { answer: cutText(answer, limits.resultMaxBytes) }),
  });

  /**
   * What the receiver said ends the message in the transaction that moves its entity: one write, where keeping it first
   * would be two. A worker that dies before that leaves an uncertain call, as if no answer had come. Where
   * a person would have to find out what became of it (`hold`), it is kept first all the same.
   */
  async function take(
    { item, delivery, record }: Leased,
    said: Said,
    calls: readonly KeptCall[],
  ): Promise<Disposition> {
    const news: AnswerNews = {
      answer: { ...said, by, at: now() },
      // What nothing follows from keeps no record of a first attempt that went well.
      ...((item.answers !== undefined || item.calls !== undefined) && { calls }),
      from: 'worker',
    };
    const began = performance.now();
    if (item.answers?.[said.outcome] !== undefined && item.onUncertain !== 'hold') {
      const carried = await carriedOutAtOnce(item, news);
      if (carried === 'ended') {
        log.info('message done', { ...logged(item), answer: said.outcome });
        countDone(item);
        return finished;
      }
    }
    const budgetMs = Math.max(Math.floor(workerCall.answerMs - (performance.now() - began)), 0);
    const taken = await takeAnswer(outbox, item, news);
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
        // The next delivery finds that there is no such message.
        return again(1);
      default:
        return taken satisfies never;
    }
    if (isOpen(taken.item)) return moveEntity(taken.item, delivery, record, budgetMs);
    log.info(taken.isFirst ? 'message done' : 'message was done already', logged(item));
    if (taken.isFirst) countDone(taken.item);
    // Also where it was done already: our own transaction may have committed without an answer.
    await releaseNext(outbox, taken.item);
    return finished;
  }

  /** A defect of ours must not lose what the receiver said: the answer is kept, and the defect shows when it is carried out. */
  async function carriedOutAtOnce(item: MessageItem, news: AnswerNews): Promise<'ended' | 'waits'> {
    try {
      return (await carryOut(item, { news })).kind;
    } catch (error) {
      log.error('answer not carried out', { ...logged(item), error: error as Error });
      return 'waits';
    }
  }

  /** A refusal that nothing follows from is for people to look at. */
  function refuse(leased: Leased, came: Failure, calls: readonly KeptCall[]): Promise<Disposition> {
    const said = { outcome: 'refused' as const, refused: refusalOf(came) };
    if (leased.item.answers?.refused !== undefined) return take(leased, said, calls);
    return bury(leased, came, { isCertain: true, calls, answer: { ...said, by, at: now() } });
  }

  /** The answer is kept; what is left is one transaction, which any delivery may bring about. */
  async function moveEntity(
    item: MessageItem,
    delivery: Delivery,
    record: SQSRecord,
    budgetMs?: number,
  ): Promise<Disposition> {
    const isDeadEnd = item.answer?.outcome === 'dead';
    const letter = isDeadEnd ? deadLetter(delivery, outbox.clock.now()) : undefined;
    const carried = await carryOut(item, { letter, budgetMs });
    switch (carried.kind) {
      case 'ended':
        if (isDeadEnd) {
          if (carried.isFirst) countDead(item, item.lastError?.code, delivery);
          return toDeadLetters;
        }
        log.info('message done', { ...logged(item), answer: item.answer?.outcome });
        // What waits behind it was released by whoever carried the answer out.
        if (carried.isFirst) countDone(item);
        return finished;
      case 'waits':
        log.warn('answer waits for its entity', {
          ...logged(item),
          code: carried.code,
          ...(carried.cause && { error: carried.cause }),
        });
        metrics?.add('AttemptsFailed', 1, topic);
        return againOrLeft(record, faultDelaySeconds(receiveCount(record)));
      default:
        return carried satisfies never;
    }
  }

  function countDone(item: MessageItem): void {
    metrics?.add('MessagesDone', 1, topic);
    // The commit may have happened on a machine whose clock is ahead of ours.
    const latencyMs = Math.max(outbox.clock.now() - Date.parse(item.createdAt), 0);
    if (item.run === 1) metrics?.add('DeliveryLatency', latencyMs, topic);
  }

  async function accept(leased: Leased, calls: readonly KeptCall[]): Promise<Disposition> {
    const until = outbox.clock.now() + uncertainty.waitingMaxMs;
    const recorded = await recordWaiting(outbox, leased, { calls, until });
    log.info(recorded ? 'message waits for a callback' : 'message was answered already', logged(leased.item));
    // A callback that was faster has handed the message on by itself.
    return finished;
  }

  async function postpone(
    leased: Leased,
    failure: Postponed,
    { isCertain, calls = [] }: AttemptEnd,
  ): Promise<Disposition> {
    const { item, record } = leased;
    const seconds = retryDelaySeconds(policy, item.attempts, random(), failure.retryAfterMs);
    const notBefore = outbox.clock.now() + seconds * 1000;
    await recordRetry(outbox, leased, { lastError: lastError(failure), calls, notBefore, isCertain });
    log.warn('message failed, tried again', { ...logged(item), code: failure.code, seconds });
    metrics?.add('AttemptsFailed', 1, topic);
    // After many inquiries this may be its last receipt: the message is open, and no dead letter.
    return againOrLeft(record, seconds);
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
    reason: code === exhausted && before !== undefined ? `${reason} Before: ${before.code}.` : reason,
    at: now(),
    ...(answer !== undefined && { answer: cutText(answer, limits.resultMaxBytes) }),
  });

  /** What comes first must end first, so this one is looked at again later; it costs no attempt. */
  async function wait(leased: Leased, { id: behind }: MessageItem): Promise<Disposition> {
    const { item, record } = leased;
    const seconds = faultDelaySeconds(receiveCount(record));
    await recordBehind(outbox, leased, { behind, notBefore: outbox.clock.now() + seconds * 1000 });
    log.info('message waits for the one before it', { ...logged(item), behind });
    return againOrLeft(record, seconds);
  }

  /** Another inquiry follows, or another call where the receiver has never seen the message. */
  async function askAgain(leased: Leased, { neverSeen, calls, seconds }: Asked): Promise<Disposition> {
    const { item, record } = leased;
    const notBefore = outbox.clock.now() + Math.ceil(seconds) * 1000;
    await recordInquiry(outbox, leased, { calls, notBefore, neverSeen });
    log.warn('receiver asked', { ...logged(item), neverSeen, seconds });
    return againOrLeft(record, seconds);
  }

  return { take, refuse, accept, postpone, bury, wait, askAgain, moveEntity };
}

/** By what a log finds a message. */
export const logged = (item: MessageItem): Record<string, unknown> => ({
  messageId: item.id,
  tenant: item.tenant,
  entity: item.entity,
  run: item.run,
  attempt: item.attempts,
  requestId: item.requestId,
  traceparent: item.traceparent,
});
