/**
 * `npm run migrate -- --domain payments` brings older entities to the newest version of their definition, each by a
 * command of its own. Tables, region, credentials and endpoint come from the environment. Stopped and begun again it
 * goes on with what is left.
 *
 * Exit code: 0 all are of the newest version, 1 some are left, 2 it could not be done.
 */
import { parseArgs } from 'node:util';
import { domains } from '../../../functions/application.ts';
import { backendOfEnvironment } from '../../../functions/commands/backend.ts';
import { migrate } from '../../../functions/commands/migrate.ts';

const usage =
  'usage: DATA_TABLE=<table> OUTBOX_TABLE=<table> IDEMPOTENCY_TABLE=<table> npm run migrate -- --domain <collection> [--dry-run] [--concurrency <n>]';

/** Entities that are named because they could not be migrated. */
const namedMax = 20;

async function run(collection: string, dryRun: boolean, concurrency: number | undefined): Promise<void> {
  const backend = backendOfEnvironment(domains);
  const total = { looked: 0, older: 0, migrated: 0, left: 0 };
  const options = { collection, dryRun, ...(concurrency !== undefined && { concurrency }) };
  for await (const page of migrate(backend, options)) {
    total.looked += page.looked;
    total.older += page.older;
    total.migrated += page.migrated;
    for (const { tenant, id, code } of page.left) {
      total.left += 1;
      if (total.left <= namedMax) console.log(`left: ${id} of ${tenant}: ${code}`);
    }
    console.error(`${total.looked} entities looked at, ${total.older} older, ${total.migrated} migrated`);
  }
  console.log(JSON.stringify({ collection, dryRun, ...total }));
  if (total.left > 0) process.exitCode = 1;
}

try {
  const { values } = parseArgs({
    options: {
      domain: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      concurrency: { type: 'string' },
    },
  });
  if (values.domain === undefined) throw new TypeError('the domain is not given');
  const concurrency = values.concurrency === undefined ? undefined : Number(values.concurrency);
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency > 0))
    throw new TypeError('the concurrency is a whole number from 1 on');
  await run(values.domain, values['dry-run'], concurrency);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exitCode = 2;
}
