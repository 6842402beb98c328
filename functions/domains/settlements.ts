import { z } from 'zod';
import { defineDomain } from '../core/definition.ts';
import { count, currency, list, reference, text } from '../core/fields.ts';
import { move } from '../core/postings.ts';
import { bankOf, payableOf } from './accounts.ts';

const paymentsMax = 20;
const example = ['pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC'];

interface Payment {
  readonly payer: string;
  readonly amount: number;
  readonly refundedAmount: number;
}

const net = ({ amount, refundedAmount }: Payment): number => amount - refundedAmount;

/** Pays confirmed payments of one payee out, all of them in one transaction, or none. */
export const settlements = defineDomain({
  collection: 'settlements',
  type: 'settlement',
  idPrefix: 'stl',
  summary: 'Pays confirmed payments of one payee out, all of them in one transaction, or none.',
  states: ['draft', 'confirmed', 'paid', 'cancelled'],
  initial: 'draft',
  attributes: z.strictObject({
    payee: text('bookshop'),
    currency: currency(),
    paymentIds: list(reference('payments', 'pay'), 1, paymentsMax, example),
    total: count().optional(),
  }),
  create: {
    summary: 'Draft a settlement of payments',
    input: z.strictObject({
      payee: text('bookshop'),
      currency: currency(),
      paymentIds: list(reference('payments', 'pay'), 1, paymentsMax, example),
    }),
    set: ({ input }) => input,
  },
  transitions: {
    confirm: {
      summary: 'Settle all its payments',
      from: ['draft'],
      to: ['confirmed'],
      most: { moves: paymentsMax },
      moves: ({ entity: { paymentIds, payee, currency } }) =>
        paymentIds.map((id) => ({
          collection: 'payments',
          id,
          transition: 'settle',
          input: { payee, currency },
        })),
      moveRefused: {
        code: 'payment_not_settleable',
        detail: 'Some of the payments are not confirmed payments of this payee in this currency.',
      },
      set: ({ others }) => ({
        total: others.reduce((sum, { attributes }) => sum + net(attributes as unknown as Payment), 0),
      }),
      messages: [
        {
          topic: 'report',
          type: 'settlement.confirmed',
          payload: ({ id, after, others }) => ({
            title: `Settlement ${id} of ${after.payee}: ${after.total ?? 0} ${after.currency}`,
            columns: ['payment', 'payer', 'amount', 'refunded', 'net', 'currency'],
            rows: others.map((payment) => {
              const paid = payment.attributes as unknown as Payment;
              return [payment.id, paid.payer, paid.amount, paid.refundedAmount, net(paid), after.currency];
            }),
          }),
        },
      ],
    },
    pay: {
      summary: 'Send the money to the payee’s bank',
      role: 'payouts',
      from: ['confirmed'],
      to: ['paid'],
      postings: ({ entity }) => move(payableOf(entity), bankOf(entity), entity.total ?? 0),
      messages: [
        {
          topic: 'external-call',
          type: 'settlement.paid',
          payload: ({ id, entity: { payee, total, currency } }) => ({
            transfer: { settlement: id, payee, amount: total ?? 0, currency },
          }),
        },
      ],
    },
    cancel: { summary: 'Give the draft up', from: ['draft'], to: ['cancelled'] },
  },
});
