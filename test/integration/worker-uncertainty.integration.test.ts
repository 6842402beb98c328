/** A message of which nobody knows whether its receiver acted, and one that comes after another one. */
import { describe, expect, test } from 'vitest';
import { delivery as deliveryLimits, uncertainty } from '../../functions/runtime/delivery-limits.ts';
import { callsOf } from '../../functions/store/outbox/call-records.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { done, no, busy, unsure, deliveredWorker } from '../support/delivered-worker.ts';

const { seen, outbox, deliver, put, set, still, deadWorker } = deliveredWorker();

describe('a message whose worker died in its last attempt', () => {
  test('is dead, and says what nobody knows and what failed before', async () => {
    const item = await put();
    await deadWorker(item);
    await deadWorker(item);
    expect(await deliver(item, done)).toBe(true);
    const stopped = 'The last attempt ended without an outcome: its worker stopped.';
    expect(await outbox().read(item)).toMatchObject({
      ...{ status: 'dead', unsettled: 2, lastError: { code: 'attempts_exhausted', reason: stopped } },
      calls: [{ kind: 'call', code: 'attempts_exhausted', certain: false }],
    });
    expect(seen.calls).toBe(0);
    const other = await put();
    await deliver(other, busy);
    outbox().clock.ahead(60_000);
    await deadWorker(other);
    await deliver(other, done);
    expect(await outbox().read(other)).toMatchObject({
      lastError: { code: 'attempts_exhausted', reason: `${stopped} Before: 503.` },
      calls: [{ code: '503' }],
    });
  });

  test('is dead, and says so where its receiver has never seen it', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await deadWorker(item);
    await set(item, 'attempts', 2);
    expect(await deliver(item, done, { inquired: { kind: 'never_seen' } })).toBe(true);
    expect(seen.hidden).toEqual([1]);
    outbox().clock.ahead(60_000);
    await deliver(item, done, { inquired: { kind: 'never_seen' } });
    expect(await outbox().read(item)).toMatchObject({
      status: 'dead',
      lastError: { reason: 'Its receiver has never seen it, and no attempt is left.' },
    });
  });
});

describe('a message of which nobody knows whether its receiver acted', () => {
  const uncertain = async (onUncertain: 'hold' | 'inquire' = 'inquire'): Promise<MessageItem> => {
    const item = await put({ onUncertain });
    await deadWorker(item);
    return outbox().read(item);
  };

  test('is held where it must not be called again, by the error that is known, or none', async () => {
    const item = await uncertain('hold');
    expect(await deliver(item, done, { inquired: { kind: 'never_seen' } })).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      status: 'dead',
      unsettled: 1,
      lastError: { code: 'uncertain' },
    });
    const known = await uncertain();
    await set(known, 'lastError', { code: '500', reason: 'It answered 500.', at: known.createdAt });
    expect(await deliver(known, done)).toBe(true);
    expect(await outbox().read(known)).toMatchObject({ status: 'dead', lastError: { code: '500' } });
    expect(seen.calls).toBe(0);
  });

  test('is what its receiver says', async () => {
    const acted = await uncertain();
    expect(await deliver(acted, busy, { inquired: { kind: 'done', result: { ok: true } } })).toBe(false);
    expect(await outbox().read(acted)).toMatchObject({ status: 'done', result: '{"ok":true}' });
    const called = await put({ onUncertain: 'inquire' });
    await deliver(called, unsure);
    outbox().clock.ahead(60_000);
    await deliver(called, busy, { inquired: { kind: 'done', result: {} } });
    expect((await outbox().read(called)).calls).toMatchObject([
      { kind: 'call', certain: false },
      { kind: 'inquiry', code: 'done', certain: true },
    ]);
    seen.calls = 0;
    const refusing = await uncertain();
    expect(await deliver(refusing, done, { inquired: { ...no } })).toBe(true);
    expect(await outbox().read(refusing)).toMatchObject({
      status: 'dead',
      calls: [{ kind: 'inquiry', code: '402', certain: true }],
    });
    expect(seen.calls).toBe(0);
  });

  test('is called again where its receiver has never seen it, once no call can be on its way any more', async () => {
    const item = await put({ onUncertain: 'inquire' });
    const { now, at } = still();
    await deliver(item, unsure, { now });
    const asked = { inquired: { kind: 'never_seen' } } as const;
    expect(await deliver(item, done, { ...asked, now: () => at + 4_500 })).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      inquiries: 1,
      unsettled: 1,
      leaseUntil: at + 4_500 + 6_000,
    });
    expect(seen.hidden.at(-1)).toBe(6);
    const over = at + uncertainty.onItsWayMs;
    await set(item, 'leaseUntil', over);
    expect(await deliver(item, done, { ...asked, now: () => over })).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      ...{ inquiries: 0, unsettled: 0, leaseUntil: over + 1_000 },
      calls: [
        { code: '500' },
        { certain: false },
        { code: 'never_seen', reason: 'The receiver was asked.', certain: true },
      ],
    });
    expect(seen.hidden.at(-1)).toBe(1);
    await deliver(item, done, { now: () => over + 1_000 });
    expect((await outbox().read(item)).status).toBe('done');
  });

  test.each([
    ['is not through with it', { kind: 'pending' }, 'pending'],
    ['cannot be asked', { kind: 'no_answer', code: 'timeout', reason: 'It took too long.' }, 'timeout'],
  ] as const)('is asked about again later where its receiver %s', async (_, inquired, code) => {
    const item = await uncertain();
    const { now, at } = still();
    expect(await deliver(item, done, { inquired, now })).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      ...{ inquiries: 1, unsettled: 1, leaseUntil: at + 1_000 },
      calls: [{ kind: 'inquiry', code, certain: false }],
    });
    expect(await deliver(item, done, { inquired, now: () => at + 1_000 })).toBe(true);
    expect(await outbox().read(item)).toMatchObject({ inquiries: 2, leaseUntil: at + 3_000 });
    expect(seen.hidden).toEqual([1, 2]);
    expect(seen.calls).toBe(0);
  });

  test('is held for a person when its time is over, and not before it was asked about often enough', async () => {
    const item = await uncertain();
    const begun = Date.parse(item.createdAt);
    const over = begun + uncertainty.waitingMaxMs;
    const inquired = { kind: 'pending' } as const;
    await set(item, 'inquiries', uncertainty.inquiriesMin - 1);
    await deliver(item, done, { inquired, now: () => over - 1 });
    expect((await outbox().read(item)).status).toBe('sent');
    await set(item, 'inquiries', uncertainty.inquiriesMin - 2);
    await set(item, 'leaseUntil', 0);
    await deliver(item, done, { inquired, now: () => over });
    expect(await outbox().read(item)).toMatchObject({
      status: 'sent',
      inquiries: uncertainty.inquiriesMin - 1,
    });
    await set(item, 'leaseUntil', 0);
    await set(item, 'redrivenAt', new Date(begun + 1).toISOString());
    await deliver(item, done, { inquired, now: () => over });
    expect(await outbox().read(item)).toMatchObject({ status: 'sent' });
    await set(item, 'leaseUntil', 0);
    await set(item, 'inquiries', uncertainty.inquiriesMin - 1);
    expect(await deliver(item, done, { inquired, now: () => over + 1 })).toBe(true);
    const found = await outbox().read(item);
    expect(callsOf(found).filter(({ certain }) => certain)).toEqual([]);
    expect(found).toMatchObject({
      status: 'dead',
      lastError: { code: 'uncertain' },
      unsettled: 1,
    });
  });
});

describe('a message that comes after another one', () => {
  test('waits for the end of that, which costs it no attempt, and is sent then', async () => {
    const entityId = outbox().made().entity;
    const first = await put({ entityId, seq: 1, ordered: true });
    const second = await put({ entityId, seq: 2, ordered: true });
    const { now, at } = still();
    expect(await deliver(second, done, { now, receives: 2 })).toBe(true);
    const seconds = 2 * deliveryLimits.faultBaseSeconds;
    expect(await outbox().read(second)).toMatchObject({
      behind: first.id,
      attempts: 0,
      leaseUntil: at + seconds * 1000,
    });
    expect([seen.calls, seen.hidden]).toEqual([0, [seconds]]);
    // One that is not ordered waits for nobody.
    expect(await deliver(await put({ entityId, seq: 3 }), done)).toBe(false);
    expect(seen.calls).toBe(1);
    expect(await deliver(first, done)).toBe(false);
    expect(await outbox().read(second)).toMatchObject({ status: 'pending' });
    expect(await deliver(second, done)).toBe(false);
    expect(seen.calls).toBe(3);
  });
});
