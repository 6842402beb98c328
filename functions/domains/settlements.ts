import * as z from 'zod';
import { answers, reasonOf } from '../core/answers.ts';
import { defineDomain } from '../core/definition.ts';
import { count, currency, list, reference, remark, text } from '../core/fields.ts';
import { many } from '../core/others.ts';
import { transfer } from '../core/postings.ts';
import { bankOf, payableOf } from './accounts.ts';
import { payments } from './payments.ts';

const paymentsMax = 20;
const example = ['pay_01JD2X5T9ZK4M8Q7W6V5B3N2HC'];
const asked = {
  payee: text('bookshop'),
  currency: currency(),
  paymentIds: list(reference('payments', 'pay'), 1, paymentsMax, example),
};

interface Payment {
  readonly amount: number;
  readonly refundedAmount: number;
}

const net = ({ amount, refundedAmount }: Payment): number => amount - refundedAmount;
const totalOf = (payments: readonly Payment[]): number =>
  payments.reduce((sum, payment) => sum + net(payment), 0);

export const settlements = defineDomain({
  collection: 'settlements',
  type: 'settlement',
  idPrefix: 'stl',
  summary: 'Pays confirmed payments of one payee out, all of them in one transaction, or none.',
  states: ['draft', 'confirmed', 'paying', 'paid', 'cancelled'],
  attributes: {
    ...asked,
    total: count().optional(),
    statement: z
      .strictObject({ bucket: z.string(), key: z.string(), rows: z.int() })
      .optional()
      .meta({ description: 'Where the statement of its payments lies, once it is written.' }),
    payError: remark('Why the bank refused the last transfer.'),
  },
  always: { total: ['confirmed', 'paying', 'paid'] },
  create: { summary: 'Draft a settlement of payments', input: asked },
  transitions: {
    confirm: {
      summary: 'Settle all its payments',
      from: ['draft'],
      to: ['confirmed'],
      links: {
        payments: {
          of: many(payments, paymentsMax),
          id: ({ entity }) => entity.paymentIds,
          transition: 'settle',
          input: ({ entity: { payee, currency } }) => ({ payee, currency }),
          refused: {
            code: 'payment_not_settleable',
            otherwise:
              'Some of the payments are not confirmed and captured payments of this payee in this currency without an open refund.',
          },
        },
      },
      set: ({ others }) => ({ total: totalOf(others.payments) }),
      messages: {
        topic: 'report',
        type: 'settlement.confirmed',
        done: 'keep-statement',
        payload: ({ id, after, others }) => ({
          title: `Settlement ${id} of ${after.payee}: ${totalOf(others.payments)} ${after.currency}`,
          columns: ['payment', 'payer', 'amount', 'refunded', 'net', 'currency'],
          rows: others.payments.map((paid) => [
            ...[paid.id, paid.payer, paid.amount, paid.refundedAmount],
            ...[net(paid), after.currency],
          ]),
        }),
      },
    },
    'keep-statement': {
      summary: 'The statement is written',
      internal: true,
      from: ['confirmed', 'paying', 'paid'],
      input: answers.report.done,
      set: ({ input: { bucket, key, rows } }) => ({ statement: { bucket, key, rows } }),
    },
    pay: {
      summary: 'Send the money to the payee’s bank',
      role: 'payouts',
      from: ['confirmed'],
      to: ['paying'],
      set: () => ({ payError: undefined }),
      messages: {
        topic: 'external-call',
        type: 'settlement.transfer',
        receiver: 'bank',
        uncertain: 'inquire',
        done: 'paid',
        refused: 'rejected',
        payload: ({ id, entity: { payee, total, currency } }) => ({
          transfer: { settlement: id, payee, amount: total, currency },
        }),
      },
    },
    paid: {
      summary: 'The bank has paid',
      internal: true,
      from: ['paying'],
      to: ['paid'],
      input: answers.call.done,
      transfers: ({ entity }) => transfer(payableOf(entity), bankOf(entity), entity.total),
    },
    rejected: {
      summary: 'The bank will not pay: it may be tried again',
      internal: true,
      from: ['paying'],
      to: ['confirmed'],
      input: answers.call.refused,
      set: ({ input }) => ({ payError: reasonOf(input) }),
    },
    cancel: { summary: 'Give the draft up', from: ['draft'], to: ['cancelled'] },
  },
});
