/**
 * `npm run bench`: both handlers alone beside each other, then both stacks whole; each with the payments of this project,
 * and then with plain ones that do the stock pattern's work. Parts of it: `-- --only handlers`, `-- --only stacks`,
 * `-- --same-work`. Apart from both: `-- --hot`, which is what one item and a spread account bear, `-- --cold`, and
 * `-- --noisy`, which is what a tenant hears of another one, and `-- --growth`, which is what a command costs as the
 * store grows. Fewer rounds or commands make a shorter run and a coarser figure. `-- --write` puts what a whole run has measured
 * into the documents.
 */
import { parseArgs } from 'node:util';
import type { Domain } from '../../functions/core/definition.ts';
import { systemClock } from '../../functions/runtime/clock.ts';
import { emptyStore, withDatabase } from '../../infra/tools/explain/workbench.ts';
import { handlersBeside, stacksBeside } from './beside.ts';
import { coldStarts } from './cold.ts';
import { growth } from './growth.ts';
import { hotAccount } from './hot-account.ts';
import { hotItem } from './hot-item.ts';
import { noisyTenant } from './noisy.ts';
import { publish } from './published.ts';
import { Tables } from './tables.ts';

const {
  cold,
  growth: isGrowth,
  hot,
  noisy,
  only,
  rounds,
  commands,
  'same-work': sameWorkOnly,
  write,
} = parseArgs({
  options: {
    cold: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    hot: { type: 'boolean', default: false },
    noisy: { type: 'boolean', default: false },
    only: { type: 'string' },
    'same-work': { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    commands: { type: 'string', default: '500' },
    write: { type: 'boolean', default: false },
  },
}).values;

/** Each row as soon as it is measured, since all of them take minutes. */
const printRow = (cells: readonly string[]): void => {
  process.stdout.write(cells.length === 0 ? '\n' : `| ${cells.join(' | ')} |\n`);
};

// The warning is for those who deploy; the functions on AWS run on a newer Node.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
if (write && (cold || hot || isGrowth || noisy || only !== undefined || sameWorkOnly))
  throw new Error('--write wants a whole run: leave out all that runs a part');
// The stacks end with their benchmark, see `whole`.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const size = { rounds: Number(rounds), commands: Number(commands), sameWorkOnly };
if (cold) {
  await coldStarts(printRow);
} else if (hot) {
  await withDatabase(async (endpoint) => {
    const open = (domains?: readonly Domain[]) =>
      emptyStore(endpoint, { recorded: false, clock: systemClock, ...(domains && { domains }) });
    if (only !== 'account') await hotItem(open, printRow);
    if (only === undefined) printRow([]);
    if (only !== 'item') await hotAccount(open, printRow);
  });
} else if (isGrowth) {
  await withDatabase((endpoint) =>
    growth((domains) => emptyStore(endpoint, { clock: systemClock, ...(domains && { domains }) }), printRow),
  );
} else if (noisy) {
  await noisyTenant(printRow);
} else {
  const tables = new Tables(printRow);
  if (only !== 'stacks') await handlersBeside(size, tables);
  if (only === undefined) printRow([]);
  if (only !== 'handlers') await stacksBeside(size, tables);
  if (write) await publish(tables, size);
}
