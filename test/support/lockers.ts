/** A team's own list of domains: one that refers to none of ours. */
import { defineDomain } from '../../functions/core/definition.ts';
import { text } from '../../functions/core/fields.ts';

export const lockers = defineDomain({
  collection: 'lockers',
  type: 'locker',
  idPrefix: 'lck',
  summary: 'A locker that is opened once.',
  states: ['shut', 'opened'],
  attributes: { place: text('B 12') },
  create: {
    summary: 'Shut a locker',
    input: { place: text('B 12') },
  },
  transitions: {
    open: { summary: 'Open it', from: ['shut'], to: ['opened'] },
  },
});
