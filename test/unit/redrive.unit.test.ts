import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageItem } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { readFlags, UsageError } from '../../infra/local/command-line.ts';
import { pacedRedrive } from '../../infra/tools/operations/paced-redrive.ts';
import type { RedrivePace, RedriveState } from '../../infra/tools/operations/paced-redrive.ts';
import { flags, isSelected, redriveOptions } from '../../infra/tools/operations/redrive-options.ts';
import type { RedriveOptions } from '../../infra/tools/operations/redrive-options.ts';

const diedAt = Date.UTC(2026, 10, 20, 12);
const dead = (seq = 1, code = '500'): MessageItem => ({
  ...messageItem({
    tenant: 'acme',
    entityId: 'pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D',
    collection: 'payments',
    seq,
    n: 0,
    type: 'payment.confirmed',
    topic: 'external-call',
    payload: {},
    createdAt: '2026-11-20T10:15:30.123Z',
  }),
  status: 'dead',
  letter: { sqsMessageId: 'one', diedAt },
  lastError: { code, reason: 'no', at: new Date(diedAt).toISOString() },
});

const optionsOf = (...args: readonly string[]): RedriveOptions =>
  redriveOptions(readFlags({ flags }, args).values);

describe('the command line', () => {
  test('selects by topic, time and fields', () => {
    const options = optionsOf(
      '--topic',
      'external-call',
      '--since',
      '1h',
      '--match',
      'code=500',
      '--dry-run',
    );
    expect(options).toMatchObject({ topic: 'external-call', sinceMs: 3_600_000, dryRun: true });
    expect(isSelected(dead(), options, diedAt + 3_600_000)).toBe(true);
    expect(isSelected(dead(), options, diedAt + 3_600_001)).toBe(false);
    expect(isSelected(dead(1, '400'), options, diedAt)).toBe(false);
    const others = optionsOf('--topic', 'llm', '--match', 'code=500', '--match', 'tenant=other');
    expect(isSelected(dead(), others, diedAt)).toBe(false);
  });

  test.each([
    [],
    ['--topic', 'pigeon'],
    ['--topic', 'llm', '--since', 'yesterday'],
    ['--topic', 'llm', '--match', 'code'],
    ['--topic', 'llm', '--match', 'payload=x'],
    ['--topic', 'llm', '--rate', '0'],
    ['--topic', 'llm', '--max-failures', '2'],
    ['--topic', 'llm', '--limit', ''],
    ['--topic', 'llm', '--everything'],
  ])('%j is refused with how to use it', (...args) => {
    expect(() => optionsOf(...args)).toThrow(UsageError);
  });
});

describe('a paced redrive', () => {
  const messages = (count: number): MessageItem[] =>
    Array.from({ length: count }, (_, index) => dead(index + 1));
  /** A receiver for which the messages of some numbers fail again. */
  async function run(
    count: number,
    fails: (seq: number) => boolean,
    pace: Partial<RedrivePace> = {},
  ): Promise<{ end: RedriveState; perSecond: number[] }> {
    let seconds = 0;
    const perSecond: number[] = [];
    const end = await pacedRedrive(
      messages(count),
      { rate: 5, maxFailures: 0.2, settleMs: 10_000, ...pace },
      {
        redrive: () => {
          perSecond[seconds] = (perSecond[seconds] ?? 0) + 1;
          return Promise.resolve('redriven');
        },
        read: (begun) =>
          Promise.resolve(
            begun.map((each) => ({
              ...each,
              status: fails(each.seq) ? ('dead' as const) : ('done' as const),
            })),
          ),
        pause: () => {
          seconds += 1;
          return Promise.resolve();
        },
        progress: () => undefined,
      },
    );
    return { end, perSecond };
  }

  test('takes all on where they succeed, no more a second than allowed', async () => {
    const { end, perSecond } = await run(23, () => false);
    expect(end).toMatchObject({ begun: 23, done: 23, failing: 0, stopped: false });
    expect(perSecond).toEqual([5, 5, 5, 5, 3]);
  });

  test('goes slower than one a second where asked', async () => {
    const { end, perSecond } = await run(3, () => false, { rate: 0.5 });
    expect(end.done).toBe(3);
    expect(perSecond.length).toBeGreaterThanOrEqual(5);
  });

  test('stops where too many fail again, and leaves the rest', async () => {
    const { end } = await run(1_000, () => true);
    expect(end).toMatchObject({ begun: 5, failing: 5, stopped: true });
  });

  test('does not stop for a few', async () => {
    const { end } = await run(40, (seq) => seq % 10 === 0);
    expect(end).toMatchObject({ begun: 40, failing: 4, stopped: false });
  });

  test('ends, whatever becomes of the messages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (count, share) => {
          const { end } = await run(count, (seq) => (seq * 0.618) % 1 < share);
          expect(end.begun).toBeLessThanOrEqual(count);
          expect(end.stopped || end.begun === count).toBe(true);
        },
      ),
    );
  });
});
