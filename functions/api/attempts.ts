/** How a command that met others on its way waits for its turn, until the request's deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Deadline } from '../runtime/clock.ts';
import { contention, request as limits } from '../runtime/limits.ts';
import { ProblemError, retrySoon } from './problem.ts';
import type { Problem } from './problem.ts';

/** The time a request has. */
export function startDeadline(
  clock: Clock,
  budgetMs: number = limits.deadlineMs - limits.deadlineReserveMs,
): Deadline {
  const end = clock.now() + budgetMs;
  return { signal: AbortSignal.timeout(budgetMs), remainingMs: () => end - clock.now() };
}

/**
 * For work whose calls follow no signal: when its time is over, it goes on without being waited for.
 * @throws TimeoutError then
 */
export function inTime<T>({ signal }: Deadline, work: Promise<T>): Promise<T> {
  const timeIsOver = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
  return Promise.race([work, timeIsOver]);
}

/**
 * Full jitter over a window that grows with every defeat: those who wait spread out as more of them wait, the way
 * stations on a shared wire do (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
 * The window is counted in attempts, not in milliseconds: where the database is slow, so that more commands meet
 * within one attempt, a window of fixed length would have them try again and again in vain.
 * @param defeats attempts that were lost so far, from 1
 * @param attemptMs how long the last attempt took
 * @param cause why the last attempt failed, for the log
 * @throws ProblemError 503 `contended` where there is no time left for another attempt; nothing was changed then
 */
export async function waitForTurn(
  defeats: number,
  deadline: Deadline,
  problem: Problem = contended,
  attemptMs = 0,
  cause?: unknown,
): Promise<void> {
  const slotMs = Math.max(contention.windowBaseMs, attemptMs);
  const restMs = deadline.remainingMs() - slotMs;
  if (restMs <= 0) throw new ProblemError(problem, cause);
  const windowMs = Math.min(
    slotMs * 2 * contention.windowFactor ** (defeats - 1),
    Math.max(contention.windowMaxMs, slotMs * 8),
    restMs * contention.windowShareOfRest,
  );
  await sleep(Math.random() * windowMs);
}

export const contended = {
  status: 503,
  code: 'contended',
  detail: 'Too many commands met on this entity. Nothing was changed; try again with the same key.',
  headers: retrySoon,
} as const;

/** The key's record is in a transaction: a duplicate of this request is being carried out, and has not ended in time. */
export const requestInProgress = {
  status: 409,
  code: 'request_in_progress',
  detail: 'The first request of this key is still running. Try again with the same key for its answer.',
  headers: retrySoon,
} as const;

export const outcomeUnknown = {
  status: 503,
  code: 'outcome_unknown',
  detail:
    'The database did not answer in time. The same key tells what became of the command, and is safe to repeat.',
  headers: retrySoon,
} as const;

export const unavailable = {
  status: 503,
  code: 'unavailable',
  detail: 'A service did not answer in time. Try again with the same key.',
  headers: retrySoon,
} as const;

/** What a command is told that has no time left. */
export function tooLate({ isUnknown, isKeyBusy }: { isUnknown: boolean; isKeyBusy: boolean }): Problem {
  if (isUnknown) return outcomeUnknown;
  return isKeyBusy ? requestInProgress : contended;
}
