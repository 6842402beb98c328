/** Where a message stands when a delivery of it arrives: the one place that says what a delivery may do. Pure. */
import type { MessageItem } from './message-items.ts';

/** One hand-out of a queue: the run it belongs to, and what SQS says of it. */
export interface Delivered {
  readonly run: number;
  /** SQS's id of the queue message: the same at each receipt, another one after it was moved back. */
  readonly sqsMessageId: string;
  /** When it was put into the queue, epoch ms. */
  readonly sentAt: number;
}

/** What a delivery found. */
export type Standing =
  /** Nobody works on it: it may be claimed. */
  | { readonly is: 'free' }
  /** All attempts were begun and the last one left no outcome behind: its worker died. */
  | { readonly is: 'exhausted' }
  /** A call is going on, or its next attempt is not due. */
  | { readonly is: 'held'; readonly until: number }
  /** It is dead, and this delivery belongs among the dead letters. */
  | { readonly is: 'dead' }
  /** It is dead, and this is its letter, moved back: a redrive. */
  | { readonly is: 'movedBack' }
  /** The delivery is of another run. */
  | { readonly is: 'stale' }
  | { readonly is: 'done' }
  /** There is no such message. */
  | { readonly is: 'unknown' };

/**
 * A letter that SQS moves back to its queue is a new queue message: its id is another one than that of the
 * delivery with which the message died, and it was sent later than that. A second copy of the message that was in
 * the queue when it died was sent before, and joins the letters.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
 *
 * | record        | this run                    | another run |
 * | ------------- | --------------------------- | ----------- |
 * | pending, sent | free, held or exhausted     | stale       |
 * | dead          | dead, or movedBack          | stale       |
 * | done          | done                        | done        |
 *
 * @param record as the database had it when it refused the claim
 * @param now epoch milliseconds
 */
export function standing(
  record: MessageItem | undefined,
  delivered: Delivered,
  now: number,
  attemptsMax: number,
): Standing {
  if (record === undefined) return { is: 'unknown' };
  if (record.status === 'done') return { is: 'done' };
  if (delivered.run !== record.run) return { is: 'stale' };
  if (record.status === 'dead') {
    const { letter } = record;
    const another = letter?.sqsMessageId !== delivered.sqsMessageId;
    return { is: another && delivered.sentAt > (letter?.diedAt ?? 0) ? 'movedBack' : 'dead' };
  }
  if (record.leaseUntil !== undefined && record.leaseUntil > now)
    return { is: 'held', until: record.leaseUntil };
  return record.attempts < attemptsMax ? { is: 'free' } : { is: 'exhausted' };
}
