/** Each condition of a transaction on its key, its entity, a lock and a unique value wins its race. */
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../functions/core/decision.ts';
import type { LockState } from '../../functions/core/entity.ts';
import { entityKey, fixedKey, uniqueKey } from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import { commit } from '../../functions/store/transaction/commit.ts';
import type { CommitOutcome } from '../../functions/store/transaction/commit.ts';
import { lockItems } from '../../functions/store/transaction/lock-items.ts';
import { putRecord } from '../../functions/store/transaction/put-record.ts';
import { readRecord } from '../../functions/store/transaction/read-record.ts';
import { unchangedItem } from '../../functions/store/transaction/transaction-items.ts';
import { startedAt } from '../support/given.ts';
import {
  article,
  invite,
  showing,
  loan,
  earn,
  signal,
  begun,
  another,
  sentDecisions,
} from '../support/sent-decisions.ts';

const { at, recordUnder, guard, send, done, read, item, put, tamper, created } = sentDecisions();

describe('a key', () => {
  test('lets one commit, and hands the other its answer, whatever the state has become since', async () => {
    const account = begun('point-accounts', { owner: 'ada' });
    await done(account.creation, { key: 'k' });
    await done(account.when('earn', earn).decision());
    const late = account.when('earn', earn).decision();
    expect(await send(late, { key: 'k' })).toEqual({ kind: 'duplicate', record: recordUnder('k') });
    expect(await read(account.id)).toMatchObject({ version: 2 });
  });

  test('is free from the second on in which its record runs out', async () => {
    const account = begun('point-accounts', { owner: 'ada' });
    const endsAt = startedAt + 60_000;
    await done(account.creation, { key: 'k' });
    const next = account.when('earn', earn).decision();
    expect(await send(next, { key: 'k', at: endsAt - 1 })).toMatchObject({ kind: 'duplicate' });
    await done(next, { key: 'k', at: endsAt });
  });

  test('is read as one that has a live record, or none', async () => {
    const pk = recordUnder('k').pk;
    expect(await readRecord(at.store, pk, startedAt, signal)).toEqual({ kind: 'none' });
    expect(await putRecord(at.store, recordUnder('k'), startedAt, signal)).toBeUndefined();
    expect(await readRecord(at.store, pk, startedAt + 59_999, signal)).toEqual({
      kind: 'found',
      record: recordUnder('k'),
    });
    expect(await readRecord(at.store, pk, startedAt + 60_000, signal)).toEqual({ kind: 'none' });
    expect(await putRecord(at.store, { ...recordUnder('k'), payloadHash: 'x' }, startedAt, signal)).toEqual(
      recordUnder('k'),
    );
  });
});

describe('an entity', () => {
  test('that two processes made up alike is made once', async () => {
    await done(begun('point-accounts', { owner: 'ada' }).creation);
    const { creation, id } = begun('point-accounts', { owner: 'eve' });
    await expect(send(creation)).rejects.toThrow('entity: ConditionalCheckFailed');
    expect(await read(id)).toMatchObject({ attributes: { owner: 'ada' } });
  });

  test('whose fixed attributes are there is not made', async () => {
    const { creation, id } = begun('showings', showing);
    await put(fixedKey(at.tenant, id), { intruder: true });
    await expect(send(creation)).rejects.toThrow('fixed attributes: ConditionalCheckFailed');
    expect(await item(fixedKey(at.tenant, id))).toMatchObject({ intruder: true });
  });

  test('is changed by one of two that decided on the same state, and the other is handed it', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    const { entities } = await done(account.when('earn', earn).decision());
    const other = account.when('earn', { input: { amount: 7, reason: 'y' } }).decision();
    expect(await send(other)).toEqual({
      kind: 'stale',
      states: new Map([[account.id, entities[0].after]]),
    });
    expect(await read(account.id)).toEqual(entities[0].after);
  });

  const lock: LockState = { token: 'holder', by: 'bob', fence: 1, expiresAt: startedAt + 1_000 };
  test.each([
    ['is left to the holder of its lock', undefined, startedAt + 999, false],
    ['is free when the lock has run out', undefined, startedAt + 1_000, true],
    ['is changed by the holder', 'holder', startedAt + 999, true],
    ['is not changed by a holder whose lock has run out', 'holder', startedAt + 1_000, false],
    ['is not changed by the holder of another lock', 'other', startedAt, false],
  ])('%s', async (_name, lockToken, at, isWritten) => {
    const account = await created('point-accounts', { owner: 'ada' });
    await tamper(account.id, 'SET #lock = :lock', { ':lock': lock }, { '#lock': 'lock' });
    const sent = await send(account.when('earn', earn).decision(), {
      at,
      ...(lockToken !== undefined && { lockToken }),
    });
    expect(sent.kind).toBe(isWritten ? 'committed' : 'stale');
    expect(await read(account.id)).toMatchObject({ version: isWritten ? 2 : 1, lock });
  });

  test('without a lock is not changed by who says that there is one', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    const sent = await send(account.when('earn', earn).decision(), { lockToken: 'holder' });
    expect(sent.kind).toBe('stale');
  });

  test('whose account moved under the same version is decided on again', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    await done(account.when('earn', earn).decision());
    const spend = account.and('earn', earn).when('spend', earn).decision();
    const balance = (value: number) => tamper(account.id, 'SET balances.balance = :b', { ':b': value });
    await balance(4);
    expect(await send(spend)).toMatchObject({ kind: 'stale' });
    await balance(9);
    await done(spend);
    expect((await read(account.id))?.balances).toMatchObject({ balance: 4, redeemed: 5 });
  });

  test('that lacks an account, which its definition got later, begins it at 0, where that keeps the rules', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    await tamper(account.id, 'REMOVE balances.balance, balances.issued');
    const spend = account.but({ balances: { ...account.entity.balances, balance: 5 } }).when('spend', earn);
    expect(await send(spend.decision())).toMatchObject({ kind: 'stale' });
    await done(account.when('earn', earn).decision());
    expect((await read(account.id))?.balances).toMatchObject({ balance: 5, issued: -5 });
  });

  test.each([
    ['no map of balances', 'REMOVE balances', {}],
    ['an empty one', 'SET balances = :begun', {}],
    ['what another command has begun meanwhile', 'SET balances = :begun', { balance: 3 }],
  ])('that had no accounts begins them where it has %s', async (_what, update, balances) => {
    const account = await created('point-accounts', { owner: 'ada' });
    await tamper(account.id, update, update.includes(':') ? { ':begun': balances } : undefined);
    const decision = account.but({ balances: {} }).when('earn', earn).decision();
    const isFree = Object.keys(balances).length === 0;
    expect((await send(decision)).kind).toBe(isFree ? 'committed' : 'stale');
    expect((await read(account.id))?.balances).toEqual(
      isFree ? decision.entities[0].after.balances : balances,
    );
  });

  test('that is linked needs no lock of its own: the token is for the command’s', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    const { entities } = await done(another(begun('point-accounts', { owner: 'eve' }).creation));
    const [{ after: receiver }] = entities;
    await done(account.when('earn', earn).decision());
    await tamper(account.id, 'SET #lock = :lock', { ':lock': lock }, { '#lock': 'lock' });
    const input = { to: receiver.id, amount: 1 };
    const transfer = account.and('earn', earn).when('transfer', { input }, [receiver]).decision();
    await done(transfer, { lockToken: lock.token });
    expect((await read(receiver.id))?.balances).toMatchObject({ balance: 1 });
  });

  test('of an older version of its definition is of the newest that wrote it', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    const { definition = 0 } = account.entity;
    expect(definition).toBeGreaterThan(1);
    await tamper(account.id, 'SET def = :old', { ':old': 1 });
    await done(account.but({ definition: 1 }).when('earn', earn).decision());
    expect(await read(account.id)).toMatchObject({ definition });
  });

  test('that a command relies on and leaves as it is must still be that', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    const relying = (): Promise<CommitOutcome> =>
      commit(at.store, [guard(), unchangedItem(at.store.tables, at.tenant, account.entity)], signal);
    expect(await relying()).toEqual({ kind: 'committed' });
    const { entities } = await done(account.when('earn', earn).decision());
    expect(await relying()).toEqual({ kind: 'stale', states: new Map([[account.id, entities[0].after]]) });
  });
});

describe('a lock', () => {
  const free: LockState = { token: '', fence: 1, expiresAt: 0 };
  const held = (token: string, fence = 1): LockState => ({ token, fence, expiresAt: startedAt + 1_000 });
  const take = (
    entity: { readonly id: string },
    before: LockState | undefined,
    after: LockState,
    ifMatch?: number,
  ): Promise<CommitOutcome> =>
    commit(
      at.store,
      [guard(), ...lockItems(at.store.tables, { tenant: at.tenant, entity, before, after, ifMatch })],
      signal,
    );

  test('is taken by one of two who saw none', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    expect(await take(account, undefined, held('one'))).toEqual({ kind: 'committed' });
    expect(await take(account, undefined, held('two'))).toMatchObject({ kind: 'stale' });
    expect(await read(account.id)).toEqual({ ...account.entity, lock: held('one') });
  });

  test('is given up once, though the fence stays', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    await take(account, undefined, held('one'));
    expect(await take(account, held('one'), free)).toEqual({ kind: 'committed' });
    expect(await take(account, held('one'), free)).toMatchObject({ kind: 'stale' });
  });

  test('is not taken by who saw it free before another one had it', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    await take(account, undefined, held('one'));
    await take(account, held('one'), { ...free, fence: 2 });
    expect(await take(account, free, held('two', 2))).toMatchObject({ kind: 'stale' });
    expect(await take(account, { ...free, fence: 2 }, held('two', 3))).toEqual({ kind: 'committed' });
  });

  test('is of the version that the caller saw, where that matters', async () => {
    const account = await created('point-accounts', { owner: 'ada' });
    expect(await take(account, undefined, held('one'), 2)).toMatchObject({ kind: 'stale' });
    expect(await take(account, undefined, held('one'), 1)).toEqual({ kind: 'committed' });
  });

  test('makes no entity', async () => {
    const { id } = begun('point-accounts', { owner: 'ada' });
    await expect(take({ id }, undefined, held('one'))).rejects.toThrow('lock: ConditionalCheckFailed');
    expect(await item(entityKey(at.tenant, id))).toBeUndefined();
  });
});

describe('a unique value', () => {
  const key = async (id: string): Promise<ItemKey> => {
    const hold = (await read(id))?.held?.['open_invite'];
    return uniqueKey(at.tenant, { constraint: 'open_invite', hash: hold?.hash ?? '' });
  };
  test('is taken by one of two, and is free when that one releases it', async () => {
    const first = await created('invites', invite);
    const second = another(begun('invites', invite).creation);
    expect(await send(second)).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'already_exists', members: { constraint: 'open_invite' } },
    });
    const place = await key(first.id);
    expect(await item(place)).toEqual({ ...place, entity: first.id });
    await done(first.when('revoke').decision());
    expect(await item(place)).toBeUndefined();
    await done(second);
  });

  test('goes from hand to hand in one transaction, and from its holder alone', async () => {
    const first = await created('invites', invite);
    const place = await key(first.id);
    const [given] = first.when('revoke').decision().entities;
    const second = another(begun('invites', invite).creation);
    const handed: Decision = { ...second, entities: [given, second.entities[0]] };
    await put(place, { entity: 'inv_other' });
    expect(await send(handed)).toMatchObject({ kind: 'rejected', rejection: { code: 'already_exists' } });
    expect(await item(place)).toMatchObject({ entity: 'inv_other' });
    await put(place, { entity: first.id });
    await done(handed);
    expect(await item(place)).toEqual({ ...place, entity: second.entities[0].after.id });
  });
});

test('of several unique values one is handed over, and the other one released', async () => {
  await created('articles', article);
  const first = await created('book-loans', { ...loan, shelf: 'A 3' });
  const [returned] = first.when('return', { input: {} }).decision().entities;
  const shelf = returned.released.find(({ constraint }) => constraint === 'shelf_free');
  const book = returned.released.find(({ constraint }) => constraint === 'book_lent');
  if (!shelf || !book) throw new Error('it holds both');
  const next = another(begun('book-loans', loan).creation);
  await done({ ...next, entities: [returned, next.entities[0]], unread: [], balances: [] });
  expect(await item(uniqueKey(at.tenant, shelf))).toBeUndefined();
  expect(await item(uniqueKey(at.tenant, book))).toMatchObject({ entity: next.entities[0].after.id });
});
