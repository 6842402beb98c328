/** A story of the example `test/examples/gift-cards.ts`: cards in several currencies, spent by many at once. */
import { expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { giftCards } from '../examples/gift-cards.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import { decided, patientClient as client } from '../support/patient.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

it('is kept in the currency of its buyer, and never spends more than it holds, nor in another currency', async () => {
  const clock = createTestClock();
  const api = await startBackend({ domains: [giftCards], clock, client });
  const walk = new Walk(api, clock, 'acme');
  const path = (id: string): string => `/v1/gift-cards/${id}`;
  const balanceOf = async (account: string) => (await api.get(`/v1/balances/${account}`)).json;
  const bought = async (amount: number, currency: string): Promise<string> =>
    idOf(await api.post('/v1/gift-cards', { to: 'ada@example.com', amount, currency }));
  /** With the code of the card's mail. */
  const asked = async (id: string, name: string, input: object) => {
    const { input: known } = await walk.prepare(await walk.state(id), name, { 'gift-cards': id });
    return api.post(`${path(id)}/${name}`, { ...known, ...input });
  };
  const [euros, more, yen] = [await bought(1_000, 'EUR'), await bought(500, 'EUR'), await bought(900, 'JPY')];
  expect((await api.get(path(yen))).json).toMatchObject({ currency: 'JPY', balance: 900 });
  expect(await balanceOf(`${yen}:balance`)).toMatchObject({ unit: 'JPY', balance: 900 });

  expect((await asked(euros, 'pass-on', { card: more, amount: 200 })).json).toMatchObject({ balance: 800 });
  expect((await api.get(path(more))).json).toMatchObject({ balance: 700, version: 1 });
  expect(verdictOf(await asked(euros, 'pass-on', { card: yen, amount: 200 }))).toEqual([409, 'unit_differs']);
  expect(verdictOf(await asked(euros, 'spend', { amount: 1, code: 'guessed' }))).toEqual([409, 'wrong_code']);

  const { input } = await walk.prepare(await walk.state(euros), 'spend');
  const crowd = await Promise.all(
    Array.from({ length: 32 }, () =>
      decided((key) => api.post(`${path(euros)}/spend`, { ...input, amount: 100 }, { key })),
    ),
  );
  expect(crowd.filter(({ status }) => status === 200)).toHaveLength(8);
  expect(new Set(crowd.map(({ json }) => json['code']))).toEqual(new Set([undefined, 'card_short']));
  expect(await balanceOf('spent:shop:EUR')).toMatchObject({ unit: 'EUR', balance: 800 });

  await walk.force(yen, 'expire');
  expect((await api.get(path(yen))).json).toMatchObject({ status: 'expired', balance: 0 });
  expect(await balanceOf('expired:shop:JPY')).toMatchObject({ unit: 'JPY', balance: 900 });
  const late = await bought(100, 'JPY');
  expect(verdictOf(await asked(late, 'pass-on', { card: yen, amount: 10 }))).toEqual([409, 'card_expired']);
  const { problems } = await auditWhole(createAudit(api.backend), 'acme');
  // Nothing runs here that carries out mails and writes statements.
  const others = problems.filter(({ problem }) => !/^(?:message_stuck|line_missing)/.test(problem));
  expect(others).toEqual([]);
});
