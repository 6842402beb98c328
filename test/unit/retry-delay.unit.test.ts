import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { delivery } from '../../functions/runtime/delivery-limits.ts';
import { retryAfterMaxMs, topicPolicies, topics } from '../../functions/runtime/topics.ts';
import {
  faultDelaySeconds,
  parseRetryAfter,
  retryDelaySeconds,
} from '../../functions/workers/retry-delay.ts';
import { anyCharacter } from '../support/characters.ts';

const attempt = fc.integer({ min: 1, max: 1_000 });
const random = fc.double({ min: 0, max: 1, noNaN: true });
const topic = fc.constantFrom(...topics);

describe('the wait before another attempt', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [4, 8],
  ])('after attempt %i is about %i s', (failed, seconds) => {
    expect(retryDelaySeconds(topicPolicies['external-call'], failed, 0.5)).toBe(seconds);
  });

  test('is whole seconds that SQS takes, whatever happened', () => {
    fc.assert(
      fc.property(topic, attempt, random, fc.nat(), (name, failed, luck, asked) => {
        const seconds = retryDelaySeconds(topicPolicies[name], failed, luck, asked);
        expect(Number.isInteger(seconds)).toBe(true);
        expect(seconds).toBeGreaterThanOrEqual(1);
        expect(seconds).toBeLessThanOrEqual(delivery.visibilityMaxSeconds);
      }),
    );
  });

  test('never shrinks from one attempt to the next with the same luck', () => {
    fc.assert(
      fc.property(topic, attempt, random, (name, failed, luck) => {
        const policy = topicPolicies[name];
        expect(retryDelaySeconds(policy, failed + 1, luck)).toBeGreaterThanOrEqual(
          retryDelaySeconds(policy, failed, luck),
        );
      }),
    );
  });

  test('stays within the jitter of the policy, up to the rounding', () => {
    fc.assert(
      fc.property(topic, attempt, random, (name, failed, luck) => {
        const { baseDelayMs, factor, maxDelayMs, jitter } = topicPolicies[name];
        const wait = Math.min(baseDelayMs * factor ** (failed - 1), maxDelayMs) / 1000;
        const seconds = retryDelaySeconds(topicPolicies[name], failed, luck);
        expect(seconds).toBeGreaterThanOrEqual(Math.floor(wait * (1 - jitter / 2)));
        expect(seconds).toBeLessThanOrEqual(Math.max(1, Math.ceil(wait * (1 + jitter / 2))));
      }),
    );
  });

  test('is never shorter than the receiver asked, up to an hour', () => {
    fc.assert(
      fc.property(topic, attempt, random, fc.integer({ min: 0, max: 1e9 }), (name, failed, luck, asked) => {
        const seconds = retryDelaySeconds(topicPolicies[name], failed, luck, asked);
        expect(seconds * 1000).toBeGreaterThanOrEqual(Math.min(asked, retryAfterMaxMs));
      }),
    );
  });

  test('after a fault of our own grows to its bound', () => {
    expect([1, 2, 3, 100].map(faultDelaySeconds)).toEqual([2, 4, 8, delivery.faultMaxSeconds]);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 20, 12, 0, 0);
  test.each([
    ['3', 3_000],
    [' 0 ', 0],
    ['120', 120_000],
    ['Fri, 20 Nov 2026 12:00:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['1234567890', undefined],
    ['soon', undefined],
    ['20 Nov 2026 12:00:30 GMT', undefined],
    ['Fr, 20 Nov 2026 12:00:30 GMT', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j asks for %j ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });

  test('of any text is a wait or nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), (text) => {
        const asked = parseRetryAfter(text, now);
        expect(asked === undefined || (Number.isFinite(asked) && asked >= 0)).toBe(true);
      }),
    );
  });
});
