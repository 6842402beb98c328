/** What a topic’s worker makes of each end of a call: what its message keeps, when it comes again, and what is counted. */
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { createAnswers } from '../../functions/commands/carry-out-answer.ts';
import { delivery as deliveryLimits, uncertainty } from '../../functions/runtime/delivery-limits.ts';
import { message as messageLimits } from '../../functions/runtime/limits.ts';
import { queue as queueLimits } from '../../functions/runtime/topics.ts';
import { takeAnswer } from '../../functions/store/outbox/kept-answers.ts';
import { callsOf } from '../../functions/store/outbox/call-records.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import { refused, undeliverable } from '../../functions/workers/receiver.ts';
import type { Received } from '../../functions/workers/receiver.ts';
import { done, no, busy, unsure, deliveredWorker } from '../support/delivered-worker.ts';

const { seen, outbox, backend, deliver, put, set, still } = deliveredWorker();

describe('a call that', () => {
  test('is done ends its message, and is counted with the time it took', async () => {
    const { now, at } = still();
    const item = await put({ createdAt: new Date(at - 1_500).toISOString() });
    expect(await deliver(item, done, { now })).toBe(false);
    expect(await outbox().read(item)).toMatchObject({
      status: 'done',
      result: '{"status":200}',
      attempts: 1,
    });
    expect(await outbox().read(item)).not.toHaveProperty('calls');
    expect(seen.counted).toEqual(['MessagesDone external-call', 'DeliveryLatency external-call 1500']);
    expect(seen.hidden).toEqual([]);
  });

  test('is done on a clock that is behind, or in a later run, has taken no time that counts', async () => {
    const { now, at } = still();
    await deliver(await put({ createdAt: new Date(at + 900).toISOString() }), done, { now });
    expect(seen.counted).toEqual(['MessagesDone external-call', 'DeliveryLatency external-call 0']);
    seen.counted = [];
    const item = await put();
    await deliver(item, no);
    await redriveMessage(outbox().access, item);
    seen.counted = [];
    await deliver(await outbox().read(item), done);
    expect(seen.counted).toEqual(['MessagesDone external-call']);
    expect(callsOf(await outbox().read(item))).toMatchObject([
      { code: '402' },
      { code: 'done', certain: true },
    ]);
  });

  test('is refused, where nothing follows from that, is dead', async () => {
    const { now, at } = still();
    const item = await put();
    expect(await deliver(item, no, { now })).toBe(true);
    const found = await outbox().read(item);
    expect(found).toMatchObject({
      ...{ status: 'dead', unsettled: 0, attempts: 1 },
      lastError: { code: '402', reason: 'No.', at: new Date(at).toISOString() },
      answer: { outcome: 'refused', by: 'receiver:external-call', refused: { code: '402', reason: 'No.' } },
      calls: [{ kind: 'call', run: 1, attempt: 1, code: '402', reason: 'No.', certain: true }],
    });
    for (const { answer } of [found.lastError, found.answer?.refused] as { answer?: string }[])
      expect(Buffer.byteLength(answer ?? '')).toBe(messageLimits.resultMaxBytes);
    expect(seen.counted).toEqual(['AttemptsFailed external-call', 'MessagesDead external-call']);
    expect(seen.hidden).toEqual([0]);
    const silent = await put();
    expect(await deliver(silent, refused('402', 'No.'))).toBe(true);
    expect((await outbox().read(silent)).answer?.refused).toEqual({ code: '402', reason: 'No.' });
  });

  test('is taken waits for its callback, and is not counted as done', async () => {
    const { now, at } = still();
    const item = await put();
    expect(await deliver(item, { kind: 'accepted' }, { now })).toBe(false);
    const found = await outbox().read(item);
    expect(found).toMatchObject({ status: 'waiting', waitingUntil: at + uncertainty.waitingMaxMs });
    expect(callsOf(found)).toMatchObject([
      { code: 'accepted', reason: 'The receiver answered.', certain: true },
    ]);
    expect(seen.counted).toEqual([]);
  });

  test('could reach nobody, ever, is dead at once', async () => {
    const item = await put();
    expect(await deliver(item, undeliverable('no_receiver', 'None is set.'))).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      ...{ status: 'dead', attempts: 1, unsettled: 0 },
      calls: [{ code: 'no_receiver', certain: true }],
    });
    expect(await outbox().read(item)).not.toHaveProperty('answer');
  });

  test('did not act is tried again when its policy says so, and not before', async () => {
    const { now, at } = still();
    const item = await put();
    expect(await deliver(item, busy, { now })).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      ...{
        status: 'sent',
        leaseUntil: at + 1_000,
        unsettled: 0,
        lastError: { code: '503', reason: 'Later.' },
      },
      calls: [{ code: '503', certain: true }],
    });
    expect([seen.hidden, seen.counted]).toEqual([[1], ['AttemptsFailed external-call']]);
    expect(await deliver(item, done, { now: () => at + 400 })).toBe(true);
    expect([seen.calls, seen.hidden]).toEqual([1, [1, 1]]);
    expect(await deliver(item, busy, { now: () => at + 1_000 })).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      ...{ status: 'dead', attempts: 2, unsettled: 0, lastError: { code: '503', reason: 'Later.' } },
      calls: [{ certain: true }, { certain: true }],
    });
  });

  test('says itself when to come again is heeded', async () => {
    const { now, at } = still();
    const item = await put();
    await deliver(item, { ...busy, retryAfterMs: 7_000 }, { now });
    expect(await outbox().read(item)).toMatchObject({ leaseUntil: at + 7_000 });
    expect(seen.hidden).toEqual([7]);
  });

  test('may have acted is made again, with the doubt that is left', async () => {
    const item = await put();
    expect(await deliver(item, unsure)).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      status: 'sent',
      unsettled: 1,
      calls: [{ certain: false }],
    });
    outbox().clock.ahead(60_000);
    expect(await deliver(item, unsure)).toBe(true);
    expect(await outbox().read(item)).toMatchObject({ status: 'dead', unsettled: 2, attempts: 2 });
  });

  test('may have acted, where it must not be made again, is dead at once', async () => {
    const item = await put({ onUncertain: 'hold' });
    await deliver(item, unsure);
    expect(await outbox().read(item)).toMatchObject({ status: 'dead', unsettled: 1, attempts: 1 });
  });

  test('may have acted, where its receiver can be asked, is not dead with its last attempt', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await deliver(item, busy);
    outbox().clock.ahead(60_000);
    await deliver(item, unsure);
    expect(await outbox().read(item)).toMatchObject({ status: 'sent', attempts: 2, unsettled: 1 });
  });

  test('notes where its message lies, for who calls back, and no other topic does', async () => {
    const commands: string[] = [];
    const lose = (command: string): void => void commands.push(command);
    await deliver(await put(), done, { lose });
    expect(commands.filter((name) => name.startsWith('Put'))).toHaveLength(1);
    commands.splice(0);
    const mail = await put({ topic: 'notification' });
    await deliver(mail, done, { lose, topic: 'notification' });
    expect(commands.filter((name) => name.startsWith('Put'))).toEqual([]);
    expect(seen.counted).toContain('MessagesDone notification');
    expect((await outbox().read(mail)).status).toBe('done');
  });

  test('ends after another answer was taken is a conflict, and the first counts', async () => {
    const item = await put();
    const other = {
      outcome: 'refused',
      by: 'x',
      at: new Date().toISOString(),
      refused: { code: 'x', reason: 'x' },
    } as const;
    const answering = async (): Promise<Received> => {
      await takeAnswer(outbox().access, item, { answer: other, from: 'worker' });
      return done;
    };
    expect(await deliver(item, answering)).toBe(false);
    expect(seen.counted).toEqual(['AnswerConflicts']);
    const again = await put();
    const same = { outcome: 'done', by: 'x', at: new Date().toISOString(), result: '{}' } as const;
    seen.counted = [];
    const twice = async (): Promise<Received> => {
      await takeAnswer(outbox().access, again, { answer: same, from: 'worker' });
      return done;
    };
    expect(await deliver(again, twice)).toBe(false);
    expect(seen.counted).toEqual([]);
  });

  test('ends when its message is gone comes again soon, and is counted by nobody', async () => {
    const item = await put();
    const removing = async (): Promise<Received> => {
      const Key = { pk: item.pk, sk: item.sk };
      await outbox().client.send(new DeleteCommand({ TableName: outbox().tables.outbox, Key }));
      return done;
    };
    expect(await deliver(item, removing)).toBe(true);
    expect([seen.hidden, seen.counted]).toEqual([[1], []]);
  });

  test('ends when another worker has taken over is handed back, and nothing is counted', async () => {
    const item = await put();
    const slow = async (): Promise<Received> => {
      await set(item, 'leaseToken', 'of another worker');
      return no;
    };
    expect(await deliver(item, slow)).toBe(true);
    expect([seen.hidden, seen.counted]).toEqual([[1], []]);
    expect((await outbox().read(item)).status).toBe('sent');
  });
});

describe('an answer that its entity is moved by', () => {
  const captures = { done: 'captured', refused: 'decline' };
  async function confirmed(more: Partial<MessageItem['answers'] & object> = {}): Promise<MessageItem> {
    const payment = { payer: 'ada', payee: 'shop', amount: 5, currency: 'EUR' };
    const { json } = await backend().post('/v1/payments', payment);
    expect((await backend().post(`/v1/payments/${String(json['id'])}/confirm`)).status).toBe(200);
    const item = outbox().made({ entityId: String(json['id']), seq: 2 });
    await set(item, 'answers', { ...captures, ...more });
    return outbox().read(item);
  }
  const paymentOf = async ({ entity }: MessageItem) => (await backend().get(`/v1/payments/${entity}`)).json;

  test('ends its message with it, and is counted once', async () => {
    const item = await confirmed();
    expect(await deliver(item, { kind: 'done', result: { status: 200, body: '{}' } })).toBe(false);
    expect(await outbox().read(item)).toMatchObject({
      status: 'done',
      calls: [{ code: 'done', attempt: 1 }],
    });
    expect(await paymentOf(item)).toMatchObject({ version: 3 });
    expect(seen.counted[0]).toBe('MessagesDone external-call');
    const other = await confirmed();
    seen.counted = [];
    expect(await deliver(other, no)).toBe(false);
    expect(await outbox().read(other)).toMatchObject({ status: 'done', refused: { code: '402' } });
    expect(await paymentOf(other)).toMatchObject({ status: 'declined' });
    expect(seen.counted[0]).toBe('MessagesDone external-call');
  });

  test('that is kept, and whose worker died, moves it with the next delivery, without a call', async () => {
    const item = await confirmed();
    const answer = {
      outcome: 'done',
      by: 'receiver:external-call',
      at: new Date().toISOString(),
      result: '{}',
    } as const;
    await takeAnswer(outbox().access, item, { answer, from: 'worker' });
    expect(await deliver(item, no)).toBe(false);
    expect(seen.calls).toBe(0);
    expect(await paymentOf(item)).toMatchObject({ version: 3 });
  });

  test('waits while the entity is not there to be moved, comes again each time later, and is left in time', async () => {
    const item = await put();
    await set(item, 'answers', captures);
    expect(await deliver(item, done)).toBe(true);
    expect(await outbox().read(item)).toMatchObject({ status: 'sent', answerWaits: { code: 'not_found' } });
    expect(await deliver(item, done, { receives: 2 })).toBe(true);
    const base = deliveryLimits.faultBaseSeconds;
    expect(seen.hidden).toEqual([base, 2 * base]);
    expect(seen.counted).toEqual(['AttemptsFailed external-call', 'AttemptsFailed external-call']);
    expect(await deliver(item, done, { receives: queueLimits.maxReceiveCount - 1 })).toBe(false);
    expect(seen.calls).toBe(1);
  });

  test('of having given up moves it once, and the delivery goes to the dead letters', async () => {
    const item = await confirmed({ dead: 'decline' });
    expect(await deliver(item, undeliverable('no_receiver', 'None is set.'))).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      ...{ status: 'dead', hasDied: true, lastError: { code: 'no_receiver' } },
      letter: { copy: 'the first copy' },
    });
    expect(await paymentOf(item)).toMatchObject({ status: 'declined' });
    expect([seen.hidden, seen.counted]).toEqual([
      [0],
      ['AttemptsFailed external-call', 'MessagesDead external-call'],
    ]);
    await redriveMessage(outbox().access, item);
    expect(await deliver(await outbox().read(item), undeliverable('no_receiver', 'None is set.'))).toBe(true);
    expect(await outbox().read(item)).toMatchObject({ status: 'dead', run: 2 });
    expect((await outbox().read(item)).answer).toBeUndefined();
  });

  test.each([
    ['an end that was kept', done, {}, false],
    ['having given up', undeliverable('no_receiver', 'None is set.'), { dead: 'decline' }, true],
  ] as const)(
    'of %s and that somebody else carries out first is counted by that one',
    async (_, received, more, isDead) => {
      const item = await confirmed(more);
      // What a person would have to settle is kept first.
      if (!isDead) await set(item, 'onUncertain', 'hold');
      let carried: string | undefined;
      const lose = async (command: string): Promise<void> => {
        if (!command.startsWith('TransactWrite') || carried !== undefined) return;
        const { carryOut } = createAnswers(backend().backend, outbox().access);
        carried = (await carryOut(await outbox().read(item))).kind;
      };
      expect(await deliver(item, received, { lose })).toBe(isDead);
      expect(carried).toBe('ended');
      expect(seen.counted).toEqual([]);
      expect(await paymentOf(item)).toMatchObject({ version: 3 });
    },
  );

  test('of having given up is not taken of a lease that is lost', async () => {
    const item = await confirmed({ dead: 'decline' });
    const slow = async (): Promise<Received> => {
      await set(item, 'leaseToken', 'of another worker');
      return undeliverable('no_receiver', 'None is set.');
    };
    expect(await deliver(item, slow)).toBe(true);
    expect(seen.hidden).toEqual([1]);
    expect(await outbox().read(item)).toMatchObject({ status: 'sent' });
  });

  test('of a no, where another answer than that is waited for, is dead and moves nothing', async () => {
    const item = await confirmed({ dead: 'decline' });
    await set(item, 'answers', { done: 'captured', dead: 'decline' });
    expect(await deliver(item, no)).toBe(true);
    expect(await outbox().read(item)).toMatchObject({ status: 'dead', answer: { outcome: 'refused' } });
    expect(await paymentOf(item)).toMatchObject({ status: 'confirmed', version: 2 });
  });
});
