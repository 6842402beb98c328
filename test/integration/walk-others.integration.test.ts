/** The conformance tests of a definition that names others: each of a value that only one may hold, and drawn on in rounds. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { answers } from '../../functions/core/answers.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, integer, later, moment, reference, text } from '../../functions/core/fields.ts';
import { maybe } from '../../functions/core/others.ts';
import { own, transfer } from '../../functions/core/postings.ts';
import { startBackend } from '../support/backend.ts';
import { conformance } from '../support/conformance.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const table = { name: text('Window'), seats: integer(1, 20, 8) };
const tables = defineDomain({
  collection: 'tables',
  type: 'table',
  idPrefix: 'tbl',
  summary: 'A table, by its name.',
  states: ['there', 'gone'],
  attributes: table,
  unique: { table_name: { while: ['there'], of: ['name'] } },
  create: { summary: 'Put it up', input: table },
  transitions: { remove: { summary: 'Take it away', from: ['there'], to: ['gone'] } },
});

/** Two visits bring what one voucher takes. */
const guests = defineDomain({
  collection: 'guests',
  type: 'guest',
  idPrefix: 'gst',
  summary: 'Points of a guest.',
  states: ['known'],
  attributes: { owner: text('ada') },
  accounts: {
    points: { unit: 'point', floor: { minimum: 0, code: 'too_few', otherwise: 'There are fewer points.' } },
    earned: { unit: 'point' },
  },
  create: { summary: 'Begin to collect', input: {}, set: ({ actor }) => ({ owner: actor }) },
  transitions: {
    earn: {
      summary: 'A visit is over',
      internal: true,
      from: ['known'],
      input: { points: amount(60) },
      transfers: ({ input }) => transfer(own('earned'), own('points'), input.points),
    },
    redeem: {
      summary: 'Have a voucher',
      from: ['known'],
      transfers: () => transfer(own('points'), own('earned'), 100),
    },
  },
});

const booking = {
  table: reference('tables', 'tbl'),
  guest: reference('guests', 'gst').optional(),
  day: z.iso.date().meta({ examples: ['2030-05-17'] }),
  party: integer(1, 20, 6),
};
const startOf = ({ day }: { readonly day: string }) => `${day}T19:00:00.000Z`;
/** The deposit has to be answered for before the reminder is due. */
const bookings = defineDomain({
  collection: 'bookings',
  type: 'booking',
  idPrefix: 'bok',
  summary: 'A table for an evening.',
  states: ['booked', 'given-up', 'visited'],
  attributes: {
    ...booking,
    startsAt: moment(),
    answerBy: moment().optional(),
    remindAt: moment().optional(),
  },
  unique: { table_of_day: { while: ['booked', 'visited'], of: ['table', 'day'] } },
  deadlines: {
    'give-up': { while: ['booked'], at: 'answerBy' },
    remind: { while: ['booked'], at: 'remindAt' },
  },
  create: {
    summary: 'Book',
    input: booking,
    example: { input: ({ now }) => ({ day: later(now, { days: 7 }).slice(0, 10) }) },
    rules: {
      too_far: {
        holds: ({ input, now }) => startOf(input) < later(now, { days: 90 }),
        otherwise: 'Nobody knows what is then.',
      },
    },
    references: {
      table: {
        of: tables,
        id: ({ input }) => input.table,
        rules: {
          gone: { path: 'status', is: 'there', otherwise: 'It is there no more.' },
          too_small: { path: 'seats', atLeast: ({ input }) => input.party, otherwise: 'It is smaller.' },
        },
      },
      guest: {
        of: maybe(guests),
        id: ({ input }) => input.guest,
        rules: { not_yours: { path: 'owner', is: ({ actor }) => actor, otherwise: 'It is another’s.' } },
      },
    },
    set: ({ input, now }) => ({
      ...input,
      startsAt: startOf(input),
      answerBy: later(now, { minutes: 15 }),
      remindAt: later(startOf(input), { days: -1 }),
    }),
    messages: {
      topic: 'external-call',
      type: 'booking.deposit',
      done: 'take',
      refused: 'decline',
      payload: ({ id }) => ({ booking: id }),
    },
  },
  transitions: {
    take: {
      summary: 'The deposit is there',
      internal: true,
      from: ['booked'],
      ignoredIn: ['given-up', 'visited'],
      input: answers.call.done,
      set: () => ({ answerBy: undefined }),
    },
    decline: {
      summary: 'There is no deposit',
      internal: true,
      from: ['booked'],
      to: ['given-up'],
      ignoredIn: ['given-up', 'visited'],
      input: answers.call.refused,
    },
    'give-up': { summary: 'Nobody has paid', internal: true, from: ['booked'], to: ['given-up'] },
    remind: {
      summary: 'A day before',
      internal: true,
      from: ['booked'],
      set: () => ({ remindAt: undefined }),
    },
    visit: {
      summary: 'They were there',
      from: ['booked'],
      to: ['visited'],
      rules: { too_early: { since: 'startsAt', otherwise: 'It has not begun.' } },
      links: {
        guest: {
          of: maybe(guests),
          id: ({ entity }) => entity.guest,
          transition: 'earn',
          input: ({ entity }) => ({ points: entity.party * 10 }),
        },
      },
    },
  },
});
const restaurant = [tables, guests, bookings];

async function newWalk(): Promise<Walk> {
  const clock = createTestClock();
  return new Walk(await startBackend({ domains: restaurant, clock }), clock);
}

it('names another entity by another value, where only one may hold that of its example', async () => {
  const walk = await newWalk();
  const [first, second] = [await walk.create(bookings), await walk.create(bookings)];
  expect(first.attributes['table']).not.toBe(second.attributes['table']);
});

it('has points brought by others in as many rounds as it takes', async () => {
  const walk = await newWalk();
  const { id } = await walk.create(guests);
  expect((await walk.force(id, 'redeem')).status).toBe(200);
});

it('has a message answered before a deadline that would lead away from the one it waits for', async () => {
  const walk = await newWalk();
  const { id } = await walk.create(bookings);
  expect((await walk.force(id, 'remind')).json).toMatchObject({ status: 'booked' });
  expect((await walk.state(id)).attributes['remindAt']).toBeUndefined();
});

/** Who has a table may not hire it, so that the client is somebody else; and others are nobody. */
const hires = defineDomain({
  collection: 'hires',
  type: 'hire',
  idPrefix: 'hir',
  summary: 'A guest who waits at tables for an evening.',
  states: ['agreed', 'over'],
  attributes: { guest: reference('guests', 'gst'), client: text('ada') },
  create: {
    summary: 'Hire somebody',
    input: { guest: reference('guests', 'gst') },
    reads: { guest: { of: guests, id: ({ input }) => input.guest } },
    rules: {
      own: { holds: ({ others, actor }) => others.guest.owner !== actor, otherwise: 'It is yourself.' },
    },
    set: ({ input, actor }) => ({ ...input, client: actor }),
  },
  transitions: {
    end: {
      summary: 'It is over',
      authorize: { not_the_client: { actorIs: 'client', otherwise: 'Only the client may.' } },
      from: ['agreed'],
      to: ['over'],
    },
  },
});

it('lets a deadline pass that leaves it where it is, where the moment that is wanted comes after it', async () => {
  const walk = await newWalk();
  const { id } = await walk.create(bookings);
  expect((await walk.force(id, 'visit')).json).toMatchObject({ status: 'visited' });
});

conformance(bookings, restaurant);
conformance(hires, [guests, hires]);
