/** Where the conformance tests look for the steps after which a rule refuses. */
import { expect, test } from 'vitest';
import type { AnyTransition } from '../../functions/core/definition.ts';
import { rulesAfterSteps } from '../support/conformance/rules-of.ts';

test('a code is that of several rules, and each of them may say steps', () => {
  const other = { of: 'lamps', id: () => '' };
  const transition = {
    from: ['on'],
    to: ['off'],
    rules: {
      late: { holds: () => true, otherwise: 'It is late.', refusedAfter: ['ring'] },
      odd: { kind: 'unprocessable', holds: () => true, otherwise: 'It is odd.', refusedAfter: ['count'] },
    },
    references: {
      lamp: { ...other, rules: { late: { path: 'status', is: 'on', otherwise: 'It is off.' } } },
    },
    links: {
      lamp: {
        ...other,
        transition: 'glow',
        rules: { dark: { path: 'watts', atLeast: 1, otherwise: 'No.', refusedAfter: ['lamps/dim'] } },
      },
    },
  } as unknown as AnyTransition;
  expect(rulesAfterSteps(transition)).toEqual([
    { code: 'late', refusedAfter: ['ring'] },
    { code: 'unprocessable', refusedAfter: ['count'] },
    { code: 'dark', refusedAfter: ['lamps/dim'] },
  ]);
});
