import * as z from 'zod';
import { defineDomain } from '../core/definition.ts';
import { integer, list, text, title } from '../core/fields.ts';
import { own, transfer } from '../core/postings.ts';

const capacityMax = 1_000_000;
/** A seat plan is an item of its own; 2,000 names of ordinary length are a few ten kilobytes. */
const seatsMax = 2_000;

const asked = {
  title: title('Evening show'),
  capacity: integer(1, capacityMax, 2),
  seats: list(text('A1'), 1, seatsMax, ['A1', 'A2'])
    .describe('Where given, as many as `capacity`.')
    .optional(),
};

export const showings = defineDomain({
  collection: 'showings',
  version: 4,
  type: 'showing',
  idPrefix: 'shw',
  summary: 'Something with a number of places, with or without named seats.',
  states: ['open', 'closed'],
  attributes: asked,
  // Every reservation writes the showing, and would pay for its whole plan.
  fixed: ['seats'],
  accounts: {
    remaining: {
      unit: 'place',
      shown: true,
      floor: { minimum: 0, code: 'sold_out', otherwise: 'No place is left.' },
      spread: 32,
    },
    capacityGranted: { unit: 'place' },
  },
  create: {
    summary: 'Open a showing for reservations',
    input: z
      .strictObject(asked)
      .refine(({ capacity, seats }) => seats === undefined || seats.length === capacity, {
        path: ['seats'],
        error: 'must be as many as capacity',
      }),
    transfers: ({ input }) => transfer(own('capacityGranted'), own('remaining'), input.capacity),
  },
  transitions: {
    close: { summary: 'Take no more reservations', from: ['open'], to: ['closed'] },
  },
});
