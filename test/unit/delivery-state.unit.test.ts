import { describe, expect, test } from 'vitest';
import { messageItem } from '../../functions/store/outbox/message-items.ts';
import type { DeadLetter, MessageItem, MessageStatus } from '../../functions/store/outbox/message-items.ts';
import { deliveryState } from '../../functions/store/outbox/delivery-state.ts';
import type { Delivered } from '../../functions/store/outbox/delivery-state.ts';

const now = 1_000_000;
const delivered: Delivered = { run: 2, copy: 'copy', sqsMessageId: 'one', wasDeadLetter: false };
const letter: DeadLetter = { copy: 'copy', sqsMessageId: 'one', diedAt: now };
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

const answer = { outcome: 'done', by: 'receiver:external-call', at: '2026-11-20T10:15:31.123Z' } as const;
const dead = (of: DeadLetter | undefined): MessageItem => record('dead', of && { letter: of });

describe('a delivery of run 2, where the record is', () => {
  test.each<[string, MessageItem | undefined, string]>([
    ['not there', undefined, 'unknown'],
    ['pending', record('pending'), 'free'],
    ['sent', record('sent', { attempts: 1 }), 'free'],
    ['sent, its lease over', record('sent', { attempts: 1, leaseUntil: now }), 'free'],
    ['leased', record('sent', { attempts: 1, leaseUntil: now + 1 }), 'notYet'],
    ['leased in its last attempt', record('sent', { attempts: 5, leaseUntil: now + 1 }), 'notYet'],
    ['answered', record('sent', { answer, leaseUntil: now + 1 }), 'answered'],
    ['waiting for a callback', record('waiting', { waitingUntil: now + 1 }), 'waiting'],
    ['waiting in vain', record('waiting', { waitingUntil: now }), 'uncertain'],
    ['waiting since before that was kept', record('waiting'), 'uncertain'],
    [
      'waiting in vain, and being asked',
      record('waiting', { waitingUntil: now, leaseUntil: now + 1 }),
      'notYet',
    ],
    [
      'called, and nobody knows whether that acted',
      record('sent', { onUncertain: 'inquire', attempts: 1, unsettled: 1 }),
      'uncertain',
    ],
    [
      'called, and known not to have acted',
      record('sent', { onUncertain: 'inquire', attempts: 1, unsettled: 0 }),
      'free',
    ],
    ['never called, and not to be called twice', record('sent', { onUncertain: 'hold' }), 'free'],
    ['called in vain, and may be called twice', record('sent', { attempts: 1, unsettled: 1 }), 'free'],
    ['out of attempts', record('sent', { attempts: 5, leaseUntil: now - 1 }), 'exhausted'],
    ['done', record('done'), 'done'],
    ['done in another run', record('done', { run: 7 }), 'done'],
    ['dead by this very delivery', dead(letter), 'dead'],
    ['dead by another copy', dead({ ...letter, copy: 'other' }), 'dead'],
    [
      'dead by another copy, another message',
      dead({ ...letter, copy: 'other', sqsMessageId: 'two' }),
      'dead',
    ],
    ['dead by this copy as another message', dead({ ...letter, sqsMessageId: 'two' }), 'movedBack'],
    ['dead by a copy without an id', dead({ sqsMessageId: 'two', diedAt: now }), 'dead'],
    ['dead without a dead letter', dead(undefined), 'dead'],
    ['dead in another run', record('dead', { run: 3 }), 'stale'],
    ['open in the run before', record('sent', { attempts: 5, run: 1 }), 'stale'],
    ['open in a later run', record('pending', { run: 3 }), 'stale'],
  ])('%s', (_, found, expected) => {
    expect(deliveryState(found, delivered, now, attemptsMax).kind).toBe(expected);
  });
});

test('an answer is handed on with its message', () => {
  const answered = record('sent', { answer });
  expect(deliveryState(answered, delivered, now, attemptsMax)).toEqual({ kind: 'answered', item: answered });
});

describe('a delivery that its queue had among the dead letters', () => {
  const returned = { ...delivered, wasDeadLetter: true };
  const kindOf = (of: DeadLetter): string => deliveryState(dead(of), returned, now, attemptsMax).kind;

  test('is moved back, though it kept its id', () => {
    expect(kindOf(letter)).toBe('movedBack');
  });

  test('is not, where it was among them before its message died, or is another copy', () => {
    expect(kindOf({ ...letter, wasDeadLetter: true })).toBe('dead');
    expect(kindOf({ ...letter, copy: 'other' })).toBe('dead');
  });
});

test('a reference without a copy id is never moved back, whatever its message died with', () => {
  const old: Delivered = { ...delivered, copy: undefined };
  const oldLetter: DeadLetter = { sqsMessageId: letter.sqsMessageId, diedAt: letter.diedAt };
  for (const by of [letter, oldLetter]) {
    const found = dead({ ...by, sqsMessageId: 'two' });
    expect(deliveryState(found, old, now, attemptsMax).kind).toBe('dead');
    expect(deliveryState(found, { ...old, wasDeadLetter: true }, now, attemptsMax).kind).toBe('dead');
  }
});
