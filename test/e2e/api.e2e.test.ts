import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTarget } from '../support/target.ts';
import type { Sent, Target } from '../support/target.ts';

const payment = () => ({ payer: 'alice', payee: `shop-${randomUUID()}`, amount: 1_250, currency: 'EUR' });
const patience = { timeout: 90_000, interval: 250 };

let api: Target;

/**
 * As the contract tells callers: what was answered 503 is sent again with the same key. So is what the gateway answered
 * in our place, in another form than ours, where a function had no room or no time for the request.
 */
async function postUntilAnswered(path: string): Promise<Sent> {
  const key = randomUUID();
  for (;;) {
    const answer = await api.post(path, undefined, { key });
    const isOurs = answer.headers.get('content-type')?.includes('problem+json') === true;
    if (answer.status < 429 || (isOurs && answer.status !== 503)) return answer;
    await sleep(Number(answer.headers.get('retry-after') ?? 1) * 1000);
  }
}

beforeAll(async () => {
  api = await openTarget();
}, 120_000);
afterAll(async () => {
  await api.stop();
});

describe('the surface', () => {
  it('is open where it says so, and closed elsewhere', async () => {
    expect((await api.get('/health', { token: null })).status).toBe(200);
    const openapi = await api.get('/openapi.json', { token: null });
    expect(openapi.json['openapi']).toMatch(/^3\.1\./);
    const docs = await api.get('/docs', { token: null });
    expect(docs.headers.get('content-type')).toContain('text/html');
    expect((await api.get('/v1/payments', { token: null })).status).toBe(401);
  });

  it('answers what it does not know with problem documents', async () => {
    const route = await api.get('/v1/nothing-here');
    expect([route.status, route.json['code']]).toEqual([404, 'not_found']);
    const method = await api.send('DELETE', '/v1/payments');
    expect([method.status, method.json['code']]).toEqual([405, 'method_not_allowed']);
    expect(method.headers.get('allow')).toContain('POST');
    expect(method.headers.get('content-type')).toContain('application/problem+json');
    expect(method.headers.get('x-request-id')).toMatch(/./);
    const broken = await api.post('/v1/payments', undefined, { rawBody: '{"payer":' });
    expect([broken.status, broken.json['code']]).toEqual([400, 'malformed_json']);
    const unknown = await api.post('/v1/payments', { ...payment(), extra: 1 });
    expect(unknown.json['errors']).toEqual([{ path: '/extra', message: 'is not a known field' }]);
    const large = await api.post('/v1/payments', undefined, { rawBody: `"${'x'.repeat(64 * 1024)}"` });
    expect(large.status).toBe(413);
    const keyless = await api.send('POST', '/v1/payments', { body: payment() });
    expect([keyless.status, keyless.json['code']]).toEqual([400, 'idempotency_key_missing']);
  });
});

describe('a command', () => {
  it('commits once, replays byte for byte, and its messages are carried out', async () => {
    const key = randomUUID();
    const body = payment();
    const created = await api.post('/v1/payments', body, { key });
    expect(created.status).toBe(201);
    const again = await api.post('/v1/payments', body, { key });
    expect(again.text).toBe(created.text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const reused = await api.post('/v1/payments', { ...body, amount: 1 }, { key });
    expect([reused.status, reused.json['code']]).toEqual([422, 'idempotency_key_reused']);

    const path = String(created.headers.get('location'));
    const confirmed = await api.post(`${path}/confirm`);
    expect([confirmed.status, confirmed.json['status']]).toEqual([200, 'confirmed']);
    expect(confirmed.headers.get('etag')).toBe('"2"');
    const refused = await api.post(`${path}/confirm`);
    expect([refused.status, refused.json['code'], refused.json['allowedTransitions']]).toEqual([
      409,
      'transition_not_allowed',
      ['refund'],
    ]);
    const ledger = (await api.get(`${path}/ledger`)).json['items'] as { seq: number; command: string }[];
    // The provider's answer may follow at any time.
    expect(ledger.slice(0, 2).map(({ seq, command }) => [seq, command])).toEqual([
      [1, 'create'],
      [2, 'confirm'],
    ]);
    const account = encodeURIComponent(`holding:${body.payee}:EUR`);
    expect((await api.get(`/v1/balances/${account}`)).json['balance']).toBe(1_250);
    await vi.waitFor(async () => {
      const messages = (await api.get(`${path}/messages`)).json['items'] as { status: string }[];
      // The capture, and the receipt that follows from its answer.
      expect(messages.map(({ status }) => status)).toEqual(['done', 'done']);
    }, patience);
  });

  it('waits for its turn: 32 confirms at once are one confirmed and 31 refused', async () => {
    const path = String((await api.post('/v1/payments', payment())).headers.get('location'));
    const answers = await Promise.all(Array.from({ length: 32 }, () => postUntilAnswered(`${path}/confirm`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ json }) => json['code'] === 'transition_not_allowed')).toHaveLength(31);
  });

  it('needs the token of a lock', async () => {
    const path = String((await api.post('/v1/payments', payment())).headers.get('location'));
    const lock = await api.post(`${path}/lock`, { ttlSeconds: 60, wait: 'nowait' });
    expect(lock.status).toBe(200);
    const locked = await api.post(`${path}/confirm`);
    expect([locked.status, locked.json['code']]).toEqual([423, 'locked']);
    const headers = { 'lock-token': String(lock.json['token']) };
    expect((await api.post(`${path}/confirm`, undefined, { headers })).status).toBe(200);
    expect((await api.post(`${path}/unlock`, undefined, { headers })).status).toBe(204);
  });
});

describe('a hold', () => {
  it('runs out by itself and gives the place back', async () => {
    const showing = await api.post('/v1/showings', { title: 'One seat', capacity: 1 });
    const hold = { showingId: showing.json['id'], customer: 'carol', holdSeconds: 1 };
    const held = await api.post('/v1/reservations', hold);
    expect((await api.post('/v1/reservations', hold)).json['code']).toBe('sold_out');
    await vi.waitFor(async () => {
      const { json } = await api.get(String(held.headers.get('location')));
      expect(json['status']).toBe('expired');
    }, patience);
    expect((await api.get(`/v1/showings/${String(showing.json['id'])}`)).json['remaining']).toBe(1);
  });
});

describe('operations', () => {
  it('list messages and audit the tenant', async () => {
    const page = await api.get('/v1/messages?limit=1');
    expect((page.json['items'] as unknown[]).length).toBeLessThanOrEqual(1);
    let path: string | undefined = '/v1/audit';
    while (path !== undefined) {
      const { status, json }: Awaited<ReturnType<Target['get']>> = await api.get(path);
      expect([status, json['problems']]).toEqual([200, []]);
      const next = json['nextCursor'] as string | undefined;
      path = next === undefined ? undefined : `/v1/audit?cursor=${encodeURIComponent(next)}`;
    }
  });
});
