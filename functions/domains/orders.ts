import { answers, reasonOf } from '../core/answers.ts';
import { defineDomain } from '../core/definition.ts';
import { amount, currency, integer, later, moment, reference, remark, text } from '../core/fields.ts';
import type { Values } from '../core/fields.ts';
import { accountOf, own, transfer } from '../core/postings.ts';
import { payerOf, takingsOf } from './accounts.ts';
import { showings } from './showings.ts';

const order = {
  showingId: reference('showings', 'shw'),
  places: integer(1, 10, 2),
  customer: text('ada'),
  amount: amount(),
  currency: currency(),
};
type Order = Values<typeof order>;

const placesOf = ({ showingId }: Pick<Order, 'showingId'>) => accountOf(showings, showingId, 'remaining');
const givePlacesBack = (entity: Order) => transfer(own('held'), placesOf(entity), entity.places);
const payerOfOrder = ({ customer: payer, currency }: Order) => payerOf({ payer, currency });
const giveMoneyBack = (entity: Order) => transfer(takingsOf(entity), payerOfOrder(entity), entity.amount);

type Sent = Readonly<{ id: string; entity: Order }>;
const provider = { receiver: 'payments', uncertain: 'inquire' } as const;
const refund = {
  topic: 'external-call',
  type: 'order.refund',
  sentIn: ['refunding'],
  ...provider,
  done: 'refunded',
  refused: 'refund-refused',
  payload: ({ id, entity: { amount, currency } }: Sent) => ({ refund: { order: id, amount, currency } }),
} as const;
const mail = (type: string, subject: string, ...sentIn: readonly string[]) =>
  ({
    topic: 'notification',
    type,
    sentIn,
    payload: ({ id, entity }: Sent) => ({
      to: entity.customer,
      subject: `${subject}: order ${id}`,
      text: `${entity.places} places, ${entity.amount} ${entity.currency} (minor units).`,
    }),
  }) as const;

export const orders = defineDomain({
  collection: 'orders',
  version: 3,
  type: 'order',
  idPrefix: 'ord',
  summary: 'A checkout: places of a showing, an outside charge, and a refund where it comes to nothing.',
  states: ['placed', 'paid', 'declined', 'cancelling', 'refunding', 'refund_failed', 'cancelled'],
  attributes: {
    ...order,
    answeredBy: moment(),
    declineReason: remark('Why the provider would not charge.'),
    refundError: remark('Why the provider would not refund.'),
  },
  accounts: { held: { unit: 'place' } },
  // Everybody who pays for a showing posts to one account.
  spread: { takings: 32 },
  listed: ['customer'],
  deadlines: { cancel: { while: ['placed'], at: 'answeredBy' } },
  create: {
    summary: 'Order places',
    input: order,
    set: ({ input, now }) => ({ ...input, answeredBy: later(now, { minutes: 15 }) }),
    references: {
      showing: {
        of: showings,
        id: ({ input }) => input.showingId,
        rules: {
          showing_closed: { path: 'status', is: 'open', otherwise: 'The showing takes no more orders.' },
        },
      },
    },
    transfers: ({ input }) => transfer(placesOf(input), own('held'), input.places),
    messages: {
      topic: 'external-call',
      type: 'order.charge',
      ...provider,
      done: 'charged',
      refused: 'decline',
      payload: ({ id, input }) => ({
        charge: { order: id, customer: input.customer, amount: input.amount, currency: input.currency },
      }),
    },
  },
  transitions: {
    charged: {
      summary: 'The provider has charged the customer',
      internal: true,
      from: ['placed', 'cancelling'],
      to: { placed: 'paid', cancelling: 'refunding' },
      input: answers.call.done,
      transfers: ({ entity }) => transfer(payerOfOrder(entity), takingsOf(entity), entity.amount),
      messages: [mail('order.paid', 'Paid', 'paid'), refund],
    },
    decline: {
      summary: 'The provider will not charge: the places are given back',
      internal: true,
      from: ['placed', 'cancelling'],
      to: { placed: 'declined', cancelling: 'cancelled' },
      input: answers.call.refused,
      set: ({ input }) => ({ declineReason: reasonOf(input) }),
      transfers: ({ entity }) => givePlacesBack(entity),
      messages: mail('order.ended', 'Not charged', 'declined', 'cancelled'),
    },
    cancel: {
      summary: 'Give it up: what was charged is refunded',
      from: ['placed', 'paid'],
      to: { placed: 'cancelling', paid: 'refunding' },
      messages: refund,
    },
    refunded: {
      summary: 'The provider has refunded: places and money are given back',
      internal: true,
      from: ['refunding'],
      to: ['cancelled'],
      input: answers.call.done,
      set: () => ({ refundError: undefined }),
      accountsAtMost: 3,
      transfers: ({ entity }) => [...giveMoneyBack(entity), ...givePlacesBack(entity)],
      messages: mail('order.refunded', 'Refunded', 'cancelled'),
    },
    'refund-refused': {
      summary: 'The provider will not refund: a person has to look at it',
      internal: true,
      from: ['refunding'],
      to: ['refund_failed'],
      input: answers.call.refused,
      set: ({ input }) => ({ refundError: reasonOf(input) }),
      messages: mail('order.refund-failed', 'The refund has to wait', 'refund_failed'),
    },
    'retry-refund': {
      summary: 'Ask for the refund again',
      from: ['refund_failed'],
      to: ['refunding'],
      messages: refund,
    },
  },
});
