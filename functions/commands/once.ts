/** What makes a command happen once. */
import { idempotency as keyLimits } from '../runtime/limits.ts';
import { messageEnd } from '../store/outbox/kept-answers.ts';
import type { IdempotencyItem, StoredAnswer } from '../store/transaction/idempotency-record.ts';
import type { LabelledItem } from '../store/transaction/labelled-item.ts';
import { recordGuard } from '../store/transaction/transaction-items.ts';
import type { Backend } from './backend.ts';
import type { Execution, KeyedExecution, Once } from './execution.ts';
import type { CommandRequest } from './command.ts';
import type { Replay } from './idempotency-keys.ts';

/** Its idempotency key, or for the answer of a receiver its message. @returns the outcome, where this process knows it */
export async function onceOf(
  backend: Backend,
  request: CommandRequest,
): Promise<
  { readonly known: Replay; readonly once?: undefined } | { readonly known?: undefined; readonly once: Once }
> {
  if (request.kind === 'answer') return { once: { request } };
  const key = await backend.keys.begin(request);
  return key.kind === 'fresh' ? { once: { request, key } } : { known: key };
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
