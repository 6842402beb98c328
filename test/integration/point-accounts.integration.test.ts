import { beforeAll, describe, expect, it } from 'vitest';
import { idOf, itemsOf, verdictOf } from '../support/answers.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';

let api: TestBackend;
beforeAll(async () => {
  api = await startBackend();
});

async function account(points = 0): Promise<string> {
  const id = idOf(await api.post('/v1/point-accounts', { owner: 'ada' }));
  if (points > 0) await api.post(`/v1/point-accounts/${id}/earn`, { amount: points, reason: 'welcome' });
  return id;
}
const command = (id: string, name: string, body?: unknown) =>
  api.post(`/v1/point-accounts/${id}/${name}`, body);
const read = async (id: string) => (await api.get(`/v1/point-accounts/${id}`)).json;

describe('a point account', () => {
  it('shows its balance, which is the sum of its postings', async () => {
    const id = await account(100);
    expect((await command(id, 'spend', { amount: 30, reason: 'coffee\nand cake' })).json['balance']).toBe(70);
    const entries = itemsOf(await api.get(`/v1/point-accounts/${id}/ledger`));
    const postings = entries.flatMap((entry) => entry['postings'] as { account: string; amount: number }[]);
    const sum = (name: string): number =>
      postings
        .filter(({ account: posted }) => posted === name)
        .reduce((total, { amount }) => total + amount, 0);
    expect(sum(`${id}:balance`)).toBe(70);
    expect((await api.get(`/v1/balances/${id}:balance`)).json).toEqual({
      account: `${id}:balance`,
      unit: 'point',
      balance: 70,
    });
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'earned'])(
    'has no account "%s", and what nobody used has balance 0 and no unit',
    async (key) => {
      const name = `${await account(7)}:${key}`;
      expect((await api.get(`/v1/balances/${name}`)).json).toEqual({ account: name, balance: 0 });
    },
  );

  it('is never below zero, and may be at zero', async () => {
    const id = await account(10);
    expect(verdictOf(await command(id, 'spend', { amount: 11, reason: 'x' }))).toEqual([
      409,
      'insufficient_balance',
    ]);
    expect((await command(id, 'spend', { amount: 10, reason: 'x' })).json['balance']).toBe(0);
    expect(verdictOf(await command(id, 'spend', { amount: 1, reason: 'x' }))).toEqual([
      409,
      'insufficient_balance',
    ]);
  });

  it('passes points on in one transaction: both sides move, or none', async () => {
    const [from, to] = [await account(10), await account()];
    expect((await command(from, 'transfer', { to, amount: 4 })).json['balance']).toBe(6);
    expect(await read(to)).toMatchObject({ balance: 4, version: 2 });
    expect(verdictOf(await command(from, 'transfer', { to, amount: 7 }))).toEqual([
      409,
      'insufficient_balance',
    ]);
    expect(await read(to)).toMatchObject({ balance: 4, version: 2 });
    const received = itemsOf(await api.get(`/v1/point-accounts/${to}/ledger`)).at(-1);
    expect(received).toMatchObject({ command: 'receive', data: { from, amount: 4 }, actor: 'alice' });
  });

  it('passes nothing to itself, to a closed account, or to nobody', async () => {
    const [from, closed] = [await account(10), await account()];
    await command(closed, 'close');
    expect(verdictOf(await command(from, 'transfer', { to: from, amount: 1 }))).toEqual([
      422,
      'unprocessable',
    ]);
    expect(verdictOf(await command(from, 'transfer', { to: closed, amount: 1 }))).toEqual([
      409,
      'account_closed',
    ]);
    const nobody = 'pts_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
    expect(verdictOf(await command(from, 'transfer', { to: nobody, amount: 1 }))).toEqual([
      422,
      'unprocessable',
    ]);
    expect(await read(from)).toMatchObject({ balance: 10, version: 2 });
  });

  it('passes nothing to another tenant’s account', async () => {
    const from = await account(10);
    const other = idOf(await api.post('/v1/point-accounts', { owner: 'eve' }, { tenant: 'globex' }));
    expect(verdictOf(await command(from, 'transfer', { to: other, amount: 1 }))).toEqual([
      422,
      'unprocessable',
    ]);
    const theirs = await api.get(`/v1/point-accounts/${other}`, { tenant: 'globex' });
    expect(theirs.json).toMatchObject({ balance: 0, version: 1 });
  });

  it('is closed when it is empty, and then does nothing', async () => {
    const id = await account(10);
    expect(verdictOf(await command(id, 'close'))).toEqual([409, 'balance_not_zero']);
    await command(id, 'spend', { amount: 10, reason: 'x' });
    expect((await command(id, 'close')).json).toMatchObject({ status: 'closed', allowedTransitions: [] });
    expect(verdictOf(await command(id, 'earn', { amount: 1, reason: 'x' }))).toEqual([
      409,
      'transition_not_allowed',
    ]);
  });

  it('takes whole amounts from 1 to 1,000,000,000,000', async () => {
    const id = await account();
    for (const amount of [0, -1, 1_000_000_000_001, 1.5]) {
      expect(verdictOf(await command(id, 'earn', { amount, reason: 'x' }))).toEqual([400, 'invalid_request']);
    }
    expect((await command(id, 'earn', { amount: 1_000_000_000_000, reason: 'x' })).json['balance']).toBe(
      1e12,
    );
  });
});
