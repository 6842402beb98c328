import { randomUUID } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { idempotency } from '../../functions/runtime/limits.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { dump } from '../support/table-dump.ts';
import { createTestClock } from '../support/test-clock.ts';

const payment = { payer: 'alice', payee: 'shop', amount: 1_250, currency: 'EUR' };

it('a key answers until its time is over, to the second, and is then free', async () => {
  const clock = createTestClock();
  const first = await startBackend({ clock });
  const key = randomUUID();
  // A whole second, so that the edge is where it is asked.
  const now = Math.ceil(clock.now() / 1000) * 1000;
  const created = await clock.at(now, () => first.post('/v1/payments', payment, { key }));
  // Another process, which has nothing in its memory.
  const another = await startBackend({ clock, tables: first.tables });
  const end = now + idempotency.retentionSeconds * 1000;
  const replayed = await clock.at(end - 1, () => another.post('/v1/payments', payment, { key }));
  expect([replayed.text, replayed.headers['idempotent-replayed']]).toEqual([created.text, 'true']);
  const third = await startBackend({ clock, tables: first.tables });
  const fresh = await clock.at(end, () => third.post('/v1/payments', payment, { key }));
  expect([fresh.status, fresh.json['id'] === created.json['id']]).toEqual([201, false]);
});

it.each(['create', 'confirm'])(
  'a record that runs out by the machine’s clock while it is handed over is replayed: %s',
  async (name) => {
    const clock = createTestClock();
    const api = await startBackend({ clock });
    const { headers } = await api.post('/v1/payments', payment);
    const path = name === 'create' ? '/v1/payments' : `${headers['location'] ?? ''}/confirm`;
    const body = name === 'create' ? payment : undefined;
    const key = randomUUID();
    const first = await api.post(path, body, { key });
    const record = [...(await dump(api.backend.store)).values()].find(
      ({ answer }) => (answer as { readonly body?: string } | undefined)?.body === first.text,
    );
    const expiresAt = Math.floor(Date.now() / 1000) - 5;
    await api.backend.store.client.send(
      new UpdateCommand({
        TableName: api.tables.idempotency,
        Key: { pk: record?.['pk'] },
        UpdateExpression: 'SET expiresAt = :at',
        ExpressionAttributeValues: { ':at': expiresAt },
      }),
    );
    const another = await startBackend({ clock, tables: api.tables });
    const again = await clock.at(expiresAt * 1000 - 1, () => another.post(path, body, { key }));
    expect([again.status, again.text, again.headers['idempotent-replayed']]).toEqual([
      first.status,
      first.text,
      'true',
    ]);
  },
);

it('a transition finds its key free again to the second, too, though its record still lies there', async () => {
  const clock = createTestClock();
  const first = await startBackend({ clock });
  const { headers } = await first.post('/v1/point-accounts', { owner: 'ada' });
  const path = `${headers['location'] ?? ''}/earn`;
  const key = randomUUID();
  const earn = (api: TestBackend) => api.post(path, { amount: 1, reason: 'x' }, { key });
  const now = Math.ceil(clock.now() / 1000) * 1000;
  const earned = await clock.at(now, () => earn(first));
  const end = now + idempotency.retentionSeconds * 1000;
  const [early, late] = [
    await startBackend({ clock, tables: first.tables }),
    await startBackend({ clock, tables: first.tables }),
  ];
  const replayed = await clock.at(end - 1, () => earn(early));
  expect([replayed.text, replayed.headers['idempotent-replayed']]).toEqual([earned.text, 'true']);
  const fresh = await clock.at(end, () => earn(late));
  expect([fresh.status, fresh.json['balance'], fresh.headers['idempotent-replayed']]).toEqual([
    200,
    2,
    undefined,
  ]);
});

it('a record whose time is over answers for nothing that is refused', async () => {
  const clock = createTestClock();
  const api = await startBackend({ clock });
  const { headers } = await api.post('/v1/point-accounts', { owner: 'ada' });
  const path = headers['location'] ?? '';
  const key = randomUUID();
  const earn = (of: TestBackend) => of.post(`${path}/earn`, { amount: 1, reason: 'x' }, { key });
  const now = Math.ceil(clock.now() / 1000) * 1000;
  await clock.at(now, () => earn(api));
  const end = now + idempotency.retentionSeconds * 1000;
  const other = await startBackend({ clock, tables: api.tables });
  const locked = await clock.at(end, async () => {
    await other.post(`${path}/lock`, { ttlSeconds: 60, wait: 'nowait' });
    return earn(other);
  });
  expect([locked.status, locked.json['code']]).toEqual([423, 'locked']);
});
