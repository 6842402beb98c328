/** Crowdfunding: pledges of many until a moment that who asks for the money has chosen, and all of it or nothing then. */
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, later, moment, reference, text, title } from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';

const dayMs = 24 * 60 * 60 * 1000;
const asked = { title: title('A record'), goal: amount(1_000), endsAt: moment() };
const notYours = { not_yours: { actorIs: 'owner', otherwise: 'It is somebody else’s.' } } as const;

export const campaigns = defineDomain({
  collection: 'campaigns',
  type: 'campaign',
  idPrefix: 'cmp',
  summary: 'Money that is asked of many, until a moment.',
  states: ['open', 'funded', 'failed', 'paid-out'],
  attributes: { ...asked, owner: text('alice') },
  accounts: {
    pledged: {
      unit: 'EUR',
      shown: true,
      floor: { minimum: 0, code: 'too_little', otherwise: 'Less is pledged.' },
    },
  },
  deadlines: { end: { while: ['open'], at: 'endsAt' } },
  create: {
    summary: 'Ask for money',
    input: asked,
    example: { input: ({ now }) => ({ endsAt: later(now, { days: 30 }) }) },
    rules: {
      ends_too_soon: {
        holds: ({ input, now }) => Date.parse(input.endsAt) >= now + dayMs,
        otherwise: 'It has to be open for a day.',
      },
      ends_too_late: {
        holds: ({ input, now }) => Date.parse(input.endsAt) <= now + 60 * dayMs,
        otherwise: 'It may be open for 60 days.',
      },
    },
    set: ({ input, actor }) => ({ ...input, owner: actor }),
  },
  transitions: {
    prolong: {
      summary: 'Ask for a while longer',
      authorize: notYours,
      from: ['open'],
      input: { endsAt: moment() },
      example: { input: ({ entity }) => ({ endsAt: later(entity.endsAt, { days: 1 }) }) },
      rules: {
        not_later: {
          holds: ({ entity, input }) => Date.parse(input.endsAt) > Date.parse(entity.endsAt),
          otherwise: 'It ends later than that already.',
        },
      },
      set: ({ input }) => input,
    },
    end: {
      summary: 'Its time is over',
      internal: true,
      from: ['open'],
      to: ['funded', 'failed'],
      next: ({ entity, relyOn }) => (relyOn('pledged') >= entity.goal ? 'funded' : 'failed'),
    },
    'pay-out': {
      summary: 'Hand all of it over',
      authorize: notYours,
      from: ['funded'],
      to: ['paid-out'],
      transfers: ({ entity, relyOn }) =>
        transfer(own('pledged'), named('paid-out', entity.owner, 'EUR'), relyOn('pledged')),
    },
  },
});

const pledge = { campaign: reference('campaigns', 'cmp'), amount: amount(400) };
const paidBy = (who: string) => named('paid', who, 'EUR');

export const pledges = defineDomain({
  collection: 'pledges',
  type: 'pledge',
  idPrefix: 'plg',
  summary: 'What somebody gives to a campaign, and has back where it fails.',
  states: ['made', 'given-back'],
  attributes: { ...pledge, backer: text('alice') },
  create: {
    summary: 'Pledge',
    input: pledge,
    reads: {
      campaign: {
        of: campaigns,
        id: ({ input }) => input.campaign,
        guarded: true,
        rules: { not_open: { path: 'status', is: 'open', otherwise: 'It takes no pledges any more.' } },
      },
    },
    set: ({ input, actor }) => ({ ...input, backer: actor }),
    transfers: ({ input, actor }) =>
      transfer(paidBy(actor), accountOf(campaigns, input.campaign, 'pledged'), input.amount),
  },
  transitions: {
    'give-back': {
      summary: 'Have it back, as the campaign has failed',
      authorize: { not_yours: { actorIs: 'backer', otherwise: 'It is somebody else’s.' } },
      from: ['made'],
      to: ['given-back'],
      references: {
        campaign: {
          of: campaigns,
          id: ({ entity }) => entity.campaign,
          rules: { not_failed: { path: 'status', is: 'failed', otherwise: 'The campaign has not failed.' } },
        },
      },
      transfers: ({ entity }) =>
        transfer(accountOf(campaigns, entity.campaign, 'pledged'), paidBy(entity.backer), entity.amount),
    },
  },
});
