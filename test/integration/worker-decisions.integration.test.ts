/**
 * What a topic's worker makes of each delivery: what its message keeps, when the delivery comes again or whether it goes
 * to the dead letters, and what is counted. On real tables and a real queue server; the receiver says what a test wants.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAnswers } from '../../functions/commands/carry-out-answer.ts';
import { delivery as deliveryLimits, lease, uncertainty } from '../../functions/runtime/delivery-limits.ts';
import { message as messageLimits } from '../../functions/runtime/limits.ts';
import type { MetricWriter } from '../../functions/runtime/metric-writer.ts';
import { queue as queueLimits, topicPolicies } from '../../functions/runtime/topics.ts';
import { takeAnswer } from '../../functions/store/outbox/kept-answers.ts';
import type { MessageItem, NewMessage } from '../../functions/store/outbox/message-items.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import { againOrLeft } from '../../functions/workers/batch.ts';
import { didNotAct, mayHaveActed, refused, undeliverable } from '../../functions/workers/receiver.ts';
import type { Inquired, OngoingCall, Received } from '../../functions/workers/receiver.ts';
import { createTopicWorker } from '../../functions/workers/topic-worker.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { bodyOf, silent, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

let outbox: TestOutbox;
let api: TestBackend;
let sqs: SQSClient;
/** Seconds for which deliveries were hidden. */
let hidden: number[];
let counted: string[];
let calls: number;
beforeAll(async () => {
  outbox = await startOutbox();
  api = await startBackend({ tables: outbox.tables, clock: { now: () => outbox.clock.now() } });
  sqs = outbox.anotherSqs();
  intercept(sqs, {
    before: ({ command, input }) => {
      if (command === 'ChangeMessageVisibilityCommand')
        hidden.push((input as { VisibilityTimeout: number }).VisibilityTimeout);
    },
  });
});
afterAll(async () => {
  sqs.destroy();
  api.backend.store.client.destroy();
  await outbox.stop();
});
beforeEach(() => {
  hidden = [];
  counted = [];
  calls = 0;
});

const policy = { ...topicPolicies['external-call'], attempts: 2, jitter: 0, callTimeoutMs: 5_000 };
const metrics: MetricWriter = {
  add: (name, value, ...topic) => counted.push([name, ...topic].join(' ') + (value === 1 ? '' : ` ${value}`)),
  flush: () => undefined,
};

interface World {
  readonly now?: () => number;
  readonly inquired?: Inquired | (() => Promise<Inquired>) | undefined;
  readonly topic?: 'external-call' | 'notification';
  /** What is lost of the worker's calls to the database. */
  readonly lose?: (command: string) => void;
  readonly receives?: number;
  readonly more?: object;
  readonly messageId?: string;
  readonly callTimeoutMs?: number;
  readonly isCounted?: boolean;
  readonly attributes?: object;
}

/** One delivery. @returns whether it comes again */
async function deliver(
  item: MessageItem,
  received: Received | ((call: OngoingCall) => Promise<Received>),
  world: World = {},
) {
  const client = world.lose ? outbox.anotherClient() : outbox.client;
  if (world.lose) {
    const { lose } = world;
    intercept(client, {
      before: ({ command }) => {
        lose(command);
      },
    });
  }
  const clock = world.now ? { now: world.now } : outbox.clock;
  const access = { ...outbox.access, client, clock };
  const { inquired, topic = 'external-call' } = world;
  const handler = createTopicWorker({
    topic,
    policy: { ...policy, callTimeoutMs: world.callTimeoutMs ?? policy.callTimeoutMs },
    receiver: (_, call) => {
      calls += 1;
      return typeof received === 'function' ? received(call) : Promise.resolve(received);
    },
    ...(inquired && {
      inquire: () => (typeof inquired === 'function' ? inquired() : Promise.resolve(inquired)),
    }),
    carryOut: createAnswers({ ...api.backend, clock, store: { client, tables: outbox.tables } }, access)
      .carryOut,
    outbox: access,
    sqs,
    log: silent,
    ...(world.isCounted !== false && { metrics }),
    random: () => 0.5,
  });
  const { batchItemFailures } = await handler(eventOf(item, world));
  return batchItemFailures.length === 1;
}
function eventOf(
  item: MessageItem,
  { receives = 1, more = {}, messageId, attributes = {} }: World = {},
): SQSEvent {
  const { Records } = sqsEvent(
    outbox.queues['external-call'],
    JSON.stringify({ ...JSON.parse(bodyOf(item)), ...more }),
  );
  return {
    Records: Records.map((record) => ({
      ...record,
      ...(messageId !== undefined && { messageId }),
      attributes: { ...record.attributes, ApproximateReceiveCount: String(receives), ...attributes },
    })),
  };
}
const put = (message: Partial<NewMessage> = {}) => outbox.put(message);
const set = (item: MessageItem, attribute: string, value: unknown) =>
  outbox.client.send(
    new UpdateCommand({
      TableName: outbox.tables.outbox,
      Key: { pk: item.pk, sk: item.sk },
      UpdateExpression: 'SET #a = :a',
      ExpressionAttributeNames: { '#a': attribute },
      ExpressionAttributeValues: { ':a': value },
    }),
  );
const done: Received = { kind: 'done', result: { status: 200 } };
const no = { ...refused('402', 'No.'), answer: 'x'.repeat(messageLimits.resultMaxBytes + 9) };
const busy = didNotAct('503', 'Later.');
const unsure = mayHaveActed('500', 'It answered 500.');
/** A clock that stands still, so that times are known to the millisecond. */
const still = (at = outbox.clock.now()) => ({ now: () => at, at });

describe('a call that', () => {
  test('is done ends its message, and is counted with the time it took', async () => {
    const { now, at } = still();
    const item = await put({ createdAt: new Date(at - 1_500).toISOString() });
    expect(await deliver(item, done, { now })).toBe(false);
    expect(await outbox.read(item)).toMatchObject({ status: 'done', result: '{"status":200}', attempts: 1 });
    expect(await outbox.read(item)).not.toHaveProperty('calls');
    expect(counted).toEqual(['MessagesDone external-call', 'DeliveryLatency external-call 1500']);
    expect(hidden).toEqual([]);
  });

  test('is done on a clock that is behind, or in a later run, has taken no time that counts', async () => {
    const { now, at } = still();
    await deliver(await put({ createdAt: new Date(at + 900).toISOString() }), done, { now });
    expect(counted).toEqual(['MessagesDone external-call', 'DeliveryLatency external-call 0']);
    counted = [];
    const item = await put();
    await deliver(item, no);
    await redriveMessage(outbox.access, item);
    counted = [];
    await deliver(await outbox.read(item), done);
    expect(counted).toEqual(['MessagesDone external-call']);
    expect((await outbox.read(item)).calls).toMatchObject([{ code: '402' }, { code: 'done', certain: true }]);
  });

  test('is refused, where nothing follows from that, is dead', async () => {
    const { now, at } = still();
    const item = await put();
    expect(await deliver(item, no, { now })).toBe(true);
    const found = await outbox.read(item);
    expect(found).toMatchObject({
      ...{ status: 'dead', unsettled: 0, attempts: 1 },
      lastError: { code: '402', reason: 'No.', at: new Date(at).toISOString() },
      answer: { outcome: 'refused', by: 'receiver:external-call', refused: { code: '402', reason: 'No.' } },
      calls: [{ kind: 'call', run: 1, attempt: 1, code: '402', reason: 'No.', certain: true }],
    });
    for (const { answer } of [found.lastError, found.answer?.refused] as { answer?: string }[])
      expect(Buffer.byteLength(answer ?? '')).toBe(messageLimits.resultMaxBytes);
    expect(counted).toEqual(['AttemptsFailed external-call', 'MessagesDead external-call']);
    expect(hidden).toEqual([0]);
  });

  test('is taken waits for its callback, and is not counted as done', async () => {
    const { now, at } = still();
    const item = await put();
    expect(await deliver(item, { kind: 'accepted' }, { now })).toBe(false);
    expect(await outbox.read(item)).toMatchObject({
      ...{ status: 'waiting', waitingUntil: at + uncertainty.waitingMaxMs },
      calls: [{ code: 'accepted', reason: 'The receiver answered.', certain: true }],
    });
    expect(counted).toEqual([]);
  });

  test('could reach nobody, ever, is dead at once', async () => {
    const item = await put();
    expect(await deliver(item, undeliverable('no_receiver', 'None is set.'))).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      ...{ status: 'dead', attempts: 1, unsettled: 0 },
      calls: [{ code: 'no_receiver', certain: true }],
    });
    expect(await outbox.read(item)).not.toHaveProperty('answer');
  });

  test('did not act is tried again when its policy says so, and not before', async () => {
    const { now, at } = still();
    const item = await put();
    expect(await deliver(item, busy, { now })).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      ...{
        status: 'sent',
        leaseUntil: at + 1_000,
        unsettled: 0,
        lastError: { code: '503', reason: 'Later.' },
      },
      calls: [{ code: '503', certain: true }],
    });
    expect([hidden, counted]).toEqual([[1], ['AttemptsFailed external-call']]);
    expect(await deliver(item, done, { now: () => at + 400 })).toBe(true);
    expect([calls, hidden]).toEqual([1, [1, 1]]);
    expect(await deliver(item, busy, { now: () => at + 1_000 })).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      ...{ status: 'dead', attempts: 2, unsettled: 0 },
      calls: [{ certain: true }, { certain: true }],
    });
  });

  test('says itself when to come again is heeded', async () => {
    const { now, at } = still();
    const item = await put();
    await deliver(item, { ...busy, retryAfterMs: 7_000 }, { now });
    expect(await outbox.read(item)).toMatchObject({ leaseUntil: at + 7_000 });
    expect(hidden).toEqual([7]);
  });

  test('may have acted is made again, with the doubt that is left', async () => {
    const item = await put();
    expect(await deliver(item, unsure)).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      status: 'sent',
      unsettled: 1,
      calls: [{ certain: false }],
    });
    outbox.clock.ahead(60_000);
    expect(await deliver(item, unsure)).toBe(true);
    expect(await outbox.read(item)).toMatchObject({ status: 'dead', unsettled: 2, attempts: 2 });
  });

  test('may have acted, where it must not be made again, is dead at once', async () => {
    const item = await put({ onUncertain: 'hold' });
    await deliver(item, unsure);
    expect(await outbox.read(item)).toMatchObject({ status: 'dead', unsettled: 1, attempts: 1 });
  });

  test('may have acted, where its receiver can be asked, is not dead with its last attempt', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await deliver(item, busy);
    outbox.clock.ahead(60_000);
    await deliver(item, unsure);
    expect(await outbox.read(item)).toMatchObject({ status: 'sent', attempts: 2, unsettled: 1 });
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
    expect(counted).toContain('MessagesDone notification');
    expect((await outbox.read(mail)).status).toBe('done');
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
      await takeAnswer(outbox.access, item, { answer: other, from: 'worker' });
      return done;
    };
    expect(await deliver(item, answering)).toBe(false);
    expect(counted).toEqual(['AnswerConflicts']);
    const again = await put();
    const same = { outcome: 'done', by: 'x', at: new Date().toISOString(), result: '{}' } as const;
    counted = [];
    const twice = async (): Promise<Received> => {
      await takeAnswer(outbox.access, again, { answer: same, from: 'worker' });
      return done;
    };
    expect(await deliver(again, twice)).toBe(false);
    expect(counted).toEqual([]);
  });

  test('ends when another worker has taken over is handed back, and nothing is counted', async () => {
    const item = await put();
    const slow = async (): Promise<Received> => {
      await set(item, 'leaseToken', 'of another worker');
      return no;
    };
    expect(await deliver(item, slow)).toBe(true);
    expect([hidden, counted]).toEqual([[1], []]);
    expect((await outbox.read(item)).status).toBe('sent');
  });
});

describe('a delivery', () => {
  test.each([
    ['of another topic', { topic: 'llm' }],
    ['without a readable reference', { run: 'first' }],
    ['of a message that is not there', { tenant: 'nobody' }],
  ])('%s goes to the dead letters, and is counted the first time it comes', async (_, more) => {
    const item = await put();
    expect(await deliver(item, done, { more })).toBe(true);
    expect(counted).toEqual(['MessagesDead external-call']);
    expect(await deliver(item, done, { more, receives: 2 })).toBe(true);
    expect([calls, hidden, counted]).toEqual([0, [0, 0], ['MessagesDead external-call']]);
  });

  test.each([
    ['done', done],
    ['waiting', { kind: 'accepted' }],
  ] as const)('of a message that is %s is dropped', async (_, received) => {
    const item = await put();
    await deliver(item, received);
    expect(await deliver(item, done)).toBe(false);
    expect(calls).toBe(1);
  });

  test('of a run that is over is dropped', async () => {
    const item = await put();
    await deliver(item, no);
    await redriveMessage(outbox.access, item);
    expect(await deliver(item, done)).toBe(false);
    expect(calls).toBe(1);
  });

  test('of a message that is dead goes to the dead letters', async () => {
    const item = await put();
    const messageId = 'one';
    await deliver(item, no, { messageId });
    expect(await deliver(item, done, { messageId })).toBe(true);
    expect([calls, hidden]).toEqual([1, [0, 0]]);
    expect(counted).toEqual(['AttemptsFailed external-call', 'MessagesDead external-call']);
  });

  test.each([
    ['begins its next run', undefined, 2, false],
    ['begins none where nobody may call again', 'hold', 1, true],
  ] as const)('that was moved back from the dead letters %s', async (_, onUncertain, run, comesAgain) => {
    const item = await put({ onUncertain });
    await deliver(item, unsure, { messageId: 'one' });
    if (onUncertain === undefined) {
      outbox.clock.ahead(60_000);
      await deliver(item, unsure, { messageId: 'one' });
    }
    expect((await outbox.read(item)).status).toBe('dead');
    expect(await deliver(item, done, { messageId: 'two' })).toBe(comesAgain);
    expect((await outbox.read(item)).run).toBe(run);
  });

  test.each([
    ['arn:aws:sqs:us-east-1:123456789012:dead', true],
    [undefined, undefined],
  ])(
    'that its queue had among the dead letters (%s) is remembered by that with its death',
    async (arn, was) => {
      const item = await put();
      await deliver(item, no, {
        ...(arn !== undefined && { attributes: { DeadLetterQueueSourceArn: arn } }),
      });
      expect((await outbox.read(item)).letter?.wasDeadLetter).toBe(was);
    },
  );

  test('whose handling fails comes again, each time later, and is counted', async () => {
    const lose = (command: string): void => {
      if (command === 'UpdateCommand' || command === 'UpdateItemCommand') throw new Error('lost');
    };
    const item = await put();
    expect(await deliver(item, done, { lose })).toBe(true);
    expect(await deliver(item, done, { lose, receives: 2 })).toBe(true);
    const base = deliveryLimits.faultBaseSeconds;
    expect([hidden, counted]).toEqual([
      [base, 2 * base],
      ['AttemptsFailed external-call', 'AttemptsFailed external-call'],
    ]);
    counted = [];
    expect(await deliver(item, done, { lose, receives: queueLimits.maxReceiveCount })).toBe(true);
    expect(counted).toEqual(['AttemptsFailed external-call', 'MessagesDead external-call']);
  });

  test('to the dead letters is counted by who decided that, and not once more with its last receipt', async () => {
    const item = await put();
    expect(await deliver(item, no, { receives: queueLimits.maxReceiveCount })).toBe(true);
    expect(counted).toEqual(['AttemptsFailed external-call', 'MessagesDead external-call']);
  });

  test('is worked off where nobody counts', async () => {
    const item = await put();
    const lose = (command: string): void => {
      if (command === 'UpdateCommand' || command === 'UpdateItemCommand') throw new Error('lost');
    };
    const uncounted = { isCounted: false } as const;
    expect(await deliver(item, done, { lose, ...uncounted, receives: queueLimits.maxReceiveCount })).toBe(
      true,
    );
    expect(await deliver(item, busy, uncounted)).toBe(true);
    outbox.clock.ahead(60_000);
    expect(await deliver(item, no, uncounted)).toBe(true);
    expect(await outbox.read(item)).toMatchObject({ status: 'dead' });
    expect(await deliver(await put(), done, uncounted)).toBe(false);
    expect(await deliver(item, done, { ...uncounted, more: { topic: 'llm' } })).toBe(true);
    const waiting = await put();
    await set(waiting, 'answers', { done: 'captured' });
    expect(await deliver(waiting, done, uncounted)).toBe(true);
    const reason = { code: 'x', reason: 'x' };
    const other = { outcome: 'refused', by: 'x', at: waiting.createdAt, refused: reason } as const;
    const disputed = await put();
    const answering = async (): Promise<Received> => {
      await takeAnswer(outbox.access, disputed, { answer: other, from: 'worker' });
      return done;
    };
    expect(await deliver(disputed, answering, uncounted)).toBe(false);
    expect(counted).toEqual([]);
    const { faultBaseSeconds, faultMaxSeconds } = deliveryLimits;
    expect(hidden).toEqual([faultMaxSeconds, 1, 0, 0, faultBaseSeconds]);
  });

  test('of what is only waited for ends before its queue takes it for dead', () => {
    const record = (receives: number) => {
      const [first] = eventOf(outbox.made(), { receives }).Records;
      if (first === undefined) throw new Error('there is none');
      return first;
    };
    const last = queueLimits.maxReceiveCount;
    expect(againOrLeft(record(last - 2), 0.2)).toEqual({ kind: 'again', afterSeconds: 1 });
    expect(againOrLeft(record(1), 3)).toEqual({ kind: 'again', afterSeconds: 3 });
    expect(againOrLeft(record(last - 1), 3)).toEqual({ kind: 'finished' });
    expect(againOrLeft(record(Number.NaN), 3)).toEqual({ kind: 'again', afterSeconds: 3 });
  });

  test('that comes while its call goes on waits for the end of the lease', async () => {
    const { now, at } = still();
    const item = await put();
    const meanwhile = async (): Promise<Received> => {
      await deliver(item, done, { now: () => at + 500 });
      return done;
    };
    await deliver(item, meanwhile, { now });
    expect(calls).toBe(1);
    expect(hidden).toEqual([Math.ceil((policy.callTimeoutMs + lease.marginMs - 500) / 1000)]);
  });
});

describe('a receiver', () => {
  const never = (call: OngoingCall, isSent: boolean): Promise<Received> => {
    call.isSent = isSent;
    call.sent = 'POST /hooks';
    return new Promise((_, reject) => {
      call.signal.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
  };

  test.each([
    [true, 1],
    [false, 0],
  ])(
    'that takes too long has failed, and may have acted where it was sent anything (%s)',
    async (isSent, unsettled) => {
      const item = await put();
      const slow = (call: OngoingCall) => never(call, isSent);
      expect(await deliver(item, slow, { callTimeoutMs: 20 })).toBe(true);
      const reason = 'The receiver took longer than 20 ms.';
      expect(await outbox.read(item)).toMatchObject({
        ...{ status: 'sent', unsettled, lastError: { code: 'timeout', reason } },
        calls: [{ sent: 'POST /hooks', code: 'timeout', reason, certain: !isSent }],
      });
    },
  );

  test.each([
    [true, 1],
    [false, 0],
  ])('that throws has failed by a word that tells nothing of us (sent: %s)', async (isSent, unsettled) => {
    const item = await put();
    const broken = (call: OngoingCall): Promise<Received> => {
      call.isSent = isSent;
      return Promise.reject(new Error('internals'));
    };
    await deliver(item, broken);
    const found = await outbox.read(item);
    expect(found).toMatchObject({
      ...{ unsettled, lastError: { code: 'receiver_failed', reason: 'The receiver could not be called.' } },
    });
    expect(found.calls?.[0]).not.toHaveProperty('sent');
  });

  test('that heeds no signal is left behind', async () => {
    const item = await put();
    await deliver(item, () => new Promise(() => undefined), { callTimeoutMs: 20 });
    expect(await outbox.read(item)).toMatchObject({ lastError: { code: 'timeout' }, unsettled: 1 });
  });

  test('whose calls are many is remembered by the newest of them, each cut', async () => {
    const item = await put();
    const old = {
      kind: 'call',
      run: 1,
      attempt: 1,
      at: item.createdAt,
      code: 'old',
      reason: '',
      certain: true,
    };
    await set(
      item,
      'calls',
      Array.from({ length: messageLimits.callsMax }, (_, n) => ({ ...old, code: `old ${n}` })),
    );
    await deliver(item, didNotAct('503', 'x'.repeat(messageLimits.callReasonMaxBytes + 1)));
    const { calls: kept = [] } = await outbox.read(item);
    expect(kept).toHaveLength(messageLimits.callsMax);
    expect(kept[0]?.code).toBe('old 1');
    expect(kept.at(-1)?.reason).toHaveLength(messageLimits.callReasonMaxBytes);
  });

  test('cannot be asked by one that throws or takes too long: that is no answer', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await deadWorker(item);
    const asking = (inquired: World['inquired']) => deliver(item, done, { callTimeoutMs: 20, inquired });
    await asking(() => Promise.reject(new Error('internals')));
    expect((await outbox.read(item)).calls).toMatchObject([{ kind: 'inquiry', code: 'receiver_failed' }]);
    await set(item, 'leaseUntil', 0);
    await asking(() => new Promise(() => undefined));
    expect((await outbox.read(item)).calls?.[1]).toMatchObject({ code: 'timeout', certain: false });
  });
});

/** As a worker leaves it that dies in a call. */
async function deadWorker(item: MessageItem): Promise<void> {
  let claims = 0;
  await deliver(item, done, {
    lose: (command) => {
      if (command !== 'UpdateCommand' && command !== 'UpdateItemCommand') return;
      claims += 1;
      if (claims > 1) throw new Error('dead');
    },
  });
  outbox.clock.ahead(60_000);
  hidden = [];
  counted = [];
  calls = 0;
}

describe('a message whose worker died in its last attempt', () => {
  test('is dead, and says what nobody knows and what failed before', async () => {
    const item = await put();
    await deadWorker(item);
    await deadWorker(item);
    expect(await deliver(item, done)).toBe(true);
    const stopped = 'The last attempt ended without an outcome: its worker stopped.';
    expect(await outbox.read(item)).toMatchObject({
      ...{ status: 'dead', unsettled: 2, lastError: { code: 'attempts_exhausted', reason: stopped } },
      calls: [{ kind: 'call', code: 'attempts_exhausted', certain: false }],
    });
    expect(calls).toBe(0);
    const other = await put();
    await deliver(other, busy);
    outbox.clock.ahead(60_000);
    await deadWorker(other);
    await deliver(other, done);
    expect(await outbox.read(other)).toMatchObject({
      lastError: { code: 'attempts_exhausted', reason: `${stopped} Before: 503.` },
      calls: [{ code: '503' }],
    });
  });

  test('is dead, and says so where its receiver has never seen it', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await deadWorker(item);
    await set(item, 'attempts', 2);
    expect(await deliver(item, done, { inquired: { kind: 'never_seen' } })).toBe(true);
    expect(hidden).toEqual([1]);
    outbox.clock.ahead(60_000);
    await deliver(item, done, { inquired: { kind: 'never_seen' } });
    expect(await outbox.read(item)).toMatchObject({
      status: 'dead',
      lastError: { reason: 'Its receiver has never seen it, and no attempt is left.' },
    });
  });
});

describe('a message of which nobody knows whether its receiver acted', () => {
  const uncertain = async (onUncertain: 'hold' | 'inquire' = 'inquire'): Promise<MessageItem> => {
    const item = await put({ onUncertain });
    await deadWorker(item);
    return outbox.read(item);
  };

  test('is held where it must not be called again, by the error that is known, or none', async () => {
    const item = await uncertain('hold');
    expect(await deliver(item, done, { inquired: { kind: 'never_seen' } })).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      status: 'dead',
      unsettled: 1,
      lastError: { code: 'uncertain' },
    });
    const known = await uncertain();
    await set(known, 'lastError', { code: '500', reason: 'It answered 500.', at: known.createdAt });
    expect(await deliver(known, done)).toBe(true);
    expect(await outbox.read(known)).toMatchObject({ status: 'dead', lastError: { code: '500' } });
    expect(calls).toBe(0);
  });

  test('is what its receiver says', async () => {
    const acted = await uncertain();
    expect(await deliver(acted, busy, { inquired: { kind: 'done', result: { ok: true } } })).toBe(false);
    expect(await outbox.read(acted)).toMatchObject({ status: 'done', result: '{"ok":true}' });
    const called = await put({ onUncertain: 'inquire' });
    await deliver(called, unsure);
    outbox.clock.ahead(60_000);
    await deliver(called, busy, { inquired: { kind: 'done', result: {} } });
    expect((await outbox.read(called)).calls).toMatchObject([
      { kind: 'call', certain: false },
      { kind: 'inquiry', code: 'done', certain: true },
    ]);
    calls = 0;
    const refusing = await uncertain();
    expect(await deliver(refusing, done, { inquired: { ...no } })).toBe(true);
    expect(await outbox.read(refusing)).toMatchObject({
      status: 'dead',
      calls: [{ kind: 'inquiry', code: '402', certain: true }],
    });
    expect(calls).toBe(0);
  });

  test('is called again where its receiver has never seen it, once no call can be on its way any more', async () => {
    const item = await put({ onUncertain: 'inquire' });
    const { now, at } = still();
    await deliver(item, unsure, { now });
    const asked = { inquired: { kind: 'never_seen' } } as const;
    expect(await deliver(item, done, { ...asked, now: () => at + 4_500 })).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      inquiries: 1,
      unsettled: 1,
      leaseUntil: at + 4_500 + 6_000,
    });
    expect(hidden.at(-1)).toBe(6);
    const over = at + uncertainty.onItsWayMs;
    await set(item, 'leaseUntil', over);
    expect(await deliver(item, done, { ...asked, now: () => over })).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      ...{ inquiries: 0, unsettled: 0, leaseUntil: over + 1_000 },
      calls: [
        { code: '500' },
        { certain: false },
        { code: 'never_seen', reason: 'The receiver was asked.', certain: true },
      ],
    });
    expect(hidden.at(-1)).toBe(1);
    await deliver(item, done, { now: () => over + 1_000 });
    expect((await outbox.read(item)).status).toBe('done');
  });

  test.each([
    ['is not through with it', { kind: 'pending' }, 'pending'],
    ['cannot be asked', { kind: 'no_answer', code: 'timeout', reason: 'It took too long.' }, 'timeout'],
  ] as const)('is asked about again later where its receiver %s', async (_, inquired, code) => {
    const item = await uncertain();
    const { now, at } = still();
    expect(await deliver(item, done, { inquired, now })).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      ...{ inquiries: 1, unsettled: 1, leaseUntil: at + 1_000 },
      calls: [{ kind: 'inquiry', code, certain: false }],
    });
    expect(await deliver(item, done, { inquired, now: () => at + 1_000 })).toBe(true);
    expect(await outbox.read(item)).toMatchObject({ inquiries: 2, leaseUntil: at + 3_000 });
    expect(hidden).toEqual([1, 2]);
    expect(calls).toBe(0);
  });

  test('is held for a person when its time is over, and not before it was asked about often enough', async () => {
    const item = await uncertain();
    const begun = Date.parse(item.createdAt);
    const over = begun + uncertainty.waitingMaxMs;
    const inquired = { kind: 'pending' } as const;
    await set(item, 'inquiries', uncertainty.inquiriesMin - 1);
    await deliver(item, done, { inquired, now: () => over - 1 });
    expect((await outbox.read(item)).status).toBe('sent');
    await set(item, 'inquiries', uncertainty.inquiriesMin - 2);
    await set(item, 'leaseUntil', 0);
    await deliver(item, done, { inquired, now: () => over });
    expect(await outbox.read(item)).toMatchObject({
      status: 'sent',
      inquiries: uncertainty.inquiriesMin - 1,
    });
    await set(item, 'leaseUntil', 0);
    await set(item, 'redrivenAt', new Date(begun + 1).toISOString());
    await deliver(item, done, { inquired, now: () => over });
    expect(await outbox.read(item)).toMatchObject({ status: 'sent' });
    await set(item, 'leaseUntil', 0);
    await set(item, 'inquiries', uncertainty.inquiriesMin - 1);
    expect(await deliver(item, done, { inquired, now: () => over + 1 })).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      status: 'dead',
      calls: expect.not.arrayContaining([expect.objectContaining({ certain: true })]) as unknown,
      lastError: { code: 'uncertain' },
      unsettled: 1,
    });
  });
});

describe('a message that comes after another one', () => {
  test('waits for the end of that, which costs it no attempt, and is sent then', async () => {
    const entityId = outbox.made().entity;
    const first = await put({ entityId, seq: 1, ordered: true });
    const second = await put({ entityId, seq: 2, ordered: true });
    const { now, at } = still();
    expect(await deliver(second, done, { now, receives: 2 })).toBe(true);
    const seconds = 2 * deliveryLimits.faultBaseSeconds;
    expect(await outbox.read(second)).toMatchObject({
      behind: first.id,
      attempts: 0,
      leaseUntil: at + seconds * 1000,
    });
    expect([calls, hidden]).toEqual([0, [seconds]]);
    // One that is not ordered waits for nobody.
    expect(await deliver(await put({ entityId, seq: 3 }), done)).toBe(false);
    expect(calls).toBe(1);
    expect(await deliver(first, done)).toBe(false);
    expect(await outbox.read(second)).toMatchObject({ status: 'pending' });
    expect(await deliver(second, done)).toBe(false);
    expect(calls).toBe(3);
  });
});

describe('an answer that its entity is moved by', () => {
  const captures = { done: 'captured', refused: 'decline' };
  async function confirmed(more: Partial<MessageItem['answers'] & object> = {}): Promise<MessageItem> {
    const payment = { payer: 'ada', payee: 'shop', amount: 5, currency: 'EUR' };
    const { json } = await api.post('/v1/payments', payment);
    expect((await api.post(`/v1/payments/${String(json['id'])}/confirm`)).status).toBe(200);
    const item = outbox.made({ entityId: String(json['id']), seq: 2 });
    await set(item, 'answers', { ...captures, ...more });
    return outbox.read(item);
  }
  const paymentOf = async ({ entity }: MessageItem) => (await api.get(`/v1/payments/${entity}`)).json;

  test('ends its message with it, and is counted once', async () => {
    const item = await confirmed();
    expect(await deliver(item, { kind: 'done', result: { status: 200, body: '{}' } })).toBe(false);
    expect(await outbox.read(item)).toMatchObject({
      status: 'done',
      calls: [{ code: 'done', certain: true }],
    });
    expect(await paymentOf(item)).toMatchObject({ version: 3 });
    expect(counted[0]).toBe('MessagesDone external-call');
    const other = await confirmed();
    counted = [];
    expect(await deliver(other, no)).toBe(false);
    expect(await outbox.read(other)).toMatchObject({ status: 'done', refused: { code: '402' } });
    expect(await paymentOf(other)).toMatchObject({ status: 'declined' });
    expect(counted[0]).toBe('MessagesDone external-call');
  });

  test('that is kept, and whose worker died, moves it with the next delivery, without a call', async () => {
    const item = await confirmed();
    const answer = {
      outcome: 'done',
      by: 'receiver:external-call',
      at: new Date().toISOString(),
      result: '{}',
    } as const;
    await takeAnswer(outbox.access, item, { answer, from: 'worker' });
    expect(await deliver(item, no)).toBe(false);
    expect(calls).toBe(0);
    expect(await paymentOf(item)).toMatchObject({ version: 3 });
  });

  test('waits while the entity is not there to be moved, comes again each time later, and is left in time', async () => {
    const item = await put();
    await set(item, 'answers', captures);
    expect(await deliver(item, done)).toBe(true);
    expect(await outbox.read(item)).toMatchObject({ status: 'sent', answerWaits: { code: 'not_found' } });
    expect(await deliver(item, done, { receives: 2 })).toBe(true);
    const base = deliveryLimits.faultBaseSeconds;
    expect(hidden).toEqual([base, 2 * base]);
    expect(counted).toEqual(['AttemptsFailed external-call', 'AttemptsFailed external-call']);
    expect(await deliver(item, done, { receives: queueLimits.maxReceiveCount - 1 })).toBe(false);
    expect(calls).toBe(1);
  });

  test('of having given up moves it once, and the delivery goes to the dead letters', async () => {
    const item = await confirmed({ dead: 'decline' });
    expect(await deliver(item, undeliverable('no_receiver', 'None is set.'))).toBe(true);
    expect(await outbox.read(item)).toMatchObject({
      ...{ status: 'dead', hasDied: true, lastError: { code: 'no_receiver' } },
      letter: { copy: 'the first copy' },
    });
    expect(await paymentOf(item)).toMatchObject({ status: 'declined' });
    expect([hidden, counted]).toEqual([[0], ['AttemptsFailed external-call', 'MessagesDead external-call']]);
    await redriveMessage(outbox.access, item);
    expect(await deliver(await outbox.read(item), undeliverable('no_receiver', 'None is set.'))).toBe(true);
    expect(await outbox.read(item)).toMatchObject({ status: 'dead', run: 2 });
    expect((await outbox.read(item)).answer).toBeUndefined();
  });

  test('of having given up is not taken of a lease that is lost', async () => {
    const item = await confirmed({ dead: 'decline' });
    const slow = async (): Promise<Received> => {
      await set(item, 'leaseToken', 'of another worker');
      return undeliverable('no_receiver', 'None is set.');
    };
    expect(await deliver(item, slow)).toBe(true);
    expect(hidden).toEqual([1]);
    expect(await outbox.read(item)).toMatchObject({ status: 'sent' });
  });

  test('of a no, where another answer than that is waited for, is dead and moves nothing', async () => {
    const item = await confirmed({ dead: 'decline' });
    await set(item, 'answers', { done: 'captured', dead: 'decline' });
    expect(await deliver(item, no)).toBe(true);
    expect(await outbox.read(item)).toMatchObject({ status: 'dead', answer: { outcome: 'refused' } });
    expect(await paymentOf(item)).toMatchObject({ status: 'confirmed', version: 2 });
  });
});
