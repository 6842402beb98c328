/**
 * The conformance tests of what is lent out again and again: an older loan moves what a newer one has, a loan is
 * somebody's one or one of a name, and who may do something is said by what comes later.
 */
import { defineDomain } from '../../functions/core/definition.ts';
import { reference, text } from '../../functions/core/fields.ts';
import { conformance } from '../support/conformance.ts';

const refused = { code: 'bike_not_free', otherwise: 'Somebody has it.' };

const bikes = defineDomain({
  collection: 'bikes',
  type: 'bike',
  idPrefix: 'bik',
  summary: 'A bike for everybody.',
  states: ['free', 'lent', 'recalled', 'workshop'],
  attributes: { number: text('12') },
  create: { summary: 'Buy it', input: { number: text('12') } },
  transitions: {
    lend: { summary: 'Somebody takes it', internal: true, from: ['free'], to: ['lent'] },
    'come-back': {
      summary: 'It is there again',
      internal: true,
      from: ['lent', 'recalled'],
      to: { lent: 'free', recalled: 'workshop' },
    },
    recall: {
      summary: 'Who had it says that it is broken, and somebody may have it by then',
      internal: true,
      from: ['free', 'lent'],
      to: { free: 'workshop', lent: 'recalled' },
      example: { after: ['loans/hand-back'] },
    },
    mend: { summary: 'Mend it', from: ['workshop'], to: ['free'] },
  },
});

/** Each rider has one at a time: a second creation needs another bike to be refused for that. */
const loans = defineDomain({
  collection: 'loans',
  type: 'loan',
  idPrefix: 'loa',
  summary: 'A bike in the hands of a rider.',
  states: ['out', 'over'],
  attributes: { bike: reference('bikes', 'bik'), rider: text('alice'), clerk: text('bob').optional() },
  unique: { one_loan_each: { while: ['out'], of: ['rider'] } },
  listed: ['clerk'],
  create: {
    summary: 'Take it',
    input: { bike: reference('bikes', 'bik') },
    links: { bike: { of: bikes, id: ({ input }) => input.bike, transition: 'lend', refused } },
    set: ({ input, actor }) => ({ ...input, rider: actor }),
  },
  transitions: {
    'hand-back': {
      summary: 'Bring it back to a clerk',
      from: ['out'],
      to: ['over'],
      set: ({ actor }) => ({ clerk: actor }),
      links: { bike: { of: bikes, id: ({ entity }) => entity.bike, transition: 'come-back' } },
    },
    report: {
      summary: 'It is broken',
      // While the bike is out there is no clerk, and nobody may.
      authorize: { not_the_clerk: { actorIs: 'clerk', otherwise: 'Only who took it back may.' } },
      from: ['over'],
      links: { bike: { of: bikes, id: ({ entity }) => entity.bike, transition: 'recall' } },
    },
    forgive: {
      summary: 'Let a late one pass',
      from: ['over'],
      rules: {
        not_by_the_rider: {
          path: 'rider',
          isNot: ({ actor }) => actor,
          otherwise: 'Nobody forgives themselves.',
        },
      },
    },
  },
});

/** What is unique is what the creation takes along: it is refused for one reason or the other. */
const stickers = defineDomain({
  collection: 'stickers',
  type: 'sticker',
  idPrefix: 'sti',
  summary: 'A sticker on a bike that nobody may ride meanwhile.',
  states: ['glued', 'gone'],
  attributes: { bike: reference('bikes', 'bik') },
  unique: { one_sticker: { while: ['glued'], of: ['bike'] } },
  create: {
    summary: 'Glue it on',
    input: { bike: reference('bikes', 'bik') },
    links: { bike: { of: bikes, id: ({ input }) => input.bike, transition: 'lend', refused } },
  },
  transitions: {
    scrape: {
      summary: 'Scrape it off',
      from: ['glued'],
      to: ['gone'],
      links: { bike: { of: bikes, id: ({ entity }) => entity.bike, transition: 'come-back' } },
    },
  },
});

const all = [bikes, loans, stickers];
for (const domain of all) conformance(domain, all);
