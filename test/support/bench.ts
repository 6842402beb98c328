/** A workbench on empty tables of the run's DynamoDB Local. */
import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { inject } from 'vitest';
import { createTables, schemasWithout } from '../../infra/explain/tables.ts';
import { createWorkbench } from '../../infra/explain/workbench.ts';
import type { Workbench, WorkbenchOptions } from '../../infra/explain/workbench.ts';
import { localCredentials, localRegion } from './loopback.ts';

export async function emptyBench(options: Partial<WorkbenchOptions> = {}): Promise<Workbench> {
  const client = { endpoint: inject('dynamodbEndpoint'), region: localRegion, credentials: localCredentials };
  const maker = new DynamoDBClient(client);
  const tables = await createTables(maker, `bench-${randomUUID()}`, schemasWithout(undefined));
  maker.destroy();
  return createWorkbench({ tables, client, ...options });
}
