/** What a definition may do that none of the eight domains does, against the database. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createAudit } from '../../functions/audit/audit.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { integer, reference, text } from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { idOf, verdictOf } from '../support/answers.ts';
import { auditWhole, located } from '../support/audited.ts';
import { startBackend } from '../support/backend.ts';
import type { TestBackend } from '../support/backend.ts';
import { intercept } from '../support/sdk-faults.ts';

const outside = named('outside', 'world', 'coin');
const poor = named('poor', 'world', 'coin');

/** Emptied in one go by a definition that looks at how much there is. */
const purses = defineDomain({
  collection: 'purses',
  type: 'purse',
  idPrefix: 'prs',
  summary: 'Coins.',
  states: ['open', 'emptied'],
  attributes: { owner: text('ada') },
  accounts: {
    coins: { unit: 'coin', shown: true, floor: { minimum: 0, code: 'too_few', otherwise: 'Too few.' } },
  },
  create: { summary: 'Make one', input: { owner: text('ada') }, set: ({ input }) => input },
  transitions: {
    empty: {
      summary: 'Take all out',
      from: ['open'],
      to: ['emptied'],
      transfers: ({ relyOn }) => transfer(own('coins'), outside, relyOn('coins')),
    },
    spend: {
      summary: 'Spend some, and give one of them to the poor where there are two',
      from: ['open'],
      input: { coins: integer(1, 9, 2) },
      transfers: ({ input: { coins } }) => [
        transfer(own('coins'), outside, coins),
        coins > 1 ? transfer(outside, poor, 1) : [],
      ],
    },
  },
});

/** Puts coins into a purse without reading it. */
const gifts = defineDomain({
  collection: 'gifts',
  type: 'gift',
  idPrefix: 'gft',
  summary: 'Coins for a purse.',
  states: ['given'],
  attributes: { to: reference('purses', 'prs') },
  create: {
    summary: 'Give five',
    input: { to: reference('purses', 'prs') },
    set: ({ input }) => input,
    transfers: ({ input }) => transfer(outside, accountOf(purses, input.to, 'coins'), 5),
  },
  transitions: {},
});

/** Wears a tag that is unique, takes it off, and hands it to another. */
const guests = defineDomain({
  collection: 'guests',
  type: 'guest',
  idPrefix: 'gst',
  summary: 'Somebody with a tag, or without.',
  states: ['here'],
  attributes: { tag: text('T1').optional(), number: integer(1, 9, 1).optional() },
  unique: { tag_worn: { while: ['here'], of: ['tag'] } },
  create: {
    summary: 'Come in',
    input: { tag: text('T1').optional() },
    set: ({ input }) => input,
  },
  transitions: {
    undress: {
      summary: 'Take the tag off',
      from: ['here'],
      to: ['here'],
      set: () => ({ tag: undefined }),
    },
    'hand-over': {
      summary: 'Give the tag to another guest',
      from: ['here'],
      to: ['here'],
      input: { to: reference('guests', 'gst') },
      links: {
        other: {
          of: 'self',
          id: ({ input }) => input.to,
          transition: 'put-on',
          input: ({ entity }) => ({ tag: entity.tag ?? '' }),
        },
      },
      set: () => ({ tag: undefined }),
    },
    'put-on': {
      summary: 'Get a tag',
      internal: true,
      from: ['here'],
      to: ['here'],
      input: { tag: text('T1') },
      set: ({ input }) => ({ tag: input.tag }),
    },
  },
});

const domains = [purses, gifts, guests];
let api: TestBackend;
beforeEach(async () => {
  api = await startBackend({ domains });
});

const problems = async () => located((await auditWhole(createAudit(api.backend), 'acme')).problems);
const balanceOf = async (account: string) =>
  (await api.get(`/v1/balances/${account}`)).json['balance'] as number;

describe('an attribute that a command takes away', () => {
  it('is gone in the answer, in the database and for the audit, and its unique value is free', async () => {
    const first = `/v1/guests/${idOf(await api.post('/v1/guests', { tag: 'T1' }))}`;
    const second = `/v1/guests/${idOf(await api.post('/v1/guests', {}))}`;
    expect(verdictOf(await api.post('/v1/guests', { tag: 'T1' }))).toEqual([409, 'already_exists']);
    const undressed = await api.post(`${first}/undress`);
    expect(undressed.json).not.toHaveProperty('tag');
    expect((await api.get(first)).text).toBe(undressed.text);
    const third = `/v1/guests/${idOf(await api.post('/v1/guests', { tag: 'T1' }))}`;
    expect((await api.post(`${first}/undress`)).status).toBe(200);
    expect((await api.post(`${second}/undress`)).status).toBe(200);
    expect((await api.get(third)).json['tag']).toBe('T1');
    expect(await problems()).toEqual([]);
  });
});

describe('a unique value', () => {
  it('is handed from one entity to another in one transaction', async () => {
    const first = await api.post('/v1/guests', { tag: 'T1' });
    const second = await api.post('/v1/guests', {});
    const handed = await api.post(`/v1/guests/${idOf(first)}/hand-over`, { to: idOf(second) });
    expect([handed.status, handed.json['tag']]).toEqual([200, undefined]);
    expect((await api.get(`/v1/guests/${idOf(second)}`)).json['tag']).toBe('T1');
    expect(verdictOf(await api.post('/v1/guests', { tag: 'T1' }))).toEqual([409, 'already_exists']);
    expect(await problems()).toEqual([]);
  });
});

describe('several transfers of a command', () => {
  it('are a list, in which one may be nothing', async () => {
    const purse = idOf(await api.post('/v1/purses', { owner: 'ada' }));
    await api.post('/v1/gifts', { to: purse });
    const before = await balanceOf(poor.name);
    expect((await api.post(`/v1/purses/${purse}/spend`, { coins: 1 })).json).toMatchObject({ coins: 4 });
    expect(await balanceOf(poor.name)).toBe(before);
    expect((await api.post(`/v1/purses/${purse}/spend`, { coins: 3 })).json).toMatchObject({ coins: 1 });
    expect(await balanceOf(poor.name)).toBe(before + 1);
    expect(verdictOf(await api.post(`/v1/purses/${purse}/spend`, { coins: 2 }))).toEqual([409, 'too_few']);
    expect(await problems()).toEqual([]);
  });
});

describe('an account that a definition looks at', () => {
  it('is what it was seen to be when the command commits, though others move it without a version', async () => {
    const purse = idOf(await api.post('/v1/purses', { owner: 'ada' }));
    await api.post('/v1/gifts', { to: purse });
    const slow = await startBackend({ domains, tables: api.tables });
    let gifted = 0;
    intercept(slow.backend.store.client, {
      // Between the look at the purse and the commit, twice, another gift arrives.
      before: async ({ command }) => {
        if (command !== 'TransactWriteItemsCommand' || gifted === 2) return;
        gifted += 1;
        await api.post('/v1/gifts', { to: purse });
      },
    });
    const emptied = await slow.post(`/v1/purses/${purse}/empty`);
    expect(emptied.json).toMatchObject({ status: 'emptied', coins: 0 });
    expect((await api.get(`/v1/purses/${purse}`)).text).toBe(emptied.text);
    const { items } = (await api.get(`/v1/purses/${purse}/ledger`)).json as {
      items: { postings: { amount: number }[] }[];
    };
    expect(items.at(-1)?.postings.map(({ amount }) => amount)).toEqual([-15, 15]);
    expect(await problems()).toEqual([]);
  });
});
