/** Whoever reads the log of a 503 finds what did not answer; the caller is told nothing of it. */
import { expect, test, vi } from 'vitest';
import type { request as limits } from '../../functions/runtime/limits.ts';
import { startBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';

vi.mock('../../functions/runtime/limits.ts', async (original) => {
  const real: { request: typeof limits } = await original();
  return { ...real, request: { ...real.request, deadlineMs: 2_000, deadlineReserveMs: 500 } };
});

test('a refusal that cannot be kept is 503, and the log names the cause', async () => {
  const warned: unknown[] = [];
  const nothing = (): void => undefined;
  const log = {
    debug: nothing,
    info: nothing,
    error: nothing,
    warn: (...given: unknown[]) => void warned.push(given),
  };
  const api = await startBackend({ log });
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
      if (command === 'PutItemCommand') throw Object.assign(new Error('gone'), { name: 'TimeoutError' });
    },
  });
  const refused = await api.post(path);
  expect([refused.status, refused.json['code']]).toEqual([503, 'unavailable']);
  expect(refused.text).not.toContain('TimeoutError');
  expect(warned).toEqual([
    ['request', expect.objectContaining({ status: 503, code: 'unavailable', cause: 'TimeoutError' })],
  ]);
});
