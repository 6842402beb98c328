/** A person's word on a message that is dead, or whose answer nobody understands: `POST /v1/messages/{id}/resolve`. */
import { createAnswers } from '../commands/carry-out-answer.ts';
import { answerInput } from '../commands/answer-input.ts';
import { reportedResult } from '../core/answers.ts';
import * as rejections from '../core/rejections.ts';
import { boundedResult } from '../runtime/bounded-result.ts';
import { timestamp } from '../runtime/clock.ts';
import { message as limits } from '../runtime/limits.ts';
import { operationItem } from '../store/operations/log.ts';
import { isResolvable, outcomeSaid } from '../store/outbox/kept-answers.ts';
import type { Answer, MessageItem } from '../store/outbox/message-items.ts';
import { messageView } from '../store/outbox/message-view.ts';
import type { MessageView } from '../store/outbox/message-view.ts';
import { readMessage } from '../store/outbox/messages.ts';
import { answerConflict } from './callbacks.ts';
import { operationOf } from './operator-log.ts';
import type { Operator } from './operator-log.ts';
import { outboxOf } from './outbox-access.ts';
import { problemOf, ProblemError } from './problem.ts';
import type { ReadContext } from './queries.ts';

export interface Resolution {
  readonly outcome: 'done' | 'refused';
  readonly note: string;
  readonly result?: unknown;
  /** Who says so, as the ledger shows it. */
  readonly operator: Operator;
}

/**
 * Ends a message by what an operator knows, and moves its entity as its receiver's answer would have. Safe to
 * repeat.
 * @throws ProblemError 400 for a result that its receiver could not have given, 404, and 409 where the message has
 *   another answer, or needs none
 */
export async function resolveMessage(
  context: ReadContext,
  id: string,
  resolution: Resolution,
): Promise<MessageView> {
  const { backend, tenant } = context;
  const outbox = outboxOf(context);
  const item = await readMessage(outbox, { tenant, id });
  if (item === undefined) throw notFound();
  const answer = answerFrom(item, resolution, timestamp(backend.clock.now()));
  // One that its receiver refused is dead, and a person may know better.
  if (!isResolvable(item, resolution.outcome)) return repeated(item, resolution);
  assertFits(context, item, answer);
  const { outcome, note, operator } = resolution;
  const what = { operation: 'resolveMessage', message: id, outcome, note } as const;
  const { item: entry } = operationItem(backend.store.tables.data, operationOf(context, operator, what));
  const answered = await createAnswers(backend, outbox).answer(item, {
    answer,
    from: 'operator',
    beside: [entry],
  });
  switch (answered.kind) {
    case 'ended':
    case 'waits': {
      const now = await readMessage(outbox, { tenant, id });
      if (now === undefined) throw notFound();
      return messageView(now);
    }
    case 'conflict':
      return repeated(answered.item, resolution);
    case 'not_found':
      throw notFound();
    default:
      return answered satisfies never;
  }
}

/** @throws ProblemError 409 unless this is what was said before */
function repeated(item: MessageItem, { outcome }: Resolution): MessageView {
  const before = outcomeSaid(item);
  if (before === outcome) return messageView(item);
  throw new ProblemError(before === undefined ? notDead : answerConflict);
}

function answerFrom(
  { topic }: MessageItem,
  { outcome, note, result, operator: { subject: by } }: Resolution,
  at: string,
): Answer & { readonly outcome: 'done' | 'refused' } {
  if (outcome === 'refused')
    return { outcome, by, at, note, refused: { code: 'resolved', reason: 'An operator resolved it.' } };
  const kept = boundedResult(reportedResult(topic, result), limits.resultMaxBytes);
  return { outcome, by, at, note, result: kept };
}

/** @throws ProblemError 400 */
function assertFits({ backend }: ReadContext, item: MessageItem, answer: Answer): void {
  const name = item.answers?.[answer.outcome];
  const domain = backend.registry.find(item.collection);
  const transition = name === undefined ? undefined : domain?.transitions[name];
  if (transition === undefined) return;
  const told = answerInput(transition, item, answer);
  if (told.kind === 'understood') return;
  throw new ProblemError({
    status: 400,
    code: 'invalid_request',
    detail: 'The result is not one that the receiver of this message gives.',
    members: {
      errors: told.issues.map(({ path, message }) => ({
        path: ['', 'result', ...path.map(String)].join('/'),
        message,
      })),
    },
  });
}

const notFound = (): ProblemError => new ProblemError(problemOf(rejections.notFound));

const notDead = {
  status: 409,
  code: 'message_not_dead',
  detail:
    'Only a message that is dead, or whose answer is not understood, is resolved. This one is on its way, or waits for ' +
    'its receiver.',
} as const;
