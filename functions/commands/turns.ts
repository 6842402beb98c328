/** Commands of one process that want the same take turns: first come, first served. */
import type { Deadline } from '../runtime/clock.ts';

/**
 * `own`: nobody else had it. `passed`: it was waited for. `late`: it does not come before the deadline. That is told at
 * once where those before would take so long.
 */
export type Turn = 'own' | 'passed' | 'late';

/** How much one turn says of how long the next ones take. One that was slow for once sends nobody away. */
const lastShare = 1 / 8;

export class Turns {
  readonly #now: () => number;
  /** Lets in who waits, the first one first. */
  readonly #waiting = new Set<() => void>();
  /** Since when somebody has the turn. */
  #since: number | undefined;
  /** How long a turn took lately, milliseconds. It begins at nothing, so that some have to show it. */
  #usualMs = 0;

  /** @param now milliseconds of a clock that only goes on */
  constructor(now: () => number) {
    this.#now = now;
  }

  get isTaken(): boolean {
    return this.#since !== undefined;
  }

  /** Who was told `own` or `passed` has the turn, and must pass it on. */
  async take(deadline: Deadline): Promise<Turn> {
    if (this.#since === undefined) {
      this.#since = this.#now();
      return 'own';
    }
    const before = this.#waiting.size + 1;
    if (deadline.signal.aborted || before * this.#usualMs >= deadline.remainingMs()) return 'late';
    return (await this.#wait(deadline.signal)) ? 'passed' : 'late';
  }

  /** Passes the turn on to who has waited longest. */
  pass(): void {
    if (this.#since === undefined) return;
    const tookMs = this.#now() - this.#since;
    this.#usualMs += (tookMs - this.#usualMs) * lastShare;
    const [next] = this.#waiting;
    this.#since = next && this.#now();
    next?.();
  }

  /** @returns whether the turn came, and was not waited for in vain */
  #wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (hasCome: boolean): void => {
        this.#waiting.delete(letIn);
        resolve(hasCome);
      };
      const letIn = (): void => {
        end(true);
      };
      const leave = (): void => {
        end(false);
      };
      this.#waiting.add(letIn);
      signal.addEventListener('abort', leave);
    });
  }
}
