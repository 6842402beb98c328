/**
 * A choice of an enum is set as it is written, without `as const`. It is not run: `npm run check` fails where one of the
 * marked lines is no error any more, or another one is.
 */
import { z } from 'zod';
import { defineDomain } from '../../functions/core/definition.ts';
import { text } from '../../functions/core/fields.ts';

const deposit = z.enum(['held', 'returned']);
interface Noted {
  readonly note: string;
}
const noted = (note: string): Noted => ({ note });

export const seats = defineDomain({
  collection: 'seats',
  type: 'seat',
  idPrefix: 'sea',
  summary: 'A seat.',
  states: ['free', 'taken'],
  attributes: {
    deposit,
    isPaid: z.literal(true).optional(),
    marks: z.array(z.enum(['old', 'worn'])).optional(),
    note: text('x').optional(),
    sum: z.int().optional(),
  },
  create: { summary: '', input: {}, set: () => ({ deposit: 'held' }) },
  transitions: {
    take: {
      summary: '',
      from: ['free'],
      to: ['taken'],
      set: () => ({ deposit: 'held', isPaid: true, marks: ['old'], sum: 3, note: 'x' }),
    },
    leave: {
      summary: '',
      from: ['taken'],
      to: ['free'],
      set: ({ entity: { marks = [], ...entity } }) => ({
        deposit: entity.deposit === 'held' ? 'returned' : 'held',
        sum: marks.reduce((sum, mark) => sum + mark.length, 0),
        marks: marks.filter((mark) => mark !== 'old'),
      }),
    },
    note: { summary: '', from: ['free'], set: () => noted('x') },
    choice: {
      summary: '',
      from: ['free'],
      // @ts-expect-error -- a choice is misspelt
      set: () => ({ deposit: 'helt' }),
    },
    attribute: {
      summary: '',
      from: ['free'],
      // @ts-expect-error -- an attribute is misspelt
      set: () => ({ depositt: 'held' }),
    },
    another: {
      summary: '',
      from: ['free'],
      // @ts-expect-error -- an attribute is of another type
      set: () => ({ deposit: 'held', sum: '3' }),
    },
  },
});
