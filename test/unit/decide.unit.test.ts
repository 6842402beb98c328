import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { integer, list, text } from '../../functions/core/fields.ts';
import { genesisHash } from '../../functions/core/ledger.ts';
import { many } from '../../functions/core/others.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { registerDomains } from '../../functions/core/registry.ts';
import { domains } from '../../functions/domains/index.ts';
import { creating, given, outcomeOf, startedAt } from '../support/given.ts';
import { decide, decideAmong } from '../../functions/core/decide.ts';
import { auctions, bids, sellers } from '../examples/auctions.ts';

const registry = registerDomains(domains);
const [payments, points, approvals] = ['payments', 'point-accounts', 'approvals'].map((collection) =>
  registry.byCollection(collection),
) as [Domain, Domain, Domain];
const paymentInput = { payer: 'alice', payee: 'bookshop', amount: 1_000, currency: 'EUR' };
const payment = () => given(registry, payments, paymentInput);

describe('a creation', () => {
  it('given nothing, when it is created, then it has one entry that follows nothing', () => {
    const [change] = creating(registry, payments, paymentInput).decision().entities;
    expect(change.after).toMatchObject({ status: 'pending', version: 1, headHash: change.entry.hash });
    expect(change.before).toBeUndefined();
    expect(change.entry).toMatchObject({
      seq: 1,
      command: 'create',
      from: null,
      to: 'pending',
      actor: 'alice',
      at: new Date(startedAt).toISOString(),
      data: paymentInput,
      changes: { refundedAmount: 0, captured: false, openRefunds: 0 },
      postings: [],
      previousHash: genesisHash,
    });
  });

  it('given a new account, when its creation takes from it, then its floor refuses', () => {
    const overdrawn = defineDomain({
      ...base('tanks'),
      accounts: {
        oil: { unit: 'l', floor: { minimum: 0, code: 'empty', otherwise: '' } },
        spilt: { unit: 'l' },
      },
      create: {
        summary: '',
        input: { spill: z.int() },
        set: () => ({}),
        transfers: ({ input }) => transfer(own('oil'), own('spilt'), input.spill),
      },
      transitions: {},
    });
    const of = registerDomains([overdrawn]);
    expect(creating(of, overdrawn, { spill: 1 }).code()).toBe('empty');
    expect(creating(of, overdrawn, { spill: -1 }).code()).toBe('accepted');
  });

  it('given two requirements of one entity, when it is created, then both are asked', () => {
    const places = defineDomain({
      ...base('places'),
      accounts: { free: { unit: 'place' } },
      create: { summary: '', input: {}, set: () => ({}) },
      transitions: {},
    });
    const visits = defineDomain({
      ...base('visits'),
      accounts: { taken: { unit: 'place' } },
      create: {
        summary: '',
        input: {},
        set: () => ({}),
        references: {
          first: {
            of: places,
            id: () => 'x',
            rules: { one: { path: 'status', is: 'here', otherwise: '' } },
          },
          second: { of: places, id: () => 'x', rules: { two: { path: 'free', atMost: 3, otherwise: '' } } },
        },
        transfers: () => transfer(accountOf(places, 'x', 'free'), own('taken'), 1),
      },
      transitions: {},
    });
    const [unread, ...more] = creating(registerDomains([visits, places]), visits, {}).decision().unread;
    expect(more).toEqual([]);
    expect(unread?.rules.map(({ code }) => code)).toEqual(['one', 'two', 'balance_limit_exceeded']);
    expect(unread?.deltas).toEqual({ free: -1 });
  });
});

describe('a transition', () => {
  it('given a pending payment, when it is confirmed, then money moves and a call follows', () => {
    const { entities, balances, messages } = payment().when('confirm').decision();
    expect(entities[0].after).toMatchObject({ status: 'confirmed', version: 2 });
    expect(entities[0].entry.postings).toEqual([
      { account: 'payer:alice:EUR', unit: 'EUR', amount: -1_000 },
      { account: 'holding:bookshop:EUR', unit: 'EUR', amount: 1_000 },
    ]);
    expect(balances.map(({ account, delta }) => [account, delta])).toEqual([
      ['payer:alice:EUR', -1_000],
      ['holding:bookshop:EUR', 1_000],
    ]);
    expect(messages.map(({ topic, seq, n }) => [topic, seq, n])).toEqual([['external-call', 2, 0]]);
  });

  it('given a pending payment, when it is refunded, then it is told what is allowed instead', () => {
    const refusal = payment()
      .when('refund', { input: { amount: 1 } })
      .refused();
    expect(refusal).toMatchObject({
      code: 'transition_not_allowed',
      kind: 'conflict',
      members: { entityStatus: 'pending', allowedTransitions: ['confirm', 'cancel'] },
    });
  });

  it('given roles, then they are asked before the entity is looked at, and not of the backend itself', () => {
    const refund = { input: { amount: 1 }, ifMatch: 9 };
    expect(
      payment()
        .when('refund', { ...refund, roles: ['refund'] })
        .refused(),
    ).toMatchObject({
      code: 'role_missing',
      kind: 'forbidden',
      members: { role: 'refunds' },
    });
    expect(
      payment()
        .when('refund', { ...refund, roles: ['refunds'] })
        .code(),
    ).toBe('version_mismatch');
    expect(
      payment()
        .when('refund', { ...refund, roles: null })
        .code(),
    ).toBe('version_mismatch');
    const approval = given(registry, approvals, { title: 't', approvers: ['bob'], quorum: 1 });
    expect(approval.when('submit', { actor: 'system:timer', roles: null }).code()).toBe('accepted');
    expect(creating(registry, issuing, {}, { roles: [] }).code()).toBe('role_missing');
    expect(creating(registry, issuing, {}, { roles: ['press'] }).code()).toBe('accepted');
  });

  it('given people, then a creation looks for them in what is sent, and asks nobody where it is created along', () => {
    const { create } = issuing;
    const input = z.strictObject({ editor: text('alice'), readers: list(text('bob'), 0, 9, ['bob']) });
    const mine: Domain = {
      ...issuing,
      create: {
        ...create,
        role: 'press',
        input,
        authorize: {
          not_the_editor: { actorIs: 'editor', otherwise: 'Only the editor may.' },
          a_reader: { actorNotIn: 'readers', otherwise: 'A reader may not.' },
        },
      },
    };
    const issue = { of: mine, input: () => ({ editor: 'alice', readers: ['bob'] }) };
    const volumes: Domain = {
      ...engineBase('volumes'),
      create: { summary: '', input: z.strictObject({}), set: () => ({}), creates: { issue } },
      transitions: {},
    };
    const of = registerDomains([mine, volumes]);
    const who = (actor: string, roles: readonly string[] | null = ['press'], readers: string[] = []) =>
      creating(of, mine, { editor: 'alice', readers }, { actor, roles }).code();
    expect([who('alice'), who('bob'), who('alice', [])]).toEqual([
      'accepted',
      'not_the_editor',
      'role_missing',
    ]);
    expect(who('alice', ['press'], ['alice'])).toBe('a_reader');
    expect(who('system:timer', null)).toBe('accepted');
    expect(creating(of, volumes, {}, { actor: 'bob', roles: [] }).code()).toBe('accepted');
  });

  it('given people, then each word of authorize lets in whom it names', () => {
    const of = registerDomains([issuing]);
    const issue = given(of, issuing, {}, { roles: null });
    const who = (name: string, actor: string): string => issue.when(name, { actor }).code();
    expect([who('is', 'alice'), who('is', 'bob')]).toEqual(['accepted', 'one']);
    expect([who('is-one-of', 'carol'), who('is-one-of', 'bob')]).toEqual(['accepted', 'one']);
    expect([who('is-not', 'alice'), who('is-not', 'bob')]).toEqual(['two', 'accepted']);
    expect([who('in', 'bob'), who('in', 'alice')]).toEqual(['accepted', 'three']);
    expect([who('not-in', 'bob'), who('not-in', 'alice')]).toEqual(['four', 'accepted']);
    // The first that does not hold is told.
    expect([who('both', 'bob'), who('both', 'alice'), who('both', 'carol')]).toEqual([
      'accepted',
      'two',
      'three',
    ]);
  });

  it('given a clock behind the last entry, when it moves, then history does not turn around', () => {
    const { after, entry } = payment()
      .and('confirm')
      .and('captured', { input: { body: '' } })
      .when('refund', { input: { amount: 1 }, later: -5_000 })
      .decision().entities[0];
    expect(entry.at).toBe(new Date(startedAt).toISOString());
    expect(after.updatedAt).toBe(entry.at);
  });

  it('given a secret in the input, when it is used, then it is in no entry', () => {
    const invites = registry.byCollection('invites');
    const invite = given(registry, invites, { workspace: 'press', email: 'ada@example.com', role: 'editor' });
    const accepted = invite.when('accept', { input: { code: 'MDEyMzQ1Njc4OWFiY2RlZg' } }).decision();
    expect(accepted.entities[0].entry.data).toEqual({});
    expect(invite.when('accept', { input: { code: 'another' } }).code()).toBe('wrong_code');
  });

  it('given what is asked in the wrong order, then the earlier reason is heard', () => {
    const held = { lock: { token: 't', fence: 1, expiresAt: startedAt + 1 } };
    const locked = payment().but(held);
    // Lock before version, version before rights, rights before the state machine, that before rules.
    expect(locked.when('refund', { input: { amount: 1 }, ifMatch: 9 }).code()).toBe('locked');
    expect(
      payment()
        .when('refund', { input: { amount: 1 }, ifMatch: 9 })
        .code(),
    ).toBe('version_mismatch');
    const approval = given(registry, approvals, { title: 't', approvers: ['bob'], quorum: 1 });
    expect(approval.when('approve', { actor: 'eve', ifMatch: 9 }).code()).toBe('version_mismatch');
    expect(approval.when('approve', { actor: 'eve' }).code()).toBe('not_an_approver');
    expect(approval.when('approve', { actor: 'bob' }).code()).toBe('transition_not_allowed');
    expect(
      payment()
        .when('refund', { input: { amount: 5_000 } })
        .code(),
    ).toBe('transition_not_allowed');
  });

  it.each([
    ['none is asked for and none is held', undefined, undefined, 'accepted'],
    ['one is held and no token is shown', 1, undefined, 'locked'],
    ['one is held and its token is shown', 1, 't', 'accepted'],
    ['one is held and another token is shown', 1, 'x', 'lock_lost'],
    ['it has just run out and its token is shown', 0, 't', 'lock_lost'],
    ['it has just run out and no token is shown', 0, undefined, 'accepted'],
    ['none is held and a token is shown', undefined, 't', 'lock_lost'],
  ])('given a lock, when %s, then %#', (_case, leftMs, lockToken, code) => {
    const lock =
      leftMs === undefined ? {} : { lock: { token: 't', fence: 1, expiresAt: startedAt + leftMs } };
    expect(
      payment()
        .but(lock)
        .when('confirm', { ...(lockToken !== undefined && { lockToken }) })
        .code(),
    ).toBe(code);
  });
});

describe('a transition that moves others', () => {
  const to = 'pts_01JD2X5T9ZK4M8Q7W6V5B3N2HD';
  const giver = () =>
    given(registry, points, { owner: 'ada' }).and('earn', { input: { amount: 100, reason: 'hello' } });
  const taker = () => ({ ...given(registry, points, { owner: 'bob' }).entity, id: to });
  const transfer = { input: { to, amount: 100 } };

  it('given two accounts, when points pass, then both have an entry and nothing else is written', () => {
    const { entities, balances, unread } = giver().when('transfer', transfer, [taker()]).decision();
    expect(entities.map(({ after }) => [after.id, after.balances['balance'], after.version])).toEqual([
      [giver().entity.id, 0, 3],
      [to, 100, 2],
    ]);
    // What left one ledger arrived in the other, so the account between them has not moved.
    expect([balances, unread]).toEqual([[], []]);
  });

  it('given too little, when points pass, then the floor refuses', () => {
    const more = { input: { to, amount: 101 } };
    expect(giver().when('transfer', more, [taker()]).code()).toBe('insufficient_balance');
  });

  it('given nobody, somebody closed, or itself, when points pass, then it is refused', () => {
    expect(giver().when('transfer', transfer, [undefined]).refused()).toMatchObject({
      code: 'unprocessable',
      members: { collection: 'point-accounts', id: to },
    });
    expect(
      giver()
        .when('transfer', transfer, [{ ...taker(), status: 'closed' }])
        .code(),
    ).toBe('account_closed');
    const self = giver();
    const toSelf = { input: { to: self.entity.id, amount: 1 } };
    expect(self.when('transfer', toSelf, [self.entity]).code()).toBe('unprocessable');
  });

  it('given payments in the way, when a settlement is confirmed, then each is named', () => {
    const ids = ['D', 'E', 'F'].map((last) => `pay_01JD2X5T9ZK4M8Q7W6V5B3N2H${last}`);
    const settlement = given(registry, registry.byCollection('settlements'), {
      payee: 'bookshop',
      currency: 'EUR',
      paymentIds: ids,
    });
    const others = ids.map((id) => ({
      ...payment()
        .and('confirm')
        .and('captured', { input: { body: '' } }).entity,
      id,
    }));
    const [first, second, third] = others as [(typeof others)[0], (typeof others)[0], (typeof others)[0]];
    const pending = { ...second, status: 'pending' };
    expect(settlement.when('confirm', {}, [first, pending, undefined]).refused()).toMatchObject({
      code: 'payment_not_settleable',
      members: {
        inTheWay: [
          { id: second.id, code: 'transition_not_allowed' },
          { id: third.id, code: 'unprocessable' },
        ],
      },
    });
    const foreign = { ...first, attributes: { ...first.attributes, payee: 'somebody else' } };
    expect(settlement.when('confirm', {}, [foreign, second, third]).refused().members).toMatchObject({
      inTheWay: [{ id: first.id, code: 'another_payee' }],
    });
    const dollars = { ...first, attributes: { ...first.attributes, currency: 'USD' } };
    expect(settlement.when('confirm', {}, [dollars, second, third]).refused().members).toMatchObject({
      inTheWay: [{ id: first.id, code: 'another_currency' }],
    });
    // Somebody's lock ends, so it is no reason to refuse for good.
    const locked = { ...third, lock: { token: 't', fence: 1, expiresAt: startedAt + 1 } };
    expect(settlement.when('confirm', {}, [first, second, locked]).code()).toBe('locked');
    const { entities, balances } = settlement.when('confirm', {}, others).decision();
    expect(entities).toHaveLength(4);
    expect(balances.map(({ account, delta }) => [account, delta])).toEqual([
      ['holding:bookshop:EUR', -3_000],
      ['payable:bookshop:EUR', 3_000],
    ]);
  });
});

describe('a definition that does not keep what it said', () => {
  const loud = (over: Partial<Domain['transitions'][string]>): Domain => ({
    ...engineBase('bells'),
    create: { summary: '', input: z.strictObject({}), set: () => ({}) },
    transitions: { ring: { summary: '', from: ['here'], to: ['here'], ...over } },
  });
  const ring = (domain: Domain): unknown =>
    given(registerDomains([domain]), domain, {})
      .when('ring')
      .decision();
  const message = { topic: 'report', type: 'x', payload: () => [{}, {}] } as const;

  it.each([
    ['causes more messages', { messages: [message] }],
    [
      'takes more entities along',
      { links: { other: { of: 'self' as const, id: () => ['1', '2'], transition: 'ring' } } },
    ],
    [
      'creates more entities',
      { creates: { other: { of: many('self' as const, 1), input: () => [{}, {}] } } },
    ],
    [
      'creates one of what its creation does not take',
      { creates: { other: { of: 'self' as const, input: () => ({ x: 1 }) } } },
    ],
    [
      'touches more accounts',
      {
        transfers: () =>
          ['a', 'b'].flatMap((name) => transfer(named(name, 'x', 'c'), named(name, 'y', 'c'), 1)),
      },
    ],
    ['leads elsewhere', { next: () => 'elsewhere' }],
    ['posts what does not sum to zero', { transfers: () => [{ account: named('a', 'b', 'c'), amount: 1 }] }],
  ])('is a defect when it %s', (_case, over) => {
    expect(() => ring(loud(over))).toThrow();
  });

  it('is a defect when it changes what is fixed, and not when it sets it as it is', () => {
    const named = (tone: string): Domain => ({
      ...loud({ set: () => ({ tone }) }),
      attributes: z.strictObject({ tone: text('c') }),
      fixed: ['tone'],
      create: { summary: '', input: z.strictObject({}), set: () => ({ tone: 'c' }) },
    });
    expect(() => ring(named('d'))).toThrow(/"tone", which is fixed/);
    expect(ring(named('c'))).toMatchObject({ entities: [{ set: {}, after: { attributes: { tone: 'c' } } }] });
  });

  it('is a defect when it relies on an account that is spread', () => {
    const set = ({ relyOn }: { readonly relyOn: (account: string) => number }) => ({ n: relyOn('a') });
    const of = (spread?: number) => () =>
      ring({
        ...loud({ set }),
        attributes: z.strictObject({ n: integer(0, 9, 1).optional() }),
        accounts: { a: { unit: 'c', ...(spread !== undefined && { spread }) } },
      });
    expect(of()).not.toThrow();
    expect(of(4)).toThrow(/"a" is spread, and no command can rely on what it holds/);
  });

  it('is a defect when it posts to a spread account with a floor that no example shows', () => {
    const floor = { minimum: 0, code: 'short', otherwise: 'Short.' };
    const transfers = ({ id }: { readonly id: string }) =>
      id === '' ? [] : transfer(named('a', 'x', 'c'), named('wide', 'x', 'c', floor), 1);
    expect(() => ring(loud({ transfers }))).not.toThrow();
    expect(() => ring({ ...loud({ transfers }), spread: { wide: 4 } })).toThrow(/"wide:x:c" has a floor/);
  });

  it('is a defect when it is asked for a transition it does not have', () => {
    const { entity } = payment();
    const command = {
      tenant: 'acme',
      domain: payments,
      name: 'fly',
      id: entity.id,
      input: {},
      actor: 'a',
      now: 0,
      random: '',
      seed: '',
    };
    expect(() => outcomeOf(decideAmong(registry, command, () => entity))).toThrow(/fly/);
  });
});

describe('what a command creates', () => {
  const books = defineDomain({
    ...base('books'),
    unique: { book_title: { while: ['here'], of: ['title'] } },
    attributes: { title: text('Momo'), code: text('x') },
    create: {
      summary: '',
      role: 'librarian',
      input: { title: text('Momo') },
      set: ({ input, random }) => ({ title: input.title, code: random }),
      messages: [{ topic: 'external-call', type: 'book.new', payload: ({ id }) => ({ id }) }],
    },
    transitions: {},
  });
  const shelves = defineDomain({
    ...base('shelves'),
    attributes: { books: z.array(z.string()) },
    create: { summary: '', input: {}, set: () => ({ books: [] }) },
    transitions: {
      fill: {
        summary: '',
        from: ['here'],
        to: ['here'],
        input: { titles: z.array(z.string()) },
        creates: {
          books: {
            of: many(books, 9),
            input: ({ input }) => input.titles.map((title) => ({ title })),
          },
        },
        set: ({ created }) => ({ books: created.books.map(({ id }) => id) }),
      },
    },
  });
  const of = registerDomains([books, shelves]);
  const shelf = given(of, shelves, {});
  const filling = (titles: readonly string[], seed = 'seed', later = 0) => {
    const command = { tenant: 'acme', domain: shelves, name: 'fill', id: shelf.entity.id, input: { titles } };
    const drawn = { actor: 'alice', roles: [], now: startedAt + later, random: '', seed };
    return outcomeOf(decideAmong(of, { ...command, ...drawn }, () => shelf.entity));
  };

  it('is there with it: ids in the order of the inputs, entries, unique values and messages of its own', () => {
    const { entities, messages } = filling(['Momo', 'Emil', 'Ronja']).decision();
    const [filled, ...made] = entities;
    const ids = made.map(({ after }) => after.id);
    expect(filled.after.attributes).toEqual({ books: ids });
    expect([...ids].sort()).toEqual(ids);
    expect(made.map(({ after }) => after.attributes['title'])).toEqual(['Momo', 'Emil', 'Ronja']);
    expect(new Set(made.map(({ after }) => after.attributes['code'])).size).toBe(3);
    expect(made.map(({ entry: { seq, command, actor } }) => [seq, command, actor])).toEqual(
      ids.map(() => [1, 'create', 'alice']),
    );
    expect(made.flatMap(({ taken }) => taken.map(({ entity }) => entity))).toEqual(ids);
    expect(messages.map(({ entity, collection }) => [entity, collection])).toEqual(
      ids.map((id) => [id, 'books']),
    );
  });

  it('has the same bits at each attempt of a command, which differ from those of another', () => {
    const bitsOf = (seed: string, later: number) => {
      const { entities } = filling(['Momo', 'Emil'], seed, later).decision();
      return entities.slice(1).map(({ after: { id, attributes } }) => [id.slice(-16), attributes['code']]);
    };
    expect(bitsOf('a', 1_000)).toEqual(bitsOf('a', 0));
    for (const [index, bits] of bitsOf('b', 0).entries())
      for (const [n, bit] of bits.entries()) expect(bit).not.toBe(bitsOf('a', 0)[index]?.[n]);
  });

  it('cannot take one value twice', () => {
    expect(filling(['Momo', 'Momo']).code()).toBe('already_exists');
  });
});

describe('what a refusal rests on', () => {
  const of = registerDomains([sellers, auctions, bids]);
  const { entity } = given(of, auctions, {
    title: 'A press of 1911',
    seller: 'sel_01JD2X5T9ZK4M8Q7W6V5B3N2HC',
  });
  const bid = 'bid_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
  const beaten = {
    ...entity,
    id: 'bid_01JD2X5T9ZK4M8Q7W6V5B3N2HD',
    collection: 'bids',
    status: 'beaten',
    attributes: { amount: 100 },
  };
  const auction = {
    ...entity,
    id: bid.replace('bid', 'auc'),
    attributes: { ...entity.attributes, highest: 100, highestBid: beaten.id },
  };
  const bidding = (amount: number): readonly [code: string, looked: readonly string[]] => {
    const known = new Map([auction, beaten].map((each) => [each.id, each]));
    const input = { auction: auction.id, amount };
    const command = { tenant: '', domain: bids, name: 'create', id: bid, input, actor: 'bob' };
    const decided = decide(of, { ...command, now: startedAt, random: '', seed: '' }, known);
    return [outcomeOf(decided).code(), [...decided.looked]];
  };

  it('is what was looked at before it was decided, and nothing else that was read', () => {
    expect(bidding(100)).toEqual(['bid_too_low', [auction.id]]);
    expect(bidding(101)).toEqual(['transition_not_allowed', [auction.id, beaten.id]]);
  });
});

const here = { summary: '', from: ['here'], to: ['here'] } as const;
const issuing = defineDomain({
  ...base('issues'),
  attributes: { editor: z.string(), owner: z.string(), readers: z.array(z.string()) },
  create: {
    summary: '',
    role: 'press',
    input: {},
    set: () => ({ editor: 'alice', owner: 'carol', readers: ['bob'] }),
  },
  transitions: {
    is: { ...here, authorize: { one: { actorIs: 'editor', otherwise: '' } } },
    'is-one-of': { ...here, authorize: { one: { actorIs: ['editor', 'owner'], otherwise: '' } } },
    'is-not': { ...here, authorize: { two: { actorIsNot: 'editor', otherwise: '' } } },
    in: { ...here, authorize: { three: { actorIn: 'readers', otherwise: '' } } },
    'not-in': { ...here, authorize: { four: { actorNotIn: 'readers', otherwise: '' } } },
    both: {
      ...here,
      authorize: {
        two: { actorIsNot: 'editor', otherwise: '' },
        three: { actorIn: 'readers', otherwise: '' },
      },
    },
  },
});

function base(collection: string) {
  return {
    collection,
    type: collection,
    idPrefix: collection.slice(0, 3),
    summary: '',
    states: ['here'],
    attributes: {},
  } as const;
}

/** The same as the engine has it. */
const engineBase = (collection: string) => ({
  ...base(collection),
  ...{ initial: 'here', attributes: z.strictObject({}) },
});

describe('an account that is open in some states', () => {
  const open = { while: ['open'], code: 'shut', otherwise: 'It is shut.' };
  const step = (from: string, to: string): AnyTransition => ({
    ...{ summary: '', from: [from], to: [to] },
    transfers: () => transfer(named('till', 'shop', 'coin'), own('coins'), 1),
  });
  const boxes = (initial: string): Domain => ({
    ...{ collection: 'boxes', type: 'box', idPrefix: 'box', summary: '', initial },
    states: ['new', 'open', 'shut'],
    attributes: z.strictObject({}),
    accounts: { coins: { unit: 'coin', open } },
    create: {
      ...{ summary: '', input: z.strictObject({}), set: () => ({}) },
      transfers: () => transfer(named('till', 'shop', 'coin'), own('coins'), 1),
    },
    transitions: {
      begin: step('new', 'open'),
      fill: step('open', 'open'),
      end: step('open', 'shut'),
      rest: step('shut', 'shut'),
      renew: step('shut', 'new'),
    },
  });
  const id = 'box_01JD2X5T9ZK4M8Q7W6V5B3N2HC';
  const decided = (initial: string, name: string, status?: string): string => {
    const domain = boxes(initial);
    const command = {
      tenant: 'acme',
      domain,
      name,
      id,
      input: {},
      actor: 'alice',
      now: 0,
      random: '',
      seed: '',
    };
    const box = {
      ...{ id, collection: 'boxes', version: 1, createdAt: '1970-01-01T00:00:00.000Z' },
      ...{ updatedAt: '1970-01-01T00:00:00.000Z', attributes: {}, balances: {}, units: {}, headHash: '' },
    };
    const known = new Map(status === undefined ? [] : [[id, { ...box, status }]]);
    const said = decide(registerDomains([domain]), command, known);
    return said.kind === 'rejected' ? said.rejection.code : said.kind;
  };

  it('takes the postings of commands that begin or end in one of them, and of no other', () => {
    expect(decided('open', 'create')).toBe('accepted');
    expect(decided('new', 'create')).toBe('shut');
    expect(decided('new', 'begin', 'new')).toBe('accepted');
    expect(decided('new', 'fill', 'open')).toBe('accepted');
    expect(decided('new', 'end', 'open')).toBe('accepted');
    expect(decided('new', 'rest', 'shut')).toBe('shut');
    expect(decided('new', 'renew', 'shut')).toBe('shut');
  });
});

describe('an account whose unit an attribute says', () => {
  const till = (unit: string) => named('till', 'shop', unit);
  const purses: Domain = {
    ...{ collection: 'purses', type: 'purse', idPrefix: 'prs', summary: '', states: ['on'], initial: 'on' },
    attributes: z.strictObject({ currency: text('EUR') }),
    accounts: { money: { unit: { from: 'currency' } }, stamps: { unit: 'stamp' } },
    create: {
      summary: '',
      input: z.strictObject({ currency: text('EUR') }),
      set: ({ input }) => input as object,
    },
    transitions: {
      fill: {
        ...{ summary: '', from: ['on'], to: ['on'] },
        transfers: ({ entity }: { entity: { currency: string } }) =>
          transfer(till(entity.currency), own('money'), 1),
      },
      turn: { summary: '', from: ['on'], to: ['on'], set: () => ({ currency: 'USD' }) },
    },
  };
  const payments = (unit: string | undefined, key = 'money'): Domain => ({
    ...{ collection: 'gains', type: 'gain', idPrefix: 'gns', summary: '', states: ['on'], initial: 'on' },
    attributes: z.strictObject({}),
    create: {
      ...{ summary: '', input: z.strictObject({}), set: () => ({}) },
      transfers: () =>
        transfer(till('EUR'), accountOf(purses, 'prs_01JD2X5T9ZK4M8Q7W6V5B3N2HC', key, unit), 1),
    },
    transitions: {},
  });

  it('is begun and moved in that unit', () => {
    const purse = given(registerDomains([purses]), purses, { currency: 'JPY' });
    expect(purse.entity.units).toEqual({ money: 'JPY', stamps: 'stamp' });
    expect(
      purse
        .when('fill')
        .decision()
        .entities[0].entry.postings.map(({ unit }) => unit),
    ).toEqual(['JPY', 'JPY']);
  });

  it('is posted to from elsewhere in the unit that is named, and the database looks whether it is that one', () => {
    const [unread] = creating(registerDomains([purses, payments('EUR')]), payments('EUR'), {}).decision()
      .unread;
    expect(unread?.rules[0]).toMatchObject({
      code: 'unit_differs',
      test: { op: 'is', path: 'currency', value: 'EUR' },
    });
    expect(unread?.units).toEqual({ money: 'EUR' });
  });

  it('is a defect to post to without a unit, and so is a unit of another account that it is not kept in', () => {
    const of = (domain: Domain) => () => creating(registerDomains([purses, domain]), domain, {}).decision();
    expect(of(payments(undefined))).toThrow(
      '"money" of purses is kept in what "currency" says; name the unit',
    );
    expect(of(payments('EUR', 'stamps'))).toThrow('"stamps" of purses is kept in stamp, not in EUR');
  });

  it('keeps its attribute: to change it is a defect', () => {
    const purse = given(registerDomains([purses]), purses, { currency: 'JPY' });
    expect(() => purse.when('turn').decision()).toThrow(
      'it changes "currency", which says in what "money" is kept',
    );
  });
});
