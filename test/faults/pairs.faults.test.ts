/**
 * Every pair of faults for the commands that make the most calls, at every two attempts.
 */
import { describe, test } from 'vitest';
import { domains } from '../../functions/domains/index.ts';
import { commandCases } from '../support/faults/commands.ts';
import { everyPair } from '../support/faults/every-fault.ts';
import { faultKinds } from '../support/faults/fault-client.ts';

/** The first makes three calls: the key and the settlement, its payments, the transaction. The others make two. */
const chosen = [
  'settlements confirm from draft',
  'point-accounts transfer from active',
  'payments refund from confirmed',
  'reservations cancel from held',
  'reservations expire by the timer',
];

describe('pairs of faults', () => {
  const cases = commandCases(domains).filter(({ domain, name }) => chosen.includes(`${domain} ${name}`));
  test.for(cases)('$domain: $name', everyPair(faultKinds));
});
