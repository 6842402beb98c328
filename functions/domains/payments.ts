import { z } from 'zod';
import { defineDomain } from '../core/definition.ts';
import { amount, count, currency, text } from '../core/fields.ts';
import { move } from '../core/postings.ts';
import { atMost, is, rule } from '../core/rules.ts';
import { holdingOf, payableOf, payerOf } from './accounts.ts';

/** A payer pays a payee; the money is held until a settlement pays it out. */
export const payments = defineDomain({
  collection: 'payments',
  type: 'payment',
  idPrefix: 'pay',
  summary: 'A payer pays a payee; the money is held until a settlement pays it out.',
  states: ['pending', 'confirmed', 'settled', 'cancelled', 'refunded'],
  initial: 'pending',
  attributes: z.strictObject({
    payer: text('alice'),
    payee: text('bookshop'),
    amount: amount(),
    currency: currency(),
    refundedAmount: count(),
  }),
  create: {
    summary: 'Ask for a payment',
    input: z.strictObject({
      payer: text('alice'),
      payee: text('bookshop'),
      amount: amount(),
      currency: currency(),
    }),
    set: ({ input }) => ({ ...input, refundedAmount: 0 }),
  },
  transitions: {
    confirm: {
      summary: 'Take the money from the payer into the payee’s holding account',
      from: ['pending'],
      to: ['confirmed'],
      postings: ({ entity }) => move(payerOf(entity), holdingOf(entity), entity.amount),
      messages: [
        {
          topic: 'notification',
          type: 'payment.receipt',
          payload: ({ id, entity }) => ({
            to: entity.payer,
            subject: `Receipt for payment ${id}`,
            text: `You paid ${entity.amount} ${entity.currency} (minor units) to ${entity.payee}.`,
          }),
        },
        {
          topic: 'external-call',
          type: 'payment.confirmed',
          payload: ({ id, entity: { payer, payee, amount, currency } }) => ({
            capture: { payment: id, payer, payee, amount, currency },
          }),
        },
      ],
    },
    cancel: { summary: 'Give up a payment that was not confirmed', from: ['pending'], to: ['cancelled'] },
    refund: {
      summary: 'Give a part or all of the money back',
      role: 'refunds',
      from: ['confirmed'],
      to: ['confirmed', 'refunded'],
      input: z.strictObject({ amount: amount(250) }),
      rules: ({ entity, input }) => [
        rule(
          'refund_exceeds_payment',
          atMost('refundedAmount', entity.amount - input.amount),
          'The refund is more than what is left of the payment.',
        ),
      ],
      next: ({ entity, input }) =>
        entity.refundedAmount + input.amount === entity.amount ? 'refunded' : 'confirmed',
      set: ({ entity, input }) => ({ refundedAmount: entity.refundedAmount + input.amount }),
      postings: ({ entity, input }) => move(holdingOf(entity), payerOf(entity), input.amount),
    },
    settle: {
      summary: 'Pay the rest out, as part of a settlement',
      internal: true,
      from: ['confirmed'],
      to: ['settled'],
      input: z.strictObject({ payee: text('bookshop'), currency: currency() }),
      rules: ({ input }) => [
        rule('another_payee', is('payee', input.payee), 'The payment is for somebody else.'),
        rule('another_currency', is('currency', input.currency), 'The payment is in another currency.'),
      ],
      postings: ({ entity }) =>
        move(holdingOf(entity), payableOf(entity), entity.amount - entity.refundedAmount),
    },
  },
});
