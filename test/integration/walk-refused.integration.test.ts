/** What the conformance tests say of a definition that refuses its own example: once, and by its name. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { defineDomain } from '../../functions/core/definition.ts';
import { text } from '../../functions/core/fields.ts';
import { startBackend } from '../support/backend.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const wishes = defineDomain({
  collection: 'wishes',
  type: 'wish',
  idPrefix: 'wsh',
  summary: 'A wish that nobody grants.',
  states: ['made'],
  attributes: { words: text('Gold') },
  create: {
    summary: 'Make it',
    input: { words: text('Gold') },
    rules: { no_gold: { holds: ({ input }) => input.words !== 'Gold', otherwise: 'There is none.' } },
  },
  transitions: {},
});

it('names the definition whose example is refused, and no later test prepares it again', async () => {
  const [api, clock] = [await startBackend({ domains: [wishes] }), createTestClock()];
  const closed = new Map<string, string>();
  const walk = (): Walk => new Walk(api, clock, randomUUID(), closed);
  const first = walk();
  const prepared = await first.prepareCreation(wishes);
  const reply = await api.post('/v1/wishes', prepared.input, first.as(prepared));
  const told = first.refusal(wishes, reply).message;
  expect(told).toContain('definition "wishes", create, example: it is refused with "no_gold"');
  await expect(walk().prepareCreation(wishes)).rejects.toThrow(told);
  await expect(walk().create(wishes)).rejects.toThrow(told);
  // Another example may be let pass.
  const other = { input: { words: 'Rain' } };
  await expect(walk().create(wishes, other)).resolves.toMatchObject({ status: 'made' });
});
