/**
 * The conformance tests of a goal that many reach together: each may have one share, and it would take more examples of a
 * share than anybody makes. And a moment may only be put off, which an earlier one shows.
 */
import { defineDomain } from '../../functions/core/definition.ts';
import { count, integer, later, moment, reference, text } from '../../functions/core/fields.ts';
import { accountOf, named, transfer } from '../../functions/core/postings.ts';
import { conformance } from '../support/conformance.ts';

const groupBuys = defineDomain({
  collection: 'group-buys',
  type: 'group-buy',
  idPrefix: 'gbu',
  summary: 'Coffee that is ordered once enough is wanted.',
  states: ['open', 'ordered', 'dropped'],
  attributes: { sack: count(1_000), endsAt: moment() },
  accounts: { wanted: { unit: 'kilo', shown: true } },
  deadlines: { end: { while: ['open'], at: 'endsAt' } },
  create: {
    summary: 'Ask who wants some',
    input: { sack: count(1_000), endsAt: moment() },
    example: { input: ({ now }) => ({ endsAt: later(now, { days: 30 }) }) },
    rules: {
      ends_in_the_past: {
        kind: 'unprocessable',
        holds: ({ input, now }) => Date.parse(input.endsAt) > now,
        otherwise: 'It has to end in the future.',
      },
    },
  },
  transitions: {
    'put-off': {
      summary: 'Wait longer',
      from: ['open'],
      input: { endsAt: moment() },
      example: { input: ({ entity }) => ({ endsAt: later(entity.endsAt, { days: 1 }) }) },
      rules: {
        ends_sooner: {
          kind: 'unprocessable',
          holds: ({ entity, input }) => Date.parse(input.endsAt) >= Date.parse(entity.endsAt),
          otherwise: 'It may only be put off.',
        },
      },
      set: ({ input }) => input,
    },
    end: {
      summary: 'Its time is over',
      internal: true,
      from: ['open'],
      to: ['ordered', 'dropped'],
      next: ({ entity, relyOn }) => (relyOn('wanted') >= entity.sack ? 'ordered' : 'dropped'),
    },
  },
});

const asked = { groupBuy: reference('group-buys', 'gbu'), kilos: integer(1, 5_000, 2) };

const shares = defineDomain({
  collection: 'shares',
  type: 'share',
  idPrefix: 'shr',
  summary: 'What one person wants of it.',
  states: ['wanted', 'delivered'],
  attributes: { ...asked, person: text('alice') },
  unique: { one_share_each: { while: ['wanted', 'delivered'], of: ['groupBuy', 'person'] } },
  create: {
    summary: 'Want some',
    input: asked,
    references: {
      groupBuy: {
        of: groupBuys,
        id: ({ input }) => input.groupBuy,
        rules: { not_open: { path: 'status', is: 'open', otherwise: 'It is over.' } },
      },
    },
    set: ({ input, actor }) => ({ ...input, person: actor }),
    transfers: ({ input, actor }) =>
      transfer(named('wish', actor, 'kilo'), accountOf(groupBuys, input.groupBuy, 'wanted'), input.kilos),
  },
  transitions: {
    deliver: {
      summary: 'Have it delivered',
      from: ['wanted'],
      to: ['delivered'],
      references: {
        groupBuy: {
          of: groupBuys,
          id: ({ entity }) => entity.groupBuy,
          rules: { not_ordered: { path: 'status', is: 'ordered', otherwise: 'It is not ordered.' } },
        },
      },
    },
  },
});

const domains = [groupBuys, shares];
for (const domain of domains) conformance(domain, domains);
