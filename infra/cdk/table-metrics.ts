import { Duration } from 'aws-cdk-lib';
import { Metric, Stats, type MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { Operation, type Table } from 'aws-cdk-lib/aws-dynamodb';
import { tables as schemas, type TableName, type TableSchema } from '../../functions/store/tables.ts';
import { sumOf } from './metric-sum.ts';
import type { WatchedStack } from './watched-stack.ts';

/**
 * What is wrong with a table, as one number a minute. DynamoDB writes a metric only where it is not 0, so every term
 * is filled: a missing one would empty the sum, and the alarm could not go off. Nor could it go back: by the API's
 * reference an alarm on this namespace keeps its state while data is missing, whatever it says to do then.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/dynamo-metricscollected.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html, `TreatMissingData`
 */

/** The requests that the code makes of each table. Its server-side errors are counted by the request. */
export const operationsOn: Readonly<Record<TableName, readonly Operation[]>> = {
  data: [
    Operation.TRANSACT_WRITE_ITEMS,
    Operation.TRANSACT_GET_ITEMS,
    Operation.GET_ITEM,
    Operation.BATCH_GET_ITEM,
    Operation.QUERY,
    // The audit's: it looks for tenants, and notes down sums and how far it came.
    Operation.SCAN,
    Operation.BATCH_WRITE_ITEM,
    Operation.PUT_ITEM,
  ],
  outbox: [
    Operation.TRANSACT_WRITE_ITEMS,
    Operation.GET_ITEM,
    Operation.BATCH_GET_ITEM,
    Operation.QUERY,
    Operation.UPDATE_ITEM,
    // The sweeper's: it notes how far it came.
    Operation.PUT_ITEM,
    Operation.DELETE_ITEM,
  ],
  idempotency: [
    Operation.TRANSACT_WRITE_ITEMS,
    Operation.TRANSACT_GET_ITEMS,
    Operation.BATCH_GET_ITEM,
    Operation.PUT_ITEM,
  ],
};

export function watchedTables(watched: WatchedStack): [TableName, Table][] {
  const { data, outbox, idempotency } = watched.tables;
  return [
    ['data', data],
    ['outbox', outbox],
    ['idempotency', idempotency],
  ];
}

/** Requests that DynamoDB itself failed. */
export function tableErrors(name: TableName, table: Table): MathExpression {
  const metrics = operationsOn[name].map((operation) =>
    tableMetric('SystemErrors', { TableName: table.tableName, Operation: operation }),
  );
  return sumOf('failed requests', metrics);
}

/** Throttled requests of a table and of its indexes, whose metrics are separate. */
export function tableThrottles(name: TableName, table: Table): MathExpression {
  const schema: TableSchema = schemas[name];
  const targets = [
    { TableName: table.tableName },
    ...schema.indexes.map((index) => ({ TableName: table.tableName, GlobalSecondaryIndexName: index.name })),
  ];
  const metrics = targets.flatMap((dimensionsMap) =>
    ['ReadThrottleEvents', 'WriteThrottleEvents'].map((metricName) => tableMetric(metricName, dimensionsMap)),
  );
  return sumOf('throttled requests', metrics);
}

function tableMetric(metricName: string, dimensionsMap: Readonly<Record<string, string>>): Metric {
  return new Metric({
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensionsMap,
    statistic: Stats.SUM,
    period: Duration.minutes(1),
  });
}
