/** Deliveries that a topic’s worker does not call for, or that it hands back; and receivers that throw or hang. */
import { describe, expect, test } from 'vitest';
import { delivery as deliveryLimits, lease } from '../../functions/runtime/delivery-limits.ts';
import { message as messageLimits } from '../../functions/runtime/limits.ts';
import { queue as queueLimits } from '../../functions/runtime/topics.ts';
import { takeAnswer } from '../../functions/store/outbox/kept-answers.ts';
import { callsOf } from '../../functions/store/outbox/call-records.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import { againOrLeft } from '../../functions/workers/batch.ts';
import { didNotAct } from '../../functions/workers/receiver.ts';
import type { OngoingCall, Received } from '../../functions/workers/receiver.ts';
import { policy, done, no, busy, unsure, deliveredWorker } from '../support/delivered-worker.ts';
import type { World } from '../support/delivered-worker.ts';

const { seen, outbox, deliver, eventOf, put, set, still, deadWorker } = deliveredWorker();

describe('a delivery', () => {
  test.each([
    ['of another topic', { topic: 'llm' }],
    ['without a readable reference', { run: 'first' }],
    ['of a message that is not there', { tenant: 'nobody' }],
  ])('%s goes to the dead letters, and is counted the first time it comes', async (_, more) => {
    const item = await put();
    expect(await deliver(item, done, { more })).toBe(true);
    expect(seen.counted).toEqual(['MessagesDead external-call']);
    expect(await deliver(item, done, { more, receives: 2 })).toBe(true);
    expect([seen.calls, seen.hidden, seen.counted]).toEqual([0, [0, 0], ['MessagesDead external-call']]);
  });

  test.each([
    ['done', done],
    ['waiting', { kind: 'accepted' }],
  ] as const)('of a message that is %s is dropped', async (_, received) => {
    const item = await put();
    await deliver(item, received);
    expect(await deliver(item, done)).toBe(false);
    expect(seen.calls).toBe(1);
  });

  test('of a run that is over is dropped', async () => {
    const item = await put();
    await deliver(item, no);
    await redriveMessage(outbox().access, item);
    expect(await deliver(item, done)).toBe(false);
    expect(seen.calls).toBe(1);
  });

  test('of a message that is dead goes to the dead letters', async () => {
    const item = await put();
    const messageId = 'one';
    await deliver(item, no, { messageId });
    expect(await deliver(item, done, { messageId })).toBe(true);
    expect([seen.calls, seen.hidden]).toEqual([1, [0, 0]]);
    expect(seen.counted).toEqual(['AttemptsFailed external-call', 'MessagesDead external-call']);
  });

  test.each([
    ['begins its next run', undefined, 2, false],
    ['begins none where nobody may call again', 'hold', 1, true],
  ] as const)('that was moved back from the dead letters %s', async (_, onUncertain, run, comesAgain) => {
    const item = await put({ onUncertain });
    await deliver(item, unsure, { messageId: 'one' });
    if (onUncertain === undefined) {
      outbox().clock.ahead(60_000);
      await deliver(item, unsure, { messageId: 'one' });
    }
    expect((await outbox().read(item)).status).toBe('dead');
    expect(await deliver(item, done, { messageId: 'two' })).toBe(comesAgain);
    expect((await outbox().read(item)).run).toBe(run);
  });

  test.each([
    ['arn:aws:sqs:us-east-1:123456789012:dead', true],
    [undefined, undefined],
  ])(
    'that its queue had among the dead letters (%s) is remembered by that with its death',
    async (arn, was) => {
      const item = await put();
      await deliver(item, no, {
        ...(arn !== undefined && { attributes: { DeadLetterQueueSourceArn: arn } }),
      });
      expect((await outbox().read(item)).letter?.wasDeadLetter).toBe(was);
    },
  );

  test('whose handling fails comes again, each time later, and is counted', async () => {
    const lose = (command: string): void => {
      if (command === 'UpdateCommand' || command === 'UpdateItemCommand') throw new Error('lost');
    };
    const item = await put();
    expect(await deliver(item, done, { lose })).toBe(true);
    expect(await deliver(item, done, { lose, receives: 2 })).toBe(true);
    const base = deliveryLimits.faultBaseSeconds;
    expect([seen.hidden, seen.counted]).toEqual([
      [base, 2 * base],
      ['AttemptsFailed external-call', 'AttemptsFailed external-call'],
    ]);
    seen.counted = [];
    expect(await deliver(item, done, { lose, receives: queueLimits.maxReceiveCount })).toBe(true);
    expect(seen.counted).toEqual(['AttemptsFailed external-call', 'MessagesDead external-call']);
  });

  test('to the dead letters is counted by who decided that, and not once more with its last receipt', async () => {
    const item = await put();
    expect(await deliver(item, no, { receives: queueLimits.maxReceiveCount })).toBe(true);
    expect(seen.counted).toEqual(['AttemptsFailed external-call', 'MessagesDead external-call']);
  });

  test('is worked off where nobody counts', async () => {
    const item = await put();
    const lose = (command: string): void => {
      if (command === 'UpdateCommand' || command === 'UpdateItemCommand') throw new Error('lost');
    };
    const uncounted = { isCounted: false } as const;
    expect(await deliver(item, done, { lose, ...uncounted, receives: queueLimits.maxReceiveCount })).toBe(
      true,
    );
    expect(await deliver(item, busy, uncounted)).toBe(true);
    outbox().clock.ahead(60_000);
    expect(await deliver(item, no, uncounted)).toBe(true);
    expect(await outbox().read(item)).toMatchObject({ status: 'dead' });
    expect(await deliver(await put(), done, uncounted)).toBe(false);
    expect(await deliver(item, done, { ...uncounted, more: { topic: 'llm' } })).toBe(true);
    const waiting = await put();
    await set(waiting, 'answers', { done: 'captured' });
    const receives = queueLimits.maxReceiveCount - 1;
    expect(await deliver(waiting, done, { ...uncounted, receives })).toBe(false);
    const reason = { code: 'x', reason: 'x' };
    const other = { outcome: 'refused', by: 'x', at: waiting.createdAt, refused: reason } as const;
    const disputed = await put();
    const answering = async (): Promise<Received> => {
      await takeAnswer(outbox().access, disputed, { answer: other, from: 'worker' });
      return done;
    };
    expect(await deliver(disputed, answering, uncounted)).toBe(false);
    expect(seen.counted).toEqual([]);
    expect(seen.hidden).toEqual([deliveryLimits.faultMaxSeconds, 1, 0, 0]);
  });

  test('of what is only waited for ends before its queue takes it for dead', () => {
    const record = (receives: number) => {
      const [first] = eventOf(outbox().made(), { receives }).Records;
      if (first === undefined) throw new Error('there is none');
      return first;
    };
    const last = queueLimits.maxReceiveCount;
    expect(againOrLeft(record(last - 2), 0.2)).toEqual({ kind: 'again', afterSeconds: 1 });
    expect(againOrLeft(record(1), 3)).toEqual({ kind: 'again', afterSeconds: 3 });
    expect(againOrLeft(record(last - 1), 3)).toEqual({ kind: 'finished' });
    expect(againOrLeft(record(Number.NaN), 3)).toEqual({ kind: 'again', afterSeconds: 3 });
  });

  test('that comes while its call goes on waits for the end of the lease', async () => {
    const { now, at } = still();
    const item = await put();
    const meanwhile = async (): Promise<Received> => {
      await deliver(item, done, { now: () => at + 500 });
      return done;
    };
    await deliver(item, meanwhile, { now });
    expect(seen.calls).toBe(1);
    expect(seen.hidden).toEqual([Math.ceil((policy.callTimeoutMs + lease.marginMs - 500) / 1000)]);
  });
});

describe('a receiver', () => {
  const never = (call: OngoingCall, isSent: boolean): Promise<Received> => {
    call.isSent = isSent;
    call.sent = 'POST /hooks';
    return new Promise((_, reject) => {
      call.signal.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
  };

  test.each([
    [true, 1],
    [false, 0],
  ])(
    'that takes too long has failed, and may have acted where it was sent anything (%s)',
    async (isSent, unsettled) => {
      const item = await put();
      const slow = (call: OngoingCall) => never(call, isSent);
      expect(await deliver(item, slow, { callTimeoutMs: 20 })).toBe(true);
      const reason = 'The receiver took longer than 20 ms.';
      expect(await outbox().read(item)).toMatchObject({
        ...{ status: 'sent', unsettled, lastError: { code: 'timeout', reason } },
        calls: [{ sent: 'POST /hooks', code: 'timeout', reason, certain: !isSent }],
      });
    },
  );

  test.each([
    [true, 1],
    [false, 0],
  ])('that throws has failed by a word that tells nothing of us (sent: %s)', async (isSent, unsettled) => {
    const item = await put();
    const broken = (call: OngoingCall): Promise<Received> => {
      call.isSent = isSent;
      return Promise.reject(new Error('internals'));
    };
    await deliver(item, broken);
    const found = await outbox().read(item);
    expect(found).toMatchObject({
      ...{ unsettled, lastError: { code: 'receiver_failed', reason: 'The receiver could not be called.' } },
    });
    expect(found.calls?.[0]).not.toHaveProperty('sent');
  });

  test('that heeds no signal is left behind', async () => {
    const item = await put();
    await deliver(item, () => new Promise(() => undefined), { callTimeoutMs: 20 });
    expect(await outbox().read(item)).toMatchObject({ lastError: { code: 'timeout' }, unsettled: 1 });
  });

  test('whose calls are many is remembered by the newest of them, each cut', async () => {
    const item = await put();
    const old = {
      kind: 'call',
      run: 1,
      attempt: 1,
      at: item.createdAt,
      code: 'old',
      reason: '',
      certain: true,
    };
    await set(
      item,
      'calls',
      Array.from({ length: messageLimits.callsMax }, (_, n) => ({ ...old, code: `old ${n}` })),
    );
    await deliver(item, didNotAct('503', 'x'.repeat(messageLimits.callReasonMaxBytes + 1)));
    const kept = callsOf(await outbox().read(item));
    expect(kept).toHaveLength(messageLimits.callsMax);
    expect(kept[0]?.code).toBe('old 1');
    expect(kept.at(-1)?.reason).toHaveLength(messageLimits.callReasonMaxBytes);
  });

  test('cannot be asked by one that throws or takes too long: that is no answer', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await deadWorker(item);
    const asking = (inquired: World['inquired']) => deliver(item, done, { callTimeoutMs: 20, inquired });
    await asking(() => Promise.reject(new Error('internals')));
    expect((await outbox().read(item)).calls).toMatchObject([{ kind: 'inquiry', code: 'receiver_failed' }]);
    await set(item, 'leaseUntil', 0);
    await asking(() => new Promise(() => undefined));
    expect((await outbox().read(item)).calls?.[1]).toMatchObject({ code: 'timeout', certain: false });
  });
});
