/** A team's own list of domains: one that refers to none of ours. */
import { z } from 'zod';
import { defineDomain } from '../../functions/core/definition.ts';
import { text } from '../../functions/core/fields.ts';

export const lockers = defineDomain({
  collection: 'lockers',
  type: 'locker',
  idPrefix: 'lck',
  summary: 'A locker that is opened once.',
  states: ['shut', 'opened'],
  initial: 'shut',
  attributes: z.strictObject({ place: text('B 12') }),
  create: {
    summary: 'Shut a locker',
    input: z.strictObject({ place: text('B 12') }),
    set: ({ input }) => input,
  },
  transitions: {
    open: { summary: 'Open it', from: ['shut'], to: ['opened'] },
  },
});
