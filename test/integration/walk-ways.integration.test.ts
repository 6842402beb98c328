/** The conformance tests of domains whose definitions say what goes before a command, since nothing else tells. */
import * as z from 'zod';
import { answers } from '../../functions/core/answers.ts';
import { defineDomain } from '../../functions/core/definition.ts';
import { amount, count, integer, reference, text } from '../../functions/core/fields.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';
import { conformance } from '../support/conformance.ts';

const guest = { name: text('ada') };

/** Every second visit is counted; what was eaten is paid for, so that a visit takes two steps there and back. */
const guests = defineDomain({
  collection: 'guests',
  type: 'guest',
  idPrefix: 'gst',
  summary: 'Somebody who comes back.',
  states: ['away', 'seated', 'regular'],
  attributes: { ...guest, visits: count(0) },
  create: { summary: 'Come for the first time', input: guest, set: ({ input }) => ({ ...input, visits: 0 }) },
  transitions: {
    sit: { summary: 'Take a seat', from: ['away'], to: ['seated'] },
    go: {
      summary: 'Pay and go',
      from: ['seated'],
      to: ['away'],
      set: ({ entity }) => ({ visits: entity.visits + 1 }),
    },
    honour: {
      summary: 'Give them a card',
      from: ['away'],
      to: ['regular'],
      rules: { too_new: { path: 'visits', atLeast: 5, otherwise: 'They have not come often enough.' } },
      example: { after: ['go', 'go', 'go', 'go', 'go'] },
    },
    forget: {
      summary: 'They have not come for years',
      from: ['regular'],
      to: ['away'],
      set: () => ({ visits: 0 }),
    },
  },
});

const purse = { owner: text('ada') };

/** Nothing of its own fills it. */
const purses = defineDomain({
  collection: 'purses',
  type: 'purse',
  idPrefix: 'prs',
  summary: 'What somebody has earned.',
  states: ['open', 'closed'],
  attributes: purse,
  accounts: {
    earned: { unit: 'EUR', floor: { minimum: 0, code: 'too_little', otherwise: 'So much was not earned.' } },
  },
  create: { summary: 'Open it', input: purse },
  transitions: {
    'pay-out': {
      summary: 'Take some of it out',
      from: ['open'],
      input: { amount: amount(100) },
      transfers: ({ entity, input }) =>
        transfer(own('earned'), named('paid', entity.owner, 'EUR'), input.amount),
    },
    close: {
      summary: 'Close it',
      from: ['open'],
      to: ['closed'],
      rules: {
        not_empty: {
          path: 'earned',
          is: 0,
          otherwise: 'Something is still in it.',
          refusedAfter: ['jobs/finish'],
        },
      },
    },
  },
});

const job = { purse: reference('purses', 'prs'), wage: amount(150) };

/** It posts to the purse that it names, which it neither moves nor reads. */
const jobs = defineDomain({
  collection: 'jobs',
  type: 'job',
  idPrefix: 'job',
  summary: 'Something to do.',
  states: ['begun', 'finished'],
  attributes: job,
  create: { summary: 'Begin it', input: job },
  transitions: {
    finish: {
      summary: 'Finish it',
      from: ['begun'],
      to: ['finished'],
      transfers: ({ entity }) =>
        transfer(named('wages', 'house', 'EUR'), accountOf(purses, entity.purse, 'earned'), entity.wage),
    },
  },
});

const licence = { holder: text('ada') };

const licences = defineDomain({
  collection: 'licences',
  type: 'licence',
  idPrefix: 'lic',
  summary: 'What one must have.',
  states: ['asked', 'granted'],
  attributes: { ...licence, points: count(0), insured: z.boolean() },
  create: {
    summary: 'Ask for it',
    input: licence,
    set: ({ input }) => ({ ...input, points: 0, insured: false }),
  },
  transitions: {
    grant: { summary: 'Grant it', from: ['asked'], to: ['granted'] },
    insure: {
      summary: 'Ask for its insurance',
      from: ['asked', 'granted'],
      messages: {
        topic: 'external-call',
        type: 'licence.insure',
        done: 'insured',
        payload: ({ id }) => ({ licence: id }),
      },
    },
    insured: {
      summary: 'It is insured',
      internal: true,
      from: ['asked', 'granted'],
      input: answers.call.done,
      set: () => ({ insured: true }),
    },
    praise: {
      summary: 'Say that it was used well',
      from: ['granted'],
      set: ({ entity }) => ({ points: entity.points + 1 }),
    },
  },
});

const stall = { licence: reference('licences', 'lic') };

/** Its rule on what it names is a function, which tells nobody what would satisfy it. */
const stalls = defineDomain({
  collection: 'stalls',
  type: 'stall',
  idPrefix: 'stl',
  summary: 'A place on the market.',
  states: ['open', 'closed'],
  attributes: stall,
  create: {
    summary: 'Open it',
    input: stall,
    reads: { licence: { of: licences, id: ({ input }) => input.licence } },
    rules: {
      not_trusted: { holds: ({ others }) => others.licence.points > 1, otherwise: 'Nobody knows them.' },
      not_insured: { holds: ({ others }) => others.licence.insured, otherwise: 'Nobody stands for them.' },
    },
    example: { after: ['licences/insured', 'licences/praise', 'licences/praise'] },
  },
  transitions: { close: { summary: 'Close it', from: ['open'], to: ['closed'] } },
});

const exam = { pupil: text('ada'), points: count(0) };

/** Which end it comes to is decided by what is sent, and by what was sent before. */
const exams = defineDomain({
  collection: 'exams',
  type: 'exam',
  idPrefix: 'exm',
  summary: 'An exam that two people mark.',
  states: ['written', 'half_marked', 'passed', 'failed'],
  attributes: exam,
  create: {
    summary: 'Hand it in',
    input: { pupil: text('ada') },
    set: ({ input }) => ({ ...input, points: 0 }),
  },
  transitions: {
    mark: {
      summary: 'Give it points; fourteen of two marks pass',
      from: ['written', 'half_marked'],
      to: ['half_marked', 'passed', 'failed'],
      input: { points: integer(1, 10, 7) },
      next: ({ entity, input }) =>
        entity.status === 'written' ? 'half_marked' : entity.points + input.points < 14 ? 'failed' : 'passed',
      set: ({ entity, input }) => ({ points: entity.points + input.points }),
    },
  },
});

const all = [exams, guests, purses, jobs, licences, stalls];
for (const domain of all) conformance(domain, all);
