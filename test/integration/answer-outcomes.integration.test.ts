/** What becomes of an answer: with it its message ends and its entity moves, once, or it waits and says for what. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { createAnswers } from '../../functions/commands/carry-out-answer.ts';
import type { CarriedOut } from '../../functions/commands/carry-out-answer.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { readLedger } from '../../functions/store/entities/reads.ts';
import { takeAnswer } from '../../functions/store/outbox/kept-answers.ts';
import type { AnswerNews } from '../../functions/store/outbox/kept-answers.ts';
import { messageId } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { readMessage } from '../../functions/store/outbox/messages.ts';
import { commandProcesses, conflictAt, gone, idIn, isWrite, run } from '../support/command-processes.ts';
import type { CommandProcess } from '../support/command-processes.ts';
import { madeMessage } from '../support/messages.ts';

const { api, clock, started, of, create, transition, lock, read } = commandProcesses();

const accessOf = ({ backend: { store } }: CommandProcess): OutboxAccess => ({
  ...{ client: store.client, table: store.tables.outbox, clock },
});
const answersOf = (process: CommandProcess = api) => createAnswers(process.backend, accessOf(process));
const stored = async (item: Pick<MessageItem, 'tenant' | 'id'>): Promise<MessageItem> => {
  const found = await readMessage(accessOf(api), item);
  if (found === undefined) throw new Error('it is gone');
  return found;
};
async function put(item: MessageItem, more: Partial<MessageItem> = {}): Promise<MessageItem> {
  const Item = { ...item, ...more };
  await api.backend.store.client.send(new PutCommand({ TableName: accessOf(api).table, Item }));
  return Item;
}

const by = 'receiver:external-call';
const at = (): string => timestamp(clock.now());
const yes = (): AnswerNews => ({
  answer: { outcome: 'done', by, at: at(), result: '{"body":"{\\"reference\\":\\"ch_7\\"}"}' },
  from: 'worker',
});
const no = (): AnswerNews => ({
  answer: { outcome: 'refused', by, at: at(), refused: { code: '402', reason: 'No money.' } },
  from: 'worker',
});

/** The message of a payment that was confirmed. */
async function capture(more: Partial<MessageItem> = {}): Promise<MessageItem> {
  const asked = { payer: 'ada', payee: 'shop', amount: 1250, currency: 'EUR' };
  const id = idIn(await run(api, create('payments', asked)));
  await run(api, transition('payments', 'confirm', id));
  return put(await stored({ tenant: api.tenant, id: messageId(id, 2, 0) }), more);
}
/** One whose answer was taken, and has not moved its entity yet. */
async function answered(more: Partial<MessageItem> = {}, news: AnswerNews = yes()): Promise<MessageItem> {
  const taken = await takeAnswer(accessOf(api), await capture(more), news);
  if (taken.kind !== 'taken') throw new Error(`it is ${taken.kind}`);
  return taken.item;
}
const carriedOut = (item: MessageItem, process?: CommandProcess): Promise<CarriedOut> =>
  answersOf(process).carryOut(item);
const ended = (isFirst: boolean) => ({ kind: 'ended', isFirst });

describe('an answer', () => {
  test('ends its message and moves its entity, once, and is not taken back', async () => {
    const item = await capture({ requestId: 'req-1', traceparent: '00-a-b-01' });
    expect(await answersOf().answer(item, yes())).toEqual(ended(true));
    expect(await stored(item)).toMatchObject({ status: 'done', answer: { outcome: 'done', by } });
    expect(await answersOf().answer(item, yes())).toEqual(ended(false));
    expect(await answersOf().answer(item, no())).toMatchObject({ kind: 'conflict', item: { id: item.id } });
    const { backend, tenant } = api;
    expect(await read(item.entity)).toMatchObject({ version: 3, attributes: { providerReference: 'ch_7' } });
    const { signal } = new AbortController();
    const { entries } = await readLedger(backend.store, tenant, item.entity, { limit: 9 }, signal);
    expect(entries.at(-1)).toMatchObject({ command: 'captured', actor: by });
    // What follows from it is found by it.
    const receipt = await stored({ tenant, id: messageId(item.entity, 3, 0) });
    expect(receipt).toMatchObject({ requestId: 'req-1', traceparent: '00-a-b-01' });
  });

  test('that was taken is carried out once, and its message gives its name where nobody asked', async () => {
    const { requestId: _, ...item } = await answered();
    expect(await carriedOut(item)).toEqual(ended(true));
    expect(await carriedOut(item)).toEqual(ended(false));
    const receipt = await stored({ tenant: api.tenant, id: messageId(item.entity, 3, 0) });
    expect(receipt.requestId).toBe(item.id);
  });

  test('to a message that is not there is none', async () => {
    const item = madeMessage(clock.now(), { tenant: api.tenant });
    expect(await answersOf().answer(item, yes())).toEqual({ kind: 'not_found' });
  });

  test('that nothing follows from ends its message alone', async () => {
    const item = await put(madeMessage(clock.now(), { tenant: api.tenant }));
    expect(await answersOf().answer(item, yes())).toEqual(ended(true));
    expect(await answersOf().answer(item, yes())).toEqual(ended(false));
    expect((await stored(item)).status).toBe('done');
  });

  test('that a message was given up leaves its delivery on it, for the dead letters', async () => {
    const lastError = { code: '503', reason: 'It is down.', at: at() };
    const item = await capture({ answers: { dead: 'decline' } });
    const given = await put(item, { answer: { outcome: 'dead', by, at: at(), lastError } });
    const letter = { copy: 'copy', sqsMessageId: 'one', diedAt: clock.now() };
    expect(await answersOf().carryOut(given, { letter })).toEqual(ended(true));
    expect(await stored(item)).toMatchObject({ status: 'dead', letter, lastError });
    expect(await read(item.entity)).toMatchObject({ status: 'declined' });
  });
});

describe('an answer waits, and says for what', () => {
  const waits = (code: string) => ({ kind: 'waits', code });
  async function noted(item: MessageItem, code: string): Promise<void> {
    expect(await stored(item)).toMatchObject({ status: 'sent', answerWaits: { code } });
    expect((await read(item.entity))?.version).toBe(2);
  }

  test('where its entity is locked, until the lock is over', async () => {
    const item = await capture();
    await run(api, lock(item.entity, { domain: of('payments') }));
    expect(await answersOf().answer(item, yes())).toEqual(waits('locked'));
    await noted(item, 'locked');
    clock.advance(61_000);
    expect(await carriedOut(await stored(item))).toEqual(ended(true));
  });

  test('but not for its turn where its message does not have it yet: it is kept first', async () => {
    const conflicting = (): CommandProcess =>
      started({
        before: (call) => {
          if (isWrite(call) && call.nth === 1) throw conflictAt(0);
        },
      });
    const item = await capture();
    expect(await answersOf(conflicting()).carryOut(item, { news: yes() })).toEqual(waits('contended'));
    expect(await stored(item)).toEqual(item);
    expect(await carriedOut(await answered(), conflicting())).toEqual(ended(true));
  });

  test.each([
    [
      'but for nothing where it lost one race to another command: it decides on what that left',
      1,
      ended(true),
    ],
    ['where it loses a second race before its message has it', 2, waits('contended')],
  ])('%s', async (_, losses, outcome) => {
    const payment = await capture();
    await answersOf().answer(payment, yes());
    const refund = (amount: number) => run(api, transition('payments', 'refund', payment.entity, { amount }));
    await refund(100);
    const item = await stored({ tenant: api.tenant, id: messageId(payment.entity, 4, 0) });
    const raced = started({
      before: async (call) => {
        if (isWrite(call) && call.nth <= losses) await refund(call.nth);
      },
    });
    const news: AnswerNews = { ...yes(), answer: { outcome: 'done', by, at: at(), result: '{"body":""}' } };
    expect(await answersOf(raced).carryOut(item, { news })).toEqual(outcome);
    expect(raced.made.slice(0, 3)).toEqual(['BatchGet', 'TransactWrite', 'TransactWrite']);
    if (losses === 2) expect(await stored(item)).toEqual(item);
  });

  test.each([
    ['its transition', { answers: { done: 'vanished' } }, 'no_transition'],
    ['a transition for this outcome', { answers: { refused: 'decline' } }, 'no_transition'],
    ['its collection', { collection: 'vanished' }, 'no_transition'],
  ])('where this version of the definition lacks %s', async (_, more, code) => {
    const item = await answered();
    expect(await carriedOut({ ...item, ...more })).toEqual(waits(code));
    await noted(item, code);
  });

  test('where whoever carries it out knows of no answer, or of nothing that follows', async () => {
    const { answer: _, ...unanswered } = await answered();
    const { answers: _2, ...plain } = await stored(unanswered);
    for (const item of [unanswered, plain]) expect(await carriedOut(item)).toEqual(waits('no_transition'));
    expect(await carriedOut(await stored(plain))).toEqual(ended(true));
    // It learns that the message has ended.
    expect(await carriedOut(unanswered)).toEqual(ended(false));
  });

  test('where its transition does not understand it', async () => {
    const item = await answered({}, { ...yes(), answer: { ...yes().answer, result: '{"body":7}' } });
    expect(await carriedOut(item)).toEqual(waits('answer_not_understood'));
    await noted(item, 'answer_not_understood');
  });

  test('where the state of its entity does not allow it', async () => {
    const item = await answered({ answers: { done: 'cancel' } });
    expect(await carriedOut(item)).toEqual(waits('transition_not_allowed'));
    await noted(item, 'transition_not_allowed');
  });

  test('also where the note of it was lost; what is no such loss is a defect', async () => {
    const item = await answered();
    await run(api, lock(item.entity, { domain: of('payments') }));
    const losing = (error: Error): CommandProcess =>
      started({
        before: ({ command }) => {
          if (command === 'Update') throw error;
        },
      });
    expect(await carriedOut(item, losing(gone()))).toEqual(waits('locked'));
    await expect(carriedOut(item, losing(new Error('a defect')))).rejects.toThrow('a defect');
  });

  test('where the database is away, with the cause', async () => {
    const item = await answered();
    const away = started({
      before: () => {
        throw gone();
      },
    });
    const cause: unknown = expect.objectContaining({ code: 'ECONNRESET' });
    expect(await carriedOut(item, away)).toEqual({ ...waits('unavailable'), cause });
  });

  test('but not where it has ended its message, and only the answer to that was lost', async () => {
    const item = await answered({}, no());
    const unheard = started({
      after: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await carriedOut(item, unheard)).toEqual(ended(false));
    // It would not be taken a second time.
    expect(await read(item.entity)).toMatchObject({ status: 'declined', version: 3 });
    expect((await stored(item)).status).toBe('done');
  });
});

describe('what waits behind a message', () => {
  const ordered = { ordered: true } as const;
  /** The next one to the same receiver. */
  const behind = ({ id, tenant, entity: entityId, receiver }: MessageItem): Promise<MessageItem> => {
    const next = { tenant, entityId, seq: 9, ...ordered, ...(receiver !== undefined && { receiver }) };
    return put(madeMessage(clock.now(), next), { status: 'sent', behind: id });
  };
  const isReleased = async (item: MessageItem): Promise<boolean> => {
    const { status, behind: other } = await stored(item);
    return status === 'pending' && other === undefined;
  };

  test('is released when that has ended, also where whoever ended it died before', async () => {
    const item = await answered(ordered);
    for (const isFirst of [true, false]) {
      const next = await behind(item);
      expect(await carriedOut(item)).toEqual(ended(isFirst));
      expect(await isReleased(next)).toBe(true);
    }
  });

  test('stays where that was given up', async () => {
    const lastError = { code: '503', reason: 'It is down.', at: at() };
    const answer = { outcome: 'dead', by, at: at(), lastError } as const;
    const item = await capture({ ...ordered, answers: { dead: 'decline' }, answer });
    const next = await behind(item);
    expect(await carriedOut(item)).toEqual(ended(true));
    expect(await isReleased(next)).toBe(false);
  });

  test.each([
    ['by the first answer that nothing follows from', yes, true],
    ['not by a refusal that is for a person to look at', no, false],
  ])('is released %s', async (_, news, released) => {
    const item = await put(madeMessage(clock.now(), { tenant: api.tenant, ...ordered }));
    const next = await behind(item);
    expect(await answersOf().answer(item, news())).toEqual(ended(true));
    expect(await isReleased(next)).toBe(released);
    const later = await behind(item);
    expect(await answersOf().answer(item, news())).toMatchObject({ kind: 'ended', isFirst: false });
    expect(await isReleased(later)).toBe(false);
  });
});
