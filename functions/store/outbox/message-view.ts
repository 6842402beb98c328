/** A message as the API shows it. Pure. */
import type { Topic } from '../../runtime/topics.ts';
import { callsOf } from './call-records.ts';
import { isOpen } from './message-items.ts';
import type { CallRecord } from './call-records.ts';
import type { LastError, MessageItem, MessageStatus, Refusal } from './message-items.ts';

export interface MessageView {
  readonly id: string;
  readonly topic: Topic;
  readonly type: string;
  readonly entity: string;
  readonly status: MessageStatus;
  readonly attempts: number;
  readonly createdAt: string;
  readonly sentAt?: string;
  readonly doneAt?: string;
  /** Who was called, where it has a name. */
  readonly receiver?: string;
  /** Whether its receiver may have acted and nobody knows. */
  readonly uncertain?: true;
  /** RFC 3339 UTC. Of one that waits: when it is looked after without a callback. */
  readonly waitingUntil?: string;
  /** While it is true: not on a message that is done. */
  readonly lastError?: LastError;
  readonly calls?: readonly CallRecord[];
  readonly result?: unknown;
  readonly refused?: Refusal;
  /** Who gave the answer, and when. Not of a message that nothing follows from. */
  readonly answer?: {
    readonly outcome: string;
    readonly by: string;
    readonly at: string;
    readonly note?: string;
  };
  /** Why its answer has not moved the entity yet. */
  readonly answerWaits?: { readonly code: string; readonly at: string };
  /** The message before it that it waits for. */
  readonly behind?: string;
}

/**
 * Whether its receiver may have acted and nobody knows. A call that is going on is not counted, nor one that the receiver
 * took and will tell of.
 */
export const isUncertain = ({ status, unsettled = 0, leaseToken }: MessageItem): boolean =>
  status !== 'done' && status !== 'waiting' && unsettled > (leaseToken === undefined ? 0 : 1);

export function messageView(item: MessageItem): MessageView {
  const { status, lastError, result, answer, waitingUntil } = item;
  return {
    id: item.id,
    topic: item.topic,
    type: item.type,
    entity: item.entity,
    status,
    attempts: item.attempts,
    createdAt: item.createdAt,
    ...(item.sentAt !== undefined && { sentAt: item.sentAt }),
    ...(item.doneAt !== undefined && { doneAt: item.doneAt }),
    ...(item.receiver !== undefined && { receiver: item.receiver }),
    ...(isUncertain(item) && { uncertain: true as const }),
    ...(status === 'waiting' &&
      waitingUntil !== undefined && { waitingUntil: new Date(waitingUntil).toISOString() }),
    ...(lastError !== undefined && status !== 'done' && { lastError }),
    ...(item.calls !== undefined && { calls: callsOf(item) }),
    ...(result !== undefined && { result: JSON.parse(result) as unknown }),
    ...(item.refused !== undefined && { refused: item.refused }),
    ...(answer !== undefined && {
      answer: {
        outcome: answer.outcome,
        by: answer.by,
        at: answer.at,
        ...(answer.note !== undefined && { note: answer.note }),
      },
    }),
    ...(isOpen(item) && item.answerWaits !== undefined && { answerWaits: item.answerWaits }),
    ...(isOpen(item) && item.behind !== undefined && { behind: item.behind }),
  };
}
