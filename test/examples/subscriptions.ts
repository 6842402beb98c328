/** Subscriptions: a charge each month, and where it is declined, two more tries before the end. */
import { z } from 'zod';
import { answers, reasonOf } from '../../functions/core/answers.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, currency, integer, later, moment, text } from '../../functions/core/fields.ts';
import type { Values } from '../../functions/core/fields.ts';
import { named, transfer } from '../../functions/core/postings.ts';

const triesMax = 3;
const plan = { price: amount(990), currency: currency() };
interface Sent {
  readonly id: string;
  readonly entity: Values<typeof plan> & { readonly customer: string };
}
const charge = {
  topic: 'external-call',
  type: 'subscription.charge',
  receiver: 'payments',
  uncertain: 'inquire',
  done: 'paid',
  refused: 'declined',
  payload: ({ id, entity }: Sent) => ({
    charge: { subscription: id, amount: entity.price, currency: entity.currency },
  }),
} as const;
const mail = (type: string, words: string, to?: string) =>
  ({
    topic: 'notification',
    type,
    payload: ({ id, entity }: Sent) => ({
      to: to ?? entity.customer,
      subject: `Subscription ${id}`,
      text: words,
    }),
  }) as const;
const authorize = { not_the_customer: { actorIs: 'customer', otherwise: 'Only the customer may.' } } as const;

export const subscriptions = defineDomain({
  collection: 'subscriptions',
  type: 'subscription',
  idPrefix: 'sub',
  summary: 'A charge each month, until the customer leaves or no longer pays.',
  states: ['active', 'charging', 'past_due', 'leaving', 'ended'],
  attributes: {
    ...plan,
    customer: text('alice'),
    startedAt: moment(),
    renewsAt: moment(),
    tries: integer(0, triesMax, 0),
    declineReason: z.string().optional(),
    retryAt: moment().optional(),
    chaseAt: moment().optional(),
  },
  deadlines: {
    renew: { while: ['active'], at: 'renewsAt', every: 'month', since: 'startedAt' },
    retry: { while: ['past_due'], at: 'retryAt' },
    chase: { while: ['charging'], at: 'chaseAt' },
    end: { while: ['leaving'], at: 'renewsAt' },
  },
  create: {
    summary: 'Subscribe; the first month is charged at once',
    input: plan,
    set: ({ input, actor, now }) => {
      const startedAt = later(now);
      return { ...input, customer: actor, startedAt, renewsAt: startedAt, tries: 0 };
    },
  },
  transitions: {
    renew: {
      summary: 'A month begins',
      internal: true,
      from: ['active'],
      to: ['charging'],
      set: ({ now }) => ({ chaseAt: later(now, { days: 1 }) }),
      messages: charge,
    },
    paid: {
      summary: 'The month is paid',
      internal: true,
      from: ['charging'],
      to: ['active'],
      input: answers.call.done,
      set: () => ({ tries: 0, declineReason: undefined, retryAt: undefined }),
      transfers: ({ entity: { customer, currency: unit, price } }) =>
        transfer(named('customer', customer, unit), named('takings', 'subscriptions', unit), price),
      messages: mail('subscription.paid', 'Your month is paid.'),
    },
    declined: {
      summary: 'The provider will not charge: again after three days, three times at most',
      internal: true,
      from: ['charging'],
      to: ['past_due', 'ended'],
      input: answers.call.refused,
      next: ({ entity }) => (entity.tries + 1 < triesMax ? 'past_due' : 'ended'),
      set: ({ entity, input, now }) => ({
        tries: entity.tries + 1,
        declineReason: reasonOf(input),
        retryAt: later(now, { days: 3 }),
      }),
      messages: mail('subscription.declined', 'Your card was declined.'),
    },
    chase: {
      summary: 'The provider has not answered for a day: billing is told',
      internal: true,
      from: ['charging'],
      set: () => ({ chaseAt: undefined }),
      messages: mail('subscription.unanswered', 'The provider does not answer.', 'billing'),
    },
    retry: {
      summary: 'Charge again, now',
      from: ['past_due'],
      to: ['charging'],
      authorize,
      set: ({ now }) => ({ chaseAt: later(now, { days: 1 }) }),
      messages: charge,
    },
    cancel: {
      summary: 'Leave: when the month is over, or at once where it is not paid',
      from: ['active', 'past_due'],
      to: { active: 'leaving', past_due: 'ended' },
      authorize,
    },
    resume: { summary: 'Stay', from: ['leaving'], to: ['active'], authorize },
    end: { summary: 'What was paid is over', internal: true, from: ['leaving'], to: ['ended'] },
  },
});
