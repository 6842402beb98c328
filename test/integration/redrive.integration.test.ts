import { ListMessageMoveTasksCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMessageRelay } from '../../functions/outbox/message-relay.ts';
import { redriveMessages } from '../../functions/store/outbox/bulk-redrive.ts';
import { listEntityMessages, listMessages } from '../../functions/store/outbox/message-lists.ts';
import type { Topic } from '../../functions/runtime/topics.ts';
import type { MessageItem, MessageStatus } from '../../functions/store/outbox/message-items.ts';
import { redriveMessage } from '../../functions/store/outbox/messages.ts';
import type { QueueHandler } from '../../functions/workers/batch.ts';
import { refused } from '../../functions/workers/receiver.ts';
import type { Received } from '../../functions/workers/receiver.ts';
import { bodyOf, silent, sqsEvent, startOutbox, streamEvent } from '../support/outbox.ts';
import type { TestOutbox, TestQueue } from '../support/outbox.ts';

let outbox: TestOutbox;
let handler: QueueHandler;
let queue: TestQueue;
let calls: string[];
let answer: Received;
beforeEach(async () => {
  outbox = await startOutbox();
  queue = outbox.queues['external-call'];
  calls = [];
  answer = { kind: 'done', result: { status: 200 } };
  handler = outbox.worker((message) => {
    calls.push(message.id);
    return Promise.resolve(answer);
  });
});
afterEach(() => outbox.stop());

const deliver = (item: MessageItem, run: number): ReturnType<QueueHandler> =>
  handler(sqsEvent(queue, bodyOf(item, run)));

/** A message that died for good reasons and whose letter SQS has moved to the dead ones. */
async function deadMessage(tenant = 'acme'): Promise<MessageItem> {
  const before = answer;
  answer = refused('400', 'The receiver answered 400.');
  const item = await outbox.put({ tenant });
  await outbox.send(queue, bodyOf(item));
  await drain();
  calls.pop();
  answer = before;
  return outbox.read(item);
}

/** What the stream does after a redrive. */
async function relayed(item: MessageItem): Promise<void> {
  const relay = createMessageRelay({
    sqs: outbox.sqs,
    queueUrls: outbox.queueUrls,
    log: silent,
  });
  const now = await outbox.read(item);
  if (now.status === 'pending') await relay(streamEvent(now));
}

/** A redrive by the console or the CLI, which names no destination. */
async function moved(): Promise<void> {
  await outbox.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: outbox.queues.dead.arn }));
  const task = async (): Promise<unknown> => {
    const command = new ListMessageMoveTasksCommand({ SourceArn: outbox.queues.dead.arn });
    return (await outbox.sqs.send(command)).Results?.[0]?.Status;
  };
  await expect.poll(task, { timeout: 10_000 }).toBe('COMPLETED');
}

/**
 * Until the queue is empty: what is dead is handed back until SQS moves it. One delivery after the other, since a copy that
 * comes while its message is called is hidden until the lease would have run out.
 */
async function drain(): Promise<void> {
  while ((await outbox.depth(queue)) > 0) await outbox.poll(queue, handler, 1);
}

describe('a dead letter', () => {
  test('lies among the dead ones, its record says why', async () => {
    const dead = await deadMessage();
    expect(dead).toMatchObject({ status: 'dead', run: 1, attempts: 1, lastError: { code: '400' } });
    expect(await outbox.look(outbox.queues.dead)).toEqual([bodyOf(dead)]);
  });

  test('redriven by the API is worked off once, from the start of its policy', async () => {
    const dead = await deadMessage();
    expect(await redriveMessage(outbox.access, dead)).toBe('redriven');
    const pending = await outbox.read(dead);
    expect(pending).toMatchObject({ status: 'pending', run: 2, attempts: 0 });
    expect(pending.openPk).toMatch(/^acme#open#\d$/);
    expect(pending.closedPk).toBeUndefined();
    await relayed(dead);
    await drain();
    expect(calls).toEqual([dead.id]);
    expect(await outbox.read(dead)).toMatchObject({ status: 'done', attempts: 1 });
  });

  test('redriven by the API any number of times at once begins one run', async () => {
    const dead = await deadMessage();
    const answers = await Promise.all(Array.from({ length: 8 }, () => redriveMessage(outbox.access, dead)));
    expect(answers).toContain('redriven');
    expect(await outbox.read(dead)).toMatchObject({ status: 'pending', run: 2 });
  });

  test('moved back by SQS is worked off once, from the start of its policy', async () => {
    const dead = await deadMessage();
    await moved();
    await drain();
    await relayed(dead);
    await drain();
    expect(calls).toEqual([dead.id]);
    expect(await outbox.read(dead)).toMatchObject({ status: 'done', run: 2, attempts: 1 });
    expect(await outbox.look(outbox.queues.dead)).toEqual([]);
  });

  test.each(['the API first', 'SQS first'])(
    'redriven both ways at once makes one more call: %s',
    async (order) => {
      const dead = await deadMessage();
      if (order === 'SQS first') {
        await moved();
        await drain();
        expect(await redriveMessage(outbox.access, dead)).toBe('not_dead');
      } else {
        expect(await redriveMessage(outbox.access, dead)).toBe('redriven');
        await moved();
        await drain();
      }
      await relayed(dead);
      await relayed(dead);
      await drain();
      expect(calls).toEqual([dead.id]);
      expect(await outbox.read(dead)).toMatchObject({ status: 'done', run: 2 });
      expect(await outbox.look(outbox.queues.dead)).toEqual([]);
    },
  );

  test('redriven both ways at the same moment makes one more call', async () => {
    const dead = await deadMessage();
    await moved();
    await Promise.all([
      redriveMessage(outbox.access, dead),
      outbox.poll(queue, handler),
      redriveMessage(outbox.access, dead),
    ]);
    await relayed(dead);
    await drain();
    expect(calls).toEqual([dead.id]);
    expect(await outbox.read(dead)).toMatchObject({ status: 'done', run: 2 });
  });

  test('that fails again is dead again, and can be moved back again', async () => {
    const dead = await deadMessage();
    answer = refused('400', 'The receiver answered 400.');
    await moved();
    await drain();
    await relayed(dead);
    await drain();
    expect(await outbox.read(dead)).toMatchObject({ status: 'dead', run: 2 });
    const left = await outbox.look(outbox.queues.dead);
    expect(left.map((body) => JSON.parse(body) as unknown)).toEqual([
      expect.objectContaining({ id: dead.id, run: 2 }),
    ]);
    answer = { kind: 'done', result: {} };
    await moved();
    await drain();
    await relayed(dead);
    await drain();
    expect(calls).toHaveLength(2);
    expect(await outbox.read(dead)).toMatchObject({ status: 'done', run: 3 });
  });

  test('left over from a run that was redriven otherwise is stale', async () => {
    const dead = await deadMessage();
    await redriveMessage(outbox.access, dead);
    answer = refused('400', 'The receiver answered 400.');
    await relayed(dead);
    await drain();
    calls.length = 0;
    expect(await deliver(dead, 1)).toEqual({ batchItemFailures: [] });
    expect(calls).toEqual([]);
    expect(await outbox.read(dead)).toMatchObject({ status: 'dead', run: 2 });
  });

  test('of which a copy was in the queue when it died is not called again by the copy', async () => {
    const dead = await deadMessage();
    const event = sqsEvent(queue, bodyOf(dead, 1, 'another copy'));
    expect((await handler(event)).batchItemFailures).toHaveLength(1);
    expect(calls).toEqual([]);
    expect(await outbox.read(dead)).toMatchObject({ status: 'dead', run: 1 });
  });

  test('of a message that is done is dropped', async () => {
    const item = await outbox.put();
    await deliver(item, 1);
    expect(await deliver(item, 1)).toEqual({ batchItemFailures: [] });
    expect(await deliver(item, 2)).toEqual({ batchItemFailures: [] });
    expect(await redriveMessage(outbox.access, item)).toBe('not_dead');
    expect(calls).toHaveLength(1);
  });

  test('of another tenant is not found', async () => {
    const dead = await deadMessage();
    expect(await redriveMessage(outbox.access, { tenant: 'other', id: dead.id })).toBe('not_found');
    expect(await redriveMessage(outbox.access, { tenant: 'acme', id: 'msg_nonsense' })).toBe('not_found');
    expect((await outbox.read(dead)).status).toBe('dead');
  });
});

describe('messages in bulk', () => {
  test('are redriven up to a limit, of one tenant and one topic, and none is left out or taken twice', async () => {
    const dead = [await deadMessage(), await deadMessage(), await deadMessage()];
    const others = await deadMessage('other');
    const access = outbox.access;
    const redriven = async (topic: Topic): Promise<number> =>
      (await redriveMessages(access, { tenant: 'acme', topic, limit: 2 })).count;
    expect(await redriven('llm')).toBe(0);
    expect(await redriven('external-call')).toBe(2);
    expect(await redriven('external-call')).toBe(1);
    expect(await redriven('external-call')).toBe(0);
    const runs = await Promise.all(dead.map((item) => outbox.read(item)));
    expect(runs.map(({ status, run }) => [status, run])).toEqual(dead.map(() => ['pending', 2]));
    expect((await outbox.read(others)).status).toBe('dead');
  });
});

describe('lists of messages', () => {
  const pages = async (
    filter: { status?: MessageStatus; topic?: 'external-call' | 'llm' },
    limit: number,
  ): Promise<string[]> => {
    const ids: string[] = [];
    let cursor: { after: string } | undefined;
    do {
      const page = await listMessages(outbox.access, { tenant: 'acme', filter, limit, cursor });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return ids;
  };

  test('are of one tenant, newest first, page by page, by status and topic', async () => {
    const made: MessageItem[] = [];
    for (let index = 0; index < 9; index += 1) {
      const createdAt = new Date(1_795_169_730_000 + index).toISOString();
      const item = await outbox.put({ createdAt, topic: index % 2 === 0 ? 'external-call' : 'llm' });
      await outbox.put({ createdAt, tenant: 'acm' });
      await outbox.put({ createdAt, tenant: 'acme2' });
      made.unshift(item);
      if (index % 4 === 0) await deliver(item, 1);
    }
    const ids = (items: readonly MessageItem[]): string[] => items.map(({ id }) => id);
    for (const limit of [1, 2, 4, 9, 100]) {
      expect(await pages({}, limit)).toEqual(ids(made));
      expect(await pages({ status: 'done' }, limit)).toEqual(ids(made.filter((_, index) => index % 4 === 0)));
      expect(await pages({ status: 'pending' }, limit)).toEqual(
        ids(made.filter((_, index) => index % 4 !== 0)),
      );
      expect(await pages({ status: 'dead' }, limit)).toEqual([]);
      expect(await pages({ topic: 'llm' }, limit)).toEqual(ids(made.filter(({ topic }) => topic === 'llm')));
    }
  });

  test('are of one entity, in the order of its ledger', async () => {
    const { entity } = await outbox.put({ seq: 2, n: 1 });
    for (const [seq, n] of [
      [10, 0],
      [2, 0],
      [1, 0],
    ] as const) {
      await outbox.put({ entityId: entity, seq, n });
    }
    const first = await listEntityMessages(outbox.access, { tenant: 'acme', entityId: entity, limit: 3 });
    const rest = await listEntityMessages(outbox.access, {
      tenant: 'acme',
      entityId: entity,
      limit: 3,
      ...(first.cursor && { cursor: first.cursor }),
    });
    expect([...first.items, ...rest.items].map(({ sk }) => sk)).toEqual([
      '0000000001#00',
      '0000000002#00',
      '0000000002#01',
      '0000000010#00',
    ]);
    const others = await listEntityMessages(outbox.access, { tenant: 'other', entityId: entity, limit: 3 });
    expect(others.items).toEqual([]);
  });
});
