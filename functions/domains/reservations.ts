import { defineDomain } from '../core/definition.ts';
import { integer, later, moment, reference, text } from '../core/fields.ts';
import { accountOf, own, transfer } from '../core/postings.ts';
import { showings } from './showings.ts';

const placeOf = (showingId: string) => accountOf(showings, showingId, 'remaining');

const asked = {
  showingId: reference('showings', 'shw'),
  customer: text('ada'),
  seat: text('A1').optional(),
};

export const reservations = defineDomain({
  collection: 'reservations',
  version: 2,
  type: 'reservation',
  idPrefix: 'rsv',
  summary: 'One place of a showing: held for a while, then confirmed, or given back.',
  states: ['held', 'confirmed', 'cancelled', 'expired'],
  attributes: { ...asked, heldUntil: moment() },
  accounts: { places: { unit: 'place' } },
  listed: ['customer'],
  unique: { seat_of_showing: { while: ['held', 'confirmed'], of: ['showingId', 'seat'] } },
  deadlines: { expire: { while: ['held'], at: 'heldUntil' } },
  create: {
    summary: 'Hold a place',
    input: { ...asked, holdSeconds: integer(1, 900, 600).default(600) },
    set: ({ input: { holdSeconds: seconds, ...rest }, now }) => ({
      ...rest,
      heldUntil: later(now, { seconds }),
    }),
    references: {
      showing: {
        of: showings,
        id: ({ input }) => input.showingId,
        rules: {
          showing_closed: {
            path: 'status',
            is: 'open',
            otherwise: 'The showing takes no more reservations.',
          },
          no_seat: {
            kind: 'unprocessable',
            path: 'seats',
            missing: ({ input }) => input.seat === undefined,
            otherwise: 'This showing has seats: name one.',
          },
          unknown_seat: {
            kind: 'unprocessable',
            path: 'seats',
            contains: ({ input }) => input.seat,
            otherwise: 'The showing has no such seat.',
          },
        },
      },
    },
    transfers: ({ input }) => transfer(placeOf(input.showingId), own('places'), 1),
  },
  transitions: {
    confirm: {
      summary: 'Keep the place for good',
      from: ['held'],
      to: ['confirmed'],
      rules: { hold_expired: { until: 'heldUntil', otherwise: 'The hold has run out.' } },
    },
    cancel: {
      summary: 'Give the place back',
      from: ['held', 'confirmed'],
      to: ['cancelled'],
      transfers: ({ entity }) => transfer(own('places'), placeOf(entity.showingId), 1),
    },
    expire: {
      summary: 'The hold runs out, and the place is given back',
      internal: true,
      from: ['held'],
      to: ['expired'],
      rules: { hold_not_over: { since: 'heldUntil', otherwise: 'The hold has not run out.' } },
      transfers: ({ entity }) => transfer(own('places'), placeOf(entity.showingId), 1),
    },
  },
});
