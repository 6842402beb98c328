/**
 * Commands under faults: every AWS call that a command makes, every fault at that call, with and without the SDK's own
 * retries. Then the key is repeated until it has its answer, and the whole store is checked. `npm test` takes one
 * command of each shape, `npm run test:all` every command of every domain.
 */
import { describe, test } from 'vitest';
import { domains } from '../../functions/domains/index.ts';
import { orders, products, shipments } from '../examples/orders-of-lines.ts';
import { commandCases } from '../support/faults/commands.ts';
import { everyFault } from '../support/faults/every-fault.ts';
import { isFullScope } from '../support/faults/scope.ts';
import { oneOfEachShape, recordAll } from '../support/faults/shapes.ts';

const all = commandCases(domains);
const cases = isFullScope ? all : oneOfEachShape(await recordAll(all));

/** No command of the domains creates others; an order creates a shipment for each of its lines. */
const selling = [products, shipments, orders];
const creating = commandCases(selling)
  .filter(({ domain, name }) => domain === 'orders' && name.startsWith('create'))
  .map((command) => ({ ...command, domains: selling }));

describe('every fault', () => {
  test.for([...cases, ...creating])('$domain: $name', everyFault);
});
