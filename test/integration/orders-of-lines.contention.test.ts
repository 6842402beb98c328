/** A story of the example `test/examples/orders-of-lines.ts`: all lines are there or none, each at the price of its moment. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { orders, products, shipments } from '../examples/orders-of-lines.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { decided, patientClient as client } from '../support/patient.ts';

it('creates a shipment a line, at the price of its product, and sells no piece twice', async () => {
  const api = await startBackend({ domains: [products, shipments, orders], client });
  const shop = { subject: 'shop', roles: 'shop' };
  const alice = { subject: 'alice', roles: '' };
  const stocked = async (name: string, price: number, pieces: number): Promise<string> =>
    idOf(await api.post('/v1/products', { name, price, pieces }, shop));
  const shown = async (path: string) => (await api.get(path)).json;
  const left = async (id: string) => (await shown(`/v1/products/${id}`))['stock'];
  const [pencils, paper] = [await stocked('A pencil', 120, 1_000), await stocked('Paper', 300, 40)];
  const bought = (pieces: number, sheets: number) => ({
    lines: [
      { product: paper, pieces: sheets },
      { product: pencils, pieces },
      { product: pencils, pieces: 1 },
    ],
  });

  const placed = await api.post('/v1/orders', bought(2, 3), { ...alice, key: 'first' });
  expect([placed.status, placed.json['total']]).toEqual([201, 3 * 300 + 3 * 120]);
  const ids = placed.json['lines'] as string[];
  expect([...ids].sort()).toEqual(ids);
  const lines = await Promise.all(ids.map((id) => shown(`/v1/shipments/${id}`)));
  const line = { status: 'packed', version: 1, order: placed.json['id'], customer: 'alice' };
  expect(lines).toMatchObject([
    { ...line, product: paper, pieces: 3, price: 300 },
    { ...line, product: pencils, pieces: 2, price: 120 },
    { ...line, product: pencils, pieces: 1, price: 120 },
  ]);
  const listed = (await api.get('/v1/shipments')).json['items'] as { readonly id: string }[];
  expect(listed.map(({ id }) => id).sort()).toEqual(ids);
  const ledger = (await shown(`/v1/shipments/${ids[0] ?? ''}/ledger`))['items'];
  expect(ledger).toMatchObject([{ command: 'create', actor: 'alice', data: { product: paper, pieces: 3 } }]);
  // The same key again: the same lines, and no other.
  const again = await api.post('/v1/orders', bought(2, 3), { ...alice, key: 'first' });
  expect([again.text, again.headers['idempotent-replayed']]).toEqual([placed.text, 'true']);
  expect([await left(pencils), await left(paper)]).toEqual([997, 37]);

  // All or nothing, whatever line it is.
  const refused = async (body: object) => verdictOf(await api.post('/v1/orders', body, alice));
  expect(await refused(bought(1, 38))).toEqual([409, 'out_of_stock']);
  const nowhere = 'prd_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
  expect(await refused({ lines: [...bought(1, 1).lines, { product: nowhere, pieces: 1 }] })).toEqual([
    422,
    'unprocessable',
  ]);
  const old = await stocked('An old pencil', 20, 10);
  await api.post(`/v1/products/${old}/withdraw`, undefined, shop);
  expect(await refused({ lines: [...bought(1, 1).lines, { product: old, pieces: 1 }] })).toEqual([
    409,
    'not_on_sale',
  ]);
  // A line that nobody ordered is for the shop to add.
  const more = { product: pencils, pieces: 1, order: placed.json['id'], customer: 'alice' };
  expect(verdictOf(await api.post('/v1/shipments', more, alice))).toEqual([403, 'role_missing']);
  expect([await left(pencils), await left(paper)]).toEqual([997, 37]);

  // 32 at once want 2 sheets each and the price goes up meanwhile: each pays one price, and 18 have theirs.
  const [repriced, ...crowd] = await Promise.all([
    decided((key) => api.post(`/v1/products/${paper}/reprice`, { price: 400 }, { ...shop, key })),
    ...Array.from({ length: 32 }, (_, n) =>
      decided((key) => api.post('/v1/orders', bought(1, 2), { subject: `buyer-${n}`, roles: '', key })),
    ),
  ]);
  expect(repriced.status).toBe(200);
  const taken = crowd.filter(({ status }) => status === 201);
  expect(taken).toHaveLength(18);
  expect(new Set(crowd.map(({ json }) => json['code']))).toEqual(new Set([undefined, 'out_of_stock']));
  for (const { json } of taken) {
    const [first = ''] = json['lines'] as string[];
    const { price } = await shown(`/v1/shipments/${first}`);
    expect([300, 400]).toContain(price);
    expect(json['total']).toBe(2 * Number(price) + 2 * 120);
  }
  expect([await left(pencils), await left(paper)]).toEqual([997 - 36, 1]);

  // All of it is given up, or nothing.
  const order = `/v1/orders/${idOf(placed)}`;
  expect(verdictOf(await api.post(`${order}/cancel`, undefined, shop))).toEqual([403, 'not_yours']);
  await api.post(`/v1/shipments/${ids[1] ?? ''}/send`, undefined, shop);
  expect(verdictOf(await api.post(`${order}/cancel`, undefined, alice))).toEqual([409, 'line_not_there']);
  const [other] = taken;
  const buyer = other ? String((await shown(`/v1/orders/${idOf(other)}`))['customer']) : '';
  const given = await api.post(`/v1/orders/${other ? idOf(other) : ''}/cancel`, undefined, {
    subject: buyer,
  });
  expect(given.json['status']).toBe('cancelled');
  expect([await left(pencils), await left(paper)]).toEqual([997 - 34, 3]);
  expect((await auditWhole(createAudit(api.backend), 'acme')).problems).toEqual([]);
});

it('adds up the dearest pieces, as many as one may order', async () => {
  const api = await startBackend({ domains: [products, shipments, orders], client });
  const [price, pieces] = [1_000_000_000_000, 100];
  const crown = { name: 'A crown', price, pieces: 10 * pieces };
  const product = idOf(await api.post('/v1/products', crown, { subject: 'shop', roles: 'shop' }));
  const lines = Array.from({ length: 10 }, () => ({ product, pieces }));
  const { status, json } = await api.post('/v1/orders', { lines });
  expect([status, json['total']]).toEqual([201, price * 10 * pieces]);
});
