/** G16: a database that hangs is answered within the deadline, and with the truth. The budget is a short one here. */
import { randomUUID } from 'node:crypto';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import type { request as limits } from '../../functions/runtime/limits.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { firstOf } from '../support/faults/checker.ts';
import type { Violation } from '../support/faults/checker.ts';
import { startBlackhole } from '../support/faults/blackhole.ts';
import type { Blackhole } from '../support/faults/blackhole.ts';
import { guarantee } from '../support/faults/guarantee.ts';
import { startLab } from '../support/faults/lab.ts';
import type { Lab } from '../support/faults/lab.ts';
import { life } from '../support/faults/fault-client.ts';
import { intercept } from '../support/sdk-faults.ts';

/** The budget of the commands here, and time enough to look once more; the limits of production stay what they are. */
const budgetMs = 1_500;
vi.mock('../../functions/runtime/limits.ts', async (original) => {
  const real: { request: typeof limits } = await original();
  return { ...real, request: { ...real.request, deadlineMs: 3_500, deadlineReserveMs: 2_000 } };
});

let hole: Blackhole;
let lab: Lab;
let api: TestBackend;
beforeEach(async () => {
  hole = await startBlackhole(inject('dynamodbEndpoint'));
  lab = await startLab();
  api = await startBackend({
    tables: lab.clean.tables,
    clock: lab.clock,
    client: { endpoint: hole.endpoint },
    audit: (tenant, cursor) => createAudit(api.backend)(tenant, cursor),
  });
});
afterEach(async () => {
  api.backend.store.client.destroy();
  await lab.stop();
  await hole.stop();
});

const send = (path: string, key: string, body?: unknown, process = api) =>
  lab.observer.request(
    process,
    { method: 'POST', path, tenant: 'acme', subject: 'alice', key, body },
    life(),
  );

const payment = { payer: 'alice', payee: 'shop', amount: 1_250, currency: 'EUR' };

guarantee(
  'G16 bounded',
  async (untrue?: 'untrue') => {
    const violations: Violation[] = [];
    const { headers } = await lab.clean.post('/v1/payments', payment, { tenant: 'acme' });
    const path = `${headers['location'] ?? ''}/confirm`;
    for (const swallow of ['towards', 'back'] as const) {
      const key = randomUUID();
      hole.swallow = swallow;
      const startedAt = Date.now();
      const reply = await send(path, key);
      const tookMs = Date.now() - startedAt;
      hole.swallow = 'nothing';
      // Far more than the budget, far less than a hang: machines are slow at times.
      if (tookMs > 4 * budgetMs) violations.push({ guarantee: 'G16', what: `an answer took ${tookMs} ms` });
      const told = untrue ? 'contended' : reply?.json['code'];
      if (reply?.status !== 503 || !['outcome_unknown', 'unavailable'].includes(String(told))) {
        violations.push({
          guarantee: 'G16',
          what: `a hang was answered ${String(reply?.status)} ${String(told)}`,
        });
      }
      expect((await send(path, key, undefined, lab.clean))?.status).toBe(swallow === 'towards' ? 200 : 409);
    }
    return [...violations, ...(await lab.violations())];
  },
  { 'what may have happened is called contended': 'untrue' },
);

test('G16 bounded: a commit whose answer hangs is told by its key', async () => {
  const key = randomUUID();
  // The first call of a creation is its transaction: it commits, and its answer never comes.
  await send('/v1/payments', randomUUID(), payment);
  hole.swallow = 'back';
  const first = await send('/v1/payments', key, { ...payment, payee: 'another' });
  hole.swallow = 'nothing';
  expect(first?.status).toBe(503);
  expect(first?.json['code']).toBe('outcome_unknown');
  const again = await send('/v1/payments', key, { ...payment, payee: 'another' }, lab.clean);
  expect(again?.status).toBe(201);
  expect(again?.headers['idempotent-replayed']).toBe('true');
  expect(firstOf(await lab.violations())).toBeUndefined();
});

test.each(['confirm', 'lock', 'unlock'])(
  'G16 bounded: one look more at its key tells what became of a commit whose answer came too late: %s',
  async (name) => {
    const options = { tenant: 'acme', subject: 'alice' };
    const created = await lab.clean.post('/v1/payments', payment, options);
    const path = created.headers['location'] ?? '';
    const lock = { ttlSeconds: 60, wait: 'wait' };
    const held = name === 'unlock' ? await lab.clean.post(`${path}/lock`, lock, options) : undefined;
    intercept(api.backend.store.client, {
      after: async ({ command }) => {
        if (command !== 'TransactWriteItemsCommand') return;
        await new Promise((resolve) => setTimeout(resolve, budgetMs + 50));
        throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
      },
    });
    const reply = await api.post(`${path}/${name}`, name === 'lock' ? lock : undefined, {
      ...options,
      ...(held && { headers: { 'lock-token': String(held.json['token']) } }),
    });
    expect([reply.status, reply.text === '' ? undefined : reply.json['code']]).toEqual([
      name === 'unlock' ? 204 : 200,
      undefined,
    ]);
    expect(firstOf(await lab.violations())).toBeUndefined();
  },
);

test('G16 bounded: a duplicate whose first request does not end is told so, and nothing was changed', async () => {
  const { client } = api.backend.store;
  intercept(client, {
    before: ({ command, input }) => {
      if (command !== 'TransactWriteItemsCommand') return;
      const { TransactItems = [] } = input as { readonly TransactItems?: readonly unknown[] };
      // The first item is the key's record; another transaction is at it for as long as this request lasts.
      throw new TransactionCanceledException({
        $metadata: { httpStatusCode: 400 },
        message: 'Transaction cancelled',
        CancellationReasons: TransactItems.map((_, index) => ({
          Code: index === 0 ? 'TransactionConflict' : 'None',
        })),
      });
    },
  });
  const key = randomUUID();
  const reply = await send('/v1/payments', key, payment);
  expect([reply?.status, reply?.json['code'], reply?.headers['retry-after']]).toEqual([
    409,
    'request_in_progress',
    '1',
  ]);
  expect((await send('/v1/payments', key, payment, lab.clean))?.status).toBe(201);
  expect(firstOf(await lab.violations())).toBeUndefined();
});

test.each([
  '/v1/balances/holding:shop:EUR',
  '/v1/payments',
  '/v1/payments/pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC',
  '/v1/payments/pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC/ledger',
  '/v1/payments/pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC/messages',
  '/v1/messages',
  '/v1/messages?topic=llm',
  '/v1/audit',
])('G16 bounded: reads are answered, too: %s', async (path) => {
  hole.swallow = 'back';
  const startedAt = Date.now();
  const reply = await api.get(path);
  expect([reply.status, reply.json['code']]).toEqual([503, 'unavailable']);
  expect(Date.now() - startedAt).toBeLessThan(4 * budgetMs);
});
