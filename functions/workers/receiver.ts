/** What a worker asks of the outside. A receiver knows its protocol; attempts, leases and queues are the worker's. */
import type { MessageItem } from '../store/outbox/message-items.ts';

/** What became of one call. Whether the receiver has acted is told apart by kind, never by guess. */
export type Received =
  /** It acted. The result is kept on the message. */
  | { readonly kind: 'done'; readonly result: Readonly<Record<string, unknown>> }
  /** It took the message, and says by a callback what became of it. */
  | { readonly kind: 'accepted' }
  /** It did not act, and never will: an answer like `done`. */
  | ({ readonly kind: 'refused' } & Failure)
  /** It did not act. Another attempt may go through. */
  | ({ readonly kind: 'did_not_act'; readonly retryAfterMs?: number } & Failure)
  /** Nobody knows whether it acted: what comes next is the message's own word (`uncertain`). */
  | ({ readonly kind: 'may_have_acted'; readonly retryAfterMs?: number } & Failure)
  /** Nothing reached a receiver, and no attempt ever could: what is set on our side is wrong. */
  | ({ readonly kind: 'undeliverable' } & Failure);

export interface Failure {
  /** Stable: an HTTP status (`500`) or a word (`timeout`). */
  readonly code: string;
  /** For people, without internals. */
  readonly reason: string;
  /** The beginning of what was answered. */
  readonly answer?: string;
}

/** One call as it goes on: what the worker must know where the receiver cannot tell any more, as after a timeout. */
export interface OngoingCall {
  /** Aborts when the call's time is over. What is still going on then counts as failed. */
  readonly signal: AbortSignal;
  /**
   * Whether the receiver may have seen any of it. True unless the receiver's protocol can tell: it sets it to false
   * first, and to true when the first byte of the request goes out.
   */
  isSent: boolean;
  /** What was sent, for the record of attempts. */
  sent?: string;
}

/**
 * Carries a message out. Called again after any failure, so what it does is keyed by the message's id.
 * @returns an outcome as a value; what it throws is a defect, or the network's
 */
export type Receiver = (message: MessageItem, call: OngoingCall) => Promise<Received>;

/** What a receiver says of a message when it is asked. */
export type Inquired =
  | { readonly kind: 'done'; readonly result: Readonly<Record<string, unknown>> }
  | ({ readonly kind: 'refused' } & Failure)
  /** It has the message and is not through with it. */
  | { readonly kind: 'pending' }
  /** It has never seen the message. */
  | { readonly kind: 'never_seen' }
  /** It could not be asked, or what it said cannot be read. */
  | ({ readonly kind: 'no_answer' } & Failure);

/** Asks a receiver what became of a message. Asking changes nothing, so it may be done any number of times. */
export type Inquire = (message: MessageItem, call: OngoingCall) => Promise<Inquired>;

type Kind<K extends Received['kind']> = Extract<Received, { readonly kind: K }>;

export const refused = (code: string, reason: string): Kind<'refused'> => ({ kind: 'refused', code, reason });
export const didNotAct = (code: string, reason: string): Kind<'did_not_act'> => ({
  kind: 'did_not_act',
  code,
  reason,
});
export const mayHaveActed = (code: string, reason: string): Kind<'may_have_acted'> => ({
  kind: 'may_have_acted',
  code,
  reason,
});
export const undeliverable = (code: string, reason: string): Kind<'undeliverable'> => ({
  kind: 'undeliverable',
  code,
  reason,
});
