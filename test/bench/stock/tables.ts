/** The tables of the stock pattern on DynamoDB Local. */
import { CreateTableCommand, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import type { CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';

export interface StockTables {
  /** Entities, by `id`. */
  readonly entities: string;
  /** Ledger entries, by entity and version. */
  readonly ledger: string;
  /** Messages of the outbox, by `id`; its stream feeds the worker. */
  readonly outbox: string;
  /** The records of Powertools, by `id`, which is its default. */
  readonly idempotency: string;
}

export const stockTables: StockTables = {
  entities: 'stock-entities',
  ledger: 'stock-ledger',
  outbox: 'stock-outbox',
  idempotency: 'stock-idempotency',
};

const keyedBy = (TableName: string, partition: string, sort?: string): CreateTableCommandInput => {
  const names = sort === undefined ? [partition] : [partition, sort];
  return {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: names.map((AttributeName) => ({
      AttributeName,
      AttributeType: AttributeName === 'version' ? 'N' : 'S',
    })),
    KeySchema: names.map((AttributeName, n) => ({ AttributeName, KeyType: n === 0 ? 'HASH' : 'RANGE' })),
  };
};

/** @returns the ARN of the outbox's stream */
export async function createStockTables(
  client: DynamoDBClient,
  { entities, ledger, outbox, idempotency } = stockTables,
): Promise<string> {
  const stream = { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } } as const;
  await client.send(new CreateTableCommand(keyedBy(entities, 'id')));
  await client.send(new CreateTableCommand(keyedBy(ledger, 'entity', 'version')));
  await client.send(new CreateTableCommand({ ...keyedBy(outbox, 'id'), ...stream }));
  await client.send(new CreateTableCommand(keyedBy(idempotency, 'id')));
  const { Table } = await client.send(new DescribeTableCommand({ TableName: outbox }));
  return Table?.LatestStreamArn ?? '';
}
