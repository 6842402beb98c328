/** Creates the tables by their schemas alone, without CDK: for what runs on DynamoDB Local. */
import { CreateTableCommand, ResourceInUseException } from '@aws-sdk/client-dynamodb';
import type { CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TableNames } from './store.ts';
import { tables } from './tables.ts';
import type { KeySchema, TableName, TableSchema } from './tables.ts';

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

export function tableInput(name: string, schema: TableSchema): CreateTableCommandInput {
  const types = new Map<string, 'S' | 'N'>([[schema.partitionKey, 'S']]);
  if (schema.sortKey !== undefined) types.set(schema.sortKey, 'S');
  for (const { partitionKey, sortKey, sortKeyType } of schema.indexes) {
    types.set(partitionKey, 'S');
    if (sortKey !== undefined) types.set(sortKey, sortKeyType ?? 'S');
  }
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    })),
    KeySchema: keySchema(schema),
    ...(schema.indexes.length > 0 && {
      GlobalSecondaryIndexes: schema.indexes.map((index) => ({
        IndexName: index.name,
        KeySchema: keySchema(index),
        Projection:
          typeof index.projection === 'string'
            ? { ProjectionType: index.projection }
            : { ProjectionType: 'INCLUDE', NonKeyAttributes: [...index.projection] },
      })),
    }),
  };
}

function keySchema(key: KeySchema): CreateTableCommandInput['KeySchema'] {
  return [
    { AttributeName: key.partitionKey, KeyType: 'HASH' },
    ...(key.sortKey === undefined ? [] : [{ AttributeName: key.sortKey, KeyType: 'RANGE' as const }]),
  ];
}
