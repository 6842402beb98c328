/** What each write of a message that goes out, is claimed and called for leaves in the database. The races: `message-conditions`. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { describe, expect, test } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { takeAnswer, tenantOf } from '../../functions/store/outbox/kept-answers.ts';
import type { MessageItem, NewMessage } from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import {
  claimMessage,
  readMessage,
  recordBehind,
  recordInquiry,
  recordRetry,
  recordSent,
  recordWaiting,
  redriveMessage,
} from '../../functions/store/outbox/messages.ts';
import { messageBefore, releaseNext } from '../../functions/store/outbox/ordered-messages.ts';
import { deliveryOf } from '../support/messages.ts';
import { intercept } from '../support/sdk-faults.ts';
import {
  time,
  terms,
  late,
  error,
  call,
  said,
  standsIn,
  indexesOf,
  nameless,
  answers,
  writtenMessages,
} from '../support/written-messages.ts';

const { access, another, made, put, read, claim, held } = writtenMessages();

describe('what no message can be called', () => {
  test('is found by nobody, and asked of nobody', async () => {
    const asking = another();
    let asked = 0;
    intercept(asking.client, {
      before: () => {
        asked += 1;
      },
    });
    expect(await readMessage(asking, nameless)).toBeUndefined();
    expect(await recordSent(asking, nameless)).toBe(false);
    expect(await claimMessage(asking, nameless, terms)).toEqual({ kind: 'unknown' });
    expect(await redriveMessage(asking, nameless)).toBe('not_found');
    expect(await tenantOf(asking, nameless.id)).toBeUndefined();
    expect(asked).toBe(0);
  });

  test('and one that is not there is unknown', async () => {
    const item = made();
    expect(await readMessage(access, item)).toBeUndefined();
    expect(await recordSent(access, item)).toBe(false);
    expect(await claim(item)).toEqual({ kind: 'unknown' });
    expect(await redriveMessage(access, item)).toBe('not_found');
    expect(await takeAnswer(access, item, { answer: said('done'), from: 'worker' })).toEqual({
      kind: 'not_found',
    });
  });
});

test('a message is read as it was written last', async () => {
  const asked: unknown[] = [];
  const watched = another();
  intercept(watched.client, { before: ({ input }) => void asked.push(input) });
  const item = await put();
  expect(await readMessage(watched, item)).toEqual(item);
  expect(asked).toMatchObject([{ ConsistentRead: true }]);
});

describe('a message that the sweeper sent', () => {
  test('is marked each time', async () => {
    const item = await put();
    expect(await recordSent(access, item)).toBe(true);
    expect(await read(item)).toMatchObject({ status: 'sent', sentAt: timestamp(time.now) });
    time.now += 1_000;
    expect(await recordSent(access, item)).toBe(true);
    expect(await read(item)).toMatchObject({ status: 'sent', sentAt: timestamp(time.now) });
  });

  test('goes on waiting for its callback', async () => {
    const item = await put();
    await recordWaiting(access, await held(item), { calls: [call], until: time.now + 5_000 });
    expect(await recordSent(access, item)).toBe(false);
    time.now += 1_000;
    expect(await recordSent(access, item, { isWaiting: true })).toBe(true);
    expect(await read(item)).toMatchObject({ status: 'waiting', sentAt: timestamp(time.now) });
    const open = await put();
    expect(await recordSent(access, open, { isWaiting: true })).toBe(false);
    expect(await read(open)).toMatchObject({ status: 'pending' });
  });
});

describe('a claim', () => {
  test('counts the call before it is made, and keeps the time of the first one', async () => {
    const item = await put();
    const first = await held(item);
    expect(first).toMatchObject({
      kind: 'claimed',
      item: {
        ...{ status: 'sent', attempts: 1, unsettled: 1, sentAt: timestamp(time.now) },
        leaseUntil: time.now + terms.leaseMs,
        leaseToken: first.token,
      },
    });
    const sentAt = timestamp(time.now);
    time.now += terms.leaseMs;
    expect(await held(item)).toMatchObject({ item: { attempts: 2, unsettled: 2, sentAt } });
  });

  test('of what is answered hands the answer on, whoever holds the lease', async () => {
    const item = await put({ answers });
    await held(item);
    await takeAnswer(access, item, { answer: said('done'), from: 'worker' });
    expect(await claim(item)).toEqual({ kind: 'answered', item: await read(item) });
  });

  test('of what may have acted takes the lease and calls nobody', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await held(item);
    time.now += terms.leaseMs;
    const claimed = await held(item);
    expect(claimed).toMatchObject({ kind: 'uncertain', item: { attempts: 1, leaseToken: claimed.token } });
    expect(await claim(item)).toEqual({ kind: 'notYet', until: time.now + terms.leaseMs });
  });

  /** The stream brings what is written while it is `pending`, and the relay would send it once more. */
  test.each<[string, Partial<MessageItem>]>([
    ['uncertain', { onUncertain: 'inquire', unsettled: 1 }],
    ['exhausted', { attempts: terms.attempts }],
  ])('of what is %s is no news for the relay', async (kind, more) => {
    const item = await put({}, { status: 'pending', ...more });
    expect(await claim(item)).toMatchObject({ kind, item: { status: 'sent', ...more } });
  });

  test('of what waited in vain for a callback takes the lease', async () => {
    const item = await put();
    await recordWaiting(access, await held(item), { calls: [], until: time.now + 10 });
    expect(await claim(item)).toEqual({ kind: 'waiting' });
    time.now += 10;
    expect(await claim(item)).toMatchObject({ kind: 'uncertain', item: { status: 'waiting' } });
  });

  test.each([
    ['is over', 'dead', { kind: 'dead' }],
    ['has another run', 'sent', { kind: 'stale' }],
  ] as const)('of what %s is refused', async (_, status, expected) => {
    const item = await put({}, { status });
    const delivery = { ...deliveryOf(item), run: status === 'dead' ? 1 : 2 };
    expect(await claimMessage(access, delivery, terms)).toEqual(expected);
  });

  /** A claim whose writes are refused whatever they find. */
  const refused = (event: (nth: number) => unknown): OutboxAccess => {
    const build = another();
    let nth = 0;
    intercept(build.client, {
      before: async ({ command, input }) => {
        if (!command.startsWith('Update')) return;
        await event((nth += 1));
        const update = input as { ConditionExpression: string };
        update.ConditionExpression = `(${update.ConditionExpression}) AND attribute_not_exists(pk)`;
      },
    });
    return build;
  };
  const become = (item: MessageItem, more: Partial<MessageItem>): Promise<unknown> =>
    access.client.send(new PutCommand({ TableName: access.table, Item: { ...item, ...more } }));

  test('that was refused by what has passed since comes back at once', async () => {
    const item = await put();
    const calls: number[] = [];
    const claimed = claimMessage(
      refused((nth) => calls.push(nth)),
      deliveryOf(item),
      terms,
    );
    expect(await claimed).toEqual({ kind: 'notYet', until: time.now });
    expect(calls).toEqual([1]);
  });

  test.each([
    ['is free', { attempts: 0 }],
    ['is exhausted', {}],
    ['is uncertain', { onUncertain: 'hold', unsettled: 1 }],
  ] as const)('that finds at its second look that the message %s comes back at once', async (_, more) => {
    const item = await put({}, { status: 'sent', attempts: terms.attempts });
    const build = refused((nth) => (nth === 2 ? become(item, more) : undefined));
    expect(await claimMessage(build, deliveryOf(item), terms)).toEqual({ kind: 'notYet', until: time.now });
  });

  test('that finds at its second look that the message is over says so', async () => {
    const item = await put({}, { status: 'sent', attempts: terms.attempts });
    const build = refused((nth) => (nth === 2 ? become(item, { status: 'done' }) : undefined));
    expect(await claimMessage(build, deliveryOf(item), terms)).toEqual({ kind: 'done' });
  });
});

describe('a failed attempt', () => {
  test('gives the lease back, and says when the next one is due', async () => {
    const item = await put();
    const failed = { lastError: error, calls: [call], notBefore: time.now + 9_000, isCertain: false };
    expect(await recordRetry(access, late(item), failed)).toBe(false);
    const holder = await held(item);
    expect(await recordRetry(access, holder, failed)).toBe(true);
    const after = await read(item);
    expect(after).toMatchObject({
      lastError: error,
      calls: [call],
      leaseUntil: time.now + 9_000,
      unsettled: 1,
    });
    expect(after).not.toHaveProperty('leaseToken');
  });

  test('that certainly did not act is none of which nobody knows', async () => {
    const item = await put();
    const failed = { lastError: error, calls: [], notBefore: time.now, isCertain: true };
    await recordRetry(access, await held(item), failed);
    expect(await read(item)).toMatchObject({ unsettled: 0, attempts: 1 });
  });
});

describe('an inquiry', () => {
  const asked = { calls: [call], notBefore: 0, neverSeen: false };

  test('that brought no answer is counted, and the message goes on as one that is sent', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await recordWaiting(access, await held(item), { calls: [], until: time.now });
    const until = time.now + 3_000;
    expect(await recordInquiry(access, late(item), asked)).toBe(false);
    expect(await recordInquiry(access, await held(item), { ...asked, notBefore: until })).toBe(true);
    const after = await read(item);
    expect(after).toMatchObject({
      ...{ status: 'sent', inquiries: 1, unsettled: 1, leaseUntil: until, calls: [call] },
      ...standsIn(item, 'open'),
    });
    expect(indexesOf(after)).toEqual(['openPk']);
    expect(after).not.toHaveProperty('leaseToken');
    expect(after).not.toHaveProperty('waitingUntil');
    time.now = until;
    await recordInquiry(access, await held(item), { ...asked, notBefore: time.now });
    expect(await read(item)).toMatchObject({ inquiries: 2 });
    await recordInquiry(access, await held(item), { ...asked, notBefore: time.now, neverSeen: true });
    expect(await read(item)).toMatchObject({ inquiries: 0, unsettled: 0 });
    expect(await claim(item)).toMatchObject({ kind: 'claimed' });
  });
});

test('a message waits for its callback in a list of its own', async () => {
  const item = await put();
  const waiting = { calls: [call], until: time.now + 5_000 };
  expect(await recordWaiting(access, late(item), waiting)).toBe(false);
  expect(await recordWaiting(access, await held(item), waiting)).toBe(true);
  const after = await read(item);
  expect(after).toMatchObject({
    ...{ status: 'waiting', waitingUntil: waiting.until, calls: [call] },
    ...standsIn(item, 'waiting'),
  });
  for (const gone of ['leaseUntil', 'leaseToken', 'closedPk']) expect(after).not.toHaveProperty(gone);
});

describe('a message that waits behind another one', () => {
  test('gives back its claim with the call that it did not make', async () => {
    const item = await put();
    const behind = { behind: 'msg_before', notBefore: time.now + 7_000 };
    expect(await recordBehind(access, late(item), behind)).toBe(false);
    expect(await recordBehind(access, await held(item), behind)).toBe(true);
    const after = await read(item);
    expect(after).toMatchObject({
      behind: 'msg_before',
      leaseUntil: time.now + 7_000,
      attempts: 0,
      unsettled: 0,
    });
    expect(after).not.toHaveProperty('leaseToken');
  });

  const ordered = (entityId: string, seq: number, more: Partial<NewMessage> = {}) =>
    put({ entityId, seq, ordered: true, ...more });

  test('is the nearest one of its receiver that has not ended', async () => {
    const entityId = `pay_${ulid()}`;
    const first = await ordered(entityId, 1);
    const second = await ordered(entityId, 2);
    await put({ entityId, seq: 3 });
    await ordered(entityId, 4, { receiver: 'bank' });
    const last = await ordered(entityId, 5);
    const ofBank = await ordered(entityId, 6, { receiver: 'bank' });
    const asked: unknown[] = [];
    const watched = another();
    intercept(watched.client, { before: ({ input }) => void asked.push(input) });
    expect((await messageBefore(watched, last))?.id).toBe(second.id);
    expect(asked).toMatchObject([{ ConsistentRead: true }]);
    expect((await messageBefore(access, ofBank))?.seq).toBe(4);
    await takeAnswer(access, second, { answer: said('done'), from: 'worker' });
    expect((await messageBefore(access, last))?.id).toBe(first.id);
    await takeAnswer(access, first, { answer: said('refused'), from: 'worker' });
    expect(await messageBefore(access, last)).toMatchObject({ id: first.id, status: 'dead' });
    expect(await messageBefore(access, first)).toBeUndefined();
  });

  test('is sent once that one has ended, and no other is', async () => {
    const entityId = `pay_${ulid()}`;
    const first = await ordered(entityId, 1);
    const [next, another, free] = [
      await ordered(entityId, 2),
      await ordered(entityId, 3),
      await ordered(entityId, 4),
    ];
    await recordBehind(access, await held(next), { behind: 'msg_other', notBefore: time.now + 1 });
    await recordBehind(access, await held(another), { behind: first.id, notBefore: time.now + 1 });
    await held(free);
    await releaseNext(access, { ...first, ordered: undefined } as unknown as MessageItem);
    expect(await read(another)).toMatchObject({ status: 'sent', behind: first.id });
    await releaseNext(access, first);
    const released = await read(another);
    expect(released).toMatchObject({ status: 'pending' });
    expect(released).not.toHaveProperty('behind');
    expect(released).not.toHaveProperty('leaseUntil');
    expect(await read(next)).toMatchObject({ status: 'sent', behind: 'msg_other' });
    expect(await read(free)).toMatchObject({ status: 'sent' });
    await releaseNext(access, free);
  });

  test('is found behind however many others, and asked for as long as there is time', async () => {
    const entityId = `pay_${ulid()}`;
    const text = 'x'.repeat(180_000);
    const first = await ordered(entityId, 1);
    for (let seq = 2; seq < 9; seq += 1) await put({ entityId, seq, payload: text as never });
    const last = await ordered(entityId, 9);
    expect((await messageBefore(access, last))?.id).toBe(first.id);
    await recordBehind(access, await held(last), { behind: first.id, notBefore: time.now });
    await releaseNext(access, first);
    expect(await read(last)).toMatchObject({ status: 'pending' });
    const over = { ...access, deadline: { signal: AbortSignal.abort(), remainingMs: () => 0 } };
    await expect(messageBefore(over, last)).rejects.toThrow();
  });
});
