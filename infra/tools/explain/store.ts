/** Where the tool measures: a database of its own that is filled and thrown away, or tables that exist. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startDynamoDbLocal } from '../../local/dynamodb.ts';
import { systemClock } from '../../../functions/runtime/clock.ts';
import { readEnvironment } from '../../../functions/runtime/environment.ts';
import { seed } from './seed.ts';
import type { Seeded } from './seed.ts';
import { createTables, dropIndex, schemasWithout } from './tables.ts';
import { createWorkbench } from './workbench.ts';
import type { Workbench, WorkbenchOptions } from './workbench.ts';

/** What DynamoDB Local accepts; it checks none. */
export const local = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

export interface SeededStore {
  readonly bench: Workbench;
  readonly seeded: Seeded;
}

export interface SeedOptions {
  readonly entities: number;
  readonly progress?: (done: number, of: number) => void;
}

/** Makes tables of their own on a database. */
export async function emptyStore(
  endpoint: string,
  options: Partial<WorkbenchOptions> = {},
): Promise<Workbench> {
  const client = { endpoint, ...local };
  const maker = new DynamoDBClient(client);
  const tables = await createTables(maker, `explain-${randomUUID()}`, schemasWithout(undefined));
  maker.destroy();
  return createWorkbench({ tables, client, ...options });
}

/** Makes tables of their own on a database and fills them. */
export async function seededStore(endpoint: string, options: SeedOptions): Promise<SeededStore> {
  const bench = await emptyStore(endpoint);
  const seeded = await seed(bench, options.entities, options.progress);
  return { bench, seeded };
}

/** The same store after an index was taken from it. A scan may take longer than the application has patience. */
export async function takeIndex(
  { tables, probe }: Workbench,
  endpoint: string,
  index: string,
): Promise<Workbench> {
  await dropIndex(probe, tables, index);
  const client = { endpoint, ...local, requestHandler: { requestTimeout: 120_000 } };
  return createWorkbench({ tables, client, withoutIndex: index });
}

/** Runs work on a DynamoDB Local of its own, which is stopped whatever happens. */
export async function withDatabase<Result>(work: (endpoint: string) => Promise<Result>): Promise<Result> {
  // The warning is for those who deploy; the functions on AWS run on a newer Node.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const database = await startDynamoDbLocal();
  try {
    return await work(database.endpoint);
  } finally {
    await database.stop();
  }
}

/** The tables that the environment names, as they are: nothing is seeded, and the service's own figures are shown. */
export function serviceStore(): Workbench {
  const { DATA_TABLE, OUTBOX_TABLE, IDEMPOTENCY_TABLE } = readEnvironment([
    'DATA_TABLE',
    'OUTBOX_TABLE',
    'IDEMPOTENCY_TABLE',
  ]);
  const tables = { data: DATA_TABLE, outbox: OUTBOX_TABLE, idempotency: IDEMPOTENCY_TABLE };
  return createWorkbench({ tables, client: {}, reported: true, clock: systemClock });
}
