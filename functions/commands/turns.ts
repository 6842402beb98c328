/** Commands of one process that want the same take turns: first come, first served. */
import type { Deadline } from '../runtime/clock.ts';

/**
 * `own`: nobody else had it. `passed`: it was waited for. `late`: it does not come before the deadline. That is told at
 * once where those before would take so long.
 */
export type Turn = 'own' | 'passed' | 'late';

/**
 * So many turns say how long the next ones take: as long as the one in the middle. The first ones of a crowd are slow, since all
 * of the crowd is at the database then, and send nobody away.
 */
const remembered = 9;

export class Turns {
  readonly #now: () => number;
  /** Lets in who waits, the first one first. */
  readonly #waiting = new Set<() => void>();
  /** Since when somebody has the turn. */
  #since: number | undefined;
  /** How long the last turns took, milliseconds. */
  readonly #tookMs: number[] = [];

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
    const expectedMs = (this.#waiting.size + 1) * this.#usualMs();
    if (deadline.signal.aborted || expectedMs >= deadline.remainingMs()) return 'late';
    return (await this.#wait(deadline.signal)) ? 'passed' : 'late';
  }

  /** Passes the turn on to who has waited longest. */
  pass(): void {
    if (this.#since === undefined) return;
    this.#tookMs.push(this.#now() - this.#since);
    if (this.#tookMs.length > remembered) this.#tookMs.shift();
    const [next] = this.#waiting;
    this.#since = next && this.#now();
    next?.();
  }

  /** How long a turn took lately; 0 where that is not known yet. */
  #usualMs(): number {
    if (this.#tookMs.length < remembered) return 0;
    return this.#tookMs.toSorted((one, other) => one - other)[(remembered - 1) / 2] ?? 0;
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
