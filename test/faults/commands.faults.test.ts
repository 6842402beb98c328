/**
 * Commands under faults: every AWS call that a command makes, every fault at that call, with and without the SDK's own
 * retries. Then the key is repeated until it has its answer, and the whole store is checked. `npm test` takes one
 * command of each shape, `npm run test:all` every command of every domain.
 */
import { describe, test } from 'vitest';
import { domains } from '../../functions/domains/index.ts';
import { commandCases } from '../support/faults/commands.ts';
import { everyFault } from '../support/faults/every-fault.ts';
import { isFullScope } from '../support/faults/scope.ts';
import { oneOfEachShape, recordAll } from '../support/faults/shapes.ts';

const all = commandCases(domains);
const cases = isFullScope ? all : oneOfEachShape(await recordAll(all));

describe('every fault', () => {
  test.for(cases)('$domain: $name', everyFault);
});
