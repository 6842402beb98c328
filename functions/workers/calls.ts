/** The record that a message keeps of its attempts. Pure. */
import { cutText } from '../runtime/cut-text.ts';
import { message as limits } from '../runtime/limits.ts';
import type { CallRecord, MessageItem } from '../store/outbox/message-items.ts';

/** The newest attempts and inquiries of a message, with one more. */
export function withCall(
  { run, attempts, calls = [] }: MessageItem,
  { reason, ...call }: Omit<CallRecord, 'run' | 'attempt'>,
): readonly CallRecord[] {
  const record = { ...call, run, attempt: attempts, reason: cutText(reason, limits.callReasonMaxBytes) };
  return [...calls, record].slice(-limits.callsMax);
}

/**
 * When the last call of a message ended, epoch ms, as far as its worker lived to tell: where it did not, its lease was
 * over before anybody could ask.
 */
export function lastCallEnded({ run, attempts, calls = [] }: MessageItem): number {
  const last = calls.findLast(({ kind }) => kind === 'call');
  return last !== undefined && last.run === run && last.attempt === attempts ? Date.parse(last.at) : 0;
}
