import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failsTooOften, nextSize, stepSizes } from '../../functions/core/ramp.ts';
import { redriveRun } from '../../functions/runtime/delivery-limits.ts';
import { readFlags, UsageError } from '../../infra/local/command-line.ts';
import { flags, redriveOptions } from '../../infra/tools/operations/redrive-options.ts';
import type { RedriveOptions } from '../../infra/tools/operations/redrive-options.ts';

const now = Date.UTC(2026, 10, 20, 12);
const optionsOf = (...args: readonly string[]): RedriveOptions =>
  redriveOptions(readFlags({ flags }, args).values, now);

describe('the command line', () => {
  test('becomes the body of a run', () => {
    const which = ['--tenant', 'acme', '--topic', 'llm', '--type', 'a.b', '--code', '500', '--since', '1h'];
    const how = ['--start-with', '1', '--factor', '2.5', '--max-failures', '0', '--note', 'It is back.'];
    expect(optionsOf(...which, ...how)).toMatchObject({
      tenant: 'acme',
      body: {
        match: { topic: 'llm', type: 'a.b', code: '500', since: '2026-11-20T11:00:00.000Z' },
        dryRun: false,
        startWith: 1,
        factor: 2.5,
        stopAtFailureShare: 0,
        note: 'It is back.',
      },
    });
    expect(optionsOf('--dry-run').body).toEqual({ match: {}, dryRun: true });
    expect(optionsOf('--run', 'rdr_1', '--url', 'https://api.example/').url).toBe('https://api.example');
  });

  test.each([
    ['--topic', 'pigeon'],
    ['--since', 'yesterday'],
    ['--start-with', '0'],
    ['--start-with', '1001'],
    ['--factor', '0.9'],
    ['--max-failures', '2'],
    ['--url', 'nowhere'],
    ['--everything'],
  ])('%j is refused with how to use it', (...args) => {
    expect(() => optionsOf(...args)).toThrow(UsageError);
  });
});

describe('a ramp', () => {
  const bounds = { stepMax: redriveRun.stepMax, stepsMax: redriveRun.stepsShown };

  test('grows by its factor, up to the largest step, and ends with the rest', () => {
    expect(stepSizes(3_000, { startWith: 5, factor: 4 }, bounds)).toEqual([
      5, 20, 80, 320, 1_000, 1_000, 575,
    ]);
    expect(stepSizes(4, { startWith: 1, factor: 1 }, bounds)).toEqual([1, 1, 1, 1]);
    expect(stepSizes(0, { startWith: 5, factor: 4 }, bounds)).toEqual([]);
    expect(stepSizes(1_000, { startWith: 1, factor: 1 }, bounds)).toHaveLength(redriveRun.stepsShown);
  });

  test('takes every message, never more than the largest step, and never fewer than before', () => {
    const messages = fc.integer({ min: 0, max: 20_000 });
    const startWith = fc.integer({ min: 1, max: redriveRun.stepMax });
    const factor = fc.double({ min: 1, max: redriveRun.factorMax, noNaN: true });
    fc.assert(
      fc.property(messages, startWith, factor, (count, first, times) => {
        const ramp = { startWith: first, factor: times };
        const sizes = stepSizes(count, ramp, { ...bounds, stepsMax: Number.POSITIVE_INFINITY });
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
        for (const [index, size] of sizes.slice(0, -1).entries()) {
          expect(size).toBeLessThanOrEqual(redriveRun.stepMax);
          if (index > 0) expect(size).toBeGreaterThanOrEqual(sizes[index - 1] ?? 0);
        }
        expect(nextSize(first, ramp, redriveRun.stepMax)).toBeGreaterThanOrEqual(
          Math.min(first, redriveRun.stepMax),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('bears just its share of failures', () => {
    const bears = (sent: number, deadAgain: number, share: number): boolean =>
      !failsTooOften({ sent, deadAgain }, { stopAtFailureShare: share });
    expect([bears(5, 1, 0.2), bears(5, 2, 0.2)]).toEqual([true, false]);
    expect([bears(5, 0, 0), bears(5, 1, 0)]).toEqual([true, false]);
    expect(bears(5, 5, 1)).toBe(true);
    expect(bears(0, 0, 0)).toBe(true);
  });
});
