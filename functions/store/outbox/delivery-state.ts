/** The state of a message when a delivery of it arrives: the one place that says what a delivery may do. Pure. */
import type { DeadLetter, MessageItem } from './message-items.ts';

/** One hand-out of a queue: the run it belongs to, and what its reference and SQS say of it. */
export interface Delivered {
  readonly run: number;
  /**
   * Which copy of the message's reference it is: each send makes one of its own. A reference of the version before
   * has none.
   */
  readonly copy?: string | undefined;
  /** SQS's id of the queue message: the same at each receipt; on AWS another one after it was moved back. */
  readonly sqsMessageId: string;
  /** Whether the queue says that the message lay among its dead letters before. AWS need not say so. */
  readonly wasDeadLetter: boolean;
}

/** What a delivery found. */
export type DeliveryState =
  /** Nobody works on it: it may be claimed. */
  | { readonly kind: 'free' }
  /** No attempt is left, and no outcome: its worker died, or its receiver has never seen the last one. */
  | { readonly kind: 'exhausted' }
  /** Its receiver may have acted: it is asked, or the message is held, before anything else. */
  | { readonly kind: 'uncertain' }
  /** Its answer was taken, and its entity has not been moved by it. */
  | { readonly kind: 'answered'; readonly item: MessageItem }
  /** Its receiver took it, and says by a callback what became of it. */
  | { readonly kind: 'waiting' }
  /** Nobody calls its receiver before then: a call is going on, or its next attempt is not due. */
  | { readonly kind: 'notYet'; readonly until: number }
  /** It is dead, and this delivery belongs among the dead letters. */
  | { readonly kind: 'dead' }
  /** It is dead, and this is its dead letter, moved back: a redrive. */
  | { readonly kind: 'movedBack' }
  /** The delivery is of another run. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'done' }
  /** There is no such message. */
  | { readonly kind: 'unknown' };

/**
 * | record        | this run                                         | another run |
 * | ------------- | ------------------------------------------------ | ----------- |
 * | pending, sent | answered, notYet, uncertain, free, exhausted     | stale       |
 * | waiting       | waiting; when its time is over: notYet, uncertain | stale       |
 * | dead          | dead, or movedBack                               | stale       |
 * | done          | done                                             | done        |
 *
 * An answer that was taken is carried on with by any delivery, since the message has only one.
 * @param record as the database had it when it refused the claim
 * @param now epoch milliseconds
 */
export function deliveryState(
  record: MessageItem | undefined,
  delivered: Delivered,
  now: number,
  attemptsMax: number,
): DeliveryState {
  if (record === undefined) return { kind: 'unknown' };
  const { status } = record;
  if (status === 'done') return { kind: 'done' };
  if (delivered.run !== record.run) return { kind: 'stale' };
  if (status === 'dead') return { kind: isMovedBack(record.letter, delivered) ? 'movedBack' : 'dead' };
  if (record.answer !== undefined) return { kind: 'answered', item: record };
  if (record.leaseUntil !== undefined && record.leaseUntil > now)
    return { kind: 'notYet', until: record.leaseUntil };
  if (status === 'waiting') return { kind: (record.waitingUntil ?? 0) > now ? 'waiting' : 'uncertain' };
  if (record.onUncertain !== undefined && (record.unsettled ?? 0) > 0) return { kind: 'uncertain' };
  return record.attempts < attemptsMax ? { kind: 'free' } : { kind: 'exhausted' };
}

/**
 * Moved back is the very copy with which the message died. Any other copy, however late it was sent, joins the dead
 * letters (G21). That copy also comes a few times more on its way there, so there must be a sign that it has arrived:
 * - AWS, and the embedded server, make it a new message with another id when they move it.
 *   https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
 * - LocalStack 4.14 keeps the id, the time and the attributes, and so hands it out with `DeadLetterQueueSourceArn`,
 *   which only a message has that lay among dead letters (its `StandardQueue` and `MessageMoveTaskManager`). The sign
 *   must be new: a message that was moved back while it was open carries it already when it dies.
 * The receive count is no sign: it is approximate on AWS, and on LocalStack it goes on from one queue to the other.
 *
 * A reference without a copy id is of the version before, and never begins a run. A dead letter of that version goes
 * back to the dead letters, where the API redrives its message.
 */
function isMovedBack(letter: DeadLetter | undefined, delivered: Delivered): boolean {
  if (letter?.copy === undefined || letter.copy !== delivered.copy) return false;
  if (letter.sqsMessageId !== delivered.sqsMessageId) return true;
  return delivered.wasDeadLetter && letter.wasDeadLetter !== true;
}
