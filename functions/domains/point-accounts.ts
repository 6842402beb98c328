import { z } from 'zod';
import { defineDomain } from '../core/definition.ts';
import { amount, prose, reference, text } from '../core/fields.ts';
import { move, named, own } from '../core/postings.ts';
import { given, is, rule, sensible } from '../core/rules.ts';

const points = 'point';
/** Carries a transfer from one ledger to the other; within a transaction it nets to nothing. */
const inTransfer = named('transfer', 'points', points);
const booked = { amount: amount(100), reason: prose('Welcome') };

/** Points of one owner: earned, spent and passed on, never below zero. */
export const pointAccounts = defineDomain({
  collection: 'point-accounts',
  type: 'point-account',
  idPrefix: 'pts',
  summary: 'Points of one owner: earned, spent and passed on, never below zero.',
  states: ['active', 'closed'],
  initial: 'active',
  attributes: z.strictObject({ owner: text('ada') }),
  accounts: {
    balance: {
      unit: points,
      shown: true,
      floor: { minimum: 0, code: 'insufficient_balance', detail: 'There are not enough points.' },
    },
    issued: { unit: points },
    redeemed: { unit: points },
  },
  create: {
    summary: 'Open an account',
    input: z.strictObject({ owner: text('ada') }),
    set: ({ input }) => input,
  },
  transitions: {
    earn: {
      summary: 'Give points',
      role: 'issuer',
      from: ['active'],
      to: ['active'],
      input: z.strictObject(booked),
      postings: ({ input }) => move(own('issued'), own('balance'), input.amount),
    },
    spend: {
      summary: 'Take points',
      from: ['active'],
      to: ['active'],
      input: z.strictObject(booked),
      postings: ({ input }) => move(own('balance'), own('redeemed'), input.amount),
    },
    transfer: {
      summary: 'Pass points on to another account',
      from: ['active'],
      to: ['active'],
      input: z.strictObject({ to: reference('point-accounts', 'pts'), amount: amount(10) }),
      rules: ({ id, input, others }) => [
        sensible(given(input.to !== id), 'An account cannot transfer to itself.'),
        rule(
          'account_closed',
          given(others.every(({ status }) => status === 'active')),
          'The receiving account is closed.',
        ),
      ],
      reads: ({ to }) => [{ collection: 'point-accounts', id: to }],
      moves: ({ id, input }) => [
        {
          collection: 'point-accounts',
          id: input.to,
          transition: 'receive',
          input: { from: id, amount: input.amount },
        },
      ],
      postings: ({ input }) => move(own('balance'), inTransfer, input.amount),
    },
    receive: {
      summary: 'Take in what another account passes on',
      internal: true,
      from: ['active'],
      to: ['active'],
      input: z.strictObject({ from: reference('point-accounts', 'pts'), amount: amount(10) }),
      postings: ({ input }) => move(inTransfer, own('balance'), input.amount),
    },
    close: {
      summary: 'Close an empty account',
      from: ['active'],
      to: ['closed'],
      rules: () => [rule('balance_not_zero', is('balance', 0), 'The account still holds points.')],
    },
  },
});
