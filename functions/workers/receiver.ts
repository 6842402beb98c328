/** What a worker asks of the outside. A receiver knows its protocol; attempts, leases and queues are the worker's. */
import type { MessageItem } from '../store/outbox/message-items.ts';

export type Received =
  /** It acted. The result is kept on the message. */
  | { readonly is: 'done'; readonly result: Readonly<Record<string, unknown>> }
  /** It did not, or it is not known whether it did; another attempt may. */
  | ({ readonly is: 'retry'; readonly retryAfterMs?: number } & Failure)
  /** It never will. */
  | ({ readonly is: 'permanent' } & Failure);

export interface Failure {
  /** Stable: an HTTP status (`500`) or a word (`timeout`). */
  readonly code: string;
  /** For people, without internals. */
  readonly reason: string;
  /** The beginning of what was answered. */
  readonly answer?: string;
}

/**
 * Carries a message out. Called again after any failure, so what it does is keyed by the message's id.
 * @param signal aborts when the call's time is over; what is still going on then counts as failed
 * @returns an outcome as a value; what it throws is a defect, or the network's, and is tried again
 */
export type Receiver = (message: MessageItem, signal: AbortSignal) => Promise<Received>;

export const permanent = (code: string, reason: string): Received => ({ is: 'permanent', code, reason });
export const retry = (code: string, reason: string): Received => ({ is: 'retry', code, reason });
