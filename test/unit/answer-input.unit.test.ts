/** What a transition is told of the answer that brings it about. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answerInput } from '../../functions/commands/answer-input.ts';
import type { Answer, MessageItem } from '../../functions/store/outbox/message-items.ts';
import { madeMessage } from '../support/messages.ts';

const at = '2026-11-26T12:00:00.000Z';
const message = madeMessage(Date.parse(at), { payload: { type: 'x', data: { amount: 5 } } });
const by = { by: 'receiver:external-call', at };
const done: Answer = { ...by, outcome: 'done', result: '{"status":200}' };
const gaveUp: Answer = { ...by, outcome: 'dead' };
/** All that it is told. */
const told = (answer: Answer, more: Partial<MessageItem> = {}): unknown => {
  const given = answerInput({ input: z.looseObject({}) }, { ...message, ...more }, answer);
  return given.kind === 'understood' ? given.input : given.issues;
};

describe('a transition that an answer brings about is told', () => {
  it('nothing where it takes nothing', () => {
    expect(answerInput({}, message, done)).toEqual({
      kind: 'understood',
      input: {},
    });
  });

  it('what was done, of which message, and what was sent with it: of a call its data', () => {
    expect(told(done)).toEqual({ status: 200, message: message.id, sent: { amount: 5 } });
    const mail = { topic: 'notification', payload: '{"to":"a@example.com"}' } as const;
    expect(told(done, mail)).toEqual({ status: 200, message: message.id, sent: { to: 'a@example.com' } });
  });

  it('no more than there is: no result, and no payload of what was sensitive', () => {
    const { payload, ...bare } = message;
    expect(payload).toBeDefined();
    const given = answerInput({ input: z.looseObject({}) }, bare, {
      ...by,
      outcome: 'done',
    });
    expect(given).toEqual({ kind: 'understood', input: { message: message.id } });
  });

  it('why it was refused, with the beginning of what was answered', () => {
    const refused = { code: '402', reason: 'No.', answer: 'no money' };
    expect(told({ ...by, outcome: 'refused', refused })).toMatchObject(refused);
  });

  it('why it was given up, and whether its receiver may have acted', () => {
    const lastError = { code: '500', reason: 'It answered 500.', at };
    const error = { code: '500', reason: 'It answered 500.' };
    expect(told({ ...gaveUp, lastError }, { unsettled: 1 })).toMatchObject({ ...error, uncertain: true });
    expect(told({ ...gaveUp, lastError }, { unsettled: 0 })).toMatchObject({ ...error, uncertain: false });
    expect(told(gaveUp)).toMatchObject({ code: '', reason: '' });
  });

  it('what its schema names, and nothing where the answer is none that it takes', () => {
    const input = z.object({ status: z.int() });
    expect(answerInput({ input }, message, done)).toEqual({
      kind: 'understood',
      input: { status: 200 },
    });
    expect(answerInput({ input }, message, { ...done, result: '{"status":"x"}' })).toMatchObject({
      kind: 'not_understood',
      issues: [{ path: ['status'] }],
    });
  });
});
