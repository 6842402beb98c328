/** When a failed call is tried again. Pure. */
import { delivery } from '../runtime/delivery-limits.ts';
import { retryAfterMaxMs } from '../runtime/topics.ts';
import type { TopicPolicy } from '../runtime/topics.ts';

/**
 * @param attempt the number of the call that failed, from 1
 * @param random from 0 to 1
 * @param retryAfterMs what the receiver asked for; honoured up to an hour, and never shortened by jitter
 * @returns whole seconds, 1 at least: SQS hides a message by the second
 */
export function retryDelaySeconds(
  policy: Pick<TopicPolicy, 'baseDelayMs' | 'factor' | 'maxDelayMs' | 'jitter'>,
  attempt: number,
  random: number,
  retryAfterMs = 0,
): number {
  const wait = Math.min(policy.baseDelayMs * policy.factor ** (attempt - 1), policy.maxDelayMs);
  const spread = wait * (1 - policy.jitter / 2 + random * policy.jitter);
  const asked = Math.ceil(Math.min(retryAfterMs, retryAfterMaxMs) / 1000);
  return Math.max(1, Math.round(spread / 1000), asked);
}

/**
 * The wait after a delivery that failed on our side, before its record could say more.
 * @param receiveCount how often SQS handed it out, from 1
 */
export const faultDelaySeconds = (receiveCount: number): number =>
  Math.min(delivery.faultBaseSeconds * 2 ** Math.max(receiveCount - 1, 0), delivery.faultMaxSeconds);

/**
 * Reads a `Retry-After` header: seconds, or an HTTP date.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 * @returns milliseconds from now, not negative; `undefined` where it is neither
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse takes much else than dates of HTTP, numbers among it.
  const date = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}
