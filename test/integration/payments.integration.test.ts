import { beforeAll, describe, expect, it } from 'vitest';
import { answer, answerAll, unanswered } from '../support/answering.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { decided } from '../support/patient.ts';

const payment = { payer: 'alice', payee: 'bookshop', amount: 1_250, currency: 'EUR' };
let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

async function confirmed(): Promise<string> {
  const { json } = await api.post('/v1/payments', payment);
  const path = `/v1/payments/${String(json['id'])}`;
  await api.post(`${path}/confirm`);
  return path;
}

/** The provider has taken its money. */
async function captured(): Promise<string> {
  const path = await confirmed();
  await answerAll(api, 'acme');
  return path;
}

/** Leaves a table's items out of batches of reads. */
const withoutRecords =
  (table: string) =>
  (client: TestBackend['backend']['store']['client']): void => {
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const output = result.output as { Responses?: Record<string, unknown> };
        if (output.Responses) output.Responses = { ...output.Responses, [table]: [] };
        return result;
      },
      { step: 'initialize', name: 'without-records' },
    );
  };

describe('a payment', () => {
  it('is created, confirmed and read back with its ledger, messages and balances', async () => {
    const shop = { ...payment, payee: 'a shop of its own' };
    const created = await api.post('/v1/payments', shop);
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({
      type: 'payment',
      status: 'pending',
      version: 1,
      refundedAmount: 0,
      allowedTransitions: ['confirm', 'cancel'],
      ...shop,
    });
    expect(created.headers['etag']).toBe('"1"');
    const path = String(created.headers['location']);
    expect(path).toBe(`/v1/payments/${String(created.json['id'])}`);

    const done = await api.post(`${path}/confirm`);
    expect(done.status).toBe(200);
    expect(done.json).toMatchObject({ status: 'confirmed', version: 2, allowedTransitions: ['refund'] });
    expect((await api.get(path)).json).toEqual(done.json);

    const { items: ledger } = (await api.get(`${path}/ledger`)).json as { items: Record<string, unknown>[] };
    expect(ledger.map(({ seq, command, from, to }) => ({ seq, command, from, to }))).toEqual([
      { seq: 1, command: 'create', from: null, to: 'pending' },
      { seq: 2, command: 'confirm', from: 'pending', to: 'confirmed' },
    ]);
    expect(ledger[1]?.['previousHash']).toBe(ledger[0]?.['hash']);
    const { items: messages } = (await api.get(`${path}/messages`)).json as {
      items: Record<string, unknown>[];
    };
    expect(messages.map(({ topic, status }) => [topic, status])).toEqual([['external-call', 'pending']]);
    for (const never of ['holding:nobody:EUR', 'x', 'pta_01JD2X5T9ZK4M8Q7W6V5B3N2HC:balance', 'a:']) {
      const { json } = await api.get(`/v1/balances/${encodeURIComponent(never)}`);
      expect(json).toEqual({ account: never, balance: 0 });
    }
    const holding = encodeURIComponent('holding:a shop of its own:EUR');
    expect((await api.get(`/v1/balances/${holding}`)).json).toEqual({
      account: 'holding:a shop of its own:EUR',
      unit: 'EUR',
      balance: 1_250,
    });
  });

  it('tells who lacks the role nothing else, not even that there is no such payment', async () => {
    const path = await captured();
    for (const refunded of [path, '/v1/payments/pay_01ARZ3NDEKTSV4RRFFQ69G5FAV', '/v1/payments/nobody']) {
      const { status, json } = await api.post(`${refunded}/refund`, { amount: 250 }, { roles: [] });
      expect([status, json['code'], json['role']]).toEqual([403, 'role_missing', 'refunds']);
    }
    const unknown = await api.post('/v1/payments/nobody/refund', { amount: 250 });
    expect([unknown.status, unknown.json['code']]).toEqual([404, 'not_found']);
  });

  it('is refunded in parts until nothing is left', async () => {
    const path = await captured();
    const part = await api.post(`${path}/refund`, { amount: 250 });
    expect(part.json).toMatchObject({ status: 'confirmed', refundedAmount: 250 });
    const tooMuch = await api.post(`${path}/refund`, { amount: 1_001 });
    expect([tooMuch.status, tooMuch.json['code']]).toEqual([409, 'refund_exceeds_payment']);
    const rest = await api.post(`${path}/refund`, { amount: 1_000 });
    expect(rest.json).toMatchObject({ status: 'refunded', refundedAmount: 1_250, allowedTransitions: [] });
    await answerAll(api, 'acme');
    expect((await api.get(path)).json).toMatchObject({ status: 'refunded', refundedAmount: 1_250 });
  });

  it('is not refunded before the provider has taken the money', async () => {
    const path = await confirmed();
    const early = await api.post(`${path}/refund`, { amount: 250 });
    expect([early.status, early.json['code']]).toEqual([409, 'not_captured']);
  });

  it('whose refund the provider refuses has its money again, and says why', async () => {
    const path = await captured();
    expect((await api.post(`${path}/refund`, { amount: 1_250 })).json['status']).toBe('refunded');
    const [refund] = await unanswered(api, 'acme', path.split('/').at(-1));
    if (!refund) throw new Error('no refund was sent');
    await answer(api, refund, 'refused', {
      refused: { code: '422', reason: 'x', answer: '{"reason":"too late"}' },
    });
    expect((await api.get(path)).json).toMatchObject({
      status: 'confirmed',
      refundedAmount: 0,
      refundError: 'too late',
      allowedTransitions: ['refund'],
    });
  });

  it('cannot be settled by a caller', async () => {
    const path = await confirmed();
    expect((await api.post(`${path}/settle`)).status).toBe(404);
  });
});

describe('an idempotency key', () => {
  it('answers a duplicate byte for byte, in this process and in another', async () => {
    const key = 'one-key';
    const first = await api.post('/v1/payments', payment, { key });
    const other = await startBackend({ tables: api.tables });
    for (const backend of [api, other]) {
      const again = await backend.post('/v1/payments', payment, { key: '"one-key"' });
      expect(again.text).toBe(first.text);
      expect(again.status).toBe(201);
      expect(again.headers['location']).toBe(first.headers['location']);
      expect(again.headers['etag']).toBe(first.headers['etag']);
      expect(again.headers['idempotent-replayed']).toBe('true');
    }
    expect(first.headers['idempotent-replayed']).toBeUndefined();
  });

  it('is refused with another body', async () => {
    await api.post('/v1/payments', payment, { key: 'reused' });
    const other = await startBackend({ tables: api.tables });
    for (const backend of [api, other]) {
      const reused = await backend.post('/v1/payments', { ...payment, amount: 1 }, { key: 'reused' });
      expect([reused.status, reused.json['code']]).toEqual([422, 'idempotency_key_reused']);
    }
  });

  it('whose record was read before the commit and whose entity after it is answered like the first', async () => {
    const path = String((await api.post('/v1/payments', payment)).headers['location']);
    const key = 'read-in-between';
    const first = await api.post(`${path}/confirm`, undefined, { key });
    // A batch of reads is no snapshot: this one saw the payment as the commit left it, and the key as it was before.
    const late = await startBackend({ tables: api.tables, prepare: withoutRecords(api.tables.idempotency) });
    const again = await late.post(`${path}/confirm`, undefined, { key });
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });

  it('stays refused, whatever the state becomes', async () => {
    const { headers } = await api.post('/v1/payments', payment);
    const path = String(headers['location']);
    const refused = await api.post(`${path}/refund`, { amount: 1 }, { key: 'too-early' });
    expect([refused.status, refused.json['code']]).toEqual([409, 'transition_not_allowed']);
    await api.post(`${path}/confirm`);
    const other = await startBackend({ tables: api.tables });
    for (const backend of [api, other]) {
      const again = await backend.post(`${path}/refund`, { amount: 1 }, { key: 'too-early' });
      expect(again.text).toBe(refused.text);
      expect(again.headers['idempotent-replayed']).toBe('true');
    }
  });
});

describe('many at once', () => {
  it('64 identical requests leave one payment and 64 equal answers', async () => {
    const key = 'at-once';
    const unique = { ...payment, payee: 'one of a kind' };
    const replies = await Promise.all(
      Array.from({ length: 64 }, () => decided(() => api.post('/v1/payments', unique, { key }))),
    );
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(replies[0]?.status).toBe(201);
    const { items } = (await api.get('/v1/payments?limit=100')).json as { items: Record<string, unknown>[] };
    expect(items.filter(({ payee }) => payee === 'one of a kind')).toHaveLength(1);
  });

  it('64 confirms with different keys leave one confirmed and 63 transition_not_allowed', async () => {
    const { headers } = await api.post('/v1/payments', payment);
    const path = String(headers['location']);
    const replies = await Promise.all(
      Array.from({ length: 64 }, () => decided((key) => api.post(`${path}/confirm`, undefined, { key }))),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ json }) => json['code'] === 'transition_not_allowed')).toHaveLength(63);
    const { items } = (await api.get(`${path}/ledger`)).json as { items: unknown[] };
    expect(items).toHaveLength(2);
  });
});
