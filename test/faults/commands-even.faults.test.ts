/**
 * Every command of every other domain (the first, the third, ...): every AWS call it makes, every fault at that call, with and without the
 * SDK's own retries; then the key is repeated until it has its answer, and the whole store is checked. The other
 * half stands in a file of its own, so that both run beside each other.
 */
import { describe, test } from 'vitest';
import { domains } from '../../functions/domains/index.ts';
import { commandCases } from '../support/faults/commands.ts';
import { everyFault } from '../support/faults/every-fault.ts';

const half = domains.map(({ collection }) => collection).filter((_, index) => index % 2 === 0);

describe.each(half)('%s', (collection) => {
  test.for(commandCases(domains).filter(({ domain }) => domain === collection))('$name', everyFault);
});
