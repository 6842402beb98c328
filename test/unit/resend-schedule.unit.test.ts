import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isItsTurn } from '../../functions/outbox/resend-schedule.ts';

const grace = 30_000;
const dueAt = 1_000_000_000;

/** The ages, in graces, at which sweeps at these ages send a timer. */
function turns(ages: readonly number[]): number[] {
  let sweptUntil = 0;
  return ages.filter((age) => {
    const now = dueAt + age * grace;
    const sends = isItsTurn(dueAt, sweptUntil, now, grace);
    sweptUntil = now;
    return sends;
  });
}

test('a timer has its turn when it is late by one grace, two, four, eight', () => {
  const everyHalf = Array.from({ length: 40 }, (_, index) => index / 2);
  expect(turns(everyHalf)).toEqual([1, 2, 4, 8, 16]);
});

test('a sweep that comes late finds what had its turn meanwhile, once', () => {
  expect(turns([0.5, 7, 7.5, 9])).toEqual([7, 9]);
});

test('a timer that became due after the last sweep is not forgotten, whatever the intervals', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.001, max: 50, noNaN: true }), { minLength: 1, maxLength: 30 }),
      (intervals) => {
        let age = -5;
        const ages = intervals.map((interval) => (age += interval));
        const sent = turns(ages);
        // Whenever it is late by a grace or more, the last time it was sent is at most half as long ago again.
        for (const at of ages.filter((one) => one >= 1)) {
          const last = Math.max(...sent.filter((one) => one <= at));
          expect(at / last).toBeLessThan(2);
        }
        expect(sent.length).toBeLessThanOrEqual(1 + Math.floor(Math.log2(Math.max(age, 1))));
      },
    ),
  );
});

test('a clock that was ahead in the last sweep and is set right keeps no timer waiting', () => {
  const now = dueAt + 1.5 * grace;
  // That sweep ended by noting a moment that has not come yet: this one sends nothing and notes the right one.
  expect(isItsTurn(dueAt, now + 600_000, now, grace)).toBe(false);
  expect(isItsTurn(dueAt, now, dueAt + 2 * grace, grace)).toBe(true);
});
