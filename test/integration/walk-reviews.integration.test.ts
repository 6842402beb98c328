/** The conformance tests of what takes several people: each once, not its author, and no more than are wanted. */
import { defineDomain } from '../../functions/core/definition.ts';
import { list, text } from '../../functions/core/fields.ts';
import { conformance } from '../support/conformance.ts';

const reviewsWanted = 2;

const pitches = defineDomain({
  collection: 'pitches',
  type: 'pitch',
  idPrefix: 'pit',
  summary: 'An idea that two others look at before it is taken.',
  states: ['made', 'taken'],
  attributes: {
    words: text('A talk'),
    author: text('alice'),
    reviewers: list(text('bob'), 0, reviewsWanted, []),
  },
  create: {
    summary: 'Make it',
    input: { words: text('A talk') },
    set: ({ input, actor }) => ({ ...input, author: actor, reviewers: [] }),
  },
  transitions: {
    review: {
      summary: 'Look at it',
      authorize: {
        own_pitch: { actorIsNot: 'author', otherwise: 'Nobody reviews themselves.' },
        reviewed_already: { actorNotIn: 'reviewers', otherwise: 'You have looked at it.' },
      },
      from: ['made'],
      rules: {
        reviews_enough: {
          holds: ({ entity }) => entity.reviewers.length < reviewsWanted,
          otherwise: 'Two have looked at it.',
        },
      },
      set: ({ entity, actor }) => ({ reviewers: [...entity.reviewers, actor] }),
    },
    take: {
      summary: 'Take it',
      from: ['made'],
      to: ['taken'],
      rules: {
        reviews_missing: {
          holds: ({ entity }) => entity.reviewers.length === reviewsWanted,
          otherwise: 'Two have to look at it.',
        },
      },
    },
  },
});

conformance(pitches, [pitches]);
