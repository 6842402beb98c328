import { afterEach, describe, expect, it, vi } from 'vitest';
import { backOff, backoffWindowMs } from '../../functions/commands/backoff.ts';
import type { Deadline } from '../../functions/runtime/clock.ts';
import { contention } from '../../functions/runtime/limits.ts';

const { windowBaseMs, windowFactor, windowMaxMs, windowShareOfRest } = contention;
const remainingMs = 9_000;

describe('the window of a wait', () => {
  it('grows with every defeat, up to its widest', () => {
    const windows = [1, 2, 3, 4, 9].map((defeats) => backoffWindowMs({ defeats, attemptMs: 0, remainingMs }));
    const first = windowBaseMs * 2;
    expect(windows).toEqual([
      first,
      first * windowFactor,
      first * windowFactor ** 2,
      windowMaxMs,
      windowMaxMs,
    ]);
  });

  it('is counted in attempts where they are slow, and leaves time for more than one', () => {
    expect(backoffWindowMs({ defeats: 1, attemptMs: 100, remainingMs })).toBe(200);
    expect(backoffWindowMs({ defeats: 9, attemptMs: 1_000, remainingMs })).toBe(8_000 * windowShareOfRest);
  });

  it('is none where another attempt cannot end before the deadline', () => {
    expect(backoffWindowMs({ defeats: 1, attemptMs: 500, remainingMs: 500 })).toBeUndefined();
    expect(backoffWindowMs({ defeats: 1, attemptMs: 500, remainingMs: 501 })).toBe(windowShareOfRest);
    expect(backoffWindowMs({ defeats: 1, attemptMs: 0, remainingMs: windowBaseMs })).toBeUndefined();
  });
});

describe('a wait', () => {
  const deadlineIn = (restMs: number): Deadline => ({
    signal: new AbortController().signal,
    remainingMs: () => restMs,
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('lasts the part of the window that chance gives it', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const began = performance.now();
    expect(await backOff(deadlineIn(remainingMs), { defeats: 1, attemptMs: 100 })).toBe(true);
    // Timers may end a millisecond early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(98);
  });

  it('is refused where there is no time for another attempt', async () => {
    expect(await backOff(deadlineIn(100), { defeats: 1, attemptMs: 100 })).toBe(false);
  });
});
