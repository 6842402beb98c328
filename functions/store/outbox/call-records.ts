/** The attempts and inquiries that a message keeps. Pure. */

/** One attempt, or one inquiry. */
export interface CallRecord {
  readonly kind: 'call' | 'inquiry';
  /** Each redrive begins another run, in which attempts count from 1. */
  readonly run: number;
  /** Of an inquiry: the attempt that it asks about. */
  readonly attempt: number;
  /** RFC 3339 UTC: when its outcome was known. */
  readonly at: string;
  /** What was sent, in a few words. */
  readonly sent?: string;
  /** What came: an HTTP status (`500`) or a word (`timeout`). */
  readonly code: string;
  readonly reason: string;
  /** Whether it is known what the receiver did. */
  readonly certain: boolean;
}

/**
 * A call that its receiver simply answered: what it has in common with all such calls is not kept. With it the end of a call
 * and of its entity's transition would come to more than a kilobyte, which in a transaction is two write units more.
 */
export type AnsweredCall = Omit<CallRecord, keyof typeof answeredCall>;

export const answeredCall = { kind: 'call', reason: 'The receiver answered.', certain: true } as const;

/** As the item keeps it. The version before kept all of every call. */
export type KeptCall = CallRecord | AnsweredCall;

export function keptCall(call: CallRecord): KeptCall {
  const { kind, reason, certain, ...rest } = call;
  const isUsual = kind === answeredCall.kind && reason === answeredCall.reason && certain;
  return isUsual ? rest : call;
}

/** The attempts and inquiries of a message, each with all that is known of it. */
export const callsOf = ({ calls = [] }: { readonly calls?: readonly KeptCall[] }): readonly CallRecord[] =>
  calls.map((call) => ({ ...answeredCall, ...call }));
