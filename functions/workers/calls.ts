/** The record that a message keeps of its attempts. Pure. */
import { cutText } from '../runtime/cut-text.ts';
import { message as limits } from '../runtime/limits.ts';
import { callsOf, keptCall } from '../store/outbox/call-records.ts';
import type { CallRecord, KeptCall } from '../store/outbox/call-records.ts';
import type { MessageItem } from '../store/outbox/message-items.ts';

/** The newest attempts and inquiries of a message, with one more. */
export function withCall(
  { run, attempts, calls = [] }: MessageItem,
  { reason, ...call }: Omit<CallRecord, 'run' | 'attempt'>,
): readonly KeptCall[] {
  const record = { ...call, run, attempt: attempts, reason: cutText(reason, limits.callReasonMaxBytes) };
  return [...calls, keptCall(record)].slice(-limits.callsMax);
}

/**
 * When the last call of a message ended, epoch ms, as far as its worker lived to tell: where it did not, its lease was
 * over before anybody could ask.
 */
export function lastCallEnded(item: MessageItem): number {
  const { run, attempts } = item;
  const last = callsOf(item).findLast(({ kind }) => kind === 'call');
  return last !== undefined && last.run === run && last.attempt === attempts ? Date.parse(last.at) : 0;
}
