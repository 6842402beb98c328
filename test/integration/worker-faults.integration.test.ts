import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { mayHaveActed, refused } from '../../functions/workers/receiver.ts';
import type { Received } from '../../functions/workers/receiver.ts';
import { bodyOf, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept, loseFirstAnswer } from '../support/sdk-faults.ts';

let outbox: TestOutbox;
let calls: string[];
beforeEach(async () => {
  outbox = await startOutbox();
  calls = [];
});
afterEach(() => outbox.stop());

const done: Received = { kind: 'done', result: { status: 200 } };
const failed = mayHaveActed('500', 'The receiver answered 500.');
const refusal = refused('400', 'The receiver answered 400.');

type Fault =
  'the request is lost' | 'the answer is lost' | 'the worker dies before' | 'the worker dies after';
const faults: readonly Fault[] = [
  'the request is lost',
  'the answer is lost',
  'the worker dies before',
  'the worker dies after',
];

/** A worker whose clients fail at their `at`-th call; a dead one never answers again. */
function failingWorker(
  answers: () => Received,
  at: number,
  fault: Fault,
): { handler: QueueHandler; made: () => number; died: Promise<void> } {
  let made = 0;
  let die = (): void => undefined;
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const client = outbox.anotherClient();
  const sqs = outbox.anotherSqs();
  const strike = async (when: 'before' | 'after'): Promise<void> => {
    if (made !== at) return;
    if (fault === `the worker dies ${when}`) {
      die();
      await new Promise(() => undefined);
    }
    if (fault === (when === 'before' ? 'the request is lost' : 'the answer is lost')) throw new Error(fault);
  };
  const hooks = {
    before: async () => {
      made += 1;
      await strike('before');
    },
    after: () => strike('after'),
  };
  intercept(client, hooks);
  intercept(sqs, hooks);
  const receiver = (message: MessageItem): Promise<Received> => {
    calls.push(message.id);
    return Promise.resolve(answers());
  };
  return { handler: outbox.worker(receiver, { client, sqs }), made: () => made, died };
}

/** Later deliveries of the same queue message, to a healthy worker, each after whatever lease there is. */
async function until(
  item: MessageItem,
  over: (now: MessageItem) => boolean,
  answers: () => Received,
  // The same queue message each time: another one would be a dead letter that somebody moved back.
  event = sqsEvent(outbox.queues['external-call'], bodyOf(item)),
): Promise<MessageItem> {
  const { handler } = failingWorker(answers, -1, 'the request is lost');
  for (let delivery = 0; delivery < 12; delivery += 1) {
    const now = await outbox.read(item);
    if (over(now)) return now;
    outbox.clock.ahead(3_600_000);
    await handler(event);
  }
  throw new Error('the message does not come to its end');
}

describe.each(faults)('where %s', (fault) => {
  test.each([
    ['succeeds', [done], 'done'],
    ['fails, then succeeds', [failed, done], 'done'],
    ['refuses', [refusal], 'dead'],
  ] as const)(
    'at any AWS call and the receiver %s, the message still comes to its end',
    async (_, script, end) => {
      for (let at = 1; ; at += 1) {
        calls = [];
        const item = await outbox.put();
        const answers = (): Received => script[Math.min(calls.length, script.length) - 1] ?? done;
        const worker = failingWorker(answers, at, fault);
        const event = sqsEvent(outbox.queues['external-call'], bodyOf(item));
        const struck = worker.handler(event);
        // A worker that died answers nothing; what it did before shows in the records.
        await Promise.race([struck, worker.died]);
        const isOver = ({ status }: MessageItem): boolean => status === 'done' || status === 'dead';
        const over = await until(item, isOver, answers, event);
        expect(over.status).toBe(end);
        expect(over.attempts).toBeLessThanOrEqual(5);
        expect(new Set(calls)).toEqual(new Set([item.id]));
        expect(calls.length).toBeLessThanOrEqual(script.length + 1);
        if (worker.made() < at) break;
      }
    },
  );
});

test('a claim whose answer is lost inside the client is ours, and is no second attempt', async () => {
  const client = outbox.anotherClient();
  loseFirstAnswer(client, 'UpdateItemCommand');
  const item = await outbox.put();
  const handler = outbox.worker(() => Promise.resolve(done), { client });
  expect(await handler(sqsEvent(outbox.queues['external-call'], bodyOf(item)))).toEqual({
    batchItemFailures: [],
  });
  expect(await outbox.read(item)).toMatchObject({ status: 'done', attempts: 1 });
});

test.each([-300_000, 300_000])('a worker whose clock is off by %i ms records one done', async (offset) => {
  const item = await outbox.put();
  const body = bodyOf(item);
  const clock = { now: () => outbox.clock.now() + offset };
  const receiver = async (message: MessageItem): Promise<Received> => {
    calls.push(message.id);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return done;
  };
  const event = sqsEvent(outbox.queues['external-call'], body);
  await Promise.all([outbox.worker(receiver, { clock })(event), outbox.worker(receiver)(event)]);
  const over = await until(
    item,
    ({ status }) => status === 'done',
    () => done,
  );
  expect(over.status).toBe('done');
  expect(new Set(calls)).toEqual(new Set([item.id]));
});

test('an answer that comes after the lease was lost does not undo a later end', async () => {
  const item = await outbox.put();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = outbox.worker(async () => {
    await held;
    return failed;
  });
  const event = sqsEvent(outbox.queues['external-call'], bodyOf(item));
  const late = slow(event);
  await expect.poll(async () => (await outbox.read(item)).attempts).toBe(1);
  outbox.clock.ahead(60_000);
  await outbox.worker(() => Promise.resolve(done))(event);
  const before = await outbox.read(item);
  release();
  await late;
  expect(await outbox.read(item)).toEqual(before);
  expect(before.status).toBe('done');
});

test('a success that comes after the message was given up is recorded: the receiver did act', async () => {
  const item = await outbox.put();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const event = sqsEvent(outbox.queues['external-call'], bodyOf(item));
  const late = outbox.worker(async () => {
    await held;
    return done;
  })(event);
  await expect.poll(async () => (await outbox.read(item)).attempts).toBe(1);
  outbox.clock.ahead(60_000);
  // Its one attempt has left no outcome so far.
  await outbox.worker(() => Promise.resolve(refusal), { policy: { attempts: 1 } })(event);
  expect((await outbox.read(item)).status).toBe('dead');
  release();
  await late;
  expect((await outbox.read(item)).status).toBe('done');
});
