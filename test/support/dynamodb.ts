import { DeleteTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TestProject } from 'vitest/node';
import { createTables as createInStore } from '../../functions/store/create-tables.ts';
import type { TableNames } from '../../functions/store/store.ts';
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

/** As {@link createInStore}. @throws where the client does not stay on this machine */
export async function createTables(
  client: DynamoDBClient,
  prefix: string,
  options: { readonly streams?: boolean } = {},
): Promise<TableNames> {
  const endpoint = await client.config.endpoint?.();
  if (endpoint === undefined) throw new Error('the client has no endpoint: tests never reach AWS');
  assertLoopback(`${endpoint.protocol}//${endpoint.hostname}`);
  return createInStore(client, prefix, options);
}

/**
 * Deletes tables and what their streams hold. Whoever made tables with streams does so at the end: DynamoDB Local looks
 * through the stream records of all tables there are, at each call.
 */
export async function deleteTables(client: DynamoDBClient, names: TableNames): Promise<void> {
  for (const TableName of [names.data, names.outbox, names.idempotency])
    await client.send(new DeleteTableCommand({ TableName }));
}
