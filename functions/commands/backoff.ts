/** How long a command waits before it tries again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from '../runtime/clock.ts';
import { contention } from '../runtime/limits.ts';

export interface Lost {
  /** Attempts that were lost so far, from 1. */
  readonly defeats: number;
  /** How long the last attempt took. */
  readonly attemptMs: number;
  /** Until the deadline. */
  readonly remainingMs: number;
}

/**
 * Full jitter over a window that grows with every defeat: those who wait spread out as more of them wait, the way
 * stations on a shared wire do (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
 * The window is counted in attempts, not in milliseconds: where the database is slow, so that more commands meet
 * within one attempt, a window of fixed length would have them try again and again in vain.
 * @returns the window, in milliseconds; `undefined` where another attempt cannot end before the deadline
 */
export function backoffWindowMs({ defeats, attemptMs, remainingMs }: Lost): number | undefined {
  const slotMs = Math.max(contention.windowBaseMs, attemptMs);
  const restMs = remainingMs - slotMs;
  if (restMs <= 0) return undefined;
  return Math.min(
    slotMs * 2 * contention.windowFactor ** (defeats - 1),
    Math.max(contention.windowMaxMs, slotMs * 8),
    restMs * contention.windowShareOfRest,
  );
}

/** Waits before another attempt. @returns `false` at once where there is no time for one */
export async function backOff(deadline: Deadline, lost: Omit<Lost, 'remainingMs'>): Promise<boolean> {
  const windowMs = backoffWindowMs({ ...lost, remainingMs: deadline.remainingMs() });
  if (windowMs === undefined) return false;
  await sleep(Math.random() * windowMs);
  return true;
}
