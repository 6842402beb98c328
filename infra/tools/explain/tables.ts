/** The application's tables on DynamoDB Local. */
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import type { CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tables } from '../../../functions/store/tables.ts';
import type { IndexSchema, TableName, TableSchema } from '../../../functions/store/tables.ts';
import type { TableNames } from '../../../functions/store/store.ts';

export type Schemas = Readonly<Record<TableName, TableSchema>>;

export const allIndexes: readonly IndexSchema[] = Object.values<TableSchema>(tables).flatMap(
  ({ indexes }) => indexes,
);

/** The schemas as they are, less one index where one is named. */
export function schemasWithout(index: string | undefined): Schemas {
  const without = (schema: TableSchema): TableSchema => ({
    ...schema,
    indexes: schema.indexes.filter(({ name }) => name !== index),
  });
  return {
    data: without(tables.data),
    outbox: without(tables.outbox),
    idempotency: without(tables.idempotency),
  };
}

/** DynamoDB Local has them ready at once. There is no stream: nobody reads one here. */
export async function createTables(client: DynamoDBClient, prefix: string): Promise<TableNames> {
  const names = { data: `${prefix}-data`, outbox: `${prefix}-outbox`, idempotency: `${prefix}-idempotency` };
  for (const table of Object.keys(names) as TableName[]) {
    await client.send(new CreateTableCommand(tableInput(names[table], tables[table])));
  }
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

function keySchema(key: { partitionKey: string; sortKey?: string }): CreateTableCommandInput['KeySchema'] {
  return [
    { AttributeName: key.partitionKey, KeyType: 'HASH' },
    ...(key.sortKey === undefined ? [] : [{ AttributeName: key.sortKey, KeyType: 'RANGE' as const }]),
  ];
}
