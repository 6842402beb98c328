/** The walk of the conformance test finds its way through a definition's machine. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineDomain } from '../../functions/core/definition.ts';
import { moment } from '../../functions/core/fields.ts';
import { startBackend } from '../support/backend.ts';
import { createTestClock } from '../support/test-clock.ts';
import { Walk } from '../support/walk.ts';

const day = 24 * 60 * 60 * 1000;

/** Where a return leads depends on the state it begins in, and only a function says so. */
const loans = defineDomain({
  collection: 'loans',
  type: 'loan',
  idPrefix: 'lon',
  summary: 'Something lent.',
  states: ['running', 'overdue', 'returned', 'fined'],
  initial: 'running',
  attributes: z.strictObject({ backBy: moment() }),
  deadlines: { lapse: { while: ['running'], at: 'backBy' } },
  create: {
    summary: 'Lend it',
    input: z.strictObject({}),
    set: ({ now }) => ({ backBy: new Date(now + day).toISOString() }),
  },
  transitions: {
    lapse: { summary: 'Time is over', internal: true, from: ['running'], to: ['overdue'] },
    return: {
      summary: 'Give it back',
      from: ['running', 'overdue'],
      to: ['returned', 'fined'],
      next: ({ entity }) => (entity.status === 'overdue' ? 'fined' : 'returned'),
    },
  },
});

it('takes a transition from another state that led elsewhere from the first', async () => {
  const clock = createTestClock();
  const walk = new Walk(await startBackend({ domains: [loans], clock }), clock);
  expect((await walk.reach(loans, 'fined')).status).toBe('fined');
  expect((await walk.reach(loans, 'returned')).status).toBe('returned');
});
