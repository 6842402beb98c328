/** How a message is stored: its keys, its attributes, and where it is listed. */
import { describe, expect, test } from 'vitest';
import {
  callbackKey,
  groupOf,
  groupPartitionOf,
  groupPartitions,
  indexedAs,
  indexOf,
  isExpired,
  isOpen,
  messageGroups,
  messageItem,
  messageKey,
  messageStatuses,
  notUnderstood,
  statePosition,
  sweeperKey,
  toldByPlace,
} from '../../functions/store/outbox/message-items.ts';
import type { NewMessage } from '../../functions/store/outbox/message-items.ts';

const entityId = 'pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D';
const createdAt = '2026-11-20T10:15:30.123Z';
const message: NewMessage = {
  tenant: 'a#b',
  entityId,
  collection: 'payments',
  seq: 12,
  n: 3,
  type: 'payment.confirmed',
  topic: 'external-call',
  payload: { amount: 5 },
  createdAt,
};
const id = `msg_${entityId}_12_3`;
const plain = {
  pk: `a%23b#${entityId}`,
  sk: '0000000012#03',
  id,
  tenant: 'a#b',
  entity: entityId,
  collection: 'payments',
  type: 'payment.confirmed',
  seq: 12,
  topic: 'external-call',
  status: 'pending',
  run: 1,
  attempts: 0,
  createdAt,
  payload: '{"amount":5}',
  openPk: groupPartitionOf({ tenant: 'a#b', id }, 'open'),
  stateSk: `${createdAt}#${id}`,
};

describe('the item of a message', () => {
  test('has what every message has, and nothing that it was not given', () => {
    expect(messageItem(message)).toStrictEqual(plain);
    expect(messageItem({ ...message, sensitive: false, ordered: false })).toStrictEqual(plain);
  });

  test('has all that it was given', () => {
    const given = {
      requestId: 'request',
      traceparent: 'trace',
      sensitive: true,
      receiver: 'bank',
      onUncertain: 'hold',
      answers: { done: 'settle' },
      ordered: true,
    } as const;
    expect(messageItem({ ...message, ...given })).toStrictEqual({ ...plain, ...given });
  });
});

test('messages of each status are listed together, in one of two indexes', () => {
  const listed = messageStatuses.map((status) => {
    const group = groupOf(status);
    return [status, group, indexOf(group).name, isOpen({ status })];
  });
  expect(listed).toEqual([
    ['pending', 'open', 'open', true],
    ['sent', 'open', 'open', true],
    ['waiting', 'waiting', 'open', false],
    ['done', 'done', 'closed', false],
    ['dead', 'dead', 'closed', false],
  ]);
  expect(messageGroups).toEqual(['open', 'waiting', 'done', 'dead']);
});

test('a group lies in four partitions, a message in one of them by its id', () => {
  const partitions = ['a%23b#dead#0', 'a%23b#dead#1', 'a%23b#dead#2', 'a%23b#dead#3'];
  expect(groupPartitions('a#b', 'dead')).toEqual(partitions);
  const found = new Set(
    Array.from({ length: 100 }, (_, n) => groupPartitionOf({ tenant: 'a#b', id: `${n}` }, 'dead')),
  );
  expect([...found].sort()).toEqual(partitions);
  const name = { tenant: 'a#b', id };
  expect(indexedAs(name, 'dead')).toEqual({ closedPk: groupPartitionOf(name, 'dead') });
});

test('a message is gone from the second in which it expires, and one without such a second never', () => {
  expect(isExpired({ expiresAt: 1_001 }, 1_000_999)).toBe(false);
  expect(isExpired({ expiresAt: 1_001 }, 1_001_000)).toBe(true);
  expect(isExpired({ expiresAt: 1_001 }, 1_002_000)).toBe(true);
  expect(isExpired({}, 1_001_000)).toBe(false);
});

test.each([
  ['a_01JD8Q4Z6V0X3M5T7R9W2B4C6D_1_0', '0000000001#00'],
  ['abcdefghi9_01JD8Q4Z6V0X3M5T7R9W2B4C6D_1234567890_99', '1234567890#99'],
])('an id may be msg_%s', (rest, sk) => {
  expect(messageKey({ tenant: 'acme', id: `msg_${rest}` })?.sk).toBe(sk);
});

test.each([`${id}x`, `x${id}`, id.replace('pay', 'Pay'), id.replace('01J', '01U')])(
  'an id is not %s',
  (other) => {
    expect(messageKey({ tenant: 'acme', id: other })).toBeUndefined();
  },
);

test('the place in a list tells when a message was created, and which it is', () => {
  const { stateSk } = messageItem(message);
  expect(toldByPlace({ stateSk })).toEqual({ createdAt, id });
  expect(statePosition.test(stateSk)).toBe(true);
  for (const other of ['', `x${stateSk}`, `${stateSk}x`, stateSk.replace('#', ' ')])
    expect(statePosition.test(other)).toBe(false);
});

test('the key of a callback and that of a place of the sweeper are of no tenant', () => {
  expect(callbackKey(id)).toEqual({ pk: `callback:${id}`, sk: 'tenant' });
  expect(sweeperKey('timers')).toEqual({ pk: 'sweeper', sk: 'timers' });
});

test('the word for an answer that no transition was written for', () => {
  expect(notUnderstood).toBe('answer_not_understood');
});
