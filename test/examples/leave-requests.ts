/** Leave: days of an allowance, agreed to by a manager, and a long one by a second person who is not the first. */
import { defineDomain } from '../../functions/core/definition.ts';
import { integer, prose, reference, text } from '../../functions/core/fields.ts';
import { accountOf, own, transfer } from '../../functions/core/postings.ts';

const daysOfOne = 5;

export const allowances = defineDomain({
  collection: 'leave-allowances',
  type: 'leave-allowance',
  idPrefix: 'alw',
  summary: 'The days that somebody may be away.',
  states: ['open'],
  attributes: { owner: text('alice') },
  accounts: {
    days: {
      unit: 'day',
      shown: true,
      floor: { minimum: 0, code: 'not_enough_days', otherwise: 'The allowance has fewer days.' },
    },
    granted: { unit: 'day' },
  },
  create: {
    summary: 'Grant days',
    role: 'hr',
    input: { owner: text('alice'), days: integer(1, 60, 30) },
    set: ({ input }) => ({ owner: input.owner }),
    transfers: ({ input }) => transfer(own('granted'), own('days'), input.days),
  },
  transitions: {
    grant: {
      summary: 'Grant more days',
      role: 'hr',
      from: ['open'],
      input: { days: integer(1, 60, 5) },
      transfers: ({ input }) => transfer(own('granted'), own('days'), input.days),
    },
  },
});

const request = {
  allowance: reference('leave-allowances', 'alw'),
  days: integer(1, 30, 7),
  reason: prose('A wedding.'),
};
const daysOf = (id: string) => accountOf(allowances, id, 'days');
const giveBack = ({ entity }: { readonly entity: { readonly allowance: string; readonly days: number } }) =>
  transfer(own('taken'), daysOf(entity.allowance), entity.days);
const notOwn = {
  own_request: { actorIsNot: 'employee', otherwise: 'Nobody decides on their own.' },
} as const;

export const leaveRequests = defineDomain({
  collection: 'leave-requests',
  type: 'leave-request',
  idPrefix: 'lvr',
  summary: 'Days away, which others have to agree to.',
  states: ['asked', 'endorsed', 'approved', 'rejected', 'cancelled'],
  attributes: {
    ...request,
    employee: text('alice'),
    endorsedBy: text('bob').optional(),
    approvedBy: text('carol').optional(),
  },
  accounts: { taken: { unit: 'day' } },
  create: {
    summary: 'Ask for days',
    input: request,
    set: ({ input, actor }) => ({ ...input, employee: actor }),
    references: {
      allowance: {
        of: allowances,
        id: ({ input }) => input.allowance,
        rules: {
          not_your_allowance: {
            path: 'owner',
            is: ({ actor }) => actor,
            otherwise: 'It is somebody else’s.',
          },
        },
      },
    },
    transfers: ({ input }) => transfer(daysOf(input.allowance), own('taken'), input.days),
  },
  transitions: {
    endorse: {
      summary: 'Agree: enough for a short leave, the first of two for a long one',
      role: 'manager',
      authorize: notOwn,
      from: ['asked'],
      to: ['endorsed', 'approved'],
      next: ({ entity }) => (entity.days > daysOfOne ? 'endorsed' : 'approved'),
      set: ({ actor }) => ({ endorsedBy: actor }),
    },
    approve: {
      summary: 'Agree as the second person',
      role: 'manager',
      authorize: {
        ...notOwn,
        same_person: { actorIsNot: 'endorsedBy', otherwise: 'Who has endorsed it cannot approve it too.' },
      },
      from: ['endorsed'],
      to: ['approved'],
      set: ({ actor }) => ({ approvedBy: actor }),
    },
    reject: {
      summary: 'Say no: the days are given back',
      role: 'manager',
      authorize: notOwn,
      from: ['asked', 'endorsed'],
      to: ['rejected'],
      transfers: giveBack,
    },
    cancel: {
      summary: 'Stay: the days are given back',
      authorize: { not_yours: { actorIs: 'employee', otherwise: 'Only who has asked for it may.' } },
      from: ['asked', 'endorsed', 'approved'],
      to: ['cancelled'],
      transfers: giveBack,
    },
  },
});
