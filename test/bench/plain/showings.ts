/**
 * Showings and their places that write what the stock pattern's write: a place is an entity, a ledger entry, one less at
 * the showing, and the key's record. Places are not spread, have no names, are held for ever and stand in no list.
 */
import { defineDomain } from '../../../functions/core/definition.ts';
import { integer, reference, text, title } from '../../../functions/core/fields.ts';
import { accountOf, own, transfer } from '../../../functions/core/postings.ts';

const shown = { title: title('Evening show'), capacity: integer(1, 1_000_000, 2) };

export const plainShowings = defineDomain({
  collection: 'showings',
  type: 'showing',
  idPrefix: 'shw',
  summary: 'Something with a number of places.',
  states: ['open'],
  attributes: shown,
  accounts: {
    remaining: {
      unit: 'place',
      shown: true,
      floor: { minimum: 0, code: 'sold_out', otherwise: 'No place is left.' },
    },
    capacityGranted: { unit: 'place' },
  },
  create: {
    summary: 'Open a showing for reservations',
    input: shown,
    transfers: ({ input }) => transfer(own('capacityGranted'), own('remaining'), input.capacity),
  },
  transitions: {},
});

const asked = { showingId: reference('showings', 'shw'), customer: text('ada') };

export const plainReservations = defineDomain({
  collection: 'reservations',
  type: 'reservation',
  idPrefix: 'rsv',
  summary: 'One place of a showing.',
  states: ['held'],
  attributes: asked,
  accounts: { places: { unit: 'place' } },
  create: {
    summary: 'Take a place',
    input: asked,
    references: { showing: { of: plainShowings, id: ({ input }) => input.showingId } },
    transfers: ({ input }) =>
      transfer(accountOf(plainShowings, input.showingId, 'remaining'), own('places'), 1),
  },
  transitions: {},
});
