import { describe, expect, test } from 'vitest';
import { messageItem } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem, MessageStatus } from '../../functions/store/outbox/message-items.ts';
import { standing } from '../../functions/store/outbox/delivery-state.ts';

const now = 1_000_000;
const sentAt = now - 500;
const attemptsMax = 5;
const record = (status: MessageStatus, rest: Partial<MessageItem> = {}): MessageItem => ({
  ...messageItem({
    tenant: 'acme',
    entityId: 'pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D',
    collection: 'payments',
    seq: 2,
    n: 0,
    type: 'payment.confirmed',
    topic: 'external-call',
    payload: {},
    createdAt: '2026-11-20T10:15:30.123Z',
  }),
  status,
  run: 2,
  ...rest,
});

describe('a delivery of run 2, where the record is', () => {
  test.each<[string, MessageItem | undefined, string]>([
    ['not there', undefined, 'unknown'],
    ['pending', record('pending'), 'free'],
    ['sent', record('sent', { attempts: 1 }), 'free'],
    ['sent, its lease over', record('sent', { attempts: 1, leaseUntil: now }), 'free'],
    ['held', record('sent', { attempts: 1, leaseUntil: now + 1 }), 'held'],
    ['held in its last attempt', record('sent', { attempts: 5, leaseUntil: now + 1 }), 'held'],
    ['out of attempts', record('sent', { attempts: 5, leaseUntil: now - 1 }), 'exhausted'],
    ['done', record('done'), 'done'],
    ['done in another run', record('done', { run: 7 }), 'done'],
    ['dead by this very delivery', record('dead', { letter: { sqsMessageId: 'one', diedAt: now } }), 'dead'],
    [
      'dead since this was sent',
      record('dead', { letter: { sqsMessageId: 'other', diedAt: sentAt } }),
      'dead',
    ],
    [
      'dead before this was sent',
      record('dead', { letter: { sqsMessageId: 'other', diedAt: sentAt - 1 } }),
      'movedBack',
    ],
    ['dead in another run', record('dead', { run: 3 }), 'stale'],
    ['open in the run before', record('sent', { attempts: 5, run: 1 }), 'stale'],
    ['open in a later run', record('pending', { run: 3 }), 'stale'],
  ])('%s', (_, found, expected) => {
    expect(standing(found, { run: 2, sqsMessageId: 'one', sentAt }, now, attemptsMax).is).toBe(expected);
  });
});
