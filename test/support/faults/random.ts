/** Random choices that a seed replays. */
export interface Random {
  /** From 0 to 1. */
  readonly next: () => number;
  readonly chance: (share: number) => boolean;
  readonly below: (limit: number) => number;
  readonly pick: <T>(values: readonly T[]) => T;
  readonly shuffled: <T>(values: readonly T[]) => T[];
  /** Another one, whose choices do not depend on how often this one is asked. */
  readonly fork: (name: number) => Random;
}

/** Mulberry32: 32 bits of state are plenty for choices. https://github.com/cprosche/mulberry32 */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick: (values) => {
      const value = values[below(values.length)];
      if (value === undefined) throw new Error('there is nothing to pick from');
      return value;
    },
    shuffled: (values) =>
      values
        .map((value) => ({ value, place: next() }))
        .sort((a, b) => a.place - b.place)
        .map(({ value }) => value),
    fork: (name) => randomOf(Math.imul(seed ^ 0x9e3779b9, name + 1)),
  };
}

/** The seed of this run: `FAULT_SEED`, or a new one. */
export const seedOf = (): number => {
  const given = process.env['FAULT_SEED'];
  return given === undefined || given === '' ? Math.floor(Math.random() * 2 ** 31) : Number(given);
};
