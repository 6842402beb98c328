/** Dead letters by group, and redrives as a rollout: the routes, and what a run does step by step. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { timestamp } from '../../functions/runtime/clock.ts';
import { list } from '../../functions/runtime/delivery-limits.ts';
import { groupDeadMessages } from '../../functions/store/outbox/dead-groups.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { deadLetter, dyingMs, putDeadLetters, putLetters, startOfYear } from '../support/dead-letters.ts';

let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

describe('GET /v1/messages/groups', () => {
  it('counts by topic, type, code and receiver, the largest first, of one tenant', async () => {
    const tenant = randomUUID();
    const { store } = api.backend;
    const day = 86_400_000;
    await putDeadLetters(store, 3, { tenant });
    await putDeadLetters(store, 1, { tenant, at: startOfYear + day });
    await putDeadLetters(store, 2, { tenant, code: '404' });
    const call = { tenant, topic: 'external-call', type: 'payment.capture', receiver: 'payments' } as const;
    await putDeadLetters(store, 1, call);
    const held = deadLetter({ ...call, at: startOfYear + 2, onUncertain: 'hold' });
    await putLetters(store, [{ ...held, unsettled: 1 }]);
    await putDeadLetters(store, 1, { ...call, receiver: 'bank' });
    await putDeadLetters(store, 9, { tenant: randomUUID() });

    const mail = { topic: 'notification', type: 'payment.receipt', held: 0 };
    const at = (ms: number): string => timestamp(startOfYear + dyingMs + ms);
    const { status, json } = await api.get('/v1/messages/groups?status=dead', { tenant });
    expect(status).toBe(200);
    expect(json).toEqual({
      counted: 9,
      items: [
        { ...mail, code: '503', count: 4, firstAt: at(0), lastAt: at(day) },
        {
          topic: 'external-call',
          type: 'payment.capture',
          code: '503',
          receiver: 'payments',
          count: 2,
          held: 1,
          firstAt: at(0),
          lastAt: at(2),
        },
        { ...mail, code: '404', count: 2, firstAt: at(0), lastAt: at(1) },
        expect.objectContaining({ receiver: 'bank', count: 1 }),
      ],
    });
    expect((await api.get('/v1/messages/groups', { tenant })).json).toEqual(json);
  });

  it('wants the scope ops, knows no other status, and takes no cursor of another list', async () => {
    expect((await api.get('/v1/messages/groups', { scope: 'commands' })).status).toBe(403);
    expect((await api.get('/v1/messages/groups?status=done')).status).toBe(400);
    expect((await api.get('/v1/messages/groups?cursor=abc')).status).toBe(400);
  });

  it('says where it came to in its time, and counts the rest from there, each message once', async () => {
    const tenant = randomUUID();
    const { store, clock } = api.backend;
    await putDeadLetters(store, list.entriesPerQuery + 50, { tenant });
    const outbox = { client: store.client, table: store.tables.outbox, clock };
    let left = 10_000;
    const deadline = { signal: new AbortController().signal, remainingMs: () => (left -= 4_000) };
    const first = await groupDeadMessages({ ...outbox, deadline }, tenant);
    expect(first).toMatchObject({ counted: list.entriesPerQuery, groups: [{ count: list.entriesPerQuery }] });
    const rest = await groupDeadMessages(outbox, tenant, first.position);
    expect(rest).toMatchObject({ counted: 50, groups: [{ count: 50 }], position: undefined });
  });
});
