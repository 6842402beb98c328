/** Virtual time, for what no small machine carries: nothing in it takes any time but what it says. */

/** Does what is due in the order of its time, to a tenth of a millisecond. */
export class Agenda {
  readonly #due: ((at: number) => void)[][] = [];

  add(at: number, work: (at: number) => void): void {
    const slot = Math.ceil(at * 10);
    (this.#due[slot] ??= []).push(work);
  }

  run(): void {
    // What is done adds more, further down.
    for (let slot = 0; slot < this.#due.length; slot += 1) {
      for (const work of this.#due[slot] ?? []) work(slot / 10);
    }
  }
}

/** The share of the values, sorted, that are no larger: 0.95 is the 95th percentile. `NaN` where there is none. */
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(share * sorted.length)] ?? Number.NaN;
