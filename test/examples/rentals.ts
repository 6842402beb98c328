/** Equipment that people lend to each other: one piece, one renter at a time, and nobody rents their own. */
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, integer, later, moment, reference, text, title } from '../../functions/core/fields.ts';
import { named, own, transfer } from '../../functions/core/postings.ts';

const money = { unit: 'EUR', shown: true } as const;
// Bounded, so that what it comes to in 30 days is an amount, too.
const perDay = integer(1, 1_000_000, 500);

export const equipment = defineDomain({
  collection: 'equipment',
  type: 'piece',
  idPrefix: 'eqp',
  summary: 'A piece of equipment, with what its owner has earned by it.',
  states: ['available', 'rented', 'sold'],
  attributes: { owner: text('alice'), name: title('A drill'), perDay },
  accounts: { earned: money },
  create: {
    summary: 'Offer it',
    input: { name: title('A drill'), perDay },
    set: ({ input, actor }) => ({ ...input, owner: actor }),
  },
  transitions: {
    'hand-out': { summary: 'A rental takes it', internal: true, from: ['available'], to: ['rented'] },
    'take-back': {
      summary: 'A rental returns it, and its owner is paid',
      internal: true,
      from: ['rented'],
      to: ['available'],
      input: { renter: text('bob'), price: amount(1_500) },
      transfers: ({ input }) => transfer(named('paid', input.renter, 'EUR'), own('earned'), input.price),
    },
    sell: {
      summary: 'Offer it no more',
      authorize: { not_the_owner: { actorIs: 'owner', otherwise: 'Only its owner may.' } },
      from: ['available'],
      to: ['sold'],
    },
  },
});

export const rentals = defineDomain({
  collection: 'rentals',
  type: 'rental',
  idPrefix: 'rnt',
  summary: 'A piece of equipment in the hands of somebody else than its owner.',
  states: ['out', 'overdue', 'returned'],
  attributes: {
    piece: reference('equipment', 'eqp'),
    renter: text('bob'),
    owner: text('alice'),
    price: amount(1_500),
    until: moment(),
  },
  deadlines: { remind: { while: ['out'], at: 'until' } },
  create: {
    summary: 'Rent it',
    input: { piece: reference('equipment', 'eqp'), days: integer(1, 30, 3) },
    links: {
      piece: {
        of: equipment,
        id: ({ input }) => input.piece,
        transition: 'hand-out',
        refused: { code: 'not_available', otherwise: 'Somebody else has it.' },
      },
    },
    rules: {
      own_equipment: {
        holds: ({ others, actor }) => others.piece.owner !== actor,
        otherwise: 'Nobody rents from themselves.',
      },
    },
    set: ({ input, actor, now, others: { piece } }) => ({
      piece: input.piece,
      renter: actor,
      owner: piece.owner,
      price: piece.perDay * input.days,
      until: later(now, { days: input.days }),
    }),
  },
  transitions: {
    remind: {
      summary: 'Its time is over',
      internal: true,
      from: ['out'],
      to: ['overdue'],
      messages: {
        topic: 'external-call',
        type: 'rental.overdue',
        payload: ({ id, entity }) => ({ rental: id, renter: entity.renter }),
      },
    },
    return: {
      summary: 'The owner has it back, and is paid',
      authorize: { not_the_owner: { actorIs: 'owner', otherwise: 'Only the owner says so.' } },
      from: ['out', 'overdue'],
      to: ['returned'],
      links: {
        piece: {
          of: equipment,
          id: ({ entity }) => entity.piece,
          transition: 'take-back',
          input: ({ entity: { renter, price } }) => ({ renter, price }),
        },
      },
    },
  },
});
