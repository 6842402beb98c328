/** The built-in receiver of calls: a provider that does what the data of a call tell it to. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startCallReceiver } from '../../infra/local/receivers/calls.ts';
import type { CallReceiver } from '../../infra/local/receivers/calls.ts';
import { startReceiver } from '../support/receivers.ts';
import type { TestReceiver } from '../support/receivers.ts';

const secret = 'whsec_c2VjcmV0IG9mIHRoaXMgdGVzdA==';
let folder: string;
let provider: CallReceiver;
/** In the place of the API. */
let api: TestReceiver;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'local-receiver-'));
  api = await startReceiver();
  provider = await startCallReceiver(folder, secret, () => undefined);
  provider.callBackAt(new URL(api.url).origin);
});
afterAll(async () => {
  await Promise.all([provider.stop(), api.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** @param signal ends it, where no answer will come */
const call = (key: string, customer: string, signal?: AbortSignal): Promise<Response> =>
  fetch(provider.url, {
    method: 'POST',
    body: JSON.stringify({ customer, amount: 500 }),
    headers: { 'idempotency-key': key, 'webhook-receiver': 'payments' },
    ...(signal && { signal }),
  });
const said = async (key: string): Promise<unknown> => (await fetch(`${provider.url}?id=${key}`)).json();
const calledBack = (key: string) =>
  api.calls
    .filter(({ body }) => body.includes(key))
    .map(({ path: route, headers, body }) => {
      expect(route).toBe('/callbacks/payments');
      // It throws where the signature is another one.
      const { outcome } = new Webhook(secret).verify(body, headers as Record<string, string>) as {
        outcome: string;
      };
      return outcome;
    });

test('says yes, and acts once for each key', async () => {
  const key = randomUUID();
  const [first, again] = [await call(key, 'ada'), await call(key, 'ada')];
  expect([first.status, again.status]).toEqual([200, 200]);
  expect(await again.text()).toBe(await first.text());
  expect(await said(key)).toMatchObject({ outcome: 'done' });
});

test('says no where it is told to, also when it is asked', async () => {
  const key = randomUUID();
  expect((await call(key, 'bert says-no')).status).toBe(402);
  expect(await said(key)).toMatchObject({ outcome: 'refused' });
});

test('hangs where it is told to, has acted, and says so when it is asked', async () => {
  const key = randomUUID();
  const hangUp = new AbortController();
  const hanging = call(key, 'dora hangs', hangUp.signal);
  await expect.poll(() => said(key)).toMatchObject({ outcome: 'done' });
  hangUp.abort();
  await expect(hanging).rejects.toThrow('aborted');
});

test('calls back where it is told to', async () => {
  const key = randomUUID();
  expect((await call(key, 'cleo calls-back')).status).toBe(202);
  await vi.waitFor(
    () => {
      expect(calledBack(key)).toEqual(['done']);
    },
    { timeout: 20_000 },
  );
});

test('answers twice where it is told to: that it has acted, and then that it has not', async () => {
  const key = randomUUID();
  expect((await call(key, 'emil answers-twice')).status).toBe(202);
  await vi.waitFor(
    () => {
      expect(calledBack(key)).toEqual(['done', 'refused']);
    },
    { timeout: 20_000 },
  );
  expect(await said(key)).toMatchObject({ outcome: 'done' });
});

test('knows nothing of a call that it never saw', async () => {
  expect((await fetch(`${provider.url}?id=${randomUUID()}`)).status).toBe(404);
});
