/** How a command that met others on its way waits for its turn, until the request's deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../runtime/clock.ts';
import { contention, request as limits } from '../runtime/limits.ts';
import type { Problem } from './problem.ts';
import { ProblemError } from './problem.ts';

/** The time a request has. Timers and aborted calls follow it, so that it is answered within the deadline. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Milliseconds left. */
  remainingMs(): number;
}

export function startDeadline(
  clock: Clock,
  budgetMs: number = limits.deadlineMs - limits.deadlineReserveMs,
): Deadline {
  const end = clock.now() + budgetMs;
  return { signal: AbortSignal.timeout(budgetMs), remainingMs: () => end - clock.now() };
}

/**
 * Full jitter over a window that doubles with every defeat: those who wait spread out as more of them wait, the
 * way stations on a shared wire do (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
 * @param defeats attempts that were lost so far, from 1
 * @throws ProblemError 503 `contended` where the deadline comes first; nothing was changed then
 */
export async function waitForTurn(
  defeats: number,
  deadline: Deadline,
  problem: Problem = contended,
): Promise<void> {
  const windowMs = Math.min(contention.windowMaxMs, contention.windowBaseMs * 2 ** (defeats - 1));
  const waitMs = Math.random() * windowMs;
  if (waitMs >= deadline.remainingMs()) throw new ProblemError(problem);
  await sleep(waitMs);
}

const retryAfter = { 'retry-after': '1' } as const;

export const contended = {
  status: 503,
  code: 'contended',
  detail: 'Too many commands met on this entity. Nothing was changed; try again with the same key.',
  headers: retryAfter,
} as const;

export const outcomeUnknown = {
  status: 503,
  code: 'outcome_unknown',
  detail:
    'The database did not answer in time. The same key tells what became of the command, and is safe to repeat.',
  headers: retryAfter,
} as const;

export const unavailable = {
  status: 503,
  code: 'unavailable',
  detail: 'A service did not answer in time. Try again with the same key.',
  headers: retryAfter,
} as const;
