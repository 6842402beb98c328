/** A command whose answer, or whose receiver’s answer, is lost on its way: what it is told, and what happened once. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { AnswerCommand } from '../../functions/commands/command.ts';
import { createWaitingRoom } from '../../functions/commands/waiting-room.ts';
import { request as requestLimits } from '../../functions/runtime/limits.ts';
import { messageItem } from '../../functions/store/outbox/message-items.ts';
import type { Answer } from '../../functions/store/outbox/message-items.ts';
import { isWrite, gone, idIn, run, commandProcesses } from '../support/command-processes.ts';

const { api, counted, started, of, create, transition, lock, earn, account, read } = commandProcesses();

describe('a command whose answer is lost', () => {
  test('finds its own record, and has committed', async () => {
    const losing = started({
      after: (call) => {
        if (isWrite(call) && call.nth === 1) throw gone();
      },
    });
    const outcome = await run(losing, create('point-accounts', { owner: 'ada' }));
    expect(outcome).toMatchObject({ kind: 'committed', answer: { version: 1 } });
    expect(await read(idIn(outcome))).toMatchObject({ version: 1 });
  });

  /** Nobody may wait in it, so that a command which lost is told at once. */
  const noRoom = { waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }) };
  const opening = () => create('point-accounts', { owner: 'ada' });

  test('looks once more before it is told that nobody knows', async () => {
    const losing = started({
      ...noRoom,
      after: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(losing, opening())).toMatchObject({ kind: 'committed', answer: { version: 1 } });
    expect(losing.made).toEqual(['TransactWrite', 'TransactGet']);
    const never = started({
      ...noRoom,
      before: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(never, opening())).toEqual({ kind: 'unknown' });
    const silent = started({
      ...noRoom,
      before: () => {
        throw gone();
      },
    });
    expect(await run(silent, opening())).toEqual({ kind: 'unknown' });
    const broken = started({
      ...noRoom,
      before: (call) => {
        throw isWrite(call) ? gone() : new TypeError('a defect');
      },
    });
    await expect(run(broken, opening())).rejects.toThrow('a defect');
  });

  test('does not look for longer than was kept back of its time', async () => {
    const slow = started({
      ...noRoom,
      before: async ({ command }) => {
        if (command === 'TransactGet') await sleep(requestLimits.deadlineReserveMs * 0.8);
      },
      after: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(slow, opening())).toEqual({ kind: 'unknown' });
  });

  test('and is refused then may have committed all the same: so it is told', async () => {
    const id = await account();
    const request = earn(id);
    const losing = started({
      before: async (call) => {
        if (call.command === 'TransactGet') return;
        if (isWrite(call)) {
          await run(api, lock(id));
          throw gone();
        }
      },
    });
    expect(await run(losing, request)).toEqual({ kind: 'unknown' });
  });

  test('is unavailable where nothing was sent that could commit', async () => {
    const id = await account();
    const error = gone();
    const away = started({
      before: () => {
        throw error;
      },
    });
    expect(await run(away, earn(id))).toEqual({ kind: 'unavailable', cause: error });
    expect(counted).toEqual(['CommandsCommitted']);
  });
});

describe('the answer of a receiver', () => {
  const said: Answer = {
    ...{ outcome: 'refused', by: 'receiver:notification', at: '2026-11-26T12:00:00.000Z' },
    refused: { code: '550', reason: 'No.' },
  };
  const messageOf = (entityId: string, collection: string, seq: number) =>
    messageItem({
      ...{ tenant: api.tenant, entityId, collection, seq, n: 0, type: 'invite.created' },
      ...{ topic: 'notification', payload: {}, createdAt: said.at },
    });
  async function bounced(more: Partial<AnswerCommand> = {}): Promise<AnswerCommand> {
    const id = idIn(
      await run(api, create('invites', { workspace: randomUUID(), email: 'a@example.com', role: 'editor' })),
    );
    return {
      ...{
        kind: 'answer',
        tenant: api.tenant,
        subject: said.by,
        requestId: 'r',
        domain: of('invites'),
        name: 'bounce',
        id,
      },
      input: { code: '550', reason: 'No.' },
      message: messageOf(id, 'invites', 1),
      answer: said,
      ...more,
    };
  }
  const taken = async ({ message }: AnswerCommand): Promise<void> => {
    const { UpdateCommand } = await import('@aws-sdk/lib-dynamodb');
    await api.backend.store.client.send(
      new UpdateCommand({
        TableName: api.backend.store.tables.outbox,
        Key: { pk: message.pk, sk: message.sk },
        UpdateExpression: 'SET answer = :answer',
        ExpressionAttributeValues: { ':answer': said },
      }),
    );
  };

  test('moves its entity once', async () => {
    const request = await bounced();
    await taken(request);
    expect(await run(api, request)).toEqual({ kind: 'committed', answer: {} });
    expect(await read(request.id)).toMatchObject({ status: 'undeliverable', version: 2 });
    expect(await run(api, request)).toMatchObject({ kind: 'refused_for_now' });
  });

  test('moves its entity by a transition that ignores no state', async () => {
    const text = idIn(await run(api, create('articles', { slug: 'x', title: 'x', body: 'x' })));
    await run(api, transition('articles', 'publish', text));
    const kept = { domain: of('articles'), name: 'keep-summary', id: text, input: { text: 'Short.' } };
    const request = await bounced({ ...kept, message: messageOf(text, 'articles', 2) });
    await taken(request);
    expect(await run(api, request)).toEqual({ kind: 'committed', answer: {} });
    expect(await read(text)).toMatchObject({ attributes: { summary: 'Short.' }, version: 3 });
  });

  test('that has ended its message before moves nothing', async () => {
    const request = await bounced();
    expect(await run(api, request)).toEqual({ kind: 'replayed', answer: {} });
    expect(await read(request.id)).toMatchObject({ status: 'pending', version: 1 });
  });

  test('ends its message where its entity has gone on, if it is what it was', async () => {
    const request = await bounced();
    await taken(request);
    await run(api, transition('invites', 'revoke', request.id));
    expect(await run(api, request)).toEqual({ kind: 'committed', answer: {} });
    expect(await read(request.id)).toMatchObject({ status: 'revoked', version: 2 });
    const other = await bounced();
    await taken(other);
    const slow = started({
      before: async (call) => {
        if (isWrite(call) && call.nth === 1) await run(api, transition('invites', 'revoke', other.id));
      },
    });
    expect(await run(slow, other)).toEqual({ kind: 'committed', answer: {} });
    expect(await read(other.id)).toMatchObject({ status: 'revoked', version: 2 });
  });

  test('waits where its entity does not take it, and may have moved it where an answer was lost', async () => {
    const request = await bounced({ id: 'inv_01JD2X5T9ZK4M8Q7W6V5B3N2HC' });
    expect(await run(api, request)).toMatchObject({
      kind: 'refused_for_now',
      rejection: { code: 'not_found' },
    });
    const lost = await bounced();
    const losing = started({
      waitingRoom: createWaitingRoom({ perEntityMax: 0, perTenantMax: 0 }),
      before: (call) => {
        if (isWrite(call)) throw gone();
      },
    });
    expect(await run(losing, lost)).toEqual({ kind: 'unknown' });
    expect(losing.made).not.toContain('TransactGet');
  });
});
