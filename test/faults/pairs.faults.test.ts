/**
 * Pairs of faults, at every two attempts of a command. `npm run test:all` takes the commands that make the most calls
 * and every two faults; `npm test` one command and the faults after which it does not know what happened.
 */
import { describe, test } from 'vitest';
import { domains } from '../../functions/domains/index.ts';
import { commandCases } from '../support/faults/commands.ts';
import { everyPair } from '../support/faults/every-fault.ts';
import { faultKinds } from '../support/faults/fault-client.ts';
import { isFullScope } from '../support/faults/scope.ts';

/** The first makes three calls: the key and the settlement, its payments, the transaction. The others make two. */
const mostCalls = [
  'settlements confirm from draft',
  'point-accounts transfer from active',
  'payments refund from confirmed',
  'reservations cancel from held',
  'reservations expire by the timer',
];
const chosen = isFullScope ? mostCalls : ['point-accounts transfer from active'];
const kinds = isFullScope ? faultKinds : (['answer lost', 'conflict', 'death after'] as const);

describe('pairs of faults', () => {
  const cases = commandCases(domains).filter(({ domain, name }) => chosen.includes(`${domain} ${name}`));
  test.for(cases)('$domain: $name', everyPair(kinds));
});
