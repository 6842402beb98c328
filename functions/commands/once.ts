/** What makes a command happen once. */
import type { Deadline } from '../runtime/clock.ts';
import { endsBefore } from '../runtime/deadline.ts';
import { idempotency as keyLimits } from '../runtime/limits.ts';
import { announced } from '../runtime/waits.ts';
import { messageEnd } from '../store/outbox/kept-answers.ts';
import type { IdempotencyItem, StoredAnswer } from '../store/transaction/idempotency-record.ts';
import type { LabelledItem } from '../store/transaction/labelled-item.ts';
import { recordGuard } from '../store/transaction/transaction-items.ts';
import type { Backend } from './backend.ts';
import type { Execution, KeyedExecution, Once } from './execution.ts';
import type { CommandRequest } from './command.ts';
import type { Outcome } from './outcome.ts';

/**
 * Its idempotency key, or for the answer of a receiver its message. A duplicate of a request that this process has under way
 * waits for its end, and then goes on by itself only where that has kept no answer.
 * @returns the outcome, where this process knows it; else what was taken, which the execution lets go at its end
 */
export async function onceOf(
  { keys }: Backend,
  request: CommandRequest,
  deadline: Deadline,
): Promise<
  { readonly known: Outcome; readonly once?: undefined } | { readonly known?: undefined; readonly once: Once }
> {
  if (request.kind === 'answer') return { once: { request } };
  for (;;) {
    const key = await keys.begin(request);
    if (key.kind !== 'fresh') return { known: key };
    const first = keys.take(key);
    if (!first) return { once: { request, key } };
    if (!(await announced(request.tenant, endsBefore(deadline, first))))
      return { known: { kind: 'in_progress' } };
  }
}

/**
 * The item of a command's transaction that can be written once: the record under its key, or the end of the message
 * that it answers. Attempts and duplicates of a command meet here.
 */
export function onceItemOf(execution: Execution, answer: StoredAnswer, now: number): LabelledItem {
  const { tables } = execution.backend.store;
  if (execution.key) return recordGuard(tables.idempotency, recordOf(execution, answer), now);
  const { message, answer: said, news, letter } = execution.request;
  return {
    label: { purpose: 'message end' },
    item: { Update: messageEnd(tables.outbox, message, said, { now, news, letter }) },
  };
}

/** The record that an execution puts under its key, along with what it changes. */
export const recordOf = (
  { key, request, begunAt }: KeyedExecution,
  answer: StoredAnswer,
): IdempotencyItem => ({
  pk: key.pk,
  payloadHash: key.payloadHash,
  expiresAt: Math.floor(begunAt / 1000) + keyLimits.retentionSeconds,
  answer,
  requestId: request.requestId,
});
