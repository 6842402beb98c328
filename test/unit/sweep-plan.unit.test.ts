import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sweepPlan } from '../../functions/outbox/sweep-plan.ts';
import type { OpenMessage } from '../../functions/store/outbox/open-messages.ts';

const before = '2026-11-20T10:00:00.000Z';
const open = (status: OpenMessage['status'], since: string, sk = since): OpenMessage => ({
  pk: 'acme#pay',
  sk,
  topic: 'llm',
  status,
  since,
});
const old = '2026-11-20T09:00:00.000Z';
const older = '2026-11-20T08:00:00.000Z';
const young = '2026-11-20T10:00:00.001Z';

describe('a sweep', () => {
  test('sends what is pending for long, the oldest first, and leaves alone what is young', () => {
    const plan = sweepPlan(
      [open('pending', old), open('pending', young), open('pending', older)],
      1_000,
      before,
    );
    expect(plan.pending.map(({ since }) => since)).toEqual([older, old]);
    expect(plan.lost).toBe(0);
  });

  test('takes for lost what is open and cannot be in the queue', () => {
    const messages = [open('sent', old, '1'), open('sent', older, '2'), open('sent', young, '3')];
    expect(sweepPlan(messages, 0, before).lost).toBe(2);
    expect(sweepPlan(messages, 2, before).lost).toBe(1);
    expect(sweepPlan(messages, 3, before).lost).toBe(0);
    expect(sweepPlan(messages, 'everything', before).lost).toBe(2);
  });

  test('never makes a queue longer than its work', () => {
    const message = fc.record({ status: fc.constantFrom('pending', 'sent'), young: fc.boolean() });
    fc.assert(
      fc.property(fc.array(message), fc.nat({ max: 50 }), (messages, depth) => {
        const all = messages.map((each, index) => open(each.status, each.young ? young : old, String(index)));
        const sent = messages.filter(({ status }) => status === 'sent').length;
        const { lost } = sweepPlan(all, depth, before);
        expect(lost === 0 || depth + lost <= sent).toBe(true);
      }),
    );
  });
});
