/** What a transaction changes or checks without having read it: another entity, and a named account. */
import { randomUUID } from 'node:crypto';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../functions/core/decision.ts';
import type { LockState } from '../../functions/core/entity.ts';
import { balanceRules } from '../../functions/core/movements.ts';
import type { BalanceChange } from '../../functions/core/movements.ts';
import { conflict } from '../../functions/core/rules.ts';
import type { Test } from '../../functions/core/rules.ts';
import { itemBalanceMax } from '../../functions/core/spread-accounts.ts';
import { balanceKey, balancePlace, entityKey } from '../../functions/store/keys.ts';
import { commit } from '../../functions/store/transaction/commit.ts';
import { transactionItems } from '../../functions/store/transaction/transaction-items.ts';
import { startedAt } from '../support/given.ts';
import { intercept } from '../support/sdk-faults.ts';
import {
  article,
  showing,
  showingId,
  articleId,
  order,
  loan,
  anotherClient,
  signal,
  begun,
  sentDecisions,
} from '../support/sent-decisions.ts';
import type { Begun, Sending } from '../support/sent-decisions.ts';

const { at, itemsOf, guard, send, done, read, item, put, tamper, created } = sentDecisions();

describe('another entity, which is not read', () => {
  const hall = { title: 'Evening show', capacity: 1 };
  const reserve = (input: Record<string, unknown> = {}): Begun =>
    begun('reservations', { showingId, customer: 'ada', holdSeconds: 600, ...input });
  const refused = async (decision: Decision, sending?: Sending): Promise<unknown> => {
    const sent = await send(decision, sending);
    return sent.kind === 'rejected' ? sent.rejection : sent;
  };
  const isThere = async (): Promise<boolean> => (await read(reserve().id)) !== undefined;

  test('gives what it has, and is refused by its own word when that is gone', async () => {
    await created('showings', hall);
    await done(reserve().creation);
    expect(await read(showingId)).toMatchObject({ version: 1, balances: { remaining: 0 } });
    at.moveOn();
    await created('showings', hall);
    await tamper(showingId, 'SET balances.remaining = :zero', { ':zero': 0 });
    expect(await refused(reserve().creation)).toMatchObject({ code: 'sold_out', kind: 'conflict' });
    expect(await isThere()).toBe(false);
  });

  test('must be there, and of its collection', async () => {
    const unknown = { code: 'unprocessable', members: { collection: 'showings', id: showingId } };
    expect(await refused(reserve().creation)).toMatchObject(unknown);
    await created('showings', hall);
    await tamper(showingId, 'SET #c = :other', { ':other': 'shows' }, { '#c': 'collection' });
    expect(await refused(reserve().creation)).toMatchObject(unknown);
    await tamper(showingId, 'REMOVE balances');
    expect(await refused(reserve().creation)).toMatchObject(unknown);
    expect(await item(entityKey(at.tenant, showingId))).not.toHaveProperty('balances');
  });

  test('must keep the rules on its status and its attributes', async () => {
    const open = await created('showings', hall);
    await done(open.when('close').decision());
    expect(await refused(reserve().creation)).toMatchObject({ code: 'showing_closed' });
    const review = await created('articles', article);
    await tamper(articleId, 'SET attributes.title = :other', { ':other': 'Other' });
    expect(await refused(begun('book-loans', loan).creation)).toMatchObject({ kind: 'unprocessable' });
    await tamper(articleId, 'SET attributes.title = :title', { ':title': article.title });
    await done(begun('book-loans', loan).creation);
    await done(review.when('publish').decision());
    at.moveOn();
    await done((await created('articles', article)).when('publish').decision());
    expect(await refused(begun('book-loans', loan).creation)).toMatchObject({ code: 'review_public' });
  });

  test('is held to rules that an account of 0 would keep', async () => {
    const text = await created('articles', article);
    const { creation } = begun('book-loans', loan);
    const ruled = (...tests: readonly Test[]): Decision => ({
      ...creation,
      unread: creation.unread.map((other) => ({
        ...other,
        rules: tests.map((each) => conflict('broken', each, '')),
      })),
    });
    const isNot = { op: 'isNot', path: 'title', value: article.title } as const;
    expect(await refused(ruled(isNot))).toMatchObject({ code: 'broken' });
    const lacks = { op: 'missing', path: 'summary' } as const;
    await done(text.when('publish').decision());
    await done(
      text
        .and('publish')
        .when('keep-summary', { input: { text: 'Short.' } })
        .decision(),
    );
    expect(await refused(ruled(lacks))).toMatchObject({ code: 'broken' });
    const among = (...values: readonly string[]): Test => ({ op: 'isIn', path: 'status', values });
    expect(await refused(ruled(among('draft', 'archived')))).toMatchObject({ code: 'broken' });
    await done(
      ruled({ ...isNot, value: 'Other' }, among('draft', 'published'), { op: 'missing', path: 'other' }),
    );
  });

  test('has an attribute that lies beside it, as one that lies on it', async () => {
    await created('showings', showing);
    expect(await refused(reserve().creation)).toMatchObject({ kind: 'unprocessable' });
    const update = 'SET attributes.seats = :seats REMOVE #fixed';
    await tamper(showingId, update, { ':seats': showing.seats }, { '#fixed': 'fixed' });
    expect(await refused(reserve().creation)).toMatchObject({ kind: 'unprocessable' });
    await tamper(showingId, 'REMOVE attributes.seats');
    await done(reserve().creation);
  });

  test('is left to who holds its lock, until that has run out, where it would be changed', async () => {
    await created('showings', hall);
    const lock: LockState = { token: 'holder', fence: 1, expiresAt: startedAt + 1_000 };
    const locked = (id: string) => tamper(id, 'SET #lock = :lock', { ':lock': lock }, { '#lock': 'lock' });
    await locked(showingId);
    expect(await refused(reserve().creation, { at: startedAt + 999 })).toMatchObject({
      code: 'locked',
      members: { id: showingId },
    });
    expect(await isThere()).toBe(false);
    await done(reserve().creation, { at: startedAt + 1_000 });
    await created('articles', article);
    await locked(articleId);
    await done(begun('book-loans', loan).creation);
  });

  test('keeps its accounts in the unit in which they were begun', async () => {
    await created('showings', hall);
    await tamper(showingId, 'SET units.remaining = :other', { ':other': 'chair' });
    expect(await refused(reserve().creation)).toMatchObject({ code: 'unit_differs' });
    await tamper(showingId, 'REMOVE units.remaining');
    await done(reserve().creation);
  });

  test('that is older than its first account gets a place for it, and the command tries again', async () => {
    await created('showings', hall);
    await tamper(showingId, 'REMOVE balances');
    expect(await send(reserve().creation)).toEqual({ kind: 'conflict', isKeyBusy: false });
    expect(await read(showingId)).toMatchObject({ balances: {}, version: 1 });
    expect(await refused(reserve().creation)).toMatchObject({ code: 'sold_out' });
    await tamper(showingId, 'SET balances.remaining = :one', { ':one': 1 });
    await done(reserve().creation);
  });

  test('that is older than its first account gets a place for what is given back to it, too', async () => {
    await created('showings', hall);
    const reservation = reserve();
    await done(reservation.creation);
    await tamper(showingId, 'REMOVE balances');
    const cancel = reservation.when('cancel').decision();
    expect(await send(cancel)).toEqual({ kind: 'conflict', isKeyBusy: false });
    await done(cancel);
    expect(await read(showingId)).toMatchObject({ balances: { remaining: 1 } });
  });

  test('that is older than its first account, and is gone by then, is not made', async () => {
    await created('showings', hall);
    await tamper(showingId, 'REMOVE balances');
    const through = { ...at.store, client: anotherClient() };
    intercept(through.client, {
      before: async ({ command }) => {
        if (command !== 'UpdateItemCommand' && command !== 'UpdateCommand') return;
        const Key = { ...entityKey(at.tenant, showingId) };
        await at.store.client.send(new DeleteCommand({ TableName: at.store.tables.data, Key }));
      },
    });
    await expect(send(reserve().creation, { through })).rejects.toThrow();
    expect(await item(entityKey(at.tenant, showingId))).toBeUndefined();
  });

  test('that is older than its first account is left as it is when the time is over', async () => {
    await created('showings', hall);
    await tamper(showingId, 'REMOVE balances');
    const time = new AbortController();
    const through = { ...at.store, client: anotherClient() };
    intercept(through.client, {
      before: ({ command }) => {
        if (command.startsWith('Update')) time.abort();
      },
    });
    const items = [guard(), ...itemsOf(reserve().creation)];
    await expect(commit(through, items, time.signal)).rejects.toThrow();
    expect(await item(entityKey(at.tenant, showingId))).not.toHaveProperty('balances');
  });

  test('that has no account is not given one where nothing is posted to it', async () => {
    await created('articles', article);
    await tamper(articleId, 'SET attributes.title = :other', { ':other': 'Other' });
    expect(await refused(begun('book-loans', loan).creation)).toMatchObject({ kind: 'unprocessable' });
    expect(await item(entityKey(at.tenant, articleId))).not.toHaveProperty('balances');
  });

  test('that was read all the same must be what it was; else it is handed back', async () => {
    const review = await created('articles', article);
    const { creation } = begun('book-loans', loan);
    const relying: Decision = {
      ...creation,
      unread: creation.unread.map((other) => ({ ...other, rules: [], version: 1 })),
    };
    const { entities } = await done(review.when('publish').decision());
    const [{ after }] = entities;
    expect(await send(relying)).toEqual({ kind: 'stale', states: new Map([[articleId, after]]) });
    await done({ ...relying, unread: relying.unread.map((other) => ({ ...other, version: 2 })) });
  });

  test('that was read, is what it was, and breaks a rule is refused by that', async () => {
    await created('articles', article);
    await tamper(articleId, 'SET attributes.title = :other', { ':other': 'Other' });
    const { creation } = begun('book-loans', loan);
    const unread = creation.unread.map((other) => ({ ...other, version: 1 }));
    expect(await refused({ ...creation, unread })).toMatchObject({ kind: 'unprocessable' });
  });
});

describe('a named account', () => {
  const floor = { minimum: 0, code: 'short', otherwise: '' };
  const account = 'till:shop:EUR';
  const post = async (delta: number, more: Partial<BalanceChange> & { readonly isFree?: boolean } = {}) => {
    const { creation } = begun('articles', { ...article, slug: randomUUID() });
    const rules = balanceRules('balance', delta, more.isFree === true ? undefined : floor);
    const balance: BalanceChange = { account, unit: 'EUR', delta, items: 1, rules, ...more };
    const decision: Decision = { ...creation, entities: [] as never, balances: [balance] };
    const context = { tenant: at.tenant, now: startedAt, meetings: 0, requestId: 'first' };
    const items = transactionItems(at.store.tables, context, { ...decision, entities: creation.entities });
    const sent = await commit(
      at.store,
      items.filter(({ label }) => label.purpose === 'balance'),
      signal,
    );
    if (sent.kind !== 'rejected') return sent.kind;
    expect(Object.keys(sent.rejection).sort()).toEqual(['code', 'detail', 'kind']);
    return sent.rejection.code;
  };
  const balance = () => item(balanceKey(at.tenant, account));

  test('holds what was posted to it, down to its floor', async () => {
    expect(await post(-1)).toBe('short');
    expect(await balance()).toBeUndefined();
    expect(await post(5)).toBe('committed');
    expect(await post(-6)).toBe('short');
    expect(await post(-3)).toBe('committed');
    expect(await balance()).toEqual({ ...balanceKey(at.tenant, account), account, unit: 'EUR', balance: 2 });
    expect(await post(-2)).toBe('committed');
    expect(await post(-1)).toBe('short');
  });

  test('without a floor is begun by whatever comes first', async () => {
    expect(await post(-5, { isFree: true })).toBe('committed');
    expect(await balance()).toMatchObject({ balance: -5 });
  });

  test('is begun by a posting of nothing but its floor', async () => {
    expect(await post(-1, { rules: balanceRules('balance', -1, { ...floor, minimum: -1 }) })).toBe(
      'committed',
    );
    expect(await balance()).toMatchObject({ balance: -1 });
  });

  test.each([true, false])('is kept in its unit (free of a floor: %s)', async (isFree) => {
    await post(5);
    expect(await post(isFree ? 1 : -1, { isFree, unit: 'USD' })).toBe('unit_differs');
    expect(await balance()).toMatchObject({ unit: 'EUR', balance: 5 });
  });

  test('stays an exact integer on both sides', async () => {
    const most = itemBalanceMax(1);
    await put(balanceKey(at.tenant, account), { account, unit: 'EUR', balance: most - 1 });
    expect(await post(1)).toBe('committed');
    expect(await post(1)).toBe('balance_limit_exceeded');
    await put(balanceKey(at.tenant, account), { account, unit: 'EUR', balance: 1 - most });
    expect(await post(-1, { isFree: true })).toBe('committed');
    expect(await post(-1, { isFree: true })).toBe('balance_limit_exceeded');
  });

  test('that is spread is another item after each meeting', () => {
    const paid = begun('orders', order)
      .when('charged', { input: { status: 200 } })
      .decision();
    const [{ after, entry }] = paid.entities;
    const spread = paid.balances.find(({ items }) => items > 1);
    for (const meetings of [0, 1]) {
      const written = itemsOf(paid, { meetings }).find(
        ({ label }) => label.purpose === 'balance' && label.balance === spread,
      );
      const place = balancePlace(spread?.items ?? 1, { id: after.id, seq: entry.seq }, meetings);
      expect(written?.item.Update?.Key).toEqual(balanceKey(at.tenant, spread?.account ?? '', place));
    }
  });
});
