/**
 * A decision and the database: what is written is what was decided, and each condition of a transaction wins its race. Each
 * test has a tenant of its own.
 */
import { randomUUID } from 'node:crypto';
import type { CancellationReason } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBClient,
  DynamoDBServiceException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Decision } from '../../functions/core/decision.ts';
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState, LockState } from '../../functions/core/entity.ts';
import { balanceRules } from '../../functions/core/movements.ts';
import type { BalanceChange } from '../../functions/core/movements.ts';
import { conflict } from '../../functions/core/rules.ts';
import type { Test } from '../../functions/core/rules.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { itemBalanceMax } from '../../functions/core/spread-accounts.ts';
import { domains } from '../../functions/domains/index.ts';
import { createDocumentClient } from '../../functions/store/client.ts';
import { readEntity, readLedger } from '../../functions/store/entities/reads.ts';
import {
  balanceKey,
  balancePlace,
  dueShardOf,
  entityKey,
  fixedKey,
  listPartitionOf,
  uniqueKey,
} from '../../functions/store/keys.ts';
import type { ItemKey } from '../../functions/store/keys.ts';
import { readMessage } from '../../functions/store/outbox/messages.ts';
import type { Store } from '../../functions/store/store.ts';
import { commit } from '../../functions/store/transaction/commit.ts';
import type { CommitOutcome } from '../../functions/store/transaction/commit.ts';
import type { IdempotencyItem } from '../../functions/store/transaction/idempotency-record.ts';
import type { Label, LabelledItem } from '../../functions/store/transaction/labelled-item.ts';
import { lockItem } from '../../functions/store/transaction/lock-items.ts';
import { putRecord } from '../../functions/store/transaction/put-record.ts';
import { readRecord } from '../../functions/store/transaction/read-record.ts';
import {
  recordGuard,
  transactionItems,
  unchangedItem,
} from '../../functions/store/transaction/transaction-items.ts';
import { createTables, deleteTables } from '../support/dynamodb.ts';
import { creating, given, startedAt } from '../support/given.ts';
import type { Given, Step } from '../support/given.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { intercept } from '../support/sdk-faults.ts';
import { loans } from '../support/toy-domain.ts';

const registry = registerDomains([...domains, loans]);
const of = (collection: string): Domain => registry.byCollection(collection);
const database = () => ({
  endpoint: inject('dynamodbEndpoint'),
  region: localRegion,
  credentials: localCredentials,
});
const anotherClient = (): Store['client'] => createDocumentClient({ ...database(), maxAttempts: 1 });
let creator: DynamoDBClient;
let store: Store;
let tenant: string;
const { signal } = new AbortController();
beforeAll(async () => {
  creator = new DynamoDBClient(database());
  store = { client: anotherClient(), tables: await createTables(creator, `commit-${randomUUID()}`) };
});
afterAll(async () => {
  await deleteTables(creator, store.tables);
  creator.destroy();
});
beforeEach(() => {
  tenant = `tenant ${randomUUID()}`;
});

interface Sending {
  readonly key?: string;
  /** Epoch ms. */
  readonly at?: number;
  readonly lockToken?: string;
  readonly attempt?: number;
  readonly through?: Store;
}

const recordUnder = (key: string): IdempotencyItem => ({
  pk: `${tenant}#${key}`,
  payloadHash: 'hash',
  expiresAt: startedAt / 1000 + 60,
  answer: { status: 200 },
  requestId: 'first',
});
const itemsOf = (decision: Decision, { at = startedAt, attempt = 1, lockToken }: Sending = {}) =>
  transactionItems(
    store.tables,
    { tenant, now: at, attempt, requestId: 'first', traceparent: 'trace', lockToken },
    decision,
  );
const guard = ({ key = randomUUID(), at = startedAt }: Sending = {}): LabelledItem =>
  recordGuard(store.tables.idempotency, recordUnder(key), at);
const send = (decision: Decision, sending: Sending = {}): Promise<CommitOutcome> =>
  commit(sending.through ?? store, [guard(sending), ...itemsOf(decision, sending)], signal);
async function done(decision: Decision, sending?: Sending): Promise<Decision> {
  expect(await send(decision, sending)).toEqual({ kind: 'committed' });
  return decision;
}

const read = (id: string): Promise<EntityState | undefined> => readEntity(store, tenant, id, signal);
async function item(key: ItemKey): Promise<Record<string, unknown> | undefined> {
  const { data } = store.tables;
  const command = new GetCommand({ TableName: data, Key: { ...key }, ConsistentRead: true });
  return (await store.client.send(command)).Item;
}
/** Behind the backend's back. */
const put = (key: ItemKey, more: object): Promise<unknown> =>
  store.client.send(new PutCommand({ TableName: store.tables.data, Item: { ...key, ...more } }));
const tamper = (
  id: string,
  update: string,
  values?: Record<string, unknown>,
  names?: Record<string, string>,
): Promise<unknown> =>
  store.client.send(
    new UpdateCommand({
      TableName: store.tables.data,
      Key: { ...entityKey(tenant, id) },
      UpdateExpression: update,
      ExpressionAttributeValues: values,
      ExpressionAttributeNames: names,
    }),
  );

interface Begun extends Given {
  readonly creation: Decision;
  readonly id: string;
}
/** An entity as a decision has it; nothing is written yet. */
function begun(collection: string, input: Record<string, unknown>, step?: Step): Begun {
  const creation = creating(registry, of(collection), input, step).decision();
  return {
    ...given(registry, of(collection), input, step),
    creation,
    id: creation.entities[0].after.id,
  };
}
async function created(collection: string, input: Record<string, unknown>, step?: Step): Promise<Begun> {
  const one = begun(collection, input, step);
  await done(one.creation);
  return one;
}

/** The same creation with another id. */
function another(decision: Decision): Decision {
  const [change] = decision.entities;
  const id = change.after.id.replace('2HC', '2HD');
  const after = { ...change.after, id };
  const taken = change.taken.map((hold) => ({ ...hold, entity: id }));
  return { ...decision, entities: [{ ...change, after, taken }], messages: [] };
}

const article = { slug: 'hello', title: 'Hello, world', body: 'It works.' };
const invite = { workspace: 'press', email: 'ada@example.com', role: 'editor' };
const showing = { title: 'Evening show', capacity: 2, seats: ['A1', 'A2'] };
const showingId = 'shw_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
const articleId = 'art_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
const order = { showingId, places: 1, customer: 'ada', amount: 9, currency: 'EUR' };
const refusal = { code: '402', reason: 'The receiver answered 402.' };
const loan = { book: 'Momo', member: 'alice', article: articleId };
const earn = { input: { amount: 5, reason: 'x' } };

describe('what is written is what was decided', () => {
  type History = readonly [collection: string, input: Record<string, unknown>, steps: [string, Step?][]];
  const histories: readonly History[] = [
    ['articles', article, [['publish'], ['keep-summary', { input: { text: 'Short.' } }], ['archive']]],
    ['showings', showing, [['close']]],
    ['point-accounts', { owner: 'ada' }, [['earn', earn], ['spend', earn], ['close']]],
    ['invites', invite, [['revoke']]],
    [
      'book-loans',
      { ...loan, shelf: 'A 3' },
      [
        ['lend'],
        ['renew', { later: 1 }],
        ['pay-out', { input: { amount: 100 } }],
        ['return', { input: { note: 'torn' } }],
      ],
    ],
    [
      'orders',
      order,
      [
        ['charged', { input: { status: 200 } }],
        ['cancel'],
        ['refund-refused', { input: refusal }],
        ['retry-refund'],
        ['refunded', { input: { status: 200 } }],
      ],
    ],
  ];

  test.each(histories)('%s', async (collection, input, steps) => {
    await created('articles', { ...article, slug: 'other' }).catch(() => undefined);
    if (collection === 'articles') tenant = `${tenant} alone`;
    if (collection === 'orders') await created('showings', { title: 'Evening show', capacity: 2 });
    let now: Given = begun(collection, input);
    let decision = begun(collection, input).creation;
    for (const [name, step] of [[undefined], ...steps] as const) {
      if (name !== undefined) {
        decision = now.when(name, step).decision();
        now = now.and(name, step);
      }
      await done(decision);
      const { after, entry } = decision.entities[0];
      expect(await read(after.id)).toEqual(after);
      const { entries } = await readLedger(store, tenant, after.id, { limit: 9 }, signal);
      expect(entries.at(-1)).toEqual(entry);
      const stored = await item(entityKey(tenant, after.id));
      expect(stored).toMatchObject({
        tenant,
        listPk: listPartitionOf(tenant, after),
        listSk: after.id,
        ...(after.due && { dueShard: dueShardOf(after.id) }),
      });
    }
  });

  test('a new entity has nothing that is empty: an item of a kilobyte costs half of one that is larger', async () => {
    const own = ['pk', 'sk', 'id', 'tenant', 'collection', 'status', 'version', 'createdAt', 'updatedAt'];
    const each = [...own, 'attributes', 'def', 'headHash', 'listPk', 'listSk'].sort();
    const account = await created('point-accounts', { owner: 'ada' });
    expect(Object.keys((await item(entityKey(tenant, account.id))) ?? {}).sort()).toEqual(
      [...each, 'balances', 'units'].sort(),
    );
    const text = await created('articles', article);
    expect(Object.keys((await item(entityKey(tenant, text.id))) ?? {}).sort()).toEqual(
      [...each, 'held'].sort(),
    );
    expect(await item(fixedKey(tenant, text.id))).toBeUndefined();
  });

  test('what never changes lies beside its entity, and nothing else does', async () => {
    const { id } = await created('showings', showing);
    expect(await item(fixedKey(tenant, id))).toEqual({
      ...fixedKey(tenant, id),
      attributes: { seats: showing.seats },
    });
    expect(await item(entityKey(tenant, id))).toMatchObject({
      attributes: { title: showing.title, capacity: 2 },
      fixed: ['seats'],
    });
  });

  test('of an older entity that knows no version of its definition nothing is made up', async () => {
    const { creation } = begun('articles', article);
    const [change] = creation.entities;
    const { definition, held, ...older } = change.after;
    await done({ ...creation, entities: [{ ...change, after: older, taken: [] }] });
    expect(await read(older.id)).toEqual(older);
    expect([definition, held]).not.toContain(undefined);
  });

  test('an update names what changed and nothing else', () => {
    const named = (decision: Decision): unknown => {
      const written = itemsOf(decision).find(({ label }) => label.purpose === 'entity');
      return Object.values(written?.item.Update?.ExpressionAttributeNames ?? {}).sort();
    };
    const always = ['attributes', 'expiresAt', 'headHash', 'lock', 'updatedAt', 'version'].sort();
    const approval = begun('approvals', { title: 'Leave', approvers: ['bob', 'carol'], quorum: 2 });
    const submitted = approval.and('submit');
    expect(named(submitted.when('approve', { actor: 'bob' }).decision())).toEqual(
      expect.arrayContaining(always),
    );
    const account = begun('point-accounts', { owner: 'ada' });
    expect(named(account.when('earn', earn).decision())).toEqual(
      ['balance', 'balances', 'expiresAt', 'headHash', 'issued', 'lock', 'updatedAt', 'version'].sort(),
    );
    expect(named(begun('articles', article).when('publish').decision())).toEqual(
      ['expiresAt', 'headHash', 'listPk', 'lock', 'status', 'updatedAt', 'version'].sort(),
    );
    expect(named(begun('invites', invite).when('revoke').decision())).toEqual(
      [
        ...[
          'dueAt',
          'dueShard',
          'expiresAt',
          'headHash',
          'held',
          'listPk',
          'lock',
          'status',
          'timerTransition',
        ],
        ...['timerWhile', 'updatedAt', 'version'],
      ].sort(),
    );
  });

  test('a message keeps what follows from its answers, and what happens where nobody knows', async () => {
    await created('showings', { title: 'Evening show', capacity: 2 });
    const { id, creation } = await created('orders', order);
    const message = (of: string, seq: number, n: number) =>
      readMessage(
        { client: store.client, table: store.tables.outbox, clock: { now: () => startedAt } },
        { tenant, id: `msg_${of}_${seq}_${n}` },
      );
    expect(await message(id, 1, 0)).toMatchObject({
      entity: id,
      collection: 'orders',
      type: 'order.charge',
      topic: 'external-call',
      status: 'pending',
      requestId: 'first',
      traceparent: 'trace',
      onUncertain: 'inquire',
      answers: { done: 'charged', refused: 'decline' },
    });
    expect(creation.messages).toHaveLength(1);
    const invited = await created('invites', invite);
    const mail = await message(invited.id, 1, 0);
    expect(mail).toMatchObject({ answers: { refused: 'bounce' } });
    expect(mail?.answers).not.toHaveProperty('done');
    expect(mail?.answers).not.toHaveProperty('dead');
    expect(mail).not.toHaveProperty('onUncertain');
    const text = await created('articles', article);
    await done(text.when('publish').decision());
    expect((await message(text.id, 2, 0))?.answers).toEqual({ done: 'keep-summary' });
    const paid = begun('orders', order)
      .when('charged', { input: { status: 200 } })
      .decision();
    const [receipt] = paid.messages;
    if (receipt === undefined) throw new Error('there is no receipt');
    await done({ ...paid, messages: [receipt, { ...receipt, n: 1, dead: 'cancel', uncertain: 'retry' }] });
    expect(await message(id, 2, 0)).not.toHaveProperty('answers');
    const last = await message(id, 2, 1);
    expect(last?.answers).toEqual({ dead: 'cancel' });
    expect(last).not.toHaveProperty('onUncertain');
  });
});

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
    expect(await readRecord(store, pk, startedAt, signal)).toEqual({ kind: 'none' });
    expect(await putRecord(store, recordUnder('k'), startedAt, signal)).toBeUndefined();
    expect(await readRecord(store, pk, startedAt + 59_999, signal)).toEqual({
      kind: 'found',
      record: recordUnder('k'),
    });
    expect(await readRecord(store, pk, startedAt + 60_000, signal)).toEqual({ kind: 'none' });
    expect(await putRecord(store, { ...recordUnder('k'), payloadHash: 'x' }, startedAt, signal)).toEqual(
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
    await put(fixedKey(tenant, id), { intruder: true });
    await expect(send(creation)).rejects.toThrow('fixed attributes: ConditionalCheckFailed');
    expect(await item(fixedKey(tenant, id))).toMatchObject({ intruder: true });
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
      commit(store, [guard(), unchangedItem(store.tables, tenant, account.entity)], signal);
    expect(await relying()).toEqual({ kind: 'committed' });
    const { entities } = await done(account.when('earn', earn).decision());
    expect(await relying()).toEqual({ kind: 'stale', states: new Map([[account.id, entities[0].after]]) });
  });
});

describe('a lock', () => {
  const free: LockState = { token: '', fence: 1, expiresAt: 0 };
  const held = (token: string, fence = 1): LockState => ({ token, fence, expiresAt: startedAt + 1_000 });
  const take = (
    { id }: { readonly id: string },
    before: LockState | undefined,
    after: LockState,
    ifMatch?: number,
  ): Promise<CommitOutcome> =>
    commit(store, [guard(), lockItem(store.tables, { tenant, id, before, after, ifMatch })], signal);

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
    expect(await item(entityKey(tenant, id))).toBeUndefined();
  });
});

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
    tenant = `${tenant} `;
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
    expect(await item(entityKey(tenant, showingId))).not.toHaveProperty('balances');
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
    tenant = `${tenant} `;
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
    const through = { ...store, client: anotherClient() };
    intercept(through.client, {
      before: async ({ command }) => {
        if (command !== 'UpdateItemCommand' && command !== 'UpdateCommand') return;
        const Key = { ...entityKey(tenant, showingId) };
        await store.client.send(new DeleteCommand({ TableName: store.tables.data, Key }));
      },
    });
    await expect(send(reserve().creation, { through })).rejects.toThrow();
    expect(await item(entityKey(tenant, showingId))).toBeUndefined();
  });

  test('that is older than its first account is left as it is when the time is over', async () => {
    await created('showings', hall);
    await tamper(showingId, 'REMOVE balances');
    const time = new AbortController();
    const through = { ...store, client: anotherClient() };
    intercept(through.client, {
      before: ({ command }) => {
        if (command.startsWith('Update')) time.abort();
      },
    });
    const items = [guard(), ...itemsOf(reserve().creation)];
    await expect(commit(through, items, time.signal)).rejects.toThrow();
    expect(await item(entityKey(tenant, showingId))).not.toHaveProperty('balances');
  });

  test('that has no account is not given one where nothing is posted to it', async () => {
    await created('articles', article);
    await tamper(articleId, 'SET attributes.title = :other', { ':other': 'Other' });
    expect(await refused(begun('book-loans', loan).creation)).toMatchObject({ kind: 'unprocessable' });
    expect(await item(entityKey(tenant, articleId))).not.toHaveProperty('balances');
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

describe('a unique value', () => {
  const key = async (id: string): Promise<ItemKey> => {
    const hold = (await read(id))?.held?.['open_invite'];
    return uniqueKey(tenant, { constraint: 'open_invite', hash: hold?.hash ?? '' });
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
  expect(await item(uniqueKey(tenant, shelf))).toBeUndefined();
  expect(await item(uniqueKey(tenant, book))).toMatchObject({ entity: next.entities[0].after.id });
});

describe('a named account', () => {
  const floor = { minimum: 0, code: 'short', otherwise: '' };
  const account = 'till:shop:EUR';
  const post = async (delta: number, more: Partial<BalanceChange> & { readonly isFree?: boolean } = {}) => {
    const { creation } = begun('articles', { ...article, slug: randomUUID() });
    const rules = balanceRules('balance', delta, more.isFree === true ? undefined : floor);
    const balance: BalanceChange = { account, unit: 'EUR', delta, items: 1, rules, ...more };
    const decision: Decision = { ...creation, entities: [] as never, balances: [balance] };
    const context = { tenant, now: startedAt, attempt: 1, requestId: 'first' };
    const items = transactionItems(store.tables, context, { ...decision, entities: creation.entities });
    const sent = await commit(
      store,
      items.filter(({ label }) => label.purpose === 'balance'),
      signal,
    );
    if (sent.kind !== 'rejected') return sent.kind;
    expect(Object.keys(sent.rejection).sort()).toEqual(['code', 'detail', 'kind']);
    return sent.rejection.code;
  };
  const balance = () => item(balanceKey(tenant, account));

  test('holds what was posted to it, down to its floor', async () => {
    expect(await post(-1)).toBe('short');
    expect(await balance()).toBeUndefined();
    expect(await post(5)).toBe('committed');
    expect(await post(-6)).toBe('short');
    expect(await post(-3)).toBe('committed');
    expect(await balance()).toEqual({ ...balanceKey(tenant, account), account, unit: 'EUR', balance: 2 });
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
    await put(balanceKey(tenant, account), { account, unit: 'EUR', balance: most - 1 });
    expect(await post(1)).toBe('committed');
    expect(await post(1)).toBe('balance_limit_exceeded');
    await put(balanceKey(tenant, account), { account, unit: 'EUR', balance: 1 - most });
    expect(await post(-1, { isFree: true })).toBe('committed');
    expect(await post(-1, { isFree: true })).toBe('balance_limit_exceeded');
  });

  test('that is spread is another item at each attempt', () => {
    const paid = begun('orders', order)
      .when('charged', { input: { status: 200 } })
      .decision();
    const [{ after, entry }] = paid.entities;
    const spread = paid.balances.find(({ items }) => items > 1);
    for (const attempt of [1, 2]) {
      const written = itemsOf(paid, { attempt }).find(
        ({ label }) => label.purpose === 'balance' && label.balance === spread,
      );
      const place = balancePlace(spread?.items ?? 1, { id: after.id, seq: entry.seq }, attempt);
      expect(written?.item.Update?.Key).toEqual(balanceKey(tenant, spread?.account ?? '', place));
    }
  });
});

describe('a cancellation', () => {
  interface Reason {
    readonly Code?: string;
    readonly Item?: Record<string, unknown>;
  }
  const none: Reason = { Code: 'None' };
  /** What is said of a transaction that the database refused for these reasons, one an item. */
  const said = (reasons: readonly Reason[] | undefined, attempts?: number): Promise<CommitOutcome> => {
    const client = anotherClient();
    intercept(client, {
      before: () => {
        throw new TransactionCanceledException({
          message: 'cancelled',
          $metadata: { httpStatusCode: 400, ...(attempts !== undefined && { attempts }) },
          ...(reasons && { CancellationReasons: reasons as CancellationReason[] }),
        });
      },
    });
    return send(begun('point-accounts', { owner: 'ada' }).creation, { through: { ...store, client } });
  };

  test('by a conflict tells whether a duplicate of the command is running', async () => {
    const conflict = { Code: 'TransactionConflict' };
    expect(await said([conflict, none, none])).toEqual({ kind: 'conflict', isKeyBusy: true });
    expect(await said([none, conflict, none])).toEqual({ kind: 'conflict', isKeyBusy: false });
    expect(await said([{}, conflict, {}])).toEqual({ kind: 'conflict', isKeyBusy: false });
    expect(await said(undefined)).toEqual({ kind: 'conflict', isKeyBusy: false });
  });

  test.each(['ProvisionedThroughputExceeded', 'ThrottlingError'])('by %s wrote nothing', async (Code) => {
    expect(await said([{ Code }, none, none])).toEqual({ kind: 'conflict', isKeyBusy: false });
  });

  test('of what was sent twice may have met its own first attempt', async () => {
    const conflict = [none, { Code: 'TransactionConflict' }, none];
    expect(await said(conflict, 1)).toMatchObject({ kind: 'conflict' });
    expect(await said(conflict, 2)).toEqual({ kind: 'unknown' });
    // Where it met that, it is told of it.
    const met = { Code: 'ConditionalCheckFailed', Item: { ...recordUnder('k') } };
    const duplicate = { kind: 'duplicate', record: recordUnder('k') };
    expect(await said([met, none, none], 2)).toEqual(duplicate);
    expect(await said([{ ...met, Item: marshall(met.Item) }, none, none], 2)).toEqual(duplicate);
  });

  test.each([
    [[{ Code: 'ValidationError' }, none, none], 'idempotency record: ValidationError'],
    [
      [none, none, { Code: 'ItemCollectionSizeLimitExceeded' }],
      'ledger entry: ItemCollectionSizeLimitExceeded',
    ],
    [
      [none, { Code: 'TransactionConflict' }, { Code: 'ConditionalCheckFailed' }],
      'ledger entry: ConditionalCheckFailed',
    ],
    [[{ Code: 'ConditionalCheckFailed' }, none, none], 'idempotency record: ConditionalCheckFailed'],
  ])('by %j is a defect', async (reasons, words) => {
    await expect(said(reasons)).rejects.toThrow(words);
  });

  const hold = { constraint: 'x', hash: 'x', entity: 'x' };
  test.each<Label>([
    ...(['redrive run', 'redrive list', 'operation', 'lock', 'unchanged entity'] as const).map((purpose) => ({
      purpose,
    })),
    { purpose: 'released value', hold },
    { purpose: 'message', topic: 'llm' },
  ])('by the condition of what nobody else can have written is a defect: $purpose', async (label) => {
    const { purpose } = label;
    const Put = {
      TableName: store.tables.data,
      Item: { pk: tenant, sk: purpose },
      ConditionExpression: 'attribute_exists(pk)',
    };
    const written: LabelledItem = { label, item: { Put } };
    await expect(commit(store, [written], signal)).rejects.toThrow(`${purpose}: ConditionalCheckFailed`);
  });

  test('by a message that ended, or has another answer, says so', async () => {
    const Update = {
      TableName: store.tables.outbox,
      Key: { pk: tenant, sk: 'x' },
      UpdateExpression: 'SET done = :done',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':done': true },
    };
    const end: LabelledItem = { label: { purpose: 'message end' }, item: { Update } };
    const account = await created('point-accounts', { owner: 'ada' });
    await done(account.when('earn', earn).decision());
    const late = itemsOf(account.when('earn', earn).decision());
    expect(await commit(store, [end, ...late], signal)).toEqual({ kind: 'ended' });
  });

  test('by the redrive run of the same match names it', async () => {
    await put({ pk: tenant, sk: 'match' }, { run: 'rdr_1' });
    const Put = {
      TableName: store.tables.data,
      Item: { pk: tenant, sk: 'match', run: 'rdr_2' },
      ConditionExpression: 'attribute_not_exists(pk)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
    const match: LabelledItem = { label: { purpose: 'redrive match' }, item: { Put } };
    expect(await commit(store, [match], signal)).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'redrive_running', members: { run: 'rdr_1' } },
    });
  });
});

describe('without an answer', () => {
  const failing = (error: Error): Store => {
    const client = anotherClient();
    intercept(client, {
      before: () => {
        throw error;
      },
    });
    return { ...store, client };
  };
  const gone = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  const wrong = new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    message: 'wrong',
    $metadata: { httpStatusCode: 400 },
  });
  const conflict = (...codes: readonly string[]) =>
    new TransactionCanceledException({
      message: 'cancelled',
      $metadata: { httpStatusCode: 400 },
      CancellationReasons: codes.map((Code) => ({ Code })),
    });

  test('a commit may have happened; a request that makes no sense has not', async () => {
    const { creation } = begun('point-accounts', { owner: 'ada' });
    expect(await send(creation, { through: failing(gone) })).toEqual({ kind: 'unknown' });
    await expect(send(creation, { through: failing(wrong) })).rejects.toBe(wrong);
  });

  test('a key’s record is not known; while a transaction is at it, it is busy', async () => {
    const look = (through: Store) => readRecord(through, 'pk', startedAt, signal);
    await expect(look(failing(gone))).rejects.toBe(gone);
    expect(await look(failing(conflict('TransactionConflict')))).toEqual({ kind: 'busy' });
    expect(await look(failing(conflict('None', 'TransactionConflict')))).toEqual({ kind: 'busy' });
    const short = conflict('ThrottlingError');
    await expect(look(failing(short))).rejects.toBe(short);
    await expect(putRecord(failing(gone), recordUnder('k'), startedAt, signal)).rejects.toBe(gone);
  });

  test('nothing is waited for after the deadline', async () => {
    const over = AbortSignal.abort();
    const { creation, id } = begun('point-accounts', { owner: 'ada' });
    expect(await commit(store, [guard(), ...itemsOf(creation)], over)).toEqual({ kind: 'unknown' });
    expect(await read(id)).toBeUndefined();
    await expect(readRecord(store, 'pk', startedAt, over)).rejects.toThrow();
    await expect(putRecord(store, recordUnder('k'), startedAt, over)).rejects.toThrow();
    expect(await readRecord(store, recordUnder('k').pk, startedAt, signal)).toEqual({ kind: 'none' });
  });

  test('who watches the calls is told of a transaction before it is sent', async () => {
    const { creation } = begun('point-accounts', { owner: 'ada' });
    const told: string[][] = [];
    const through: Store = {
      ...failing(gone),
      onTransaction: (items) => told.push(items.map(({ label }) => label.purpose)),
    };
    await send(creation, { through });
    expect(told).toEqual([['idempotency record', 'entity', 'ledger entry']]);
  });
});
