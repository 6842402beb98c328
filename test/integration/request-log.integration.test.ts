import { createHash } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { createApp } from '../../functions/api/app.ts';
import { contended } from '../../functions/api/outcomes.ts';
import { createHandler } from '../../functions/api/lambda-adapter.ts';
import { ProblemError } from '../../functions/api/problem.ts';
import type { Log } from '../../functions/runtime/logger.ts';
import { gatewayEvent, startBackend } from '../support/backend.ts';

const logged: unknown[] = [];
const at =
  (level: string) =>
  (...words: unknown[]): void => {
    logged.push([level, ...words]);
  };
const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
let handle: ReturnType<typeof createHandler>;
beforeAll(async () => {
  const { backend } = await startBackend();
  handle = createHandler(createApp(backend, () => Promise.reject(new ProblemError(contended)), log));
});
beforeEach(() => {
  logged.length = 0;
});

const payment = { payer: 'alice', payee: 'bookshop', amount: 1250, currency: 'EUR' };
const nowhere = '/v1/payments/pay_01JZZZZZZZZZZZZZZZZZZZZZZZ';

test.each([
  ['POST', '/v1/payments', payment, 'info', { route: '/v1/payments', status: 201, isReplay: false }],
  ['POST', '/v1/payments', payment, 'info', { route: '/v1/payments', status: 201, isReplay: true }],
  ['POST', '/v1/payments', {}, 'info', { status: 400, code: 'invalid_request' }],
  ['GET', nowhere, undefined, 'info', { route: '/v1/payments/{id}', status: 404, code: 'not_found' }],
  ['GET', '/v1/audit', undefined, 'warn', { status: 503, code: 'contended' }],
] as const)(
  '%s %s leaves one line: who asked for what, and what came of it',
  async (method, path, body, level, outcome) => {
    const event = gatewayEvent(method, path, { key: 'one-key', ...(body !== undefined && { body }) });
    await handle(event, {} as Context);
    const { requestId } = event.requestContext;
    expect(logged).toEqual([
      [level, 'request', expect.objectContaining({ requestId, tenant: 'acme', method, ...outcome })],
    ]);
  },
);

test('the line names the entity, one that was just made too, and the trace', async () => {
  const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';
  const created = gatewayEvent('POST', '/v1/payments', { key: 'another-key', body: payment });
  const { headers = {} } = await handle(
    { ...created, headers: { ...created.headers, traceparent } },
    {} as Context,
  );
  const path = headers['location'] ?? '';
  const entity = path.split('/').at(-1);
  await handle(gatewayEvent('GET', path), {} as Context);
  const message = 'msg_pay_01JZZZZZZZZZZZZZZZZZZZZZZZ_2_0';
  await handle(gatewayEvent('POST', `/v1/messages/${message}/redrive`), {} as Context);
  expect(logged).toEqual([
    ['info', 'request', expect.objectContaining({ entity, traceparent })],
    ['info', 'request', expect.objectContaining({ entity })],
    ['info', 'request', expect.objectContaining({ messageId: message, code: 'not_found' })],
  ]);
});

test('no line has what somebody wrote into a path, and an account is found again by the hash of its name', async () => {
  const account = 'payer:alice@example.com:EUR';
  const odd = encodeURIComponent('alice@example.com');
  const paths = [`/v1/balances/${encodeURIComponent(account)}`, `/v1/payments/${odd}`, `/v1/nothing/${odd}`];
  for (const path of paths) await handle(gatewayEvent('GET', path), {} as Context);
  await handle(gatewayEvent('POST', `/v1/messages/${odd}/redrive`), {} as Context);
  await handle(gatewayEvent('GET', `/v1/payments?cursor=${odd}`), {} as Context);
  expect(JSON.stringify(logged)).not.toMatch(/alice/);
  const accountHash = createHash('sha256').update(account).digest('hex').slice(0, 16);
  expect(logged[0]).toEqual([
    'info',
    'request',
    expect.objectContaining({ route: '/v1/balances/{account}', accountHash, status: 200 }),
  ]);
});
