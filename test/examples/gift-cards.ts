/** Gift cards in any currency: bought, spent in parts, passed on to a card of the same currency, and expired. */
import { z } from 'zod';
import { defineDomain } from '../../functions/core/definition.ts';
import {
  amount,
  currency,
  email,
  later,
  moment,
  reference,
  secret,
  text,
} from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { fingerprint } from '../../functions/core/rules.ts';

const collection = 'gift-cards';
const code = secret(text('3q2-7wEFAAABAgMEBQYHCA'));
const shop = (role: string, unit: string) => named(role, 'shop', unit);

export const giftCards = defineDomain({
  collection,
  type: 'gift-card',
  idPrefix: 'gft',
  summary: 'A card with money on it, in the currency of who bought it.',
  states: ['active', 'expired'],
  attributes: { to: email(), currency: currency(), validUntil: moment() },
  hidden: { codeFingerprint: z.string() },
  accounts: {
    balance: {
      unit: { from: 'currency' },
      shown: true,
      statement: true,
      floor: { minimum: 0, code: 'card_short', otherwise: 'There is less on the card.' },
      open: { while: ['active'], code: 'card_expired', otherwise: 'The card has expired.' },
    },
  },
  deadlines: { expire: { while: ['active'], at: 'validUntil' } },
  create: {
    summary: 'Buy a card',
    input: { to: email(), amount: amount(5_000), currency: currency() },
    set: ({ input, now, random }) => ({
      to: input.to,
      currency: input.currency,
      validUntil: later(now, { years: 1 }),
      codeFingerprint: fingerprint(random),
    }),
    transfers: ({ input }) => transfer(shop('sold', input.currency), own('balance'), input.amount),
    messages: {
      topic: 'notification',
      type: 'gift-card.bought',
      sensitive: true,
      payload: ({ id, input, random }) => ({
        to: input.to,
        subject: `A gift of ${input.amount} ${input.currency} (minor units)`,
        text: `Spend the card ${id} with this code: ${random}`,
      }),
    },
  },
  transitions: {
    spend: {
      summary: 'Pay with it',
      from: ['active'],
      input: { amount: amount(1_250), code },
      rules: {
        wrong_code: {
          path: 'codeFingerprint',
          secret: ({ input }) => input.code,
          otherwise: 'This is not the code of the card.',
        },
      },
      transfers: ({ entity, input }) =>
        transfer(own('balance'), shop('spent', entity.currency), input.amount),
    },
    'pass-on': {
      summary: 'Move money to another card of the same currency',
      from: ['active'],
      input: { card: reference(collection, 'gft'), amount: amount(1_000), code },
      rules: {
        wrong_code: {
          path: 'codeFingerprint',
          secret: ({ input }) => input.code,
          otherwise: 'This is not the code of the card.',
        },
        to_itself: {
          kind: 'unprocessable',
          holds: ({ id, input }) => input.card !== id,
          otherwise: 'A card passes nothing on to itself.',
        },
      },
      transfers: ({ entity, input }) =>
        transfer(
          own('balance'),
          accountOf({ collection }, input.card, 'balance', entity.currency),
          input.amount,
        ),
    },
    expire: {
      summary: 'Its time is over: what is left falls to the shop',
      internal: true,
      from: ['active'],
      to: ['expired'],
      transfers: ({ entity, relyOn }) => {
        const left = relyOn('balance');
        return left > 0 ? transfer(own('balance'), shop('expired', entity.currency), left) : [];
      },
    },
  },
});
