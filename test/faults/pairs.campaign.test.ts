/**
 * Every pair of faults for the commands that make the most calls: of a few kinds in each run, of all kinds and for
 * more commands in a long campaign (`npm run test:faults`).
 */
import { describe, test } from 'vitest';
import { domains } from '../../functions/domains/index.ts';
import { commandCases } from '../support/faults/commands.ts';
import { everyPair } from '../support/faults/every-fault.ts';
import { faultKinds } from '../support/faults/fault-client.ts';

const isCampaign = process.env['FAULT_MINUTES'] !== undefined;
const kinds = isCampaign ? faultKinds : (['answer lost', 'conflict', 'death after'] as const);

/** Three calls: the key and the settlement, its payments, the transaction. Others make two. */
const most = ['settlements confirm from draft'];
const many = [
  'point-accounts transfer from active',
  'payments refund from confirmed',
  'reservations cancel from held',
];
const chosen = isCampaign ? [...most, ...many] : most;

describe('pairs of faults', () => {
  const cases = commandCases(domains).filter(({ domain, name }) => chosen.includes(`${domain} ${name}`));
  test.for(cases)('$domain: $name', { timeout: 1_200_000 }, everyPair(kinds));
});
