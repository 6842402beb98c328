/** The conformance test of a domain that is nearly nothing: no transition, and a number that may be 0. */
import { defineDomain } from '../../functions/core/definition.ts';
import { integer, text } from '../../functions/core/fields.ts';
import { conformance } from '../support/conformance.ts';

const asked = { title: text('A film'), stars: integer(0, 5, 4) };

const ratings = defineDomain({
  collection: 'ratings',
  type: 'rating',
  idPrefix: 'rtg',
  summary: 'What somebody thought of it.',
  states: ['given'],
  attributes: asked,
  create: { summary: 'Give a rating', input: asked },
  transitions: {},
});

conformance(ratings, [ratings]);
