/** Which messages a sweep sends, to the millisecond, and what it tells of them. On a clock that stands still. */
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sweepMessages } from '../../functions/outbox/sweep-messages.ts';
import type { MessagesSwept } from '../../functions/outbox/sweep-messages.ts';
import { uncertainty } from '../../functions/runtime/delivery-limits.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { madeMessage } from '../support/messages.ts';
import { startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { intercept } from '../support/sdk-faults.ts';

const now = Date.parse('2026-11-26T12:00:00.000Z');
const grace = 60_000;
const ago = (ms: number): string => new Date(now - ms).toISOString();
let outbox: TestOutbox;
let told: unknown[];
beforeAll(async () => {
  outbox = await startOutbox();
});
afterAll(() => outbox.stop());
beforeEach(() => {
  told = [];
});
afterEach(async () => {
  for (const { pk, sk } of await outbox.all())
    await outbox.client.send(new DeleteCommand({ TableName: outbox.tables.outbox, Key: { pk, sk } }));
});

/** @param createdAgo ms */
async function put(createdAgo: number, more: Partial<MessageItem> = {}): Promise<MessageItem> {
  const item = { ...madeMessage(now - createdAgo), ...more };
  await outbox.client.send(new PutCommand({ TableName: outbox.tables.outbox, Item: item }));
  return item;
}
interface Sweep {
  /** A queue was lost at this moment. */
  readonly lostAt?: number;
  readonly copiesPerQueue?: number;
  readonly pageSize?: number;
  readonly hasTime?: () => boolean;
  /** Before the messages that the index has shown are read. */
  readonly meanwhile?: () => Promise<unknown>;
  readonly queueUrls?: TestOutbox['queueUrls'];
}
function sweep({ lostAt, hasTime = () => true, meanwhile, ...more }: Sweep = {}): Promise<MessagesSwept> {
  const client = meanwhile ? outbox.anotherClient() : outbox.client;
  intercept(client, {
    before: async ({ command }) => {
      if (command.startsWith('BatchGet')) await meanwhile?.();
    },
  });
  const parts = {
    ...{ outbox: { ...outbox.access, client, clock: { now: () => now } }, sqs: outbox.sender },
    ...{ queueUrls: outbox.queueUrls, onSent: (...of: unknown[]) => void told.push(of), ...more },
  };
  const scope = { graceMs: grace, everything: lostAt !== undefined, at: lostAt ?? now };
  return sweepMessages(parts, scope, hasTime);
}
const one = { sent: { 'external-call': 1 }, more: false };
const none = { sent: {}, more: false };

describe('a message', () => {
  test.each<[string, number, Partial<MessageItem>, boolean]>([
    ['that nobody has claimed, after a grace', grace, {}, true],
    ['that nobody has claimed, before it', grace - 1, {}, false],
    ['of a new run, after a grace', 9 * grace, { redrivenAt: ago(grace) }, true],
    ['of a new run, before it', 9 * grace, { redrivenAt: ago(grace - 1) }, false],
    ['whose lease is over', 9 * grace, { leaseUntil: now }, true],
    ['whose lease is not', 9 * grace, { leaseUntil: now + 1 }, false],
    ['that was sent, in its turn', 4 * grace, { status: 'sent', sentAt: ago(grace) }, true],
    ['that was sent, before its turn', 3 * grace, { status: 'sent', sentAt: ago(grace) }, false],
    ['that was sent a moment ago', 9 * grace, { status: 'sent', sentAt: ago(grace - 1) }, false],
    ['nobody can refer to', 9 * grace, { run: 'first' as never }, false],
  ])('%s', async (_, createdAgo, more, isSent) => {
    const item = await put(createdAgo, more);
    expect(await sweep()).toEqual(
      isSent ? one : { ...none, sent: expect.toBeOneOf([{}, { 'external-call': 0 }]) as unknown },
    );
    const { sentAt } = (await outbox.all())[0] ?? {};
    expect(sentAt).toBe(isSent ? ago(0) : item.sentAt);
  });

  test('whose answer is late is late from when that was taken', async () => {
    const answer = { outcome: 'done', by: 'receiver:external-call', result: '{}' } as const;
    const late = { ...one, oldestWaitingMs: grace };
    await put(9 * grace, { answer: { ...answer, at: ago(grace) } });
    expect(await sweep()).toEqual(late);
    await put(9 * grace, { answer: { ...answer, at: ago(grace - 1) } });
    expect(await sweep()).toEqual({ ...none, oldestWaitingMs: grace });
  });

  test('that has ended since the index saw it is not sent, and waits for nobody', async () => {
    const item = await put(9 * grace, { behind: 'msg_1' });
    const meanwhile = () =>
      outbox.client.send(
        new PutCommand({ TableName: outbox.tables.outbox, Item: { ...item, status: 'done' } }),
      );
    expect(await sweep({ meanwhile })).toEqual(none);
  });

  test('that was sent since the index saw it is on its way, even where its turn has come', async () => {
    const item = await put(4 * grace, { status: 'sent', sentAt: ago(3 * grace) });
    const Item = { ...item, sentAt: ago(grace - 1) };
    const meanwhile = () => outbox.client.send(new PutCommand({ TableName: outbox.tables.outbox, Item }));
    expect(await sweep({ meanwhile })).toEqual(none);
  });

  test.each<[string, number, Partial<MessageItem>, boolean]>([
    ['that was open a grace before', 2 * grace, { leaseUntil: now + 1 }, true],
    ['that was sent a grace before', 9 * grace, { status: 'sent', sentAt: ago(2 * grace) }, true],
    ['that is younger', 2 * grace - 1, {}, false],
    ['whose run had begun a grace before', 9 * grace, { redrivenAt: ago(2 * grace) }, true],
    ['whose run is younger', 9 * grace, { redrivenAt: ago(2 * grace - 1) }, false],
    [
      'that waited in vain and was sent a grace before',
      uncertainty.waitingMaxMs,
      { status: 'waiting', waitingUntil: now - 9 * grace, sentAt: ago(2 * grace), leaseUntil: now + 1 },
      true,
    ],
    [
      'that waited in vain and was sent later',
      uncertainty.waitingMaxMs,
      { status: 'waiting', waitingUntil: now - 9 * grace, sentAt: ago(2 * grace - 1) },
      false,
    ],
  ])('%s its queue was lost', async (_, createdAgo, more, isSent) => {
    await put(createdAgo, more);
    expect((await sweep({ lostAt: now - grace })).sent['external-call'] ?? 0).toBe(isSent ? 1 : 0);
  });

  const waiting = { status: 'waiting', sentAt: ago(uncertainty.waitingMaxMs), waitingUntil: now } as const;
  const overdue = (ms: number, more: Partial<MessageItem>): Partial<MessageItem> => ({
    ...{ ...waiting, waitingUntil: now - ms },
    ...more,
  });
  test.each<[string, Partial<MessageItem>, boolean]>([
    ['in vain', waiting, true],
    ['for longer', { ...waiting, waitingUntil: now + 1 }, false],
    ['in vain, and was sent in its turn', overdue(4 * grace, { sentAt: ago(grace) }), true],
    ['in vain, and was sent before its turn', overdue(3 * grace, { sentAt: ago(grace) }), false],
    ['in vain, and was sent a moment ago', overdue(9 * grace, { sentAt: ago(grace - 1) }), false],
    ['in vain, and has a lease', overdue(4 * grace, { sentAt: ago(grace), leaseUntil: now + 1 }), false],
    ['in vain, and whose lease is over', overdue(4 * grace, { sentAt: ago(grace), leaseUntil: now }), true],
    ['in vain, and was sent when its time was over', overdue(grace - 1, { sentAt: ago(grace - 1) }), false],
    ['in vain, and of which nobody knows when it was sent', { status: 'waiting', waitingUntil: now }, true],
  ])('that waits for its callback %s', async (_, more, isSent) => {
    await put(uncertainty.waitingMaxMs, more);
    const { waitingUntil = 0 } = more;
    const oldestWaitingMs = now - (waitingUntil - uncertainty.waitingMaxMs);
    expect(await sweep()).toEqual({ ...(isSent ? one : none), oldestWaitingMs });
    expect((await outbox.all())[0]).toMatchObject({
      status: 'waiting',
      sentAt: isSent ? ago(0) : more.sentAt,
    });
  });

  test('that waits anew since the index saw it is not sent', async () => {
    const item = await put(uncertainty.waitingMaxMs, waiting);
    const Item = { ...item, waitingUntil: now + 1 };
    const meanwhile = () => outbox.client.send(new PutCommand({ TableName: outbox.tables.outbox, Item }));
    expect((await sweep({ meanwhile })).sent).toEqual({});
  });

  test('whose time cannot have come is not read', async () => {
    await put(grace - 1);
    await put(uncertainty.waitingMaxMs, { ...waiting, waitingUntil: now + 1 });
    let reads = 0;
    const meanwhile = () => Promise.resolve((reads += 1));
    expect((await sweep({ meanwhile })).sent).toEqual({});
    expect(reads).toBe(0);
  });

  test('that its callback has ended since is not sent', async () => {
    const item = await put(uncertainty.waitingMaxMs, waiting);
    const meanwhile = () =>
      outbox.client.send(
        new PutCommand({ TableName: outbox.tables.outbox, Item: { ...item, status: 'done' } }),
      );
    expect(await sweep({ meanwhile })).toEqual({ ...none, oldestWaitingMs: uncertainty.waitingMaxMs });
  });
});

describe('a sweep', () => {
  const copy = { status: 'sent', sentAt: ago(grace) } as const;

  test('tells of each queue what was sent and what was not, and marks what was', async () => {
    await put(grace);
    await put(grace, { topic: 'llm' });
    await put(grace, { topic: 'llm' });
    const queueUrls = { ...outbox.queueUrls, llm: `${outbox.queueUrls.llm}-gone` };
    expect((await sweep({ queueUrls })).sent).toEqual({ 'external-call': 1, llm: 0 });
    expect(told).toEqual(
      expect.arrayContaining([
        ['external-call', 1, 0],
        ['llm', 0, 2],
      ]),
    );
    expect((await sweep()).sent).toEqual({ llm: 2 });
    expect(await sweep()).toEqual(none);
  });

  test('sends what waits in vain for a callback to its own queue', async () => {
    const waiting = { status: 'waiting', sentAt: ago(uncertainty.waitingMaxMs), waitingUntil: now } as const;
    await put(uncertainty.waitingMaxMs, waiting);
    await put(uncertainty.waitingMaxMs, { ...waiting, topic: 'llm' });
    expect((await sweep()).sent).toEqual({ 'external-call': 1, llm: 1 });
    expect(told).toEqual(
      expect.arrayContaining([
        ['external-call', 1, 0],
        ['llm', 1, 0],
      ]),
    );
  });

  test('adds as many to each queue as it may, and says whether there are more', async () => {
    for (const topic of ['external-call', 'llm'] as const) {
      await put(4 * grace, { ...copy, topic });
      await put(4 * grace, { ...copy, topic });
      await put(grace, { topic });
    }
    expect(await sweep({ copiesPerQueue: 2 })).toEqual({ sent: { 'external-call': 2, llm: 2 }, more: true });
    expect(await sweep({ copiesPerQueue: 2 })).toEqual({ sent: { 'external-call': 1, llm: 1 }, more: false });
  });

  test('adds no more of many pages than of one, and knows that just as many are all', async () => {
    for (let n = 0; n < 6; n += 1) await put(grace);
    const bounded = { copiesPerQueue: 4, pageSize: 1 };
    expect(await sweep(bounded)).toEqual({ sent: { 'external-call': 4 }, more: true });
    await put(grace);
    await put(grace);
    expect(await sweep(bounded)).toEqual({ sent: { 'external-call': 4 }, more: false });
  });

  test('after a queue was lost adds to it whatever it had', async () => {
    await put(4 * grace, copy);
    await put(4 * grace, copy);
    const sent = { sent: { 'external-call': 2 }, more: false };
    expect(await sweep({ lostAt: now, copiesPerQueue: 1 })).toEqual(sent);
  });

  test('that has no time for all says so', async () => {
    for (let n = 0; n < 12; n += 1) await put(grace);
    const { more } = await sweep({ pageSize: 1, hasTime: () => false });
    expect(more).toBe(true);
    await sweep({ pageSize: 1 });
    expect(await sweep()).toEqual(none);
  });

  test.each<[string, Partial<MessageItem>, number | undefined]>([
    ['of which nobody knows whether it was done', { unsettled: 1 }, 9 * grace],
    ['behind another one', { behind: 'msg_1' }, 9 * grace],
    ['of a run that began later', { behind: 'msg_1', redrivenAt: ago(5 * grace) }, 5 * grace],
    ['for its turn in a queue alone', {}, undefined],
  ])('tells how long a message waits %s', async (_, more, waited) => {
    await put(9 * grace, more);
    await put(3 * grace, { behind: 'msg_2' });
    expect((await sweep()).oldestWaitingMs).toBe(waited ?? 3 * grace);
  });
});
