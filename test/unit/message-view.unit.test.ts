/** What the API shows of a message, and when. */
import { describe, expect, test } from 'vitest';
import { messageItem } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { isUncertain, messageView } from '../../functions/store/outbox/message-view.ts';

const createdAt = '2026-11-20T10:15:30.123Z';
const item = messageItem({
  tenant: 'acme',
  entityId: 'pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D',
  collection: 'payments',
  seq: 1,
  n: 0,
  type: 'payment.confirmed',
  topic: 'external-call',
  payload: {},
  createdAt,
});
const plain = {
  id: 'msg_pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D_1_0',
  topic: 'external-call',
  type: 'payment.confirmed',
  entity: 'pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D',
  status: 'pending',
  attempts: 0,
  createdAt,
};
const lastError = { reason: 'no', code: '500', at: createdAt };
const answerWaits = { code: 'locked', at: createdAt };

describe('a message is shown', () => {
  test('without what it does not have', () => {
    expect(messageView(item)).toStrictEqual(plain);
  });

  test.each<Partial<MessageItem>>([
    { sentAt: createdAt },
    { doneAt: createdAt },
    { receiver: 'bank' },
    { lastError },
    { calls: [] },
    { refused: { code: '402', reason: 'no money' } },
    { answerWaits },
    { behind: 'msg' },
  ])('with %j, which it has', (has) => {
    expect(messageView({ ...item, ...has })).toStrictEqual({ ...plain, ...has });
  });

  test('with its result as it is, and not as its text', () => {
    expect(messageView({ ...item, result: '{"ok":true}' })).toStrictEqual({ ...plain, result: { ok: true } });
  });

  test('with all of a call that is kept without what is usual', () => {
    const kept = { run: 1, attempt: 1, at: createdAt, code: 'done' };
    expect(messageView({ ...item, calls: [kept] })).toStrictEqual({
      ...plain,
      calls: [{ kind: 'call', reason: 'The receiver answered.', certain: true, ...kept }],
    });
  });

  test('with who answered, and a note where there is one', () => {
    const answer = { outcome: 'done', by: 'receiver:llm', at: createdAt } as const;
    expect(messageView({ ...item, answer: { ...answer, result: '1' } })).toStrictEqual({ ...plain, answer });
    const noted = { ...answer, note: 'by hand' };
    expect(messageView({ ...item, answer: noted })).toStrictEqual({ ...plain, answer: noted });
  });

  test('with what it waits until, while it waits', () => {
    const waitingUntil = Date.parse(createdAt);
    expect(messageView({ ...item, waitingUntil })).toStrictEqual(plain);
    expect(messageView({ ...item, status: 'waiting' })).toStrictEqual({ ...plain, status: 'waiting' });
    expect(messageView({ ...item, status: 'waiting', waitingUntil })).toStrictEqual({
      ...plain,
      status: 'waiting',
      waitingUntil: createdAt,
    });
  });

  test('without an error, and without what it waited for, once it is done', () => {
    expect(messageView({ ...item, status: 'done', lastError, answerWaits, behind: 'msg' })).toStrictEqual({
      ...plain,
      status: 'done',
    });
  });

  test('as uncertain where its receiver may have acted', () => {
    expect(messageView({ ...item, unsettled: 1 })).toStrictEqual({ ...plain, uncertain: true });
  });
});

test.each<[boolean, Partial<MessageItem>]>([
  [false, {}],
  [true, { unsettled: 1 }],
  [false, { unsettled: 1, leaseToken: 'now' }],
  [true, { unsettled: 2, leaseToken: 'now' }],
  [true, { unsettled: 1, status: 'dead' }],
  [false, { unsettled: 1, status: 'done' }],
  [false, { unsettled: 1, status: 'waiting' }],
])('that a receiver may have acted is %s of %j', (expected, has) => {
  expect(isUncertain({ ...item, ...has })).toBe(expected);
});
