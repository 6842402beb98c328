/** Lets somebody who waits for a time be called before it is over. */
export class Doorbell {
  readonly #waiting = new Set<() => void>();

  /** How often it has rung: who compares finds out what it missed while it did not wait. */
  rings = 0;

  ring(): void {
    this.rings += 1;
    for (const end of [...this.#waiting]) end();
  }

  /** Waits for the next ring, at most so long. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#waiting.add(end);
    });
  }
}
