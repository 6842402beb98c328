/** What one payee's account and one showing's places bear under the conflicts of the service, in virtual time. */
import { describe, expect, it } from 'vitest';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { randomOf } from '../support/faults/random.ts';
import { simulateCredits } from '../support/simulated-credits.ts';
import { simulatePlaces } from '../support/simulated-places.ts';
import { percentile } from '../support/virtual-time.ts';

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

const places = (rate: number, items: number, { capacity = rate * 20, holdMs = 10 } = {}) =>
  simulatePlaces({
    ...{ rate, count: rate * 20, capacity, items, holdMs },
    environments: 200,
    random: randomOf(rate),
  });
const { remaining } = registerDomains(domains).byCollection('showings').accounts ?? {};
const spread = remaining?.spread ?? 1;

describe.each([5, 10, 15])('places of one showing, whose items are held for %d ms', (holdMs) => {
  it('are sold at 300 a second, 95 of 100 within a second, and nobody is sent away', () => {
    const { tookMs, contended, held } = places(300, spread, { holdMs });
    expect([tookMs.length, contended]).toEqual([6_000, 0]);
    expect(percentile(tookMs, 0.95)).toBeLessThan(1_000);
    expect(held.length).toBe(spread);
  });

  it('are sold to the last one, and who comes later is told so as quickly', () => {
    const { tookMs, refusedMs, contended, held } = places(300, spread, { capacity: 3_000, holdMs });
    expect([tookMs.length, refusedMs.length, contended]).toEqual([3_000, 3_000, 0]);
    expect(percentile(tookMs, 0.95)).toBeLessThan(1_000);
    expect(percentile(refusedMs, 0.95)).toBeLessThan(1_000);
    expect(new Set(held)).toEqual(new Set([0]));
  });
});

it('could not be sold so by one item', () => {
  expect(places(300, 1).contended).toBeGreaterThan(3_000);
});
