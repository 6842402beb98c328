/** The time a request has. */
import { setMaxListeners } from 'node:events';
import type { Clock, Deadline } from './clock.ts';
import { delivery } from './delivery-limits.ts';
import { request as limits } from './limits.ts';

/** The time of a request, less what is kept back to answer it. */
export function startDeadline(
  clock: Clock,
  budgetMs: number = limits.deadlineMs - limits.deadlineReserveMs,
): Deadline {
  const end = clock.now() + budgetMs;
  const signal = AbortSignal.timeout(budgetMs);
  setMaxListeners(listenersMax, signal);
  return { signal, remainingMs: () => end - clock.now() };
}

/**
 * Every call under way listens to the end of its time, and one that was just answered does so for a moment longer. The
 * bulk redrive has most of them. Beyond this number Node.js warns of a leak, and it would be one.
 */
const listenersMax = 2 * delivery.writeConcurrency;

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

/** Waits for something that cannot fail. @returns whether it ended before the deadline */
export function endsBefore({ signal }: Deadline, work: Promise<void>): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timeIsOver = (): void => {
      resolve(false);
    };
    signal.addEventListener('abort', timeIsOver);
    void work.then(() => {
      signal.removeEventListener('abort', timeIsOver);
      resolve(true);
    });
  });
}
