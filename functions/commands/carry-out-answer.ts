/**
 * Answers as commands: what a receiver, or an operator, says of a message ends it and moves its entity, in one
 * transaction. Where that cannot be done at once the answer is kept first, so that it is never lost and nobody is called
 * again while the entity is busy.
 */
import { workerCall } from '../runtime/delivery-limits.ts';
import { mayHaveHappened } from '../store/failures.ts';
import type { OutboxAccess } from '../store/outbox/message-writes.ts';
import { recordAnswerWaits, takeAnswer } from '../store/outbox/kept-answers.ts';
import type { AnswerNews } from '../store/outbox/kept-answers.ts';
import { isOpen, notUnderstood } from '../store/outbox/message-items.ts';
import type { DeadLetter, MessageItem } from '../store/outbox/message-items.ts';
import { releaseNext } from '../store/outbox/ordered-messages.ts';
import type { Backend } from './backend.ts';
import type { AnswerCommand } from './command.ts';
import { execute } from './execute.ts';
import { answerInput } from './answer-input.ts';

export type CarriedOut =
  /** The message has ended by its answer. `isFirst`: this execution has ended it. */
  | { readonly kind: 'ended'; readonly isFirst: boolean }
  /** Not moved: it comes again. The answer is kept; where it is `news`, nothing is written, and the caller keeps it. */
  | { readonly kind: 'waits'; readonly code: string; readonly cause?: Error };

export type Answered =
  | CarriedOut
  /** Another answer was taken before: the first one counts. */
  | { readonly kind: 'conflict'; readonly item: MessageItem }
  | { readonly kind: 'not_found' };

export interface CarryOutTerms {
  /** Of one that is dead: the delivery that goes to the dead letters. */
  readonly letter?: DeadLetter | undefined;
  /** An answer that the message does not have yet: it is tried without a wait, and where it `waits` nothing is written. */
  readonly news?: AnswerNews | undefined;
  readonly budgetMs?: number | undefined;
}

/** Moves an entity by the answer to its message. Carried out any number of times, one answer commits once. */
export type CarryOutAnswer = (item: MessageItem, terms?: CarryOutTerms) => Promise<CarriedOut>;

/** Takes an answer and carries it out. */
export type AnswerMessage = (item: MessageItem, news: AnswerNews) => Promise<Answered>;

export interface Answers {
  readonly carryOut: CarryOutAnswer;
  readonly answer: AnswerMessage;
}

/** @param outbox with the time that its caller has */
export function createAnswers(backend: Backend, outbox: OutboxAccess): Answers {
  async function carryOut(item: MessageItem, terms: CarryOutTerms = {}): Promise<CarriedOut> {
    const { news, budgetMs = workerCall.answerMs } = terms;
    const waits = (code: string, cause?: Error): Promise<CarriedOut> =>
      news ? Promise.resolve({ kind: 'waits', code }) : keptWaits(item, code, cause);
    const command = commandOf(backend, news ? { ...item, answer: news.answer } : item, terms);
    if (typeof command === 'string') return waits(command);
    const outcome = await execute(backend, command, budgetMs);
    switch (outcome.kind) {
      case 'committed':
        return ended(command.message, true);
      case 'replayed':
        // With news, the message may have another answer by now: `takeAnswer` finds out.
        return news ? waits(outcome.kind) : ended(item, false);
      case 'refused_for_now':
      case 'refused':
        return waits(outcome.rejection.code);
      case 'key_reused':
      case 'in_progress':
      case 'contended':
      case 'unknown':
        return waits(outcome.kind);
      case 'unavailable':
        return waits(outcome.kind, outcome.cause);
      default:
        return outcome satisfies never;
    }
  }

  /** Whoever ended it may have died before it released the next one, or may not know that its own write ended it. */
  async function ended(item: MessageItem, isFirst: boolean): Promise<CarriedOut> {
    if (item.answer?.outcome !== 'dead') await releaseNext(outbox, item);
    return { kind: 'ended', isFirst };
  }

  /**
   * The answer stays kept even if writing this note, which is for people, fails. Where a commit's reply was lost, the entity
   * may have refused its own answer: the message has ended then.
   */
  async function keptWaits(item: MessageItem, code: string, cause?: Error): Promise<CarriedOut> {
    try {
      if ((await recordAnswerWaits(outbox, item, code)) === 'ended') return await ended(item, false);
    } catch (error) {
      if (!mayHaveHappened(error)) throw error;
    }
    return { kind: 'waits', code, ...(cause && { cause }) };
  }

  return {
    carryOut,
    answer: async (item, news) => {
      const taken = await takeAnswer(outbox, item, news);
      if (taken.kind !== 'taken') return taken;
      if (isOpen(taken.item)) return carryOut(taken.item);
      if (taken.isFirst && taken.item.status === 'done') await releaseNext(outbox, taken.item);
      return { kind: 'ended', isFirst: taken.isFirst };
    },
  };
}

/** @returns why there is none, where the definition has changed since the message was sent */
function commandOf(
  { registry }: Backend,
  message: MessageItem,
  { letter, news }: CarryOutTerms,
): AnswerCommand | 'no_transition' | typeof notUnderstood {
  const { answer, collection, tenant, entity, traceparent } = message;
  if (answer === undefined) return 'no_transition';
  const name = message.answers?.[answer.outcome] ?? '';
  const domain = registry.find(collection);
  const transition = domain?.transitions[name];
  if (domain === undefined || transition === undefined) return 'no_transition';
  const told = answerInput(transition, message, answer);
  if (told.kind === 'not_understood') return notUnderstood;
  return {
    kind: 'answer',
    tenant,
    subject: answer.by,
    // What follows from an answer is found by it in the logs, as it is by a request.
    requestId: message.requestId ?? message.id,
    traceparent,
    domain,
    name,
    id: entity,
    message,
    answer,
    news,
    letter,
    input: told.input,
  };
}
