/** What an answer leaves of its message, whoever gave it. */
import { randomUUID } from 'node:crypto';
import { GetCommand, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { message as limits } from '../../functions/runtime/limits.ts';
import {
  isResolvable,
  keepDeadEnd,
  messageEnd,
  noteTenant,
  outcomeSaid,
  recordAnswerWaits,
  takeAnswer,
  tenantOf,
} from '../../functions/store/outbox/kept-answers.ts';
import type { AnswerNews } from '../../functions/store/outbox/kept-answers.ts';
import type { Answer, MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { Beside } from '../../functions/store/outbox/message-writes.ts';
import { recordWaiting } from '../../functions/store/outbox/messages.ts';
import { intercept } from '../support/sdk-faults.ts';
import {
  time,
  late,
  error,
  call,
  said,
  gaveUp,
  standsIn,
  answers,
  writtenMessages,
} from '../support/written-messages.ts';

const { access, another, made, put, read, held, died } = writtenMessages();

const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';

describe('an answer', () => {
  const taken = (item: MessageItem, news: Partial<AnswerNews> = {}) =>
    takeAnswer(access, item, { answer: said('done'), from: 'worker', ...news });

  test('that nothing follows from ends its message', async () => {
    const item = await put({ sensitive: true, traceparent });
    await held(item);
    expect(await taken(item, { calls: [call] })).toEqual({
      kind: 'taken',
      item: await read(item),
      isFirst: true,
    });
    const after = await read(item);
    expect(after).toMatchObject({
      ...{ status: 'done', doneAt: timestamp(time.now), result: '{"ok":true}', calls: [call] },
      expiresAt: Math.floor((time.now + limits.keptMs) / 1000),
      ...standsIn(item, 'done'),
    });
    for (const gone of 'leaseUntil leaseToken openPk payload answer unsettled lastError traceparent'.split(
      ' ',
    ))
      expect(after).not.toHaveProperty(gone);
    const open = await put();
    await taken(open);
    expect(await read(open)).toHaveProperty('payload');
  });

  test('that an operator has given keeps who said so, and the note', async () => {
    const item = await died();
    const answer = said('refused', { by: 'carol', note: 'They called.' });
    expect(await taken(item, { answer, from: 'operator' })).toMatchObject({ kind: 'taken', isFirst: true });
    const { refused, ...kept } = answer;
    const ended = await read(item);
    expect(ended).toMatchObject({ status: 'done', answer: kept, refused });
    expect(ended).not.toHaveProperty('died');
    const plain = await died();
    const done = said('done', { by: 'carol', note: 'It is there.' });
    await taken(plain, { answer: done, from: 'operator' });
    const { result, ...rest } = done;
    expect(await read(plain)).toMatchObject({ status: 'done', answer: rest, result });
    expect(await taken(await put(), { answer, from: 'operator' })).toMatchObject({ kind: 'conflict' });
  });

  test('of no, that nothing follows from, is for people to look at', async () => {
    const item = await put();
    await held(item);
    await taken(item, { answer: said('refused') });
    const after = await read(item);
    const { refused, ...kept } = said('refused');
    expect(after).toMatchObject({
      ...{ status: 'dead', refused, answer: kept, lastError: { ...refused, at: kept.at } },
      died: { code: refused?.code, at: time.now },
      ...standsIn(item, 'dead'),
    });
    expect(after).not.toHaveProperty('doneAt');
    expect(after).not.toHaveProperty('expiresAt');
    expect(after).not.toHaveProperty('unsettled');
    expect(after).toHaveProperty('payload');
  });

  test.each([
    ['worker', 'sent'],
    ['callback', 'pending'],
  ] as const)(
    'that its entity is moved by is kept, and the message stays open (%s)',
    async (from, status) => {
      const item = await put({ answers });
      await recordWaiting(access, await held(item), { calls: [], until: time.now });
      await taken(item, { from });
      const after = await read(item);
      expect(after).toMatchObject({ status, answer: said('done'), unsettled: 0, ...standsIn(item, 'open') });
      for (const gone of ['leaseUntil', 'leaseToken', 'waitingUntil', 'closedPk', 'doneAt'])
        expect(after).not.toHaveProperty(gone);
    },
  );

  test('counts once: the same one again is no news, another one is a conflict', async () => {
    for (const message of [{ answers }, {}]) {
      const item = await put(message);
      await taken(item);
      expect(await taken(item)).toMatchObject({ kind: 'taken', isFirst: false });
      expect(await taken(item, { answer: said('refused') })).toMatchObject({
        kind: 'conflict',
        item: { id: item.id },
      });
    }
  });

  test('comes with what is written beside it', async () => {
    const item = await put();
    const pk = randomUUID();
    const beside: Beside = [{ Put: { TableName: access.table, Item: { pk, sk: 'beside' } } }];
    expect(await taken(item, { beside })).toEqual({ kind: 'taken', isFirst: true, item: await read(item) });
    const found = await access.client.send(
      new GetCommand({ TableName: access.table, Key: { pk, sk: 'beside' } }),
    );
    expect(found.Item).toBeDefined();
  });

  test('that waits for its entity says why, until the message has ended', async () => {
    const item = await put({ answers });
    expect(await recordAnswerWaits(access, item, 'locked')).toBe('ended');
    await taken(item);
    expect(await recordAnswerWaits(access, item, 'locked')).toBe('noted');
    expect(await read(item)).toMatchObject({ answerWaits: { code: 'locked', at: timestamp(time.now) } });
  });

  test('of having given up is no answer: what the receiver says later counts', async () => {
    const item = await put({ answers });
    const given = { calls: [call], isCertain: false };
    expect(await keepDeadEnd(access, late(item), gaveUp, given)).toBeUndefined();
    await recordWaiting(access, await held(item), { calls: [], until: time.now });
    const kept = await keepDeadEnd(access, await held(item), gaveUp, given);
    expect(kept).toEqual(await read(item));
    expect(kept).toMatchObject({
      ...{ status: 'sent', answer: gaveUp, lastError: error, calls: [call], unsettled: 1 },
      ...standsIn(item, 'open'),
    });
    for (const gone of ['leaseUntil', 'leaseToken', 'waitingUntil', 'closedPk'])
      expect(kept).not.toHaveProperty(gone);
    await recordAnswerWaits(access, item, 'locked');
    expect(await taken(item)).toMatchObject({ kind: 'taken', isFirst: true });
    expect(await read(item)).not.toHaveProperty('answerWaits');
  });

  test('of having given up, where the last call certainly did not act, is not in doubt', async () => {
    const item = await put({ answers });
    await keepDeadEnd(access, await held(item), gaveUp, { calls: [], isCertain: true });
    expect(await read(item)).toMatchObject({ unsettled: 0 });
  });

  describe('ends its message in the transaction of its entity', () => {
    const ending = (item: MessageItem, answer: Answer, letter?: MessageItem['letter']) =>
      access.client.send(
        new TransactWriteCommand({
          TransactItems: [{ Update: messageEnd(access.table, item, answer, { now: time.now, letter }) }],
        }),
      );

    test('once, and as it was taken', async () => {
      const item = await put({ answers, sensitive: true, traceparent });
      await taken(item);
      // The transition that follows carries the trace on.
      expect(await read(item)).toMatchObject({ traceparent });
      await recordAnswerWaits(access, item, 'locked');
      await expect(ending(item, said('done', { at: timestamp(time.now - 1) }))).rejects.toThrow();
      await expect(ending(item, said('refused'))).rejects.toThrow();
      await ending(item, said('done'));
      const { result, ...kept } = said('done');
      const after = await read(item);
      expect(after).toMatchObject({ status: 'done', result, doneAt: timestamp(time.now) });
      expect(after.answer).toEqual(kept);
      for (const gone of 'answerWaits payload openPk letter hasDied unsettled traceparent'.split(' '))
        expect(after).not.toHaveProperty(gone);
      await expect(ending(item, said('done'))).rejects.toMatchObject({
        CancellationReasons: [{ Code: 'ConditionalCheckFailed', Item: expect.anything() as unknown }],
      });
    });

    test('of news where it has no answer yet, with what was tried', async () => {
      const item = await put({ answers });
      const news: AnswerNews = { answer: said('done'), calls: [call], from: 'worker' };
      const end = () =>
        access.client.send(
          new TransactWriteCommand({
            TransactItems: [
              { Update: messageEnd(access.table, item, said('done'), { now: time.now, news }) },
            ],
          }),
        );
      await taken(item, { answer: said('refused') });
      await expect(end()).rejects.toThrow();
      expect(await read(item)).toMatchObject({ status: 'sent', answer: { outcome: 'refused' } });
      await access.client.send(new PutCommand({ TableName: access.table, Item: item }));
      await end();
      expect(await read(item)).toMatchObject({ status: 'done', calls: [call], ...standsIn(item, 'done') });
      await expect(end()).rejects.toThrow();
    });

    test('of a no that moves it as done, and of having given up as dead', async () => {
      const refused = await put({ answers });
      await taken(refused, { answer: said('refused') });
      await ending(refused, said('refused'));
      expect(await read(refused)).toMatchObject({ status: 'done', refused: { code: '402' } });
      const dead = await put({ answers, traceparent });
      await keepDeadEnd(access, await held(dead), gaveUp, { calls: [], isCertain: false });
      const letter = { sqsMessageId: 'one', diedAt: time.now };
      await ending(dead, gaveUp, letter);
      const after = await read(dead);
      const { lastError, ...kept } = gaveUp;
      expect(after).toMatchObject({
        ...{ status: 'dead', answer: kept, lastError, letter, hasDied: true, unsettled: 1, traceparent },
        died: { code: gaveUp.lastError?.code, at: time.now },
        ...standsIn(dead, 'dead'),
      });
      for (const gone of ['openPk', 'doneAt', 'expiresAt']) expect(after).not.toHaveProperty(gone);
    });
  });
});

describe('what was said of a message', () => {
  const item = made();
  const refusal = { refused: { code: '402', reason: 'No.' } };
  test.each([
    ['that was refused', { answer: said('refused') }, 'refused'],
    ['that was done', { answer: said('done') }, 'done'],
    ['that was given up', { answer: gaveUp }, undefined],
    ['that has ended and had been given up', { answer: gaveUp, status: 'done' }, 'done'],
    ['that is open', {}, undefined],
    ['that has ended', { status: 'done' }, 'done'],
    ['that has ended with a refusal', { status: 'done', ...refusal }, 'refused'],
    ['that is dead with a refusal', { status: 'dead', ...refusal }, undefined],
  ] as const)('%s', (_, more, expected) => {
    expect(outcomeSaid({ ...item, ...more })).toBe(expected);
  });

  const notUnderstood = { answerWaits: { code: 'answer_not_understood', at: timestamp(time.now) } };
  const locked = { answerWaits: { code: 'locked', at: '' } };
  test.each([
    ['is dead', { status: 'dead' }, true],
    ['is on its way', { status: 'sent' }, false],
    ['has ended', { status: 'done', answer: said('done'), ...notUnderstood }, false],
    ['waits for a word on the same answer', { status: 'sent', answer: said('done'), ...notUnderstood }, true],
    ['was given up and not understood', { status: 'sent', answer: gaveUp, ...notUnderstood }, true],
    [
      'waits for a word on another answer',
      { status: 'sent', answer: said('refused'), ...notUnderstood },
      false,
    ],
    ['has no answer that was not understood', { status: 'sent', ...notUnderstood }, false],
    ['waits for a lock', { status: 'sent', answer: said('done'), ...locked }, false],
    ['waits for nothing', { status: 'sent', answer: said('done') }, false],
  ] as const)('a person’s word of done on one that %s counts, or not', (_, more, expected) => {
    expect(isResolvable({ ...item, ...more }, 'done')).toBe(expected);
  });
});

test('a callback, which names the message alone, finds its tenant as long as a finished message stays', async () => {
  const item = await put({ tenant: 'a tenant' });
  expect(await tenantOf(access, item.id)).toBeUndefined();
  await noteTenant(access, item);
  const asked: unknown[] = [];
  const watched = another();
  intercept(watched.client, { before: ({ input }) => void asked.push(input) });
  expect(await tenantOf(watched, item.id)).toBe('a tenant');
  expect(asked).toMatchObject([{ ConsistentRead: true }]);
  const Key = { pk: `callback:${item.id}`, sk: 'tenant' };
  const { Item } = await access.client.send(new GetCommand({ TableName: access.table, Key }));
  expect(Item).toEqual({
    ...Key,
    tenant: 'a tenant',
    expiresAt: Math.floor((time.now + limits.keptMs) / 1000),
  });
  const over = { ...access, deadline: { signal: AbortSignal.abort(), remainingMs: () => 0 } };
  await expect(noteTenant(over, item)).rejects.toThrow();
  await expect(tenantOf(over, item.id)).rejects.toThrow();
});
