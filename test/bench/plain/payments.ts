/**
 * Payments that write what the stock pattern's write: a confirm is an entity, a ledger entry, one message without an
 * answer, and the key's record. There are no accounts, so nothing is posted, and no lists or statements are kept.
 */
import { defineDomain } from '../../../functions/core/definition.ts';
import { amount, currency, text } from '../../../functions/core/fields.ts';

const asked = { payer: text('alice'), payee: text('bookshop'), amount: amount(), currency: currency() };

export const plainPayments = defineDomain({
  collection: 'payments',
  type: 'payment',
  idPrefix: 'pay',
  summary: 'A payment that is confirmed with one call.',
  states: ['pending', 'confirmed'],
  attributes: asked,
  create: { summary: 'Ask for a payment', input: asked },
  transitions: {
    confirm: {
      summary: 'Confirm it and call the provider',
      from: ['pending'],
      to: ['confirmed'],
      messages: {
        topic: 'external-call',
        type: 'payment.capture',
        payload: ({ id, entity }) => ({ payment: id, ...entity }),
      },
    },
  },
});
