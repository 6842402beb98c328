/** A story of the example `test/examples/auctions.ts`: a seller who has left is paid nothing, whoever comes first. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { auctions, bids, sellers } from '../examples/auctions.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { decided, patientClient as client } from '../support/patient.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

it('pays a seller whose account is open, and none that is closed', async () => {
  const clock = createTestClock();
  const api = await startBackend({ domains: [sellers, auctions, bids], clock, client });
  const walk = new Walk(api, clock, 'acme');
  const seller = `/v1/sellers/${idOf(await api.post('/v1/sellers', {}))}`;
  const sold = async (): Promise<string> => {
    const lot = { title: 'A press of 1911', seller: seller.split('/').at(-1) };
    const auction = idOf(await api.post('/v1/auctions', lot));
    const bid = `/v1/bids/${idOf(await api.post('/v1/bids', { auction, amount: 500 }))}`;
    expect(verdictOf(await api.post(`${bid}/pay`))).toEqual([409, 'auction_open']);
    await walk.force(auction, 'end');
    return bid;
  };
  const bid = await sold();
  await api.post(`${seller}/close`);
  expect(verdictOf(await api.post(`${bid}/pay`))).toEqual([409, 'seller_closed']);
  expect((await api.get(bid)).json).toMatchObject({ status: 'highest', held: 500 });
  await api.post(`${seller}/reopen`);
  expect((await api.post(`${bid}/pay`)).json).toMatchObject({ status: 'paid', held: 0 });
  expect((await api.get(seller)).json).toMatchObject({ status: 'open', earned: 500 });

  // The seller leaves while many would pay: what came before is paid, and nothing after.
  const open: string[] = [];
  for (let n = 0; n < 16; n += 1) open.push(await sold());
  const [closed, ...paid] = await Promise.all([
    decided((key) => api.post(`${seller}/close`, undefined, { key })),
    ...open.map((one) => decided((key) => api.post(`${one}/pay`, undefined, { key }))),
  ]);
  expect(closed.status).toBe(200);
  for (const reply of paid.filter(({ status }) => status !== 200))
    expect(verdictOf(reply)).toEqual([409, 'seller_closed']);
  const count = paid.filter(({ status }) => status === 200).length;
  expect((await api.get(seller)).json).toMatchObject({ status: 'closed', earned: 500 * (count + 1) });
  expect((await auditWhole(createAudit(api.backend), 'acme')).problems).toEqual([]);
});
