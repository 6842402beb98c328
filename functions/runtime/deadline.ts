/** The time a request has. */
import type { Clock, Deadline } from './clock.ts';
import { request as limits } from './limits.ts';

/** The time of a request, less what is kept back to answer it. */
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
