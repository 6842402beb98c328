/** The conformance tests of creations and transitions that look at the clock. */
import { z } from 'zod';
import { defineDomain } from '../../functions/core/definition.ts';
import { later, moment, reference, text } from '../../functions/core/fields.ts';
import { maybe } from '../../functions/core/others.ts';
import { own, transfer } from '../../functions/core/postings.ts';
import { conformance } from '../support/conformance.ts';

const rooms = defineDomain({
  collection: 'rooms',
  type: 'room',
  idPrefix: 'rom',
  summary: 'A room for lessons.',
  states: ['open', 'closed'],
  attributes: { name: text('Blue') },
  create: { summary: 'Add it', input: { name: text('Blue') } },
  transitions: { close: { summary: 'Close it', from: ['open'], to: ['closed'] } },
});

/** Whoever has it filled lets time pass: a stamp comes with a lesson that was held. */
const passes = defineDomain({
  collection: 'passes',
  type: 'pass',
  idPrefix: 'pas',
  summary: 'Stamps of a pupil.',
  states: ['valid'],
  attributes: { owner: text('ada') },
  accounts: {
    stamps: { unit: 'stamp', floor: { minimum: 0, code: 'too_few', otherwise: 'There are fewer.' } },
    given: { unit: 'stamp' },
  },
  create: { summary: 'Take one', input: {}, set: ({ actor }) => ({ owner: actor }) },
  transitions: {
    stamp: {
      summary: 'A lesson was held',
      internal: true,
      from: ['valid'],
      transfers: () => transfer(own('given'), own('stamps'), 1),
    },
  },
});

const asked = {
  room: reference('rooms', 'rom'),
  pass: reference('passes', 'pas').optional(),
  day: z.iso.date().meta({ examples: ['2030-05-17'] }),
};
const startOf = ({ day }: { readonly day: string }) => `${day}T19:00:00.000Z`;

/** It begins a week after it was asked for, and what was asked for then is too late by the time it is held. */
const lessons = defineDomain({
  collection: 'lessons',
  type: 'lesson',
  idPrefix: 'les',
  summary: 'A lesson on a day to come.',
  states: ['planned', 'refunded', 'cancelled', 'held'],
  attributes: { ...asked, startsAt: moment() },
  unique: { room_of_day: { while: ['planned', 'held'], of: ['room', 'day'] } },
  create: {
    summary: 'Ask for one',
    input: asked,
    example: { input: ({ now }) => ({ day: later(now, { days: 7 }).slice(0, 10) }) },
    rules: {
      too_soon: {
        holds: ({ input, now }) => startOf(input) > later(now, { hours: 1 }),
        otherwise: 'It has to be asked for an hour before.',
      },
    },
    references: {
      room: {
        of: rooms,
        id: ({ input }) => input.room,
        rules: {
          room_closed: {
            kind: 'unprocessable',
            path: 'status',
            is: 'open',
            otherwise: 'The room is closed.',
          },
          too_far: {
            holds: ({ input, now }) => startOf(input) < later(now, { days: 90 }),
            otherwise: 'Nobody knows what is then.',
          },
        },
      },
    },
    reads: {
      pass: {
        of: maybe(passes),
        id: ({ input }) => input.pass,
        rules: { not_yours: { path: 'owner', is: ({ actor }) => actor, otherwise: 'It is another’s.' } },
      },
    },
    set: ({ input }) => ({ ...input, startsAt: startOf(input) }),
  },
  transitions: {
    // Two edges along time: the second is only seen by who has not been let pass at the first.
    cancel: {
      summary: 'Give it up; a day before is early enough to have its money back',
      from: ['planned'],
      to: ['refunded', 'cancelled'],
      next: ({ entity, now }) => (later(now, { days: 1 }) < entity.startsAt ? 'refunded' : 'cancelled'),
      rules: { begun: { until: 'startsAt', otherwise: 'It has begun.' } },
    },
    hold: {
      summary: 'It is over',
      from: ['planned'],
      to: ['held'],
      rules: { too_early: { since: 'startsAt', otherwise: 'It has not begun.' } },
      links: { pass: { of: maybe(passes), id: ({ entity }) => entity.pass, transition: 'stamp' } },
    },
  },
});

for (const domain of [rooms, passes, lessons]) conformance(domain, [rooms, passes, lessons]);
