/** The application's tables on DynamoDB Local, all of them or without an index. */
import { CreateTableCommand, DescribeTableCommand, UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import type { CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tables } from '../../../functions/store/tables.ts';
import type { IndexSchema, TableName, TableSchema } from '../../../functions/store/tables.ts';
import type { TableNames } from '../../../functions/store/store.ts';

export type Schemas = Readonly<Record<TableName, TableSchema>>;

export const indexNames: readonly string[] = Object.values(tables).flatMap(({ indexes }) =>
  (indexes as readonly IndexSchema[]).map(({ name }) => name),
);

/** The schemas as they are, less one index where one is named. */
export function schemasWithout(index: string | undefined): Schemas {
  return Object.fromEntries(
    Object.entries(tables as Schemas).map(([name, schema]) => [
      name,
      { ...schema, indexes: schema.indexes.filter((one) => one.name !== index) },
    ]),
  ) as unknown as Schemas;
}

/** DynamoDB Local has them ready at once. There is no stream: nobody reads one here. */
export async function createTables(
  client: DynamoDBClient,
  prefix: string,
  schemas: Schemas,
): Promise<TableNames> {
  const names = { data: `${prefix}-data`, outbox: `${prefix}-outbox`, idempotency: `${prefix}-idempotency` };
  for (const name of Object.keys(names) as TableName[]) {
    await client.send(new CreateTableCommand(tableInput(names[name], schemas[name])));
  }
  return names;
}

/** Takes an index from its table and waits until it is gone. */
export async function dropIndex(client: DynamoDBClient, names: TableNames, index: string): Promise<void> {
  const [table] = Object.entries(tables as Schemas).filter(([, { indexes }]) =>
    indexes.some(({ name }) => name === index),
  );
  if (!table) throw new Error(`there is no index "${index}"`);
  const TableName = names[table[0] as TableName];
  const GlobalSecondaryIndexUpdates = [{ Delete: { IndexName: index } }];
  await client.send(new UpdateTableCommand({ TableName, GlobalSecondaryIndexUpdates }));
  const isGone = async (): Promise<boolean> => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    return Table?.GlobalSecondaryIndexes?.every(({ IndexName }) => IndexName !== index) ?? true;
  };
  while (!(await isGone())) await new Promise((resolve) => setTimeout(resolve, 100));
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
