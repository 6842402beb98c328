/** What one payee's account bears under the conflicts of the service, in virtual time. */
import { expect, it } from 'vitest';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { randomOf } from '../support/faults/random.ts';
import { percentile, simulateCredits } from '../support/simulated-credits.ts';

const crowd = (items: number, rate: number, holdMs = 10) =>
  simulateCredits({ rate, count: rate * 20, items, holdMs, random: randomOf(rate) });

// On the service a transaction of a few items took 5 to 15 ms.
it.each([5, 10, 15])(
  'takes 1,000 credits a second to one payee, 95 of 100 within half a second, held for %d ms',
  (holdMs) => {
    const items = registerDomains(domains).spreadOf('holding:bookshop:EUR');
    const { tookMs, contended } = crowd(items, 1_000, holdMs);
    expect([tookMs.length, contended]).toEqual([20_000, 0]);
    expect(percentile(tookMs, 0.95)).toBeLessThan(500);
  },
);

it('would not by one item: most of them would be told in vain to wait', () => {
  const { contended } = crowd(1, 1_000);
  expect(contended).toBeGreaterThan(10_000);
});

it('knows the knee of one item: 25 a second hardly wait, and 75 a second wait for seconds', () => {
  expect(percentile(crowd(1, 25).tookMs, 0.95)).toBeLessThan(500);
  expect(percentile(crowd(1, 75).tookMs, 0.95)).toBeGreaterThan(1_000);
});
