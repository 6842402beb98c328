/**
 * The conformance tests of what is named later than at creation: a visit is booked with a pass, and given back to a pass that
 * may have run out since; and of an offer that can be made while its lot is open, looks at it later, and takes it along.
 */
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, later, moment, reference, text } from '../../functions/core/fields.ts';
import { maybe } from '../../functions/core/others.ts';
import { own, transfer } from '../../functions/core/postings.ts';
import { conformance } from '../support/conformance.ts';

const passes = defineDomain({
  collection: 'passes',
  type: 'pass',
  idPrefix: 'pas',
  summary: 'Ten visits, within half a year.',
  states: ['active', 'expired'],
  attributes: { owner: text('ada'), validUntil: moment() },
  accounts: {
    left: {
      unit: 'visit',
      shown: true,
      floor: { minimum: 0, code: 'used_up', otherwise: 'No visit is left.' },
    },
    sold: { unit: 'visit' },
    lost: { unit: 'visit' },
  },
  deadlines: { expire: { while: ['active'], at: 'validUntil' } },
  create: {
    summary: 'Buy it',
    input: {},
    set: ({ actor, now }) => ({ owner: actor, validUntil: later(now, { months: 6 }) }),
    transfers: () => transfer(own('sold'), own('left'), 10),
  },
  transitions: {
    punch: {
      summary: 'A visit is taken from it',
      internal: true,
      from: ['active'],
      transfers: () => transfer(own('left'), own('sold'), 1),
    },
    'give-back': {
      summary: 'A visit comes back, or is lost where its time is over',
      internal: true,
      from: ['active', 'expired'],
      transfers: ({ entity }) => transfer(own('sold'), own(entity.status === 'active' ? 'left' : 'lost'), 1),
    },
    compensate: {
      summary: 'A complaint about it was right',
      internal: true,
      from: ['active', 'expired'],
      transfers: () => transfer(own('lost'), own('sold'), 1),
    },
    expire: { summary: 'Its time is over', internal: true, from: ['active'], to: ['expired'] },
  },
});

const pass = reference('passes', 'pas');
const givenBack = { of: maybe(passes), transition: 'give-back' } as const;

const visits = defineDomain({
  collection: 'visits',
  type: 'visit',
  idPrefix: 'vis',
  summary: 'An hour in the pool.',
  states: ['free', 'booked', 'closed'],
  attributes: { startsAt: moment(), pass: pass.optional() },
  create: {
    summary: 'Open it',
    input: { startsAt: moment() },
    example: { input: ({ now }) => ({ startsAt: later(now, { days: 14 }) }) },
  },
  transitions: {
    book: {
      summary: 'Book it with a pass',
      from: ['free'],
      to: ['booked'],
      input: { pass },
      links: {
        pass: {
          of: passes,
          id: ({ input }) => input.pass,
          transition: 'punch',
          rules: {
            not_your_pass: { path: 'owner', is: ({ actor }) => actor, otherwise: 'It is somebody else’s.' },
          },
        },
      },
      set: ({ input }) => input,
    },
    'give-up': {
      summary: 'Do not come',
      from: ['booked'],
      to: ['free'],
      rules: { too_late: { until: 'startsAt', otherwise: 'It has begun.' } },
      links: { pass: { ...givenBack, id: ({ entity }) => entity.pass } },
      set: () => ({ pass: undefined }),
    },
    close: {
      summary: 'The pool is closed',
      from: ['free', 'booked'],
      to: ['closed'],
      links: { pass: { ...givenBack, id: ({ entity }) => entity.pass } },
    },
  },
});

/** Made while the pass is good, and settled whenever that may be. */
const complaints = defineDomain({
  collection: 'complaints',
  type: 'complaint',
  idPrefix: 'cpl',
  summary: 'The water was cold.',
  states: ['made', 'settled'],
  attributes: { pass },
  create: {
    summary: 'Complain',
    input: { pass },
    references: {
      pass: {
        of: passes,
        id: ({ input }) => input.pass,
        rules: { not_active: { path: 'status', is: 'active', otherwise: 'It has expired.' } },
      },
    },
  },
  transitions: {
    settle: {
      summary: 'Agree to it',
      from: ['made'],
      to: ['settled'],
      links: { pass: { of: passes, id: ({ entity }) => entity.pass, transition: 'compensate' } },
    },
  },
});

const lots = defineDomain({
  collection: 'lots',
  type: 'lot',
  idPrefix: 'lot',
  summary: 'Something to be sold.',
  states: ['open', 'sold', 'withdrawn'],
  attributes: { seller: text('alice'), price: amount(500).optional() },
  create: { summary: 'Show it', input: {}, set: ({ actor }) => ({ seller: actor }) },
  transitions: {
    sell: {
      summary: 'An offer is accepted',
      internal: true,
      from: ['open'],
      to: ['sold'],
      input: { price: amount(500) },
      set: ({ input }) => input,
    },
    withdraw: { summary: 'Do not sell it', from: ['open'], to: ['withdrawn'] },
  },
});

const asked = { lot: reference('lots', 'lot'), price: amount(500) };

const offers = defineDomain({
  collection: 'offers',
  type: 'offer',
  idPrefix: 'off',
  summary: 'What somebody would pay.',
  states: ['made', 'accepted', 'withdrawn'],
  attributes: { ...asked, buyer: text('bob') },
  create: {
    summary: 'Make it',
    input: asked,
    references: {
      lot: {
        of: lots,
        id: ({ input }) => input.lot,
        rules: {
          not_open: { path: 'status', is: 'open', otherwise: 'It is not for sale any more.' },
          own_lot: { path: 'seller', isNot: ({ actor }) => actor, otherwise: 'It is your own.' },
        },
      },
    },
    set: ({ input, actor }) => ({ ...input, buyer: actor }),
  },
  transitions: {
    praise: {
      summary: 'Say why it is a good one',
      authorize: { not_the_buyer: { actorIs: 'buyer', otherwise: 'It is somebody else’s.' } },
      from: ['made'],
      references: {
        lot: {
          of: lots,
          id: ({ entity }) => entity.lot,
          rules: { lot_gone: { path: 'status', is: 'open', otherwise: 'It is too late for that.' } },
        },
      },
    },
    regret: {
      summary: 'It has been withdrawn',
      from: ['made'],
      to: ['withdrawn'],
      references: {
        lot: {
          of: lots,
          id: ({ entity }) => entity.lot,
          rules: {
            lot_not_withdrawn: { path: 'status', is: 'withdrawn', otherwise: 'It was not withdrawn.' },
          },
        },
      },
    },
    accept: {
      summary: 'Take it',
      from: ['made'],
      to: ['accepted'],
      links: {
        lot: {
          of: lots,
          id: ({ entity }) => entity.lot,
          transition: 'sell',
          input: ({ entity }) => ({ price: entity.price }),
          refused: { code: 'not_open', otherwise: 'It is not for sale any more.' },
        },
      },
    },
  },
});

const domains = [passes, visits, complaints, lots, offers];
for (const domain of domains) conformance(domain, domains);
