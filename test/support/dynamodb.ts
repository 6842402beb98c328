import {
  CreateTableCommand,
  DeleteTableCommand,
  ResourceInUseException,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import type { TestProject } from 'vitest/node';
import { tables, type TableName } from '../../functions/store/tables.ts';
import { tableInput } from '../../infra/tools/explain/tables.ts';
import { startDynamoDbLocal, type DynamoDbLocal } from '../../infra/local/dynamodb.ts';
import { assertLoopback } from './loopback.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Endpoint of the DynamoDB Local that this run shares; tests keep apart by table name prefix. */
    dynamodbEndpoint: string;
  }
}

/** Projects of one run share a process but not their modules, so what they share stands on the global object. */
const shared = globalThis as { sharedDynamoDb?: { users: number; started: Promise<DynamoDbLocal> } };

/** Vitest's global setup: one DynamoDB Local for the whole run. `inject('dynamodbEndpoint')` reads it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const database = (shared.sharedDynamoDb ??= { users: 0, started: startDynamoDbLocal() });
  database.users += 1;
  const server = await database.started;
  project.provide('dynamodbEndpoint', assertLoopback(server.endpoint));
  return async () => {
    database.users -= 1;
    if (database.users === 0) {
      delete shared.sharedDynamoDb;
      await server.stop();
    }
  };
}

/** The names of one set of tables, as the handlers' environment names them. */
export interface TableNames {
  readonly data: string;
  readonly outbox: string;
  readonly idempotency: string;
}

const streamSpecification = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' } as const;

/**
 * Creates the application's tables, named `<prefix>-<table>`: on demand, with indexes as on AWS. DynamoDB Local has
 * them ready at once, so nothing is waited for.
 * @param options streams as on AWS only where somebody reads them: DynamoDB Local looks through all stream records
 *   there are at each call, and grows slower with every one
 */
export async function createTables(
  client: DynamoDBClient,
  prefix: string,
  { streams = false }: { readonly streams?: boolean } = {},
): Promise<TableNames> {
  const endpoint = await client.config.endpoint?.();
  if (endpoint === undefined) throw new Error('the client has no endpoint: tests never reach AWS');
  assertLoopback(`${endpoint.protocol}//${endpoint.hostname}`);
  const names = { data: `${prefix}-data`, outbox: `${prefix}-outbox`, idempotency: `${prefix}-idempotency` };
  await Promise.all(
    (Object.keys(tables) as TableName[]).map((table) =>
      client
        .send(
          new CreateTableCommand({
            ...tableInput(names[table], tables[table]),
            ...(streams && tables[table].stream && { StreamSpecification: streamSpecification }),
          }),
        )
        .catch((error: unknown) => {
          // On a busy machine the client asks again before it has its answer. Prefixes are unique, so the table is ours.
          if (!(error instanceof ResourceInUseException)) throw error;
        }),
    ),
  );
  return names;
}

/**
 * Deletes tables and what their streams hold. Whoever made tables with streams does so at the end: DynamoDB Local looks
 * through the stream records of all tables there are, at each call.
 */
export async function deleteTables(client: DynamoDBClient, names: TableNames): Promise<void> {
  for (const TableName of [names.data, names.outbox, names.idempotency])
    await client.send(new DeleteTableCommand({ TableName }));
}
