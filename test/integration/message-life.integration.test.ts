/** What each write of a message leaves in the database, and what it says of what it found. The races: `message-conditions`. */
import { randomUUID } from 'node:crypto';
import {
  DynamoDBClient,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { message as limits } from '../../functions/runtime/limits.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import type { TableNames } from '../../functions/store/store.ts';
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
import { groupPartitionOf } from '../../functions/store/outbox/message-items.ts';
import type {
  Answer,
  CallRecord,
  MessageGroup,
  MessageItem,
  NewMessage,
} from '../../functions/store/outbox/message-items.ts';
import { writeAndRead, writeBeside } from '../../functions/store/outbox/message-writes.ts';
import type { Beside, OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import {
  claimMessage,
  readMessage,
  recordBehind,
  recordDead,
  recordInquiry,
  recordRetry,
  recordSent,
  recordWaiting,
  redriveMessage,
} from '../../functions/store/outbox/messages.ts';
import type { Claim, DeadEnd } from '../../functions/store/outbox/messages.ts';
import { messageBefore, releaseNext } from '../../functions/store/outbox/ordered-messages.ts';
import { createTables, deleteTables } from '../support/dynamodb.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { deliveryOf, madeMessage } from '../support/messages.ts';
import { intercept, loseFirstAnswer } from '../support/sdk-faults.ts';

const database = () => ({
  endpoint: inject('dynamodbEndpoint'),
  region: localRegion,
  credentials: localCredentials,
});
let now = Date.parse('2026-11-26T12:00:00.000Z');
let access: OutboxAccess;
let creator: DynamoDBClient;
let tables: TableNames;
const another = (): OutboxAccess => ({ ...access, client: createDocumentClient(database()) });
beforeAll(async () => {
  creator = new DynamoDBClient(database());
  tables = await createTables(creator, `life-${randomUUID()}`);
  access = { client: createDocumentClient(database()), table: tables.outbox, clock: { now: () => now } };
});
afterAll(async () => {
  await deleteTables(creator, tables);
  creator.destroy();
});

const made = (message?: Partial<NewMessage>): MessageItem => madeMessage(now, { payload: {}, ...message });
async function put(message: Partial<NewMessage> = {}, more: Partial<MessageItem> = {}): Promise<MessageItem> {
  const item = { ...made(message), ...more };
  await access.client.send(new PutCommand({ TableName: access.table, Item: item }));
  return item;
}
async function read(item: MessageItem): Promise<MessageItem> {
  const found = await readMessage(access, item);
  if (found === undefined) throw new Error('it is gone');
  return found;
}
const terms = { attempts: 2, leaseMs: 1_000 };
const claim = (item: MessageItem): Promise<Claim> => claimMessage(access, deliveryOf(item), terms);
type Held = Extract<Claim, { readonly token: string }>;
async function held(item: MessageItem): Promise<Held> {
  const claimed = await claim(item);
  if (!('token' in claimed)) throw new Error(`it is ${claimed.kind}`);
  return claimed;
}
/** A token of a lease that another worker has by now. */
const late = (item: MessageItem) => ({ item, token: 'of another worker' });
const error = { code: '500', reason: 'It answered 500.', at: timestamp(now) };
const call: CallRecord = {
  kind: 'call',
  run: 1,
  attempt: 1,
  at: timestamp(now),
  code: '500',
  reason: 'It answered 500.',
  certain: false,
};
const end = (item: MessageItem, more: Partial<DeadEnd> = {}): DeadEnd => ({
  lastError: error,
  calls: [call],
  delivered: deliveryOf(item),
  isCertain: false,
  ...more,
});
const said = (outcome: 'done' | 'refused', more: Partial<Answer> = {}) =>
  ({
    outcome,
    by: 'receiver:external-call',
    at: timestamp(now),
    ...(outcome === 'done' ? { result: '{"ok":true}' } : { refused: { code: '402', reason: 'No.' } }),
    ...more,
  }) as AnswerNews['answer'];
const gaveUp: Answer = {
  outcome: 'dead',
  by: 'receiver:external-call',
  at: timestamp(now),
  lastError: error,
};
async function died(message: Partial<NewMessage> = {}, more: Partial<DeadEnd> = {}): Promise<MessageItem> {
  const item = await put(message);
  await recordDead(access, await held(item), end(item, more));
  return read(item);
}
const standsIn = (item: MessageItem, group: MessageGroup): Partial<MessageItem> =>
  group === 'open' || group === 'waiting'
    ? { openPk: groupPartitionOf(item, group) }
    : { closedPk: groupPartitionOf(item, group) };
/** The indexes that it stands in. */
const indexesOf = (item: MessageItem): string[] => ['openPk', 'closedPk'].filter((name) => name in item);
/** No message has such an id. */
const nameless = {
  tenant: 'acme',
  id: 'msg_1',
  run: 1,
  copy: 'c',
  sqsMessageId: 'one',
  wasDeadLetter: false,
};
const answers = { done: 'captured', refused: 'decline', dead: 'given-up' };

describe('what no message can be called', () => {
  test('is found by nobody, and asked of nobody', async () => {
    const asking = another();
    let asked = 0;
    intercept(asking.client, {
      before: () => {
        asked += 1;
      },
    });
    expect(await readMessage(asking, nameless)).toBeUndefined();
    expect(await recordSent(asking, nameless)).toBe(false);
    expect(await claimMessage(asking, nameless, terms)).toEqual({ kind: 'unknown' });
    expect(await redriveMessage(asking, nameless)).toBe('not_found');
    expect(await tenantOf(asking, nameless.id)).toBeUndefined();
    expect(asked).toBe(0);
  });

  test('and one that is not there is unknown', async () => {
    const item = made();
    expect(await readMessage(access, item)).toBeUndefined();
    expect(await recordSent(access, item)).toBe(false);
    expect(await claim(item)).toEqual({ kind: 'unknown' });
    expect(await redriveMessage(access, item)).toBe('not_found');
    expect(await takeAnswer(access, item, { answer: said('done'), from: 'worker' })).toEqual({
      kind: 'not_found',
    });
  });
});

test('a message is read as it was written last', async () => {
  const asked: unknown[] = [];
  const watched = another();
  intercept(watched.client, { before: ({ input }) => void asked.push(input) });
  const item = await put();
  expect(await readMessage(watched, item)).toEqual(item);
  expect(asked).toMatchObject([{ ConsistentRead: true }]);
});

describe('a message that went to its queue', () => {
  test('is marked once, and again where it is asked for', async () => {
    const item = await put();
    expect(await recordSent(access, item)).toBe(true);
    expect(await read(item)).toMatchObject({ status: 'sent', sentAt: timestamp(now) });
    expect(await recordSent(access, item)).toBe(false);
    now += 1_000;
    expect(await recordSent(access, item, { again: true })).toBe(true);
    expect(await read(item)).toMatchObject({ status: 'sent', sentAt: timestamp(now) });
  });

  test('goes on waiting for its callback', async () => {
    const item = await put();
    await recordWaiting(access, await held(item), { calls: [call], until: now + 5_000 });
    expect(await recordSent(access, item, { again: true })).toBe(false);
    now += 1_000;
    expect(await recordSent(access, item, { again: true, isWaiting: true })).toBe(true);
    expect(await read(item)).toMatchObject({ status: 'waiting', sentAt: timestamp(now) });
    const open = await put();
    expect(await recordSent(access, open, { again: true, isWaiting: true })).toBe(false);
    expect(await read(open)).toMatchObject({ status: 'pending' });
  });
});

describe('a claim', () => {
  test('counts the call before it is made, and keeps the time of the first send', async () => {
    const item = await put();
    const first = await held(item);
    expect(first).toMatchObject({
      kind: 'claimed',
      item: {
        ...{ status: 'sent', attempts: 1, unsettled: 1, sentAt: timestamp(now) },
        leaseUntil: now + terms.leaseMs,
        leaseToken: first.token,
      },
    });
    const sentAt = timestamp(now);
    now += terms.leaseMs;
    expect(await held(item)).toMatchObject({ item: { attempts: 2, unsettled: 2, sentAt } });
  });

  test('of what is answered hands the answer on, whoever holds the lease', async () => {
    const item = await put({ answers });
    await held(item);
    await takeAnswer(access, item, { answer: said('done'), from: 'worker' });
    expect(await claim(item)).toEqual({ kind: 'answered', item: await read(item) });
  });

  test('of what may have acted takes the lease and calls nobody', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await held(item);
    now += terms.leaseMs;
    const claimed = await held(item);
    expect(claimed).toMatchObject({ kind: 'uncertain', item: { attempts: 1, leaseToken: claimed.token } });
    expect(await claim(item)).toEqual({ kind: 'notYet', until: now + terms.leaseMs });
  });

  test('of what waited in vain for a callback takes the lease', async () => {
    const item = await put();
    await recordWaiting(access, await held(item), { calls: [], until: now + 10 });
    expect(await claim(item)).toEqual({ kind: 'waiting' });
    now += 10;
    expect(await claim(item)).toMatchObject({ kind: 'uncertain', item: { status: 'waiting' } });
  });

  test.each([
    ['is over', 'dead', { kind: 'dead' }],
    ['has another run', 'sent', { kind: 'stale' }],
  ] as const)('of what %s is refused', async (_, status, expected) => {
    const item = await put({}, { status });
    const delivery = { ...deliveryOf(item), run: status === 'dead' ? 1 : 2 };
    expect(await claimMessage(access, delivery, terms)).toEqual(expected);
  });

  /** A claim whose writes are refused whatever they find. */
  const refused = (event: (nth: number) => unknown): OutboxAccess => {
    const build = another();
    let nth = 0;
    intercept(build.client, {
      before: async ({ command, input }) => {
        if (!command.startsWith('Update')) return;
        await event((nth += 1));
        const update = input as { ConditionExpression: string };
        update.ConditionExpression = `(${update.ConditionExpression}) AND attribute_not_exists(pk)`;
      },
    });
    return build;
  };
  const become = (item: MessageItem, more: Partial<MessageItem>): Promise<unknown> =>
    access.client.send(new PutCommand({ TableName: access.table, Item: { ...item, ...more } }));

  test('that was refused by what has passed since comes back at once', async () => {
    const item = await put();
    const calls: number[] = [];
    const claimed = claimMessage(
      refused((nth) => calls.push(nth)),
      deliveryOf(item),
      terms,
    );
    expect(await claimed).toEqual({ kind: 'notYet', until: now });
    expect(calls).toEqual([1]);
  });

  test.each([
    ['is free', { attempts: 0 }],
    ['is exhausted', {}],
    ['is uncertain', { onUncertain: 'hold', unsettled: 1 }],
  ] as const)('that finds at its second look that the message %s comes back at once', async (_, more) => {
    const item = await put({}, { status: 'sent', attempts: terms.attempts });
    const build = refused((nth) => (nth === 2 ? become(item, more) : undefined));
    expect(await claimMessage(build, deliveryOf(item), terms)).toEqual({ kind: 'notYet', until: now });
  });

  test('that finds at its second look that the message is over says so', async () => {
    const item = await put({}, { status: 'sent', attempts: terms.attempts });
    const build = refused((nth) => (nth === 2 ? become(item, { status: 'done' }) : undefined));
    expect(await claimMessage(build, deliveryOf(item), terms)).toEqual({ kind: 'done' });
  });
});

describe('a failed attempt', () => {
  test('gives the lease back, and says when the next one is due', async () => {
    const item = await put();
    const failed = { lastError: error, calls: [call], notBefore: now + 9_000, isCertain: false };
    expect(await recordRetry(access, late(item), failed)).toBe(false);
    const holder = await held(item);
    expect(await recordRetry(access, holder, failed)).toBe(true);
    const after = await read(item);
    expect(after).toMatchObject({ lastError: error, calls: [call], leaseUntil: now + 9_000, unsettled: 1 });
    expect(after).not.toHaveProperty('leaseToken');
  });

  test('that certainly did not act is none of which nobody knows', async () => {
    const item = await put();
    const failed = { lastError: error, calls: [], notBefore: now, isCertain: true };
    await recordRetry(access, await held(item), failed);
    expect(await read(item)).toMatchObject({ unsettled: 0, attempts: 1 });
  });
});

describe('an inquiry', () => {
  const asked = { calls: [call], notBefore: 0, neverSeen: false };

  test('that brought no answer is counted, and the message goes on as one that is sent', async () => {
    const item = await put({ onUncertain: 'inquire' });
    await recordWaiting(access, await held(item), { calls: [], until: now });
    const until = now + 3_000;
    expect(await recordInquiry(access, late(item), asked)).toBe(false);
    expect(await recordInquiry(access, await held(item), { ...asked, notBefore: until })).toBe(true);
    const after = await read(item);
    expect(after).toMatchObject({
      ...{ status: 'sent', inquiries: 1, unsettled: 1, leaseUntil: until, calls: [call] },
      ...standsIn(item, 'open'),
    });
    expect(indexesOf(after)).toEqual(['openPk']);
    expect(after).not.toHaveProperty('leaseToken');
    expect(after).not.toHaveProperty('waitingUntil');
    now = until;
    await recordInquiry(access, await held(item), { ...asked, notBefore: now });
    expect(await read(item)).toMatchObject({ inquiries: 2 });
    await recordInquiry(access, await held(item), { ...asked, notBefore: now, neverSeen: true });
    expect(await read(item)).toMatchObject({ inquiries: 0, unsettled: 0 });
    expect(await claim(item)).toMatchObject({ kind: 'claimed' });
  });
});

test('a message waits for its callback in a list of its own', async () => {
  const item = await put();
  const waiting = { calls: [call], until: now + 5_000 };
  expect(await recordWaiting(access, late(item), waiting)).toBe(false);
  const holder = await held(item);
  now += 10;
  expect(await recordWaiting(access, holder, waiting)).toBe(true);
  const after = await read(item);
  expect(after).toMatchObject({
    ...{ status: 'waiting', waitingUntil: waiting.until, sentAt: timestamp(now), calls: [call] },
    ...standsIn(item, 'waiting'),
  });
  for (const gone of ['leaseUntil', 'leaseToken', 'closedPk']) expect(after).not.toHaveProperty(gone);
});

describe('a message that waits behind another one', () => {
  test('gives back its claim with the call that it did not make', async () => {
    const item = await put();
    const behind = { behind: 'msg_before', notBefore: now + 7_000 };
    expect(await recordBehind(access, late(item), behind)).toBe(false);
    expect(await recordBehind(access, await held(item), behind)).toBe(true);
    const after = await read(item);
    expect(after).toMatchObject({ behind: 'msg_before', leaseUntil: now + 7_000, attempts: 0, unsettled: 0 });
    expect(after).not.toHaveProperty('leaseToken');
  });

  const ordered = (entityId: string, seq: number, more: Partial<NewMessage> = {}) =>
    put({ entityId, seq, ordered: true, ...more });

  test('is the nearest one of its receiver that has not ended', async () => {
    const entityId = `pay_${ulid()}`;
    const first = await ordered(entityId, 1);
    const second = await ordered(entityId, 2);
    await put({ entityId, seq: 3 });
    await ordered(entityId, 4, { receiver: 'bank' });
    const last = await ordered(entityId, 5);
    const ofBank = await ordered(entityId, 6, { receiver: 'bank' });
    const asked: unknown[] = [];
    const watched = another();
    intercept(watched.client, { before: ({ input }) => void asked.push(input) });
    expect((await messageBefore(watched, last))?.id).toBe(second.id);
    expect(asked).toMatchObject([{ ConsistentRead: true }]);
    expect((await messageBefore(access, ofBank))?.seq).toBe(4);
    await takeAnswer(access, second, { answer: said('done'), from: 'worker' });
    expect((await messageBefore(access, last))?.id).toBe(first.id);
    await takeAnswer(access, first, { answer: said('refused'), from: 'worker' });
    expect(await messageBefore(access, last)).toMatchObject({ id: first.id, status: 'dead' });
    expect(await messageBefore(access, first)).toBeUndefined();
  });

  test('is sent once that one has ended, and no other is', async () => {
    const entityId = `pay_${ulid()}`;
    const first = await ordered(entityId, 1);
    const [next, another, free] = [
      await ordered(entityId, 2),
      await ordered(entityId, 3),
      await ordered(entityId, 4),
    ];
    await recordBehind(access, await held(next), { behind: 'msg_other', notBefore: now + 1 });
    await recordBehind(access, await held(another), { behind: first.id, notBefore: now + 1 });
    await held(free);
    await releaseNext(access, { ...first, ordered: undefined } as unknown as MessageItem);
    expect(await read(another)).toMatchObject({ status: 'sent', behind: first.id });
    await releaseNext(access, first);
    const released = await read(another);
    expect(released).toMatchObject({ status: 'pending' });
    expect(released).not.toHaveProperty('behind');
    expect(released).not.toHaveProperty('leaseUntil');
    expect(await read(next)).toMatchObject({ status: 'sent', behind: 'msg_other' });
    expect(await read(free)).toMatchObject({ status: 'sent' });
    await releaseNext(access, free);
  });

  test('is found behind however many others, and asked for as long as there is time', async () => {
    const entityId = `pay_${ulid()}`;
    const text = 'x'.repeat(180_000);
    const first = await ordered(entityId, 1);
    for (let seq = 2; seq < 9; seq += 1) await put({ entityId, seq, payload: text as never });
    const last = await ordered(entityId, 9);
    expect((await messageBefore(access, last))?.id).toBe(first.id);
    await recordBehind(access, await held(last), { behind: first.id, notBefore: now });
    await releaseNext(access, first);
    expect(await read(last)).toMatchObject({ status: 'pending' });
    const over = { ...access, deadline: { signal: AbortSignal.abort(), remainingMs: () => 0 } };
    await expect(messageBefore(over, last)).rejects.toThrow();
  });
});

describe('a message that is dead', () => {
  test('keeps why, and the delivery that goes to the dead letters', async () => {
    const item = await put();
    expect(await recordDead(access, late(item), end(item))).toBe(false);
    const holder = await held(item);
    expect(await recordDead(access, holder, end(item))).toBe(true);
    const after = await read(item);
    expect(after).toMatchObject({ status: 'dead', lastError: error, calls: [call], unsettled: 1 });
    expect(after).toMatchObject(standsIn(item, 'dead'));
    expect(after.letter).toEqual({ copy: 'copy', sqsMessageId: 'one', diedAt: now });
    for (const gone of ['leaseUntil', 'leaseToken', 'waitingUntil', 'openPk', 'answer'])
      expect(after).not.toHaveProperty(gone);
  });

  test('by its receiver’s own word keeps that, and is not in doubt', async () => {
    const answer = said('refused');
    expect(await died({}, { answer, isCertain: true })).toMatchObject({ answer, unsettled: 0 });
  });

  test('of a reference without a copy, that lay among the dead letters before, keeps just that', async () => {
    const item = await put();
    const from = { ...deliveryOf(item), copy: undefined, wasDeadLetter: true };
    await recordDead(access, await held(item), end(item, { delivered: from }));
    expect((await read(item)).letter).toEqual({ sqsMessageId: 'one', wasDeadLetter: true, diedAt: now });
  });
});

describe('a redrive', () => {
  const besideIt = (pk: string, condition = 'attribute_not_exists(pk)'): Beside => [
    { Put: { TableName: access.table, Item: { pk, sk: 'beside' }, ConditionExpression: condition } },
  ];
  const isBeside = async (pk: string): Promise<boolean> =>
    (await access.client.send(new GetCommand({ TableName: access.table, Key: { pk, sk: 'beside' } })))
      .Item !== undefined;

  test('begins the next run, with all that the last one left taken away', async () => {
    const item = await died({}, { answer: said('refused') });
    now += 50;
    expect(await redriveMessage(access, item)).toBe('redriven');
    const after = await read(item);
    expect(after).toMatchObject({
      ...{ status: 'pending', run: 2, attempts: 0, unsettled: 1, redrivenAt: timestamp(now) },
      ...standsIn(item, 'open'),
    });
    for (const gone of ['letter', 'sentAt', 'answer', 'closedPk', 'redrivenBy', 'leaseUntil'])
      expect(after).not.toHaveProperty(gone);
    now += 1;
    expect(await redriveMessage(access, item)).toBe('not_dead');
  });

  test('of a run is of that run, and says which redrive run it belongs to', async () => {
    const item = await died();
    expect(await redriveMessage(access, item, { run: 2 })).toBe('not_dead');
    expect(await redriveMessage(access, item, { run: 1, by: 'rdr_1' })).toBe('redriven');
    expect(await read(item)).toMatchObject({ run: 2, redrivenBy: 'rdr_1' });
    now += 1;
    expect(await redriveMessage(access, item, { run: 2 })).toBe('not_dead');
  });

  test('of what may have acted and must not be called again is none', async () => {
    const item = await died({ onUncertain: 'hold' });
    expect(await redriveMessage(access, item)).toBe('held');
    expect(await redriveMessage(access, item, { run: 1 })).toBe('held');
    expect(await redriveMessage(access, item, { run: 7 })).toBe('not_dead');
    const certain = await died({ onUncertain: 'hold' }, { isCertain: true });
    expect(await redriveMessage(access, certain)).toBe('redriven');
  });

  test('whose answer was lost is found to be our own; another one’s is not', async () => {
    const item = await died();
    const losing = another();
    loseFirstAnswer(losing.client, 'UpdateItemCommand');
    expect(await redriveMessage(losing, item)).toBe('redriven');
    expect(await read(item)).toMatchObject({ run: 2 });
    await recordSent(access, { ...item, run: 2 });
    // Of the same millisecond, and gone on since.
    expect(await redriveMessage(access, item)).toBe('not_dead');
  });

  test('comes with what is written beside it, or not at all', async () => {
    const item = await died();
    const pk = randomUUID();
    expect(await redriveMessage(access, item, { beside: besideIt(pk) })).toBe('redriven');
    expect(await isBeside(pk)).toBe(true);
    expect((await read(item)).run).toBe(2);
    const open = await put();
    const never = randomUUID();
    expect(await redriveMessage(access, open, { beside: besideIt(never) })).toBe('not_dead');
    expect(await redriveMessage(access, made(), { beside: besideIt(never) })).toBe('not_found');
    expect(await isBeside(never)).toBe(false);
    const again = await died();
    await expect(redriveMessage(access, again, { beside: besideIt(pk) })).rejects.toThrow(
      TransactionCanceledException,
    );
    expect(await read(again)).toMatchObject({ status: 'dead', run: 1 });
  });

  test('that meets another write of its message says so, by the name of that', async () => {
    const refusedBy = (Code?: string): OutboxAccess => {
      const build = another();
      intercept(build.client, {
        before: () => {
          throw new TransactionCanceledException({
            message: 'cancelled',
            $metadata: { httpStatusCode: 400 },
            ...(Code !== undefined && { CancellationReasons: [{ Code }] }),
          });
        },
      });
      return build;
    };
    const item = await died();
    const beside = besideIt(randomUUID());
    const conflict = redriveMessage(refusedBy('TransactionConflict'), item, { beside });
    await expect(conflict).rejects.toThrow(TransactionConflictException);
    await expect(conflict).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
    await expect(redriveMessage(refusedBy('ValidationError'), item, { beside })).rejects.toThrow(
      TransactionCanceledException,
    );
    await expect(redriveMessage(refusedBy(), item, { beside })).rejects.toThrow(TransactionCanceledException);
    const gone = another();
    intercept(gone.client, {
      before: () => {
        throw new Error('lost');
      },
    });
    await expect(redriveMessage(gone, item, { beside })).rejects.toThrow('lost');
    await expect(redriveMessage(gone, item)).rejects.toThrow('lost');
  });

  test('is given up with the deadline, beside others, too', async () => {
    const item = await died();
    const over = { ...access, deadline: { signal: AbortSignal.abort(), remainingMs: () => 0 } };
    const key = { pk: item.pk, sk: item.sk };
    await expect(redriveMessage(over, item, { beside: besideIt(randomUUID()) })).rejects.toThrow();
    expect((await read(item)).run).toBe(1);
    const set = [key, 'SET #status = :sent', '#status = :dead', {}, []] as const;
    expect(await writeBeside(access, ...set)).toEqual({ kind: 'written' });
    expect(await writeAndRead(access, ...set)).toMatchObject({ found: { status: 'sent' } });
    const asked: unknown[] = [];
    const reading = another();
    intercept(reading.client, { before: ({ input }) => void asked.push(input) });
    const back = [key, 'SET #status = :dead', '#status = :sent', {}, []] as const;
    expect(await writeAndRead(reading, ...back)).toEqual({ item: await read(item) });
    expect(asked).toMatchObject([{}, { ConsistentRead: true }]);
  });
});

describe('an answer', () => {
  const taken = (item: MessageItem, news: Partial<AnswerNews> = {}) =>
    takeAnswer(access, item, { answer: said('done'), from: 'worker', ...news });

  test('that nothing follows from ends its message', async () => {
    const item = await put({ sensitive: true });
    await held(item);
    expect(await taken(item, { calls: [call] })).toEqual({
      kind: 'taken',
      item: await read(item),
      isFirst: true,
    });
    const after = await read(item);
    expect(after).toMatchObject({
      ...{ status: 'done', doneAt: timestamp(now), result: '{"ok":true}', calls: [call] },
      expiresAt: Math.floor((now + limits.keptMs) / 1000),
      ...standsIn(item, 'done'),
    });
    for (const gone of ['leaseUntil', 'leaseToken', 'openPk', 'payload', 'answer', 'unsettled', 'lastError'])
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
    expect(await read(item)).toMatchObject({ status: 'done', answer: kept, refused });
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
      await recordWaiting(access, await held(item), { calls: [], until: now });
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
    expect(await read(item)).toMatchObject({ answerWaits: { code: 'locked', at: timestamp(now) } });
  });

  test('of having given up is no answer: what the receiver says later counts', async () => {
    const item = await put({ answers });
    const given = { calls: [call], isCertain: false };
    expect(await keepDeadEnd(access, late(item), gaveUp, given)).toBeUndefined();
    await recordWaiting(access, await held(item), { calls: [], until: now });
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
          TransactItems: [{ Update: messageEnd(access.table, item, answer, { now, letter }) }],
        }),
      );

    test('once, and as it was taken', async () => {
      const item = await put({ answers, sensitive: true });
      await taken(item);
      await recordAnswerWaits(access, item, 'locked');
      await expect(ending(item, said('done', { at: timestamp(now - 1) }))).rejects.toThrow();
      await expect(ending(item, said('refused'))).rejects.toThrow();
      await ending(item, said('done'));
      const { result, ...kept } = said('done');
      const after = await read(item);
      expect(after).toMatchObject({ status: 'done', result, doneAt: timestamp(now) });
      expect(after.answer).toEqual(kept);
      for (const gone of ['answerWaits', 'payload', 'openPk', 'letter', 'hasDied', 'unsettled'])
        expect(after).not.toHaveProperty(gone);
      await expect(ending(item, said('done'))).rejects.toMatchObject({
        CancellationReasons: [{ Code: 'ConditionalCheckFailed', Item: expect.anything() as unknown }],
      });
    });

    test('of a no that moves it as done, and of having given up as dead', async () => {
      const refused = await put({ answers });
      await taken(refused, { answer: said('refused') });
      await ending(refused, said('refused'));
      expect(await read(refused)).toMatchObject({ status: 'done', refused: { code: '402' } });
      const dead = await put({ answers });
      await keepDeadEnd(access, await held(dead), gaveUp, { calls: [], isCertain: false });
      const letter = { sqsMessageId: 'one', diedAt: now };
      await ending(dead, gaveUp, letter);
      const after = await read(dead);
      const { lastError, ...kept } = gaveUp;
      expect(after).toMatchObject({
        ...{ status: 'dead', answer: kept, lastError, letter, hasDied: true, unsettled: 1 },
        ...standsIn(dead, 'dead'),
      });
      for (const gone of ['openPk', 'doneAt', 'expiresAt']) expect(after).not.toHaveProperty(gone);
    });
  });
});

describe('what was said of a message', () => {
  const item = made();
  test.each([
    [{ answer: said('refused') }, 'refused'],
    [{ answer: said('done') }, 'done'],
    [{ answer: gaveUp }, undefined],
    [{ answer: gaveUp, status: 'done' }, 'done'],
    [{}, undefined],
    [{ status: 'done' }, 'done'],
    [{ status: 'done', refused: { code: '402', reason: 'No.' } }, 'refused'],
    [{ status: 'dead', refused: { code: '402', reason: 'No.' } }, undefined],
  ] as const)('%j', (more, expected) => {
    expect(outcomeSaid({ ...item, ...more })).toBe(expected);
  });

  const notUnderstood = { answerWaits: { code: 'answer_not_understood', at: timestamp(now) } };
  test.each([
    [{ status: 'dead' }, true],
    [{ status: 'sent' }, false],
    [{ status: 'done', answer: said('done'), ...notUnderstood }, false],
    [{ status: 'sent', answer: said('done'), ...notUnderstood }, true],
    [{ status: 'sent', answer: gaveUp, ...notUnderstood }, true],
    [{ status: 'sent', answer: said('refused'), ...notUnderstood }, false],
    [{ status: 'sent', ...notUnderstood }, false],
    [{ status: 'sent', answer: said('done'), answerWaits: { code: 'locked', at: '' } }, false],
    [{ status: 'sent', answer: said('done') }, false],
  ] as const)('leaves a person’s word of done to count: %j', (more, expected) => {
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
  expect(Item).toEqual({ ...Key, tenant: 'a tenant', expiresAt: Math.floor((now + limits.keptMs) / 1000) });
  const over = { ...access, deadline: { signal: AbortSignal.abort(), remainingMs: () => 0 } };
  await expect(noteTenant(over, item)).rejects.toThrow();
  await expect(tenantOf(over, item.id)).rejects.toThrow();
});
