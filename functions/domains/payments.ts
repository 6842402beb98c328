import * as z from 'zod';
import { answers, reasonOf, textIn } from '../core/answers.ts';
import { defineDomain } from '../core/definition.ts';
import { amount, count, currency, remark, text } from '../core/fields.ts';
import { transfer } from '../core/postings.ts';
import { holdingOf, payableOf, payerOf } from './accounts.ts';

const provider = { receiver: 'payments', uncertain: 'inquire' } as const;
const asked = { payer: text('alice'), payee: text('bookshop'), amount: amount(), currency: currency() };

/** A refund's answer says which refund it is about. */
const ofRefund = {
  sent: z.object({ refund: z.object({ amount: z.int() }) }).meta({ examples: [{ refund: { amount: 250 } }] }),
};

/** A payment is confirmed and posted before the provider is called, and captured once the provider has said yes. */
const mustBeCaptured = {
  not_captured: { path: 'captured', is: true, otherwise: 'The provider has not taken the money yet.' },
} as const;

export const payments = defineDomain({
  collection: 'payments',
  version: 4,
  type: 'payment',
  idPrefix: 'pay',
  summary: 'A payer pays a payee; the money is held until a settlement pays it out.',
  states: ['pending', 'confirmed', 'declined', 'settled', 'cancelled', 'refunded'],
  attributes: {
    ...asked,
    refundedAmount: count(),
    providerReference: remark('What the provider calls the payment, once it has taken the money.'),
    declineReason: remark('Why the provider would not take the money.'),
    refundError: remark('Why the provider refused the last refund.'),
  },
  // What somebody paid, and what somebody is owed.
  statements: ['payer', 'holding'],
  // Everybody who pays a payee posts to one account.
  spread: { holding: 32 },
  listed: ['payer'],
  hidden: {
    /** The provider has taken the money. */
    captured: z.boolean(),
    /** Refunds that the provider has not answered. */
    openRefunds: count(),
  },
  create: {
    summary: 'Ask for a payment',
    input: asked,
    set: ({ input }) => ({ ...input, refundedAmount: 0, captured: false, openRefunds: 0 }),
  },
  transitions: {
    confirm: {
      summary: 'Take the money from the payer into the payee’s holding account',
      from: ['pending'],
      to: ['confirmed'],
      transfers: ({ entity }) => transfer(payerOf(entity), holdingOf(entity), entity.amount),
      messages: {
        topic: 'external-call',
        type: 'payment.capture',
        ...provider,
        done: 'captured',
        refused: 'decline',
        payload: ({ id, entity: { payer, payee, amount, currency } }) => ({
          capture: { payment: id, payer, payee, amount, currency },
        }),
      },
    },
    captured: {
      summary: 'The provider has taken the money',
      internal: true,
      from: ['confirmed'],
      // No answer is open there, since refund and settle want it first. The load check does not see rules: so they are listed.
      ignoredIn: ['refunded', 'settled'],
      input: answers.call.done,
      set: ({ input }) => ({
        captured: true,
        providerReference: textIn(input.body, 'providerReference', 'reference', 'id', 'received'),
      }),
      messages: {
        topic: 'notification',
        type: 'payment.receipt',
        payload: ({ id, entity }) => ({
          to: entity.payer,
          subject: `Receipt for payment ${id}`,
          text: `You paid ${entity.amount} ${entity.currency} (minor units) to ${entity.payee}.`,
        }),
      },
    },
    decline: {
      summary: 'The provider will not take the money: everything is posted back',
      internal: true,
      from: ['confirmed'],
      ignoredIn: ['refunded', 'settled'],
      to: ['declined'],
      input: answers.call.refused,
      set: ({ input }) => ({ declineReason: reasonOf(input) }),
      transfers: ({ entity }) => transfer(holdingOf(entity), payerOf(entity), entity.amount),
      messages: {
        topic: 'notification',
        type: 'payment.declined',
        payload: ({ id, entity }) => ({
          to: entity.payer,
          subject: `Payment ${id} was declined`,
          text: `Your payment of ${entity.amount} ${entity.currency} (minor units) to ${entity.payee} was not taken.`,
        }),
      },
    },
    cancel: { summary: 'Give up a payment that was not confirmed', from: ['pending'], to: ['cancelled'] },
    refund: {
      summary: 'Give a part or all of the money back',
      role: 'refunds',
      from: ['confirmed'],
      to: ['confirmed', 'refunded'],
      input: { amount: amount(250) },
      rules: {
        ...mustBeCaptured,
        refund_exceeds_payment: {
          path: 'refundedAmount',
          atMost: ({ entity, input }) => entity.amount - input.amount,
          otherwise: 'The refund is more than what is left of the payment.',
        },
      },
      next: ({ entity, input }) =>
        entity.refundedAmount + input.amount === entity.amount ? 'refunded' : 'confirmed',
      set: ({ entity, input }) => ({
        refundedAmount: entity.refundedAmount + input.amount,
        openRefunds: entity.openRefunds + 1,
      }),
      transfers: ({ entity, input }) => transfer(holdingOf(entity), payerOf(entity), input.amount),
      messages: {
        topic: 'external-call',
        type: 'payment.refund',
        ...provider,
        done: 'refund-done',
        refused: 'refund-refused',
        payload: ({ id, entity, input }) => ({
          refund: {
            payment: id,
            amount: input.amount,
            currency: entity.currency,
            ...(entity.providerReference !== undefined && { providerReference: entity.providerReference }),
          },
        }),
      },
    },
    'refund-done': {
      summary: 'The provider has given the money back',
      internal: true,
      from: ['confirmed', 'refunded'],
      ignoredIn: ['declined', 'settled'],
      input: answers.call.done.extend(ofRefund),
      set: ({ entity }) => ({ openRefunds: entity.openRefunds - 1, refundError: undefined }),
    },
    'refund-refused': {
      summary: 'The provider will not give the money back: it is posted forward again',
      internal: true,
      from: ['confirmed', 'refunded'],
      ignoredIn: ['declined', 'settled'],
      to: ['confirmed'],
      input: answers.call.refused.extend(ofRefund),
      set: ({ entity, input }) => ({
        refundedAmount: entity.refundedAmount - input.sent.refund.amount,
        openRefunds: entity.openRefunds - 1,
        refundError: reasonOf(input),
      }),
      transfers: ({ entity, input }) =>
        transfer(payerOf(entity), holdingOf(entity), input.sent.refund.amount),
    },
    settle: {
      summary: 'Pay the rest out, as part of a settlement',
      internal: true,
      from: ['confirmed'],
      to: ['settled'],
      input: { payee: text('bookshop'), currency: currency() },
      rules: {
        another_payee: {
          path: 'payee',
          is: ({ input }) => input.payee,
          otherwise: 'The payment is for somebody else.',
        },
        another_currency: {
          path: 'currency',
          is: ({ input }) => input.currency,
          otherwise: 'The payment is in another currency.',
        },
        ...mustBeCaptured,
        refund_unanswered: { path: 'openRefunds', is: 0, otherwise: 'A refund has not been answered yet.' },
      },
      transfers: ({ entity }) =>
        transfer(holdingOf(entity), payableOf(entity), entity.amount - entity.refundedAmount),
    },
  },
});
