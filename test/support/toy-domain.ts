/**
 * A ninth domain, thought up to use what the eight leave unused: a deadline that is also a caller's command,
 * a check of another entity that changes nothing there, rules on creation, and two unique values.
 */
import { defineDomain } from '../../functions/core/definition.ts';
import { integer, moment, reference, text } from '../../functions/core/fields.ts';
import { named, own, transfer } from '../../functions/core/postings.ts';
import { articles } from '../../functions/domains/articles.ts';

const week = 7 * 24 * 60 * 60 * 1000;
const deposits = named('deposits', 'library', 'EUR');

/** A book is lent by a member of a club; a deposit is paid in and out. */
export const loans = defineDomain({
  collection: 'book-loans',
  type: 'book-loan',
  idPrefix: 'loan',
  summary: 'A book lent for a deposit, until it is back or lost.',
  states: ['asked', 'lent', 'back', 'lost'],
  attributes: {
    book: text('Momo'),
    shelf: text('A 3').optional(),
    member: text('alice'),
    article: reference('articles', 'art'),
    deposit: integer(1, 50_000, 500),
    renewals: integer(0, 2, 0),
    backUntil: moment(),
    note: text('torn').optional(),
  },
  accounts: {
    held: {
      unit: 'EUR',
      shown: true,
      floor: { minimum: 0, code: 'deposit_short', otherwise: 'Not paid in.' },
    },
  },
  unique: {
    book_lent: { while: ['asked', 'lent'], of: ['book'] },
    shelf_free: { while: ['asked'], of: ['shelf'] },
  },
  deadlines: { lose: { while: ['lent'], at: 'backUntil' } },
  create: {
    summary: 'Ask for a book',
    input: {
      book: text('Momo'),
      shelf: text('A 3').optional(),
      member: text('alice'),
      article: reference('articles', 'art'),
      deposit: integer(1, 50_000, 500).default(500),
    },
    set: ({ input, now }) => ({ ...input, renewals: 0, backUntil: new Date(now + week).toISOString() }),
    authorize: { not_for_yourself: { actorIs: 'member', otherwise: 'Everybody asks for themselves.' } },
    rules: {
      not_for_lending: { holds: ({ input }) => input.book !== 'Necronomicon', otherwise: 'It stays here.' },
    },
    references: {
      title: {
        of: articles,
        id: ({ input }) => input.article,
        rules: {
          another_book: {
            kind: 'unprocessable',
            path: 'title',
            is: 'Hello, world',
            otherwise: 'The review is of another book.',
          },
        },
      },
      review: {
        of: articles,
        id: ({ input }) => input.article,
        rules: { review_public: { path: 'status', is: 'draft', otherwise: 'The review is out already.' } },
      },
    },
    transfers: ({ input }) => transfer(deposits, own('held'), input.deposit),
    messages: [
      {
        topic: 'notification',
        type: 'loan.asked',
        payload: ({ input }) => ({ to: input.member, subject: input.book, text: 'Come by.' }),
      },
    ],
  },
  transitions: {
    lend: {
      summary: 'Hand the book out',
      from: ['asked'],
      to: ['lent'],
      role: 'librarian',
      authorize: { not_the_member: { actorIs: 'member', otherwise: 'Only the member may.' } },
    },
    renew: {
      summary: 'Keep it for another week',
      from: ['lent'],
      to: ['lent'],
      rules: {
        renewed_enough: { holds: ({ entity }) => entity.renewals < 1, otherwise: 'Others wait for it.' },
      },
      set: ({ entity }) => ({
        renewals: entity.renewals + 1,
        backUntil: new Date(Date.parse(entity.backUntil) + week).toISOString(),
      }),
    },
    'pay-out': {
      summary: 'Pay a part of the deposit back early',
      from: ['lent'],
      to: ['lent'],
      input: { amount: integer(1, 50_000, 100) },
      transfers: ({ input }) => transfer(own('held'), deposits, input.amount),
    },
    vouch: {
      summary: 'A friend answers for the deposit',
      from: ['lent'],
      to: ['lent'],
      input: { deposit: integer(1, 50_000, 100) },
      example: {
        input: ({ entity }) => ({ deposit: entity.deposit }),
        actor: ({ entity }) => `a friend of ${entity.member}`,
        roles: ['reader'],
      },
      authorize: { your_own: { actorIsNot: 'member', otherwise: 'Nobody answers for themselves.' } },
      rules: {
        staff: { holds: ({ roles }) => !roles.includes('librarian'), otherwise: 'Staff answers for nobody.' },
        another_sum: {
          holds: ({ entity, input }) => input.deposit === entity.deposit,
          otherwise: 'The deposit is another sum.',
        },
      },
    },
    return: {
      summary: 'Bring it back',
      from: ['lent', 'asked'],
      to: ['back', 'lost'],
      input: { note: text('torn').optional() },
      next: ({ entity }) => (entity.status === 'asked' || entity.renewals < 9 ? 'back' : 'lost'),
      set: ({ input }) => ({ note: input.note }),
      messages: [
        {
          topic: 'external-call',
          type: 'loan.returned',
          payload: ({ id, entity }) => ({ id, book: entity.book }),
        },
        {
          topic: 'report',
          type: 'loan.returned',
          payload: ({ id, entity }) => ({ title: entity.book, columns: ['loan'], rows: [[id]] }),
        },
      ],
    },
    lose: { summary: 'Give it up', from: ['lent'], to: ['lost'] },
  },
});
