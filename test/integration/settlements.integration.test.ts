import { beforeAll, describe, expect, it } from 'vitest';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { answer, answerAll, unanswered } from '../support/answering.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';

let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

let payees = 0;
/** A payee of the test's own, so that balances are known. */
const newPayee = (): string => `bookshop ${(payees += 1)}`;

async function payment(
  payee: string,
  amount: number,
  { currency = 'EUR', confirm = true } = {},
): Promise<string> {
  const id = idOf(await api.post('/v1/payments', { payer: 'alice', payee, amount, currency }));
  if (!confirm) return id;
  await api.post(`/v1/payments/${id}/confirm`);
  for (const message of await unanswered(api, 'acme', id)) await answer(api, message);
  return id;
}
const draft = (payee: string, paymentIds: readonly string[], currency = 'EUR') =>
  api.post('/v1/settlements', { payee, currency, paymentIds });
const balance = async (account: string): Promise<unknown> =>
  (await api.get(`/v1/balances/${encodeURIComponent(account)}`)).json['balance'];
const statusOf = async (id: string): Promise<unknown> => (await api.get(`/v1/payments/${id}`)).json['status'];

describe('a settlement', () => {
  it('settles 20 payments in one transaction, less what was refunded, and then pays out', async () => {
    const payee = newPayee();
    const ids: string[] = [];
    for (let index = 0; index < 20; index += 1) ids.push(await payment(payee, 1_000));
    await api.post(`/v1/payments/${ids[0] ?? ''}/refund`, { amount: 400 });
    await answerAll(api, 'acme');
    const path = `/v1/settlements/${idOf(await draft(payee, ids))}`;
    const confirmed = await api.post(`${path}/confirm`);
    expect(confirmed.json).toMatchObject({ status: 'confirmed', total: 19_600, allowedTransitions: ['pay'] });
    expect(new Set(await Promise.all(ids.map(statusOf)))).toEqual(new Set(['settled']));
    expect([await balance(`holding:${payee}:EUR`), await balance(`payable:${payee}:EUR`)]).toEqual([
      0, 19_600,
    ]);

    expect((await api.post(`${path}/pay`)).json['status']).toBe('paying');
    // Nothing is posted before the bank says that it has paid.
    expect(await balance(`payable:${payee}:EUR`)).toBe(19_600);
    await answerAll(api, 'acme');
    expect((await api.get(path)).json).toMatchObject({ status: 'paid', statement: { rows: 1 } });
    expect([await balance(`payable:${payee}:EUR`), await balance(`bank:${payee}:EUR`)]).toEqual([0, 19_600]);
    const messages = itemsOf(await api.get(`${path}/messages`));
    expect(messages.map(({ topic, status }) => [topic, status])).toEqual([
      ['report', 'done'],
      ['external-call', 'done'],
    ]);
    // Each payment tells of it in its own ledger.
    const ledger = itemsOf(await api.get(`/v1/payments/${ids[0] ?? ''}/ledger`));
    expect(ledger.map(({ command }) => command)).toEqual([
      'create',
      'confirm',
      'captured',
      'refund',
      'refund-done',
      'settle',
    ]);
  });

  it('settles none where one is in the way, and names those that are', async () => {
    const payee = newPayee();
    const good = await payment(payee, 100);
    const inTheWay = [
      await payment(payee, 100, { confirm: false }),
      await payment('somebody else', 100),
      await payment(payee, 100, { currency: 'USD' }),
      'pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC',
    ];
    const path = `/v1/settlements/${idOf(await draft(payee, [good, ...inTheWay]))}`;
    const refused = await api.post(`${path}/confirm`);
    expect(verdictOf(refused)).toEqual([409, 'payment_not_settleable']);
    const named = refused.json['inTheWay'] as { id: string; code: string }[];
    expect(named.map(({ id, code }) => [id, code])).toEqual([
      [inTheWay[0], 'transition_not_allowed'],
      [inTheWay[1], 'another_payee'],
      [inTheWay[2], 'another_currency'],
      [inTheWay[3], 'unprocessable'],
    ]);
    expect(await statusOf(good)).toBe('confirmed');
    expect(await balance(`holding:${payee}:EUR`)).toBe(100);
    expect((await api.get(path)).json).toMatchObject({ status: 'draft', version: 1 });
  });

  it('settles nothing that was not captured, or whose refund has no answer', async () => {
    const payee = newPayee();
    const early = idOf(
      await api.post('/v1/payments', { payer: 'alice', payee, amount: 100, currency: 'EUR' }),
    );
    await api.post(`/v1/payments/${early}/confirm`);
    const refunding = await payment(payee, 100);
    await api.post(`/v1/payments/${refunding}/refund`, { amount: 1 });
    const refused = await api.post(`/v1/settlements/${idOf(await draft(payee, [early, refunding]))}/confirm`);
    const named = refused.json['inTheWay'] as { id: string; code: string }[];
    expect(named.map(({ id, code }) => [id, code])).toEqual([
      [early, 'not_captured'],
      [refunding, 'refund_unanswered'],
    ]);
  });

  it('that the bank refuses may be paid again, and says why', async () => {
    const payee = newPayee();
    const path = `/v1/settlements/${idOf(await draft(payee, [await payment(payee, 100)]))}`;
    await api.post(`${path}/confirm`);
    await api.post(`${path}/pay`);
    const transfer = (await unanswered(api, 'acme', path.split('/').at(-1))).find(
      ({ topic }) => topic === 'external-call',
    );
    if (!transfer) throw new Error('no transfer was sent');
    await answer(api, transfer, 'refused');
    expect((await api.get(path)).json).toMatchObject({
      status: 'confirmed',
      payError: 'The receiver answered 402.',
      allowedTransitions: ['pay'],
    });
    expect(await balance(`payable:${payee}:EUR`)).toBe(100);
    expect((await api.post(`${path}/pay`)).json['status']).toBe('paying');
  });

  it('does not settle what another one has settled', async () => {
    const payee = newPayee();
    const id = await payment(payee, 100);
    const [first, second] = [idOf(await draft(payee, [id])), idOf(await draft(payee, [id]))];
    const replies = await Promise.all(
      [first, second].map((settlement) => api.post(`/v1/settlements/${settlement}/confirm`)),
    );
    expect(replies.map(verdictOf).sort(([a], [b]) => a - b)).toEqual([
      [200, undefined],
      [409, 'payment_not_settleable'],
    ]);
    expect(await balance(`payable:${payee}:EUR`)).toBe(100);
    expect(verdictOf(await api.post(`/v1/payments/${id}/refund`, { amount: 1 }))).toEqual([
      409,
      'transition_not_allowed',
    ]);
  });

  it('waits for a payment that somebody has locked, and may then be confirmed with the same key', async () => {
    const payee = newPayee();
    const id = await payment(payee, 100);
    const lock = await api.post(`/v1/payments/${id}/lock`, { ttlSeconds: 60, wait: 'nowait' });
    const path = `/v1/settlements/${idOf(await draft(payee, [id]))}/confirm`;
    const key = 'once-it-is-free';
    expect(verdictOf(await api.post(path, undefined, { key }))).toEqual([423, 'locked']);
    const token = { 'lock-token': String(lock.json['token']) };
    await api.post(`/v1/payments/${id}/unlock`, undefined, { headers: token });
    expect((await api.post(path, undefined, { key })).status).toBe(200);
  });

  it('is of 1 to 20 payments, each once', async () => {
    const ids = Array.from({ length: 21 }, (_, index) => `pay_01JD2X5T9ZK4M8Q7W6V5B3N2${String(index + 10)}`);
    expect((await draft('bookshop', ids.slice(0, 20))).status).toBe(201);
    for (const list of [[], ids, [ids[0] ?? '', ids[0] ?? ''], ['shw_01JD2X5T9ZK4M8Q7W6V5B3N2HC']]) {
      expect(verdictOf(await draft('bookshop', list)), String(list.length)).toEqual([400, 'invalid_request']);
    }
  });

  it('may be given up while it is a draft, and only then', async () => {
    const payee = newPayee();
    const path = `/v1/settlements/${idOf(await draft(payee, [await payment(payee, 100)]))}`;
    expect(verdictOf(await api.post(`${path}/pay`))).toEqual([409, 'transition_not_allowed']);
    expect((await api.post(`${path}/cancel`)).json).toMatchObject({
      status: 'cancelled',
      allowedTransitions: [],
    });
    expect(verdictOf(await api.post(`${path}/confirm`))).toEqual([409, 'transition_not_allowed']);
  });
});
