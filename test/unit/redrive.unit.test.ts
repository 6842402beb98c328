import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, newRun, stopped, totals } from '../../functions/core/redrive-run.ts';
import type { Look, RedriveRun } from '../../functions/core/redrive-run.ts';
import { failsTooOften, nextSize, stepSizes } from '../../functions/core/ramp.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { list, redriveRun } from '../../functions/runtime/delivery-limits.ts';
import { transaction } from '../../functions/runtime/limits.ts';
import { timerPolicy } from '../../functions/runtime/topics.ts';
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

describe('a run', () => {
  const begun = (count: number, ramp: object = {}): RedriveRun => {
    const given = { startWith: 1, factor: 1, stopAtFailureShare: 0, ...ramp };
    const empty = newRun({ ...given, id: 'rdr_1', tenant: 'acme', match: {}, startedBy: 'alice', now });
    return advance(empty, { part: { count, held: 0, position: undefined } }, now);
  };
  const none = { sent: 0, done: 0, deadAgain: 0, waiting: 0, skipped: 0, open: 0, unsent: 0 };
  const looked = (run: RedriveRun, look: Partial<Look>, at = now): RedriveRun =>
    advance(run, { look: { ...none, ...look } }, at);

  test('keeps the newest steps, and counts all of them', () => {
    const steps = redriveRun.stepsKept + 1;
    let run = begun(steps);
    for (let step = 1; step < steps; step += 1) run = looked(run, { sent: 1, done: 1 });
    expect([run.state, run.steps.length]).toEqual(['running', redriveRun.stepsKept]);
    run = looked(run, { sent: 1, waiting: 1 });
    expect([run.state, run.steps.length]).toEqual(['done', redriveRun.stepsKept]);
    expect(totals(run)).toMatchObject({ sent: steps, done: steps - 1, waiting: 1 });
    expect(run.dueAt).toBeUndefined();
  });

  test('is due at a time of its own after each look, soon at first and once a minute at last', () => {
    const run = begun(2);
    const soon = looked(run, { sent: 1, open: 1 }, now + 1_000);
    expect(soon.dueAt).toBe(now + 1_000 + redriveRun.lookMinMs);
    const age = (1.5 * redriveRun.lookMinMs) / redriveRun.lookShareOfAge;
    const later = looked(run, { sent: 1, open: 1 }, now + age);
    expect(later.dueAt).toBe(Math.ceil(now + age + 1.5 * redriveRun.lookMinMs));
    // A second look at the same moment is due at another time: the stream takes what has changed.
    expect(looked(later, { sent: 1, open: 1 }, now + age).dueAt).toBe((later.dueAt ?? 0) + 1);
    const day = now + 86_400_000;
    expect(looked(run, { sent: 1, open: 1 }, day).dueAt).toBe(day + redriveRun.lookMaxMs);
    // What is not sent yet does not wait.
    const due = run.dueAt ?? 0;
    expect(looked(run, { unsent: 1 }, due).dueAt).toBe(due + 1);
    // It stays where it is once the run was stopped.
    const halted = stopped(run, 'bob', now);
    expect(looked(halted, { open: 1, unsent: 1 }, now + redriveRun.budgetMs).dueAt).toBeGreaterThan(
      now + redriveRun.budgetMs + redriveRun.lookMinMs,
    );
  });

  test.each([
    // Nothing but the second before each look.
    { endsAfterMs: 1_000, seconds: 54 },
    // A thousand messages of ten workers, each of whom needs a tenth of a second for one.
    { endsAfterMs: 10_000, seconds: 547 },
  ])('over 50,000, whose steps end in $endsAfterMs ms, takes $seconds s', ({ endsAfterMs, seconds }) => {
    let run = begun(50_000, { startWith: 5, factor: 4 });
    let at = now;
    let steps = 0;
    while (run.dueAt !== undefined) {
      at = run.dueAt;
      const { size = 0, startedAt = '' } = run.step ?? {};
      const isOver = at - Date.parse(startedAt) >= endsAfterMs;
      run = looked(run, { sent: size, ...(isOver ? { done: size } : { open: size }) }, at);
      if (isOver) steps += 1;
    }
    expect(totals(run)).toMatchObject({ sent: 50_000, done: 50_000 });
    expect([steps, Math.round((at - now) / 1_000)]).toEqual([54, seconds]);
  });

  test('begins no step before the search has found enough for it, or has come to its end', () => {
    const empty = newRun({
      startWith: 5,
      factor: 2,
      stopAtFailureShare: 0,
      id: 'rdr_1',
      tenant: 'acme',
      match: {},
      startedBy: 'alice',
      now,
    });
    const some = advance(empty, { part: { count: 4, held: 0, position: 'there' } }, now);
    expect([some.step, some.dueAt]).toEqual([undefined, now]);
    expect(advance(some, { part: { count: 1, held: 0, position: 'there' } }, now).step?.size).toBe(5);
    expect(advance(some, { part: { count: 0, held: 0, position: undefined } }, now).step?.size).toBe(4);
  });

  test('that was stopped looks at what is on its way, and not for ever', () => {
    const run = stopped(looked(begun(9), { sent: 1, open: 1 }), 'bob', now);
    const until = now + redriveRun.lookAfterStopMs;
    expect(looked(run, { sent: 1, open: 1 }, until).dueAt).toBeGreaterThan(until);
    expect(looked(run, { sent: 1, open: 1 }, until + 1).dueAt).toBeUndefined();
    expect(looked(run, { sent: 1, done: 1 }).dueAt).toBeUndefined();
    expect(looked(run, { unsent: 1 })).toMatchObject({ state: 'stopped', step: undefined });
  });

  test('that was stopped stays so for its first reason', () => {
    const run = stopped(looked(begun(9), { sent: 1, open: 1 }), 'bob', now);
    const after = looked(run, { sent: 1, deadAgain: 1 }, now + 1_000);
    expect(after).toMatchObject({ stoppedBecause: 'operator', stoppedBy: 'bob', endedAt: timestamp(now) });
    expect(after.ended.deadAgain).toBe(1);
    const failed = looked(begun(9), { sent: 1, deadAgain: 1 }, now + 1_000);
    expect(failed).toMatchObject({ state: 'stopped', stoppedBecause: 'failure_share', dueAt: undefined });
    expect(failed.endedAt).toBe(timestamp(now + 1_000));
  });

  test('is judged by a step that was sent whole, and before that has ended', () => {
    const run = begun(9, { startWith: 5, stopAtFailureShare: 0.3 });
    expect(looked(run, { sent: 2, deadAgain: 1, unsent: 3 }).state).toBe('running');
    expect(looked(run, { sent: 5, deadAgain: 1, open: 4 }).state).toBe('running');
    // It has not ended while some of it was not sent.
    expect(looked(run, { sent: 2, done: 2, unsent: 3 })).toMatchObject({ taken: 5, step: { sent: 2 } });
    const failed = looked(run, { sent: 5, deadAgain: 2, open: 3 });
    // What is on its way is still looked at.
    expect(failed).toMatchObject({ state: 'stopped', step: { sent: 5, deadAgain: 2 } });
    expect(failed.dueAt).toBeGreaterThan(now);
    // Of those that were passed over nothing is known.
    expect(looked(run, { sent: 3, skipped: 2, deadAgain: 1, done: 2 }).state).toBe('stopped');
  });

  test('that is stopped between two steps, or while it searches, has nothing left to do', () => {
    const empty = { ...begun(0), state: 'running' } as const;
    expect(stopped(empty, 'bob', now).dueAt).toBeUndefined();
    expect(stopped(begun(9), 'bob', now)).toMatchObject({
      ...{ dueAt: now + redriveRun.budgetMs, updatedAt: timestamp(now), endedAt: timestamp(now) },
    });
  });

  test('adds up what it found and what became of all of it', () => {
    const first = { sent: 7, done: 1, deadAgain: 1, waiting: 2, skipped: 3 };
    const other = { sent: 5, done: 3, deadAgain: 1, waiting: 1, skipped: 5 };
    const given = { startWith: 10, factor: 1, stopAtFailureShare: 1 };
    const empty = newRun({ ...given, id: 'rdr_1', tenant: 'acme', match: {}, startedBy: 'alice', now });
    expect(empty).toMatchObject({ state: 'running', isListed: false, taken: 0, steps: [], revision: 0 });
    const some = advance(empty, { part: { count: 9, held: 2, position: 'there' } }, now);
    let run = advance(some, { part: { count: 11, held: 3, position: undefined } }, now);
    expect(run).toMatchObject({ listed: 20, held: 5, taken: 10, isListed: true });
    expect(totals(run)).toEqual({ sent: 0, done: 0, deadAgain: 0, waiting: 0, skipped: 0 });
    run = looked(run, first);
    expect(run).toMatchObject({ taken: 20, step: { size: 10 } });
    run = looked(run, { ...other, open: 1 });
    expect(totals(run)).toEqual({ sent: 12, done: 4, deadAgain: 2, waiting: 3, skipped: 8 });
    run = looked(run, other);
    expect(run).toMatchObject({ state: 'done', dueAt: undefined, endedAt: timestamp(now) });
    expect(totals(run)).toEqual({ sent: 12, done: 4, deadAgain: 2, waiting: 3, skipped: 8 });
  });

  test('is of a new revision with each write, since each asks for the one before', () => {
    const run = begun(2);
    const [next, last] = [looked(run, { sent: 1, open: 1 }), stopped(run, 'bob', now)];
    expect([run.revision, next.revision, last.revision]).toEqual([1, 2, 2]);
    expect(looked(run, { sent: 1, open: 1 }, now + 1_000).updatedAt).toBe(timestamp(now + 1_000));
  });

  test('fits: its list into an item, its work into a delivery, its steps into its item', () => {
    // An id has 50 characters at most.
    expect(redriveRun.listItemMax * 64).toBeLessThan(transaction.itemMaxBytes);
    expect(list.entriesPerPage).toBeLessThanOrEqual(redriveRun.listItemMax);
    expect(redriveRun.stepMax * 64).toBeLessThan(1024 * 1024);
    expect(redriveRun.budgetMs * 2).toBeLessThan(timerPolicy.functionTimeoutSeconds * 1000);
    expect((redriveRun.stepsKept + 1) * 300).toBeLessThan(transaction.itemMaxBytes / 4);
  });
});
