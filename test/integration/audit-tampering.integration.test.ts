import { beforeAll, describe, expect, it } from 'vitest';
import type { Audit } from '../../functions/api/audit.ts';
import { createAudit } from '../../functions/audit/audit.ts';
import { articles } from '../../functions/domains/articles.ts';
import { invites } from '../../functions/domains/invites.ts';
import { payments } from '../../functions/domains/payments.ts';
import { sealed } from '../../functions/core/ledger.ts';
import { hashOfValues } from '../../functions/core/unique-holds.ts';
import { entryItem, ledgerEntry } from '../../functions/store/entities/items.ts';
import type { EntryItem } from '../../functions/store/entities/items.ts';
import { uniqueKey, entityKey } from '../../functions/store/keys.ts';
import { takeAnswer } from '../../functions/store/outbox/kept-answers.ts';
import type { OutboxAccess } from '../../functions/store/outbox/message-writes.ts';
import { message as limits } from '../../functions/runtime/limits.ts';
import { messageKey } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { auditWhole, located, payment, Tampered } from '../support/audited.ts';
import type { Item } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { createTestClock } from '../support/test-clock.ts';

// Each test has a tenant of its own. What looks wrong is read twice, with a pause between: the pauses overlap.
let api: TestBackend;
let audit: Audit;

// An audit looks into each list of each domain, so most tests have no more domains than they use.
const domains = [payments, invites, articles];

beforeAll(async () => {
  const started = await startBackend({ domains });
  audit = createAudit(started.backend);
  api = await startBackend({ domains, tables: started.tables, audit });
});

async function allFound(tampered: Tampered) {
  const { problems } = await auditWhole(audit, tampered.tenant);
  return located(problems);
}

/** The first problem: what the audit names. */
async function firstFound(tampered: Tampered) {
  return (await allFound(tampered))[0];
}

describe.concurrent('a ledger changed behind the API', () => {
  it('is located to the entry', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.refundedPayment();
    const names = ['data', 'hash', 'previousHash', 'postings'];
    for (const [index, name] of names.entries()) {
      const seq = index + 1;
      const original = await tampered.read(tampered.entry(id, seq));
      await tampered.write({ ...original, [name]: `${String(original[name])} ` });
      expect([name, await firstFound(tampered)]).toEqual([name, ['entry_changed', id, seq]]);
      await tampered.write(original);
    }
    expect(await allFound(tampered)).toEqual([]);
  });

  it('is located where the entry got a hash that fits', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.refundedPayment();
    for (let seq = 1; seq <= 4; seq += 1) {
      const key = tampered.entry(id, seq);
      const original = (await tampered.read(key)) as unknown as EntryItem;
      const forged = sealed(tampered.tenant, id, { ...ledgerEntry(original), actor: 'eve' });
      await tampered.write({ ...entryItem(key, forged) });
      const code = seq === 4 ? 'head_differs' : 'entry_changed';
      expect(await allFound(tampered)).toContainEqual([code, id, seq]);
      expect((await firstFound(tampered))?.[2]).toBe(seq);
      await tampered.write({ ...original });
    }
  });

  it('is located where an entry was removed', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.refundedPayment();
    for (let seq = 1; seq <= 4; seq += 1) {
      const original = await tampered.read(tampered.entry(id, seq));
      await tampered.remove(tampered.entry(id, seq));
      expect(await firstFound(tampered)).toEqual(['entry_missing', id, seq]);
      await tampered.write(original);
    }
  });

  it('is located where an entry was inserted', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.refundedPayment();
    const last = await tampered.read(tampered.entry(id, 4));
    await tampered.write({ ...last, ...tampered.entry(id, 5) });
    expect(await allFound(tampered)).toContainEqual(['entry_inserted', id, 5]);
    expect((await firstFound(tampered))?.[2]).toBe(5);
    await tampered.remove(tampered.entry(id, 5));

    const forged = sealed(tampered.tenant, id, {
      ...ledgerEntry(last as unknown as EntryItem),
      seq: 5,
      previousHash: String(last['hash']),
    });
    await tampered.write({ ...entryItem(tampered.entry(id, 5), forged) });
    expect(await firstFound(tampered)).toEqual(['entry_inserted', id, 5]);
    await tampered.remove(tampered.entry(id, 5));

    const strange = { ...tampered.entry(id, 2), sk: `${tampered.entry(id, 2).sk}a` };
    await tampered.write({ ...last, ...strange });
    expect(await firstFound(tampered)).toEqual(['entry_inserted', id]);
  });

  it('is located where entries were reordered', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.refundedPayment();
    const [third, fourth] = [
      await tampered.read(tampered.entry(id, 3)),
      await tampered.read(tampered.entry(id, 4)),
    ];
    await tampered.write({ ...fourth, ...tampered.entry(id, 3) });
    await tampered.write({ ...third, ...tampered.entry(id, 4) });
    expect((await allFound(tampered)).slice(0, 2)).toEqual([
      ['entry_moved', id, 3],
      ['entry_moved', id, 4],
    ]);
  });

  it('is located where an entry has no step of the machine or postings that do not sum to zero', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.create('payments', payment);
    const key = entityKey(tampered.tenant, id);
    const first = ledgerEntry((await tampered.read(tampered.entry(id, 1))) as unknown as EntryItem);
    const forged = sealed(tampered.tenant, id, {
      ...first,
      seq: 2,
      command: 'settle',
      from: 'pending',
      to: 'settled',
      data: {},
      changes: {},
      postings: [{ account: 'payable:eve:EUR', unit: 'EUR', amount: 1 }],
      previousHash: first.hash,
    });
    await tampered.write({ ...entryItem(tampered.entry(id, 2), forged) });
    await tampered.change(key, (item) => ({ ...item, status: 'settled', version: 2, headHash: forged.hash }));
    const found = await allFound(tampered);
    expect(found).toContainEqual(['path_broken', id, 2]);
    expect(found).toContainEqual(['postings_unbalanced', id, 2]);
  });
});

describe.concurrent('an entity changed behind the API', () => {
  const changes: Record<string, [(item: Item) => Item, string]> = {
    'an attribute': [
      (item) => ({ ...item, attributes: { ...(item['attributes'] as Item), amount: 1 } }),
      'entity_changed',
    ],
    'an attribute more': [
      (item) => ({ ...item, attributes: { ...(item['attributes'] as Item), more: 1 } }),
      'entity_changed',
    ],
    'no attributes': [(item) => ({ ...item, attributes: undefined }), 'entity_changed'],
    'its status': [(item) => ({ ...item, status: 'pending' }), 'entity_changed'],
    'its time': [(item) => ({ ...item, updatedAt: '2020-01-01T00:00:00.000Z' }), 'entity_changed'],
    'its creation': [(item) => ({ ...item, createdAt: '2020-01-01T00:00:00.000Z' }), 'entity_changed'],
    'its collection': [(item) => ({ ...item, collection: 'articles' }), 'entity_changed'],
    'its version': [(item) => ({ ...item, version: 'two' }), 'entity_changed'],
    'its head': [(item) => ({ ...item, headHash: '0' }), 'head_differs'],
    'what it holds': [(item) => ({ ...item, held: { a_value: { hash: 'h', while: [] } } }), 'entity_changed'],
    'its definition': [(item) => ({ ...item, def: 9 }), 'entity_changed'],
    'a timer it has not': [(item) => ({ ...item, dueAt: 1, dueShard: 'due#1' }), 'timer_differs'],
  };
  it.each(Object.entries(changes))('shows: %s', async (_name, [changed, code]) => {
    const tampered = new Tampered(api);
    const id = await tampered.refundedPayment();
    await tampered.change(entityKey(tampered.tenant, id), changed);
    expect((await firstFound(tampered))?.slice(0, 2)).toEqual([code, id]);
  });

  it('shows where it is gone, or hidden from the lists', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.refundedPayment();
    const key = entityKey(tampered.tenant, id);
    const item = await tampered.read(key);
    await tampered.write({ ...item, listPk: 'nowhere' });
    expect(await allFound(tampered)).toContainEqual(['entity_unlisted', id]);
    await tampered.remove(key);
    expect(await allFound(tampered)).toContainEqual(['entity_missing', id, 2]);
  });

  it('shows a timer that never rang', async () => {
    const own = createTestClock();
    const later = await startBackend({ domains, clock: own, tables: api.tables });
    const tampered = new Tampered(later);
    const invite = await tampered.create('invites', { workspace: 'w', email: 'a@example.com', role: 'r' });
    own.advance(15 * 24 * 60 * 60 * 1000);
    const { problems } = await auditWhole(createAudit(later.backend), tampered.tenant);
    expect(located(problems)).toContainEqual(['timer_overdue', invite]);
  });
});

describe.concurrent('unique values', () => {
  const slug = 'a-slug';
  const article = { slug, title: 'A title', body: 'A body.' };
  const claim = { constraint: 'article_slug', hash: hashOfValues([slug]) };

  it('are held by their entity', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.create('articles', article);
    const key = uniqueKey(tampered.tenant, claim);
    expect(await allFound(tampered)).toEqual([]);
    await tampered.write({ ...key, entity: 'art_01JD2X5T9ZK4M8Q7W6V5B3N2HC' });
    expect(await allFound(tampered)).toEqual([['claim_taken', id]]);
    await tampered.remove(key);
    expect(await allFound(tampered)).toEqual([['claim_missing', id]]);
  });

  it('are given back', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.create('invites', { workspace: 'w', email: 'A@example.com', role: 'r' });
    const hash = hashOfValues(['w', 'a@example.com']);
    const key = uniqueKey(tampered.tenant, { constraint: 'open_invite', hash });
    const item = await tampered.read(key);
    await tampered.post(`/v1/invites/${id}/revoke`);
    expect(await allFound(tampered)).toEqual([]);
    await tampered.write(item);
    expect(await allFound(tampered)).toEqual([['claim_not_released', id]]);
  });
});

describe.concurrent('messages', () => {
  /** Ends a message of which nothing follows. */
  const end = (outbox: OutboxAccess, message: MessageItem) => {
    const item = { ...message, answers: {} };
    const at = new Date(outbox.clock.now()).toISOString();
    return takeAnswer(outbox, item, {
      answer: { outcome: 'done', by: 'receiver:llm', at, result: '{}' },
      from: 'worker',
    });
  };
  const keyOf = (tampered: Tampered, id: string, seq: number, n: number) => {
    const key = messageKey({ tenant: tampered.tenant, id: `msg_${id}_${seq}_${n}` });
    if (!key) throw new Error('no such key');
    return key;
  };

  it('show where one is gone, changed, or was caused by nothing', async () => {
    const tampered = new Tampered(api);
    const id = await tampered.refundedPayment();
    const key = keyOf(tampered, id, 4, 0);
    const item = await tampered.read(key, 'outbox');
    await tampered.remove(key, 'outbox');
    expect(await allFound(tampered)).toEqual([['message_missing', id, 4]]);
    const payload = String(item['payload']);
    const others = [
      { topic: 'llm' },
      { type: 'another' },
      { payload: `${payload} ` },
      { payload: undefined },
    ];
    for (const other of others) {
      await tampered.write({ ...item, ...other }, 'outbox');
      expect(await allFound(tampered)).toEqual([['message_changed', id, 4]]);
    }
    await tampered.write(item, 'outbox');
    for (const seq of [1, 9]) {
      await tampered.write({ ...item, ...keyOf(tampered, id, seq, 0) }, 'outbox');
      expect(await allFound(tampered)).toEqual([['message_unexplained', id, seq]]);
      await tampered.remove(keyOf(tampered, id, seq, 0), 'outbox');
    }
  });

  it('may be gone when the time for which they are kept is over, and not before', async () => {
    const own = createTestClock();
    const later = await startBackend({ domains, clock: own, tables: api.tables });
    const tampered = new Tampered(later);
    const id = await tampered.create('articles', { slug: 'kept', title: 'A title', body: 'A body.' });
    await tampered.post(`/v1/articles/${id}/publish`);
    const outbox = { client: later.backend.store.client, table: later.tables.outbox, clock: own };
    const key = keyOf(tampered, id, 2, 0);
    await end(outbox, (await tampered.read(key, 'outbox')) as unknown as MessageItem);
    const shown = async (): Promise<unknown> =>
      (await later.get(`/v1/articles/${id}/messages`, { tenant: tampered.tenant })).json['items'];
    const ofLater = async () =>
      located((await auditWhole(createAudit(later.backend), tampered.tenant)).problems);
    own.advance(limits.keptMs - 60_000);
    expect(await shown()).toHaveLength(1);
    await tampered.remove(key, 'outbox');
    expect(await ofLater()).toEqual([['message_missing', id, 2]]);
    own.advance(120_000);
    expect(await ofLater()).toEqual([]);
  });

  it('are shown no more when that time is over, although they are there', async () => {
    const own = createTestClock();
    const later = await startBackend({ domains, clock: own, tables: api.tables });
    const tampered = new Tampered(later);
    const id = await tampered.create('articles', { slug: 'shown', title: 'A title', body: 'A body.' });
    await tampered.post(`/v1/articles/${id}/publish`);
    const outbox = { client: later.backend.store.client, table: later.tables.outbox, clock: own };
    const item = await tampered.read(keyOf(tampered, id, 2, 0), 'outbox');
    await end(outbox, item as unknown as MessageItem);
    own.advance(limits.keptMs + 1_000);
    const { json } = await later.get(`/v1/articles/${id}/messages`, { tenant: tampered.tenant });
    expect(json).toEqual({ items: [] });
  });

  it('show where one is neither done nor dead after an hour', async () => {
    const own = createTestClock();
    const later = await startBackend({ domains, clock: own, tables: api.tables });
    const tampered = new Tampered(later);
    const id = await tampered.refundedPayment();
    const key = keyOf(tampered, id, 4, 0);
    await tampered.change(
      keyOf(tampered, id, 3, 0),
      ({ openPk, ...item }) => ({
        ...item,
        status: 'done',
        closedPk: String(openPk).replace('open', 'done'),
      }),
      'outbox',
    );
    own.advance(61 * 60 * 1000);
    const found = async () => {
      const { problems } = await auditWhole(createAudit(later.backend), tampered.tenant);
      // Nobody reads the stream here, so statements are not written.
      return located(problems).filter(([code]) => code !== 'line_missing');
    };
    expect(await found()).toEqual([['message_stuck', id, 4]]);
    await tampered.change(key, (item) => ({ ...item, leaseUntil: own.now() }), 'outbox');
    expect(await found()).toEqual([]);
  });
});

describe.concurrent('balances', () => {
  it('show where a named one was changed, renamed or is gone', async () => {
    const tampered = new Tampered(api);
    await tampered.refundedPayment();
    const account = 'holding:shop:EUR';
    const item = await tampered.balance(account);
    const key = { pk: String(item['pk']), sk: String(item['sk']) };
    const accountsFound = async () =>
      (await auditWhole(audit, tampered.tenant)).problems.map((found) => [
        found.problem.split(':')[0],
        found.account,
      ]);
    await tampered.write({ ...item, balance: Number(item['balance']) + 1 });
    expect(await accountsFound()).toEqual([['balance_differs', account]]);
    await tampered.write({ ...item, unit: 'USD' });
    expect(await accountsFound()).toEqual([['balance_differs', account]]);
    await tampered.remove(key);
    expect(await accountsFound()).toEqual([['balance_differs', account]]);
    await tampered.write(item);
    expect(await accountsFound()).toEqual([]);
  });

  it('show where one on an entity was changed, without any postings too', async () => {
    const ofAll = await startBackend({ tables: api.tables });
    const tampered = new Tampered(ofAll);
    const auditAll = async () => (await auditWhole(createAudit(ofAll.backend), tampered.tenant)).problems;
    const id = await tampered.create('point-accounts', { owner: 'ada' });
    const showing = await tampered.create('showings', { title: 'A show', capacity: 5 });
    await tampered.create('reservations', { showingId: showing, customer: 'ada' });
    expect(await auditAll()).toEqual([]);
    await tampered.change(entityKey(tampered.tenant, id), (item) => ({
      ...item,
      balances: { ...(item['balances'] as Item), balance: 50 },
    }));
    await tampered.change(entityKey(tampered.tenant, showing), (item) => ({
      ...item,
      balances: { ...(item['balances'] as Item), remaining: 5 },
    }));
    expect((await auditAll()).map(({ entity, account }) => [entity, account]).sort()).toEqual(
      [
        [id, `${id}:balance`],
        [showing, `${showing}:remaining`],
      ].sort(),
    );
  });
});
