/* oxlint-disable typescript/no-unsafe-return, typescript/no-unsafe-assignment, typescript/no-unsafe-member-access
   -- what is misspelt has no type */
/**
 * Misspellings and misuses of the vocabulary that the compiler finds. It is not run: `npm run check` fails where one of
 * these lines is no error any more. What only shows when a definition is loaded stands in `test/unit/load-errors.txt`.
 */
import { z } from 'zod';
import { defineDomain } from '../../functions/core/definition.ts';
import { integer, list, moment, reference, text } from '../../functions/core/fields.ts';
import { many, maybe } from '../../functions/core/others.ts';
import { accountOf, named, own, transfer } from '../../functions/core/postings.ts';

const till = named('till', 'shop', 'coin');

export const shelves = defineDomain({
  collection: 'shelves',
  type: 'shelf',
  idPrefix: 'shl',
  summary: 'A shelf.',
  states: ['open', 'closed'],
  attributes: {
    place: text('hall'),
    currency: text('EUR'),
    width: integer(1, 9, 3),
    labels: list(text('a'), 0, 9, ['a']),
  },
  accounts: { free: { unit: 'place' }, paid: { unit: { from: 'currency' } } },
  create: {
    summary: 'Put it up',
    input: { place: text('hall') },
    set: ({ input }) => ({ ...input, currency: 'EUR', width: 1, labels: [] }),
  },
  transitions: {
    close: { summary: 'Close it', from: ['open'], to: ['closed'] },
    widen: {
      summary: 'Make it wider',
      internal: true,
      from: ['open'],
      to: ['open'],
      input: { by: integer(1, 9, 1) },
      set: ({ entity, input }) => ({ width: entity.width + input.by }),
    },
  },
});

const book = {
  collection: 'books',
  type: 'book',
  idPrefix: 'bok',
  summary: 'A book.',
  attributes: {
    title: text('Momo'),
    pages: integer(1, 999, 300),
    readers: list(text('ada'), 0, 9, ['ada']),
    shelf: reference('shelves', 'shl'),
    lentTo: text('ada').optional(),
    backAt: moment().optional(),
  },
  accounts: { fines: { unit: 'coin' } },
} as const;
const input = z.strictObject({ title: text('Momo'), shelf: reference('shelves', 'shl') });
const create = { summary: 'Buy it', input } as const;
const bought = { pages: 300, readers: [] };
const step = { summary: '', from: ['in'], to: ['out'] } as const;

/** All of it right, so that each error below is the one that it says. */
export const right = defineDomain({
  ...book,
  states: ['in', 'out'],
  always: { lentTo: ['out'] },
  unique: { book_title: { while: ['in'], of: ['title'] } },
  deadlines: { remind: { while: ['out'], at: 'backAt', every: 'month', since: 'backAt' } },
  create: {
    ...create,
    reads: { wide: { of: shelves, id: ({ input: { shelf } }) => shelf } },
    authorize: { not_its_title: { actorIs: ['title', 'shelf'], otherwise: '' } },
    example: { input: ({ now, others }) => ({ title: `${others.wide.place} ${now}` }), roles: ['clerk'] },
    to: ['in', 'out'],
    next: ({ others }) => (others.wide.width > 1 ? 'in' : 'out'),
    set: ({ input: { title, shelf } }) => ({ title, shelf, ...bought }),
  },
  transitions: {
    lend: {
      summary: 'Lend it',
      from: ['in'],
      to: ['out'],
      input: { to: text('ada') },
      authorize: { not_a_reader: { actorIn: 'readers', otherwise: '' } },
      rules: { too_long: { path: 'pages', atMost: ({ input: { to } }) => to.length, otherwise: '' } },
      references: { shelf: { of: shelves, id: ({ entity }) => entity.shelf } },
      creates: { another: { of: shelves, input: ({ entity }) => ({ place: entity.title }) } },
      set: ({ input: { to }, created }) => ({ lentTo: to, shelf: created.another.id }),
      messages: [
        {
          topic: 'notification',
          type: 'lent',
          payload: ({ after }) => ({ to: after.title, subject: '', text: '' }),
        },
      ],
    },
    remind: {
      summary: 'Remind',
      internal: true,
      from: ['out'],
      to: ['out'],
      transfers: ({ entity }) => [
        transfer(own('fines'), till, 1),
        entity.pages > 99 ? transfer(till, accountOf(shelves, entity.shelf, 'free'), 1) : [],
      ],
      set: ({ entity }) => ({ title: entity.lentTo }),
    },
  },
});

export const wrong = [
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 1. what is sent is not all that is kept, and no `set` says the rest
    create,
    transitions: {},
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 2. a unique value is held in a state that is none
    unique: { u: { while: ['inn'], of: () => ['x'] } },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 3. an attribute of a unique value is misspelt
    unique: { u: { while: ['in'], of: ['titel'] } },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 4. the transition of a deadline is misspelt
    deadlines: { lent: { while: ['in'], at: 'backAt' } },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    create: {
      ...create,
      reads: { wide: { of: shelves, id: ({ input: { shelf } }) => shelf } },
      // @ts-expect-error -- 45. an example of a creation looks at an attribute of another that is misspelt
      example: { input: ({ others }) => ({ title: others.wide.plase }) },
      set: () => ({ title: '', shelf: '', ...bought }),
    },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    create: {
      ...create,
      // @ts-expect-error -- 46. an example of a creation gives a field another type
      example: { input: ({ now }) => ({ title: now }) },
      set: () => ({ title: '', shelf: '', ...bought }),
    },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    create: {
      ...create,
      // @ts-expect-error -- 47. who may create is named by a field that is not sent
      authorize: { not_the_reader: { actorIs: 'lentTo', otherwise: '' } },
      set: () => ({ title: '', shelf: '', ...bought }),
    },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 52. it begins in a state that is none
    create: { ...create, to: 'inn', set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    create: {
      ...create,
      to: ['in', 'out'],
      // @ts-expect-error -- 53. `next` of a creation chooses a state that is none
      next: () => 'inn',
      set: () => ({ title: '', shelf: '', ...bought }),
    },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 32. the attribute of a deadline is misspelt
    deadlines: { lend: { while: ['in'], at: 'backAtt' } },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 33. a deadline is waited for in a state that is none
    deadlines: { lend: { while: ['inn'], at: 'backAt' } },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 34. a deadline comes again in a period that is none
    deadlines: { lend: { while: ['in'], at: 'backAt', every: 'moon', since: 'backAt' } },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 35. an account is open in a state that is none
    accounts: { fines: { unit: 'coin', open: { while: ['inn'], code: 'c', otherwise: '' } } },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 36. the unit of an account comes from an attribute that is misspelt
    accounts: { fines: { unit: { from: 'titel' } } },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 5. what is always there is no optional attribute
    always: { title: ['in'] },
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    // @ts-expect-error -- 6. a creation leaves an attribute out
    create: { ...create, set: ({ input: { title } }) => ({ title, ...bought }) },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    create: {
      ...create,
      set: () => ({ title: '', shelf: '', ...bought }),
      references: {
        shelf: {
          of: shelves,
          // @ts-expect-error -- 7. a field of the input is misspelt
          id: ({ input: { shelff } }) => shelff,
          // @ts-expect-error -- 8. a state of another domain is misspelt
          rules: { a: { path: 'status', is: 'opn', otherwise: '' } },
        },
        again: {
          of: shelves,
          id: ({ input: { shelf } }) => shelf,
          // @ts-expect-error -- 9. an attribute of another domain is misspelt
          rules: { a: { path: 'plase', is: 'x', otherwise: '' } },
        },
      },
      // @ts-expect-error -- 10. an account of another domain is misspelt
      transfers: ({ input: { shelf } }) => transfer(till, accountOf(shelves, shelf, 'fre'), 1),
    },
    transitions: { lend: step },
  }),
  defineDomain({
    ...book,
    states: ['in', 'out'],
    create: { ...create, set: () => ({ title: '', shelf: '', ...bought }) },
    transitions: {
      // @ts-expect-error -- 11. a transition starts from a state that is none
      from: { summary: '', from: ['inn'], to: ['out'] },
      // @ts-expect-error -- 12. a transition leads to a state that is none
      to: { summary: '', from: ['in'], to: ['outt'] },
      // @ts-expect-error -- 48. nothing is said of a state that it starts from
      ends: { summary: '', from: ['in', 'out'], to: { in: 'out' } },
      // @ts-expect-error -- 49. by the state it starts from, it leads to a state that is none
      'an-end': { summary: '', from: ['in', 'out'], to: { in: 'out', out: 'inn' } },
      // @ts-expect-error -- 13. `next` chooses a state that is none
      next: { summary: '', from: ['in'], to: ['in', 'out'], next: () => 'outt' },
      // @ts-expect-error -- 14. a word of the vocabulary is misspelt
      word: { ...step, summery: '' },
      set: {
        ...step,
        // @ts-expect-error -- 15. a value is of another type
        set: () => ({ pages: '300' }),
      },
      always: {
        ...step,
        // @ts-expect-error -- 16. what may be missing is taken for there
        set: ({ entity }) => ({ title: entity.lentTo.trim() }),
      },
      context: {
        ...step,
        // @ts-expect-error -- 17. a word of the context is misspelt
        set: ({ entiy }) => ({ title: entiy.title }),
      },
      authorize: {
        ...step,
        // @ts-expect-error -- 18. who may is looked for in an attribute that is no list
        authorize: { x: { actorIn: 'title', otherwise: '' } },
      },
      'one-of': {
        ...step,
        // @ts-expect-error -- 18. and so is one of several that is a list
        authorize: { x: { actorIs: ['lentTo', 'readers'], otherwise: '' } },
      },
      path: {
        ...step,
        // @ts-expect-error -- 19. a rule looks at an attribute that is misspelt
        rules: { x: { path: 'page', atMost: 3, otherwise: '' } },
      },
      moment: {
        ...step,
        // @ts-expect-error -- 50. a rule holds until a moment that is misspelt
        rules: { x: { until: 'backAtt', otherwise: '' } },
      },
      number: {
        ...step,
        // @ts-expect-error -- 20. a rule compares a text as a number
        rules: { x: { path: 'title', atMost: 3, otherwise: '' } },
      },
      value: {
        ...step,
        // @ts-expect-error -- 21. a rule compares with a value of another type
        rules: { x: { path: 'pages', is: 'three', otherwise: '' } },
      },
      otherwise: {
        ...step,
        // @ts-expect-error -- 22. a rule does not say why
        rules: { x: { path: 'pages', atMost: 3 } },
      },
      account: {
        ...step,
        // @ts-expect-error -- 23. an account of its own is misspelt
        transfers: () => transfer(own('fine'), till, 1),
      },
      accounts: {
        ...step,
        // @ts-expect-error -- 23. and so is one in a list of transfers
        transfers: () => [transfer(till, own('fines'), 1), transfer(own('fine'), till, 1)],
      },
      unit: {
        ...step,
        // @ts-expect-error -- 41. an account whose unit an attribute says is named without one
        transfers: ({ entity }) => transfer(own('fines'), accountOf(shelves, entity.shelf, 'paid'), 1),
      },
      units: {
        ...step,
        // @ts-expect-error -- 42. an account of one unit is named with another
        transfers: () => transfer(own('fines'), accountOf(shelves, 'shl_1', 'free', 'coin'), 1),
      },
      relied: {
        ...step,
        // @ts-expect-error -- 24. a balance to rely on is misspelt
        transfers: ({ relyOn }) => transfer(own('fines'), till, relyOn('fine')),
      },
      link: {
        ...step,
        // @ts-expect-error -- 25. a transition of another domain is misspelt
        links: { shelf: { of: shelves, id: ({ entity }) => entity.shelf, transition: 'clos' } },
      },
      given: {
        ...step,
        links: {
          shelf: {
            of: shelves,
            id: ({ entity }) => entity.shelf,
            transition: 'widen',
            // @ts-expect-error -- 26. a transition of another domain is given what it does not take
            input: () => ({ by: 'x' }),
          },
        },
      },
      several: {
        ...step,
        // @ts-expect-error -- 27. several are read, and one is named
        reads: { shelves: { of: many(shelves, 2), id: ({ entity }) => entity.shelf } },
      },
      perhaps: {
        ...step,
        reads: { shelf: { of: maybe(shelves), id: ({ entity }) => entity.lentTo } },
        // @ts-expect-error -- 28. one that may be missing is taken for there
        set: ({ others }) => ({ title: others.shelf.place }),
      },
      answer: {
        ...step,
        // @ts-expect-error -- 29. the transition of an answer is misspelt
        messages: { topic: 'external-call', type: 'x', done: 'answerd', payload: () => ({}) },
      },
      mail: {
        ...step,
        // @ts-expect-error -- 30. a mail has no subject
        messages: [{ topic: 'notification', type: 'x', payload: () => ({ to: 'ada', text: '' }) }],
      },
      example: {
        ...step,
        input: { by: integer(1, 9, 1) },
        // @ts-expect-error -- 43. an example of the input is of another type
        example: { input: ({ entity }) => ({ by: entity.title }) },
      },
      before: {
        ...step,
        // @ts-expect-error -- 51. a step before an example is no transition
        example: { after: ['befor'] },
      },
      exampleOf: {
        ...step,
        input: { by: integer(1, 9, 1) },
        // @ts-expect-error -- 44. an example looks at an attribute that is misspelt
        example: { input: ({ entity }) => ({ by: entity.page }) },
      },
      created: {
        ...step,
        creates: {
          shelf: {
            of: shelves,
            // @ts-expect-error -- 37. what is created is given what its creation does not take
            input: () => ({ plase: 'hall' }),
          },
        },
      },
      severalCreated: {
        ...step,
        // @ts-expect-error -- 38. several are created, and one is given
        creates: { shelves: { of: many(shelves, 2), input: () => ({ place: 'hall' }) } },
      },
      begun: {
        ...step,
        creates: { shelf: { of: shelves, input: () => ({ place: 'hall' }) } },
        // @ts-expect-error -- 39. an attribute of what is created is misspelt
        set: ({ created }) => ({ title: created.shelf.plase }),
      },
      unbegun: {
        ...step,
        creates: {
          shelf: {
            of: shelves,
            // @ts-expect-error -- 40. what is created is named before it is known
            input: ({ created }) => ({ place: created.shelf.id }),
          },
        },
      },
      receiver: {
        ...step,
        messages: [
          // @ts-expect-error -- 31. only a call has a receiver
          {
            topic: 'notification',
            type: 'x',
            receiver: 'bank',
            payload: () => ({ to: '', subject: '', text: '' }),
          },
        ],
      },
    },
  }),
];
