/** The walk of the conformance test finds its way through a definition's machine. */
import { expect, it } from 'vitest';
import { defineDomain } from '../../functions/core/definition.ts';
import type { Domain } from '../../functions/core/definition.ts';
import { amount, moment, reference, text } from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { startBackend } from '../support/backend.ts';
import { conformance } from '../support/conformance.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const day = 24 * 60 * 60 * 1000;

/** Where a return leads depends on the state it begins in, and only a function says so. */
const loans = defineDomain({
  collection: 'loans',
  type: 'loan',
  idPrefix: 'lon',
  summary: 'Something lent.',
  states: ['running', 'overdue', 'returned', 'fined'],
  attributes: { backBy: moment() },
  deadlines: { lapse: { while: ['running'], at: 'backBy' } },
  create: {
    summary: 'Lend it',
    input: {},
    set: ({ now }) => ({ backBy: new Date(now + day).toISOString() }),
  },
  transitions: {
    lapse: { summary: 'Time is over', internal: true, from: ['running'], to: ['overdue'] },
    return: {
      summary: 'Give it back',
      from: ['running', 'overdue'],
      to: ['returned', 'fined'],
      next: ({ entity }) => (entity.status === 'overdue' ? 'fined' : 'returned'),
    },
  },
});

async function walkOf(...domains: readonly Domain[]): Promise<Walk> {
  const clock = createTestClock();
  return new Walk(await startBackend({ domains, clock }), clock);
}

it('takes a transition from another state that led elsewhere from the first', async () => {
  const walk = await walkOf(loans);
  expect((await walk.reach(loans, 'fined')).status).toBe('fined');
  expect((await walk.reach(loans, 'returned')).status).toBe('returned');
});

/** Nothing happens by itself: what a transition comes to is a matter of when it is asked for. */
const tickets = defineDomain({
  collection: 'tickets',
  type: 'ticket',
  idPrefix: 'tkt',
  summary: 'Parking for an hour, and a fine after it.',
  states: ['parked', 'left', 'fined', 'cleared'],
  attributes: { paidUntil: moment(), finedAt: moment().optional() },
  create: {
    summary: 'Park',
    input: {},
    set: ({ now }) => ({ paidUntil: new Date(now + day / 24).toISOString() }),
  },
  transitions: {
    leave: {
      summary: 'Drive away',
      from: ['parked'],
      to: ['left', 'fined'],
      next: ({ entity, now }) => (now > Date.parse(entity.paidUntil) ? 'fined' : 'left'),
      set: ({ now }) => ({ finedAt: new Date(now).toISOString() }),
    },
    clear: {
      summary: 'Forget it after a week',
      from: ['fined'],
      to: ['cleared'],
      rules: {
        too_early: {
          holds: ({ entity, now }) => now - Date.parse(entity.finedAt ?? '') >= 7 * day,
          otherwise: 'A week has not passed.',
        },
      },
    },
  },
});

it('takes a transition at another time where it leads elsewhere now, or where a rule says that it is too early', async () => {
  const walk = await walkOf(tickets);
  expect((await walk.reach(tickets, 'fined')).status).toBe('fined');
  expect((await walk.reach(tickets, 'left')).status).toBe('left');
  expect((await walk.reach(tickets, 'cleared')).status).toBe('cleared');
});

const less = { minimum: 0, code: 'too_little', otherwise: 'There is less on it.' };
/** Only what a deposit books fills it. */
const wallets = defineDomain({
  collection: 'wallets',
  type: 'wallet',
  idPrefix: 'wlt',
  summary: 'Money of somebody.',
  states: ['open', 'emptied'],
  attributes: { owner: text('alice') },
  accounts: { money: { unit: 'EUR', shown: true, floor: less } },
  create: { summary: 'Open one', input: {}, set: ({ actor }) => ({ owner: actor }) },
  transitions: {
    load: {
      summary: 'A deposit is booked',
      internal: true,
      from: ['open'],
      to: ['open'],
      input: { amount: amount(400) },
      transfers: ({ input }) => transfer(named('cash', 'desk', 'EUR'), own('money'), input.amount),
    },
    empty: {
      summary: 'Take a thousand out',
      from: ['open'],
      to: ['emptied'],
      transfers: () => transfer(own('money'), named('cash', 'desk', 'EUR'), 1_000),
    },
  },
});

const deposits = defineDomain({
  collection: 'deposits',
  type: 'deposit',
  idPrefix: 'dep',
  summary: 'Money that is brought.',
  states: ['brought', 'booked'],
  attributes: { wallet: reference('wallets', 'wlt'), amount: amount(400) },
  create: {
    summary: 'Bring it',
    input: { wallet: reference('wallets', 'wlt'), amount: amount(400) },
    set: ({ input }) => input,
  },
  transitions: {
    book: {
      summary: 'Book it',
      from: ['brought'],
      to: ['booked'],
      links: {
        wallet: {
          of: wallets,
          id: ({ entity }) => entity.wallet,
          transition: 'load',
          input: ({ entity }) => ({ amount: entity.amount }),
        },
      },
    },
  },
});

const purchases = defineDomain({
  collection: 'purchases',
  type: 'purchase',
  idPrefix: 'pur',
  summary: 'What somebody buys with a wallet.',
  states: ['bought', 'insured'],
  attributes: { wallet: reference('wallets', 'wlt'), price: amount(600) },
  create: {
    summary: 'Buy',
    input: { wallet: reference('wallets', 'wlt'), price: amount(600) },
    set: ({ input }) => input,
    transfers: ({ input }) =>
      transfer(accountOf(wallets, input.wallet, 'money'), named('shop', 'main', 'EUR'), input.price),
  },
  transitions: {
    insure: {
      summary: 'Insure it for as much again',
      from: ['bought'],
      to: ['insured'],
      transfers: ({ entity }) =>
        transfer(accountOf(wallets, entity.wallet, 'money'), named('insurer', 'main', 'EUR'), entity.price),
    },
  },
});

it('has an account filled by what others bring about', async () => {
  const walk = await walkOf(wallets, deposits);
  expect((await walk.reach(wallets, 'emptied')).status).toBe('emptied');
});

it('has the account of another entity filled, from which a creation or a transition draws', async () => {
  const walk = await walkOf(wallets, deposits, purchases);
  expect((await walk.reach(purchases, 'insured')).status).toBe('insured');
});

/** A card that is declined leads back to where it was paid from: the first of two short ways goes round for ever. */
const fines = defineDomain({
  collection: 'fines',
  type: 'fine',
  idPrefix: 'fin',
  summary: 'A fine that is paid by card, or appealed.',
  states: ['open', 'paying', 'paid', 'appealed', 'dismissed'],
  attributes: { decidedBy: text('bob').optional() },
  create: { summary: 'Fine somebody', input: {} },
  transitions: {
    pay: {
      summary: 'Pay by card',
      from: ['open', 'dismissed'],
      to: ['paying'],
      messages: {
        topic: 'external-call',
        type: 'fine.charge',
        done: 'settle',
        refused: 'decline',
        payload: ({ id }) => ({ fine: id }),
      },
    },
    settle: { summary: 'It was charged', internal: true, from: ['paying'], to: ['paid'] },
    decline: {
      summary: 'It was declined',
      internal: true,
      from: ['paying'],
      to: ['open', 'dismissed'],
      next: ({ entity }) => (entity.decidedBy === undefined ? 'open' : 'dismissed'),
    },
    appeal: { summary: 'Appeal', from: ['open'], to: ['appealed'] },
    dismiss: {
      summary: 'Let it stand',
      from: ['appealed'],
      to: ['dismissed'],
      set: ({ actor }) => ({ decidedBy: actor }),
    },
  },
});

it('takes another way where the first one leads back to where it began', async () => {
  const walk = await walkOf(fines);
  expect((await walk.reach(fines, 'dismissed')).status).toBe('dismissed');
});

/** Its rule holds until it has been answered once. */
const complaints = defineDomain({
  collection: 'complaints',
  type: 'complaint',
  idPrefix: 'cpl',
  summary: 'A complaint that is answered once.',
  states: ['open', 'filed'],
  attributes: { answeredBy: text('bob').optional() },
  create: { summary: 'Begin', input: {} },
  transitions: {
    file: {
      summary: 'Hand it in',
      from: ['open'],
      to: ['filed'],
      rules: { answered_before: { path: 'answeredBy', missing: true, otherwise: 'It was answered.' } },
    },
    reject: {
      summary: 'Say no',
      from: ['filed'],
      to: ['open'],
      set: ({ actor }) => ({ answeredBy: actor }),
    },
  },
});

conformance(complaints, [complaints]);
