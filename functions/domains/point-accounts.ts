import { defineDomain } from '../core/definition.ts';
import { amount, prose, reference, text } from '../core/fields.ts';
import { named, own, transfer } from '../core/postings.ts';

const points = 'point';
/** Carries a transfer from one ledger to the other; within a transaction it nets to nothing. */
const inTransfer = named('transfer', 'points', points);
const booked = { amount: amount(100), reason: prose('Welcome') };

export const pointAccounts = defineDomain({
  collection: 'point-accounts',
  version: 4,
  type: 'point-account',
  idPrefix: 'pts',
  summary: 'Points of one owner: earned, spent and passed on, never below zero.',
  states: ['active', 'closed'],
  attributes: { owner: text('ada') },
  accounts: {
    balance: {
      unit: points,
      shown: true,
      statement: true,
      floor: { minimum: 0, code: 'insufficient_balance', otherwise: 'There are not enough points.' },
      open: { while: ['active'], code: 'account_closed', otherwise: 'The account is closed.' },
    },
    issued: { unit: points },
    redeemed: { unit: points },
  },
  listed: ['owner'],
  create: { summary: 'Open an account', input: { owner: text('ada') } },
  transitions: {
    earn: {
      summary: 'Give points',
      role: 'issuer',
      from: ['active'],
      input: booked,
      transfers: ({ input }) => transfer(own('issued'), own('balance'), input.amount),
    },
    spend: {
      summary: 'Take points',
      from: ['active'],
      input: booked,
      transfers: ({ input }) => transfer(own('balance'), own('redeemed'), input.amount),
    },
    transfer: {
      summary: 'Pass points on to another account',
      from: ['active'],
      input: { to: reference('point-accounts', 'pts'), amount: amount(10) },
      rules: {
        to_itself: {
          kind: 'unprocessable',
          holds: ({ id, input }) => input.to !== id,
          otherwise: 'An account cannot transfer to itself.',
        },
      },
      links: {
        receiver: {
          of: 'self',
          id: ({ input }) => input.to,
          rules: {
            account_closed: { path: 'status', is: 'active', otherwise: 'The receiving account is closed.' },
          },
          transition: 'receive',
          input: ({ id, input }) => ({ from: id, amount: input.amount }),
        },
      },
      transfers: ({ input }) => transfer(own('balance'), inTransfer, input.amount),
    },
    receive: {
      summary: 'Take in what another account passes on',
      internal: true,
      from: ['active'],
      input: { from: reference('point-accounts', 'pts'), amount: amount(10) },
      transfers: ({ input }) => transfer(inTransfer, own('balance'), input.amount),
    },
    close: {
      summary: 'Close an empty account',
      from: ['active'],
      to: ['closed'],
      rules: {
        balance_not_zero: { path: 'balance', is: 0, otherwise: 'The account still holds points.' },
      },
    },
  },
});
