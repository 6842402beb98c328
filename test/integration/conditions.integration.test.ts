/**
 * Conditions that stand behind another one: the version already keeps two commands apart, and these keep what is there
 * from being replaced all the same. What they guard against is put into the table by hand.
 */
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { hashOfValues } from '../../functions/core/unique-holds.ts';
import { uniqueKey, entryKey } from '../../functions/store/keys.ts';
import { messageKey } from '../../functions/store/outbox/message-items.ts';
import { idOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';

let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

const tenant = 'acme';
type Key = Readonly<Record<string, unknown>>;

/** Puts an item in a command's way. @returns reads it again */
async function intruder(table: 'data' | 'outbox', key: Key, more: Key = {}): Promise<() => Promise<unknown>> {
  const { client } = api.backend.store;
  const [TableName, Item] = [api.tables[table], { ...key, ...more, intruder: true }];
  await client.send(new PutCommand({ TableName, Item }));
  return async () => {
    const { Item: found } = await client.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }));
    return found?.['intruder'] as unknown;
  };
}

async function payment(): Promise<string> {
  return idOf(await api.post('/v1/payments', { payer: 'ada', payee: 'shop', amount: 1, currency: 'EUR' }));
}

describe('what is there is not replaced', () => {
  it('a ledger entry', async () => {
    const id = await payment();
    const isThere = await intruder('data', { ...entryKey(tenant, id, 2) });
    expect((await api.post(`/v1/payments/${id}/confirm`)).status).toBe(500);
    expect(await isThere()).toBe(true);
    expect((await api.get(`/v1/payments/${id}`)).json).toMatchObject({ status: 'pending', version: 1 });
  });

  it('a message', async () => {
    const id = await payment();
    const key = messageKey({ tenant, id: `msg_${id}_2_0` });
    const isThere = await intruder('outbox', { ...key });
    expect((await api.post(`/v1/payments/${id}/confirm`)).status).toBe(500);
    expect(await isThere()).toBe(true);
    expect((await api.get(`/v1/payments/${id}`)).json).toMatchObject({ status: 'pending', version: 1 });
  });

  it('a unique value that somebody else holds is not released', async () => {
    const invite = { workspace: 'press', email: 'ada@example.com', role: 'editor' };
    const id = idOf(await api.post('/v1/invites', invite));
    const hash = hashOfValues([invite.workspace, invite.email]);
    const key = uniqueKey(tenant, { constraint: 'open_invite', hash });
    const isThere = await intruder('data', { ...key }, { entity: 'inv_another' });
    expect((await api.post(`/v1/invites/${id}/revoke`)).status).toBe(500);
    expect(await isThere()).toBe(true);
    expect((await api.get(`/v1/invites/${id}`)).json).toMatchObject({ status: 'pending', version: 1 });
  });
});
