/** Which open messages a sweep looks after. Pure. */
import type { Topic } from '../runtime/topics.ts';
import type { OpenMessage } from '../store/outbox/open-messages.ts';

export interface SweepPlan {
  /** Never sent, as far as the record says: the stream or the relay lost them. The oldest first. */
  readonly pending: readonly OpenMessage[];
  /** Sent long ago: some are lost, some may just wait. The oldest first. */
  readonly sent: readonly OpenMessage[];
  /** How many of `sent` are lost at least. */
  readonly lost: number;
}

/**
 * Tells a queue that lost messages from one that is slow. Every message that was sent and is open has at least one
 * message in its queue, be it ready, with a worker or hidden until a retry. So where the queue holds fewer than
 * are open, the difference is lost, and sending no more than that never makes a slow queue longer than its work.
 * Copies in the queue hide losses until they are worked off, which they are.
 *
 * @param open of one topic; a part of them gives a lower bound, which is safe
 * @param depth messages in the topic's queue; `everything`: it lost what it had
 * @param before RFC 3339 UTC; what was sent, or created, later is left alone
 */
export function sweepPlan(
  open: readonly OpenMessage[],
  depth: number | 'everything',
  before: string,
): SweepPlan {
  const old = open.filter(({ since }) => since <= before).sort((a, b) => (a.since < b.since ? -1 : 1));
  const sent = old.filter(({ status }) => status === 'sent');
  const missing =
    depth === 'everything' ? sent.length : open.filter(({ status }) => status === 'sent').length - depth;
  return {
    pending: old.filter(({ status }) => status === 'pending'),
    sent,
    lost: Math.min(Math.max(missing, 0), sent.length),
  };
}

/** @returns the open messages of a topic */
export const ofTopic = (open: readonly OpenMessage[], topic: Topic): OpenMessage[] =>
  open.filter((message) => message.topic === topic);
