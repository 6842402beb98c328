/** Whoever reads the log of a 503 finds what did not answer; the caller is told nothing of it. */
import { expect, test } from 'vitest';
import { request } from '../../functions/runtime/limits.ts';
import { startBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';

test('a refusal that cannot be kept is 503, and the log names the cause', async () => {
  const warned: unknown[] = [];
  const nothing = (): void => undefined;
  const log = {
    debug: nothing,
    info: nothing,
    error: nothing,
    warn: (...given: unknown[]) => {
      warned.push(given);
    },
  };
  let now = Date.now();
  const api = await startBackend({ log, clock: { now: () => now } });
  const { headers } = await api.post('/v1/payments', {
    payer: 'alice',
    payee: 'shop',
    amount: 1_250,
    currency: 'EUR',
  });
  const path = `${headers['location'] ?? ''}/confirm`;
  expect((await api.post(path)).status).toBe(200);
  intercept(api.backend.store.client, {
    before: ({ command }) => {
      if (command !== 'PutItemCommand') return;
      // The database took all the time there was.
      now += request.deadlineMs;
      throw Object.assign(new Error('gone'), { name: 'TimeoutError' });
    },
  });
  const refused = await api.post(path);
  expect([refused.status, refused.json['code']]).toEqual([503, 'unavailable']);
  expect(refused.text).not.toContain('TimeoutError');
  expect(warned).toEqual([
    ['request', expect.objectContaining({ status: 503, code: 'unavailable', cause: 'TimeoutError' })],
  ]);
});
