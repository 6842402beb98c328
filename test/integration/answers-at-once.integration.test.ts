/** An answer that a worker itself got: it ends its message in the transaction of its entity, or is kept where that cannot be. */
import { describe, expect, test } from 'vitest';
import { createAnswers } from '../../functions/commands/carry-out-answer.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import { workerCall } from '../../functions/runtime/delivery-limits.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { Received } from '../../functions/workers/receiver.ts';
import { answerTo } from '../support/answering.ts';
import { deliveredWorker, done } from '../support/delivered-worker.ts';

const { seen, outbox, backend, deliver, set } = deliveredWorker();

/** A confirmed payment's message to its provider. */
async function confirmed(more: Partial<MessageItem> = {}): Promise<MessageItem> {
  const payment = { payer: 'ada', payee: 'shop', amount: 5, currency: 'EUR' };
  const { json } = await backend().post('/v1/payments', payment);
  expect((await backend().post(`/v1/payments/${String(json['id'])}/confirm`)).status).toBe(200);
  const item = outbox().made({ entityId: String(json['id']), seq: 2 });
  await set(item, 'answers', { done: 'captured', refused: 'decline' });
  for (const [name, value] of Object.entries(more)) await set(item, name, value);
  return outbox().read(item);
}
const pathOf = ({ entity }: MessageItem): string => `/v1/payments/${entity}`;
const paymentOf = async (item: MessageItem) => (await backend().get(pathOf(item))).json;

/** What the worker asks of the database, without its reads. */
function written(): { readonly writes: string[]; readonly lose: (command: string) => void } {
  const writes: string[] = [];
  return {
    writes,
    lose: (command) => {
      if (/^(?:Update|TransactWrite)/.test(command)) writes.push(command);
    },
  };
}

describe('an answer', () => {
  test('ends its message with the entity, after the claim in one write', async () => {
    const item = await confirmed();
    const { writes, lose } = written();
    expect(await deliver(item, done, { lose })).toBe(false);
    expect(writes).toEqual(['UpdateItemCommand', 'TransactWriteItemsCommand']);
    expect(await outbox().read(item)).toMatchObject({
      ...{ status: 'done', result: '{"status":200}', answer: { outcome: 'done' } },
      calls: [{ code: 'done', attempt: 1 }],
    });
    expect(await paymentOf(item)).toMatchObject({ version: 3 });
    expect(seen.counted[0]).toBe('MessagesDone external-call');
  });

  test('to a message that a person would have to settle is kept first', async () => {
    const item = await confirmed({ onUncertain: 'hold' });
    const { writes, lose } = written();
    expect(await deliver(item, done, { lose })).toBe(false);
    expect(writes).toEqual(['UpdateItemCommand', 'UpdateItemCommand', 'TransactWriteItemsCommand']);
    expect(await paymentOf(item)).toMatchObject({ version: 3 });
  });

  test('is kept where the entity is locked, and nobody is called again', async () => {
    const item = await confirmed();
    expect((await backend().post(`${pathOf(item)}/lock`, { ttlSeconds: 300 })).status).toBe(200);
    expect(await deliver(item, done)).toBe(true);
    expect(await outbox().read(item)).toMatchObject({
      ...{ status: 'sent', unsettled: 0, answer: { outcome: 'done', result: '{"status":200}' } },
      answerWaits: { code: 'locked' },
    });
    outbox().clock.ahead(301_000);
    seen.counted = [];
    expect(await deliver(item, done)).toBe(false);
    expect(seen.counted[0]).toBe('MessagesDone external-call');
    expect(seen.calls).toBe(1);
    expect(await paymentOf(item)).toMatchObject({ version: 3 });
  });

  test('is kept where the commit cannot be asked for, and is tried again in the time that is left', async () => {
    const item = await confirmed();
    let tries = 0;
    const lose = (command: string): void => {
      if (!command.startsWith('TransactWrite')) return;
      tries += 1;
      if (tries === 1) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    };
    expect(await deliver(item, done, { lose })).toBe(false);
    expect(tries).toBe(2);
    const [first, second = Infinity] = seen.budgets;
    expect(first).toBeUndefined();
    expect(second).toBeLessThanOrEqual(workerCall.answerMs);
    expect(await outbox().read(item)).toMatchObject({ status: 'done', answer: { outcome: 'done' } });
    expect(await paymentOf(item)).toMatchObject({ version: 3 });
  });
});

test('an answer that a defect of ours keeps from its entity is kept, and nobody is called again', async () => {
  const item = await confirmed();
  const defect = (command: string): void => {
    if (command.startsWith('TransactWrite')) throw new TypeError('a defect');
  };
  expect(await deliver(item, done, { lose: defect })).toBe(true);
  expect(await outbox().read(item)).toMatchObject({
    ...{ status: 'sent', unsettled: 0, answer: { outcome: 'done', result: '{"status":200}' } },
  });
  // The definition is mended.
  expect(await deliver(item, done)).toBe(false);
  expect(seen.calls).toBe(1);
  expect(await paymentOf(item)).toMatchObject({ version: 3 });
});

describe('of two answers', () => {
  /** A callback comes while the call goes on. */
  const calledBack = (item: MessageItem, outcome: 'done' | 'refused') => async (): Promise<Received> => {
    const { answer } = createAnswers(backend().backend, outbox().access);
    const said = answerTo(item, outcome, timestamp(outbox().clock.now()));
    await answer(await outbox().read(item), { answer: said, from: 'callback' });
    return done;
  };

  test('that say the same the second moves nothing, and is not counted', async () => {
    const item = await confirmed();
    expect(await deliver(item, calledBack(item, 'done'))).toBe(false);
    expect(seen.counted).toEqual([]);
    expect(await paymentOf(item)).toMatchObject({ status: 'confirmed', version: 3 });
  });

  test('that contradict each other the first counts, and the second is told', async () => {
    const item = await confirmed();
    expect(await deliver(item, calledBack(item, 'refused'))).toBe(false);
    expect(seen.counted).toEqual(['AnswerConflicts']);
    expect(await outbox().read(item)).toMatchObject({ status: 'done', refused: { code: '402' } });
    expect(await paymentOf(item)).toMatchObject({ status: 'declined', version: 3 });
  });
});
