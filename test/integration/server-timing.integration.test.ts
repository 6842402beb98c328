/** The API's handler with what development adds to it: the plan of a request in its answer's header. */
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { beforeAll, expect, it } from 'vitest';
import { createApp } from '../../functions/api/app.ts';
import { createHandler } from '../../functions/api/lambda-adapter.ts';
import { withServerTiming } from '../../functions/api/server-timing.ts';
import { createLogger } from '../../functions/runtime/logger.ts';
import { listShards } from '../../functions/store/keys.ts';
import { gatewayEvent, startBackend } from '../support/backend.ts';
import type { RequestOptions, TestBackend } from '../support/backend.ts';

let api: TestBackend;
let handle: ReturnType<typeof createHandler>;
beforeAll(async () => {
  api = await startBackend();
  const app = createApp(api.backend, () => Promise.reject(new Error('no audit here')), createLogger('test'));
  handle = withServerTiming(createHandler(app), api.backend.store);
});

async function timing(method: string, path: string, options: RequestOptions = {}): Promise<string[]> {
  const event: APIGatewayProxyEventV2 = gatewayEvent(method, path, options);
  const { headers } = await handle(event, {} as Context);
  return (headers?.['server-timing'] ?? '').split(', ').map((entry) => entry.replace(/dur=\d+\.\d/, 'dur=_'));
}

const payment = { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' };

it('tells each call with its units and its time', async () => {
  const { json } = await api.post('/v1/payments', payment);
  const path = `/v1/payments/${String(json['id'])}`;
  expect(await timing('GET', path)).toEqual(['db1;desc="GetItem 1 R";dur=_', 'total;dur=_']);
  expect(await timing('POST', `${path}/confirm`, { key: 'confirm', body: {} })).toEqual([
    expect.stringMatching(/^db1;desc="BatchGetItem \d R";dur=_$/),
    'db2;desc="TransactWriteItems 6 items 12+ W";dur=_',
    'total;dur=_',
  ]);
});

it('keeps requests apart that run at the same time', async () => {
  const all = await Promise.all(
    Array.from({ length: 5 }, () => timing('GET', '/v1/payments?status=pending')),
  );
  // One for each key of the list, and the total.
  for (const entries of all) expect(entries).toHaveLength(listShards + 1);
});

it('is there for requests that reach no database', async () => {
  expect(await timing('GET', '/v1/nothing')).toEqual(['total;dur=_']);
});
