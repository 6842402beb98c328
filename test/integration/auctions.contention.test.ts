/** Auctions and bids, written as one would write them: a race between bids is waited out, and the loser has its money back. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { auctions, bids, sellers } from '../examples/auctions.ts';
import { idOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { decided, patientClient as client } from '../support/patient.ts';

it('of 64 bids at once the highest holds, everybody else has their money back, and no race refuses', async () => {
  const api = await startBackend({ domains: [sellers, auctions, bids], client });
  const seller = idOf(await api.post('/v1/sellers', {}));
  const auction = idOf(await api.post('/v1/auctions', { title: 'A press of 1911', seller }));
  const amounts = Array.from({ length: 64 }, (_, index) => (index + 1) * 100);
  const replies = await Promise.all(
    amounts.map(async (amount) => {
      const subject = `bidder-${amount}`;
      const reply = await decided((key) => api.post('/v1/bids', { auction, amount }, { subject, key }));
      return { amount, reply };
    }),
  );
  for (const { reply } of replies.filter(({ reply: { status } }) => status !== 201))
    expect(reply.json['code'], reply.text).toBe('bid_too_low');
  const taken = replies.filter(({ reply: { status } }) => status === 201);
  const now = (await api.get(`/v1/auctions/${auction}`)).json;
  expect(now).toMatchObject({ highest: 6_400, highestBid: taken.at(-1)?.reply.json['id'] });
  for (const { amount, reply } of taken) {
    const bid = (await api.get(`/v1/bids/${String(reply.json['id'])}`)).json;
    const isHighest = amount === 6_400;
    expect(bid).toMatchObject(isHighest ? { status: 'highest', held: 6_400 } : { status: 'beaten', held: 0 });
    const purse = (await api.get(`/v1/balances/purse:bidder-${amount}:EUR`)).json;
    expect(purse['balance'], String(amount)).toBe(isHighest ? -6_400 : 0);
  }
  expect((await auditWhole(createAudit(api.backend), 'acme')).problems).toEqual([]);
});

it('a bid on no auction, and one that comes too late, are refused', async () => {
  const api = await startBackend({ domains: [sellers, auctions, bids], client });
  const none = await api.post('/v1/bids', { auction: 'auc_01JD2X5T9ZK4M8Q7W6V5B3N2HC', amount: 5 });
  expect([none.status, none.json['code']]).toEqual([422, 'unprocessable']);
  const seller = idOf(await api.post('/v1/sellers', {}));
  const auction = idOf(await api.post('/v1/auctions', { title: 'A press of 1911', seller }));
  expect((await api.post('/v1/bids', { auction, amount: 5 })).status).toBe(201);
  const low = await api.post('/v1/bids', { auction, amount: 5 });
  expect([low.status, low.json['code']]).toEqual([409, 'bid_too_low']);
});
