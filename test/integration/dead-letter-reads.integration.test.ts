/** Dead letters are counted and looked for in their index alone: messages are read only to be shown. */
import { randomUUID } from 'node:crypto';
import type { BatchGetCommandInput } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { itemsOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { Reply, TestBackend } from '../support/backend.ts';
import { deadLetter, dyingMs, putDeadLetters, putLetters, startOfYear } from '../support/dead-letters.ts';
import { intercept } from '../support/sdk-faults.ts';

let api: TestBackend;
let tenant: string;
/** Of the outbox, since the last reset. */
let calls: string[] = [];
let itemsRead = 0;
beforeAll(async () => {
  api = await startBackend({
    prepare: (client) => {
      intercept(client, {
        before: ({ command, input }) => {
          const { RequestItems = {} } = input as Partial<BatchGetCommandInput>;
          const { outbox } = api.tables;
          const { TableName } = input as { TableName?: string };
          if (TableName === outbox || outbox in RequestItems) calls.push(command);
          if (command === 'BatchGetItemCommand') itemsRead += RequestItems[outbox]?.Keys?.length ?? 0;
        },
      });
    },
  });
});
beforeEach(() => {
  tenant = randomUUID();
});

async function counted(send: () => Promise<Reply>): Promise<Reply> {
  [calls, itemsRead] = [[], 0];
  const reply = await send();
  expect(reply.status, reply.text).toBeLessThan(300);
  return reply;
}
const queries = (): number => calls.filter((command) => command === 'QueryCommand').length;

/** 600 of one cause above a few of another, so that both a list and a search come to them last, or first. */
async function manyAndFew(few: number): Promise<readonly string[]> {
  const { store } = api.backend;
  const letters = await putDeadLetters(store, few, {
    tenant,
    type: 'payment.captured',
    code: 'timeout',
  });
  await putDeadLetters(store, 600, { tenant, at: startOfYear + dyingMs });
  return letters.map(({ id }) => id);
}

describe('of many dead letters', () => {
  it('groups read none, and ask each partition of the index once', async () => {
    await manyAndFew(3);
    const { json } = await counted(() => api.get('/v1/messages/groups', { tenant }));
    expect(json).toMatchObject({
      counted: 603,
      items: [
        { code: '503', count: 600 },
        { code: 'timeout', count: 3 },
      ],
    });
    expect(calls).toEqual(Array.from({ length: 4 }, () => 'QueryCommand'));
  });

  it.each([
    ['status=dead&type=payment.captured', 8],
    ['status=dead&code=timeout', 8],
    ['status=dead&type=payment.captured&code=timeout', 8],
    // The other groups are asked as well, which have none.
    ['type=payment.captured', 48],
  ])('a list of the few by %s reads what it shows', async (filter, queriesMax) => {
    const few = await manyAndFew(7);
    const reply = await counted(() => api.get(`/v1/messages?${filter}&limit=5`, { tenant }));
    expect(itemsOf(reply).map(({ id }) => id)).toEqual(few.slice(2).reverse());
    expect(itemsRead).toBe(5);
    // Its pages grow: the second one has all that the first one left.
    expect(queries()).toBeLessThanOrEqual(queriesMax);
    const cursor = encodeURIComponent(String(reply.json['nextCursor']));
    const next = await counted(() => api.get(`/v1/messages?${filter}&limit=5&cursor=${cursor}`, { tenant }));
    expect(itemsOf(next).map(({ id }) => id)).toEqual(few.slice(0, 2).reverse());
    expect(next.json['nextCursor']).toBeUndefined();
  });

  it('a list of those that may have acted reads what it shows', async () => {
    await manyAndFew(1);
    const doubtful = deadLetter({ tenant, onUncertain: 'inquire' });
    await putLetters(api.backend.store, [{ ...doubtful, unsettled: 1 }]);
    const reply = await counted(() => api.get('/v1/messages?status=dead&uncertain=true', { tenant }));
    expect(itemsOf(reply).map(({ id }) => id)).toEqual([doubtful.id]);
    expect(itemsRead).toBe(1);
    const certain = await api.get('/v1/messages?status=dead&code=timeout&uncertain=false', { tenant });
    expect(itemsOf(certain)).toHaveLength(1);
  });

  it('a redrive finds its own without reading one', async () => {
    const few = await manyAndFew(7);
    const begin = (match: object): Promise<Reply> =>
      counted(() => api.post('/v1/redrives', { match, dryRun: true }, { tenant }));
    const entity = few[0]?.slice('msg_'.length).split('_').slice(0, 2).join('_');
    const died = new Date(startOfYear + dyingMs).toISOString();
    for (const [match, matched] of [
      [{}, 607],
      [{ code: 'timeout' }, 7],
      [{ type: 'payment.captured', topic: 'notification' }, 7],
      [{ entity }, 1],
      [{ until: died }, 1],
      [{ since: new Date(startOfYear + 2 * dyingMs).toISOString(), code: '503' }, 600],
      [{ code: 'timeout', since: died, until: died }, 1],
    ] as const) {
      expect((await begin(match)).json, JSON.stringify(match)).toMatchObject({
        matched,
        matchedAtLeast: false,
      });
      expect(itemsRead).toBe(0);
      expect(queries()).toBeLessThanOrEqual(8);
    }
  });

  it('those that the version before left are counted, and are run again', async () => {
    const { died: _notWritten, ...older } = deadLetter({ tenant });
    await putLetters(api.backend.store, [older]);
    const { json } = await api.get('/v1/messages/groups', { tenant });
    const createdAt = new Date(startOfYear).toISOString();
    expect(json).toMatchObject({ counted: 1, items: [{ code: 'unknown', count: 1, firstAt: createdAt }] });
    const run = await api.post('/v1/redrives', { match: {}, dryRun: true }, { tenant });
    expect(run.json).toMatchObject({ matched: 1 });
  });

  it('a redrive in bulk does not try those that are held', async () => {
    const { store } = api.backend;
    const held = Array.from({ length: 30 }, () => ({
      ...deadLetter({ tenant, onUncertain: 'hold' }),
      unsettled: 1,
    }));
    await putLetters(store, held);
    await putDeadLetters(store, 2, { tenant });
    const { json } = await counted(() =>
      api.post('/v1/messages/redrive', { topic: 'notification' }, { tenant }),
    );
    expect(json).toEqual({ count: 2 });
    expect(calls.filter((command) => command === 'UpdateItemCommand')).toHaveLength(2);
  });
});
