import type { Clock } from '../../functions/runtime/clock.ts';

/** The real time, until a test moves it on. */
export interface TestClock extends Clock {
  /** Moves time to a moment, epoch milliseconds, from where it runs on. */
  moveTo(epochMs: number): void;
  advance(ms: number): void;
  /** Stops time at a moment while something is done. */
  at<T>(epochMs: number, work: () => Promise<T>): Promise<T>;
}

export function createTestClock(): TestClock {
  let offset = 0;
  let stopped: number | undefined;
  return {
    now: () => stopped ?? Date.now() + offset,
    moveTo: (epochMs) => {
      offset = epochMs - Date.now();
    },
    advance: (ms) => {
      offset += ms;
    },
    at: async (epochMs, work) => {
      stopped = epochMs;
      try {
        return await work();
      } finally {
        stopped = undefined;
      }
    },
  };
}
