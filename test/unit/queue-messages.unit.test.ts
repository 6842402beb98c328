import { readFileSync } from 'node:fs';
import type { SQSEvent } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  messageGroup,
  messageReference,
  parseBody,
  referenceMessage,
  timerReference,
} from '../../functions/outbox/queue-messages.ts';
import { messageItem, messageKey } from '../../functions/store/outbox/message-items.ts';
import { anyCharacter } from '../support/characters.ts';

const event = (file: string): SQSEvent =>
  JSON.parse(readFileSync(new URL(`../../events/sqs/${file}.json`, import.meta.url), 'utf8')) as SQSEvent;

const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('the body of a queue message', () => {
  test.each(['notification', 'external-call', 'external-call-redriven', 'report', 'llm'])(
    '%s names a message',
    (file) => {
      for (const { body } of event(file).Records) {
        const reference = parseBody(messageReference, body);
        expect(reference && messageKey(reference)).toBeDefined();
      }
    },
  );

  test('of a timer names an entity and a time', () => {
    for (const { body } of event('timer').Records) expect(parseBody(timerReference, body)).toBeDefined();
  });

  test('of a poisoned one names no message of this topic', () => {
    for (const { body } of event('poisoned').Records) {
      const reference = parseBody(messageReference, body);
      expect(reference?.topic === 'external-call' && messageKey(reference)).toBeFalsy();
    }
  });

  test('of any kind is read or refused, never thrown at', () => {
    const anything = fc.oneof(fc.string({ unit: anyCharacter }), fc.json());
    fc.assert(
      fc.property(anything, (body) => {
        expect(parseBody(messageReference, body)).toBeUndefined();
        expect(parseBody(timerReference, body)).toBeUndefined();
      }),
    );
  });

  test('keeps a trace and does without one that is malformed', () => {
    const reference = { id: 'msg', tenant: 'acme', topic: 'llm', run: 1 };
    expect(parseBody(messageReference, JSON.stringify({ ...reference, traceparent: trace }))).toEqual({
      ...reference,
      traceparent: trace,
    });
    for (const malformed of ['x', `x${trace}`, `${trace}x`])
      expect(parseBody(messageReference, JSON.stringify({ ...reference, traceparent: malformed }))).toEqual(
        reference,
      );
  });

  test.each(['', 'x'.repeat(257), '\ud800'])('names nobody whose name is %j', (tenant) => {
    const reference = { id: 'msg', tenant, topic: 'llm', run: 1 };
    expect(parseBody(messageReference, JSON.stringify(reference))).toBeUndefined();
  });

  test('may name one by 256 characters, or by one', () => {
    for (const tenant of ['x', 'x'.repeat(256)]) {
      const reference = { id: 'msg', tenant, topic: 'llm', run: 1 } as const;
      expect(parseBody(messageReference, JSON.stringify(reference))).toEqual(reference);
    }
  });

  test('does without the name of a copy that is none', () => {
    const reference = { id: 'msg', tenant: 'acme', topic: 'llm', run: 1 };
    for (const copy of ['', 'x'.repeat(65), 5])
      expect(parseBody(messageReference, JSON.stringify({ ...reference, copy }))).toEqual(reference);
  });
});

test('each try to send a reference is a copy of its own, in the group of its tenant', () => {
  const reference = { id: 'msg', tenant: 'acme', topic: 'llm', run: 1, traceparent: trace } as const;
  const { body, group, traceparent } = referenceMessage(reference);
  expect({ group, traceparent }).toEqual({ group: 'acme', traceparent: trace });
  const copies = [body(), body()].map((sent) => parseBody(messageReference, sent));
  for (const sent of copies) expect(sent).toEqual({ ...reference, copy: sent?.copy });
  const names = copies.map((sent) => sent?.copy);
  expect(names).not.toContain(undefined);
  expect(new Set(names).size).toBe(2);
});

test('the fair-queue group of a tenant is its name where SQS takes it', () => {
  expect(messageGroup('acme')).toBe('acme');
  expect(messageGroup('x'.repeat(129))).not.toContain('x');
});

test('the fair-queue group of any tenant is one that SQS takes', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, minLength: 1, maxLength: 256 }), (tenant) => {
      expect(messageGroup(tenant)).toMatch(/^[!-~]{1,128}$/);
    }),
  );
});

describe('a message', () => {
  const entityId = 'pay_01JD8Q4Z6V0X3M5T7R9W2B4C6D';
  const wellFormed = fc
    .string({ unit: anyCharacter, minLength: 1, maxLength: 128 })
    .filter((text) => text.isWellFormed());

  test('is found by its tenant and its id', () => {
    fc.assert(
      fc.property(wellFormed, fc.integer({ min: 1, max: 1e9 }), fc.nat({ max: 99 }), (tenant, seq, n) => {
        const item = messageItem({
          tenant,
          entityId,
          collection: 'payments',
          seq,
          n,
          type: 'payment.confirmed',
          topic: 'external-call',
          payload: {},
          createdAt: '2026-11-20T10:15:30.123Z',
        });
        expect(messageKey(item)).toEqual({ pk: item.pk, sk: item.sk });
      }),
    );
  });

  test.each([
    '',
    'msg_x_1_0',
    `msg_${entityId}_0_0`,
    `msg_${entityId}_01_0`,
    `msg_${entityId}_1_100`,
    `${entityId}_1_0`,
  ])('is not named by %j', (id) => {
    expect(messageKey({ tenant: 'acme', id })).toBeUndefined();
  });

  test('is not named by a tenant that is no text', () => {
    expect(messageKey({ tenant: '\ud800', id: `msg_${entityId}_1_0` })).toBeUndefined();
  });
});
