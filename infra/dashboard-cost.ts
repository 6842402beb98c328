import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { functionMetric } from './alarms.ts';
import { filledSum } from './filled-sum.ts';
import { HttpEdge } from './http-api.ts';
import { prices } from './prices.ts';
import type { CommitOnceStack } from './stack.ts';
import { watchedTables } from './table-metrics.ts';

/** The period of every estimate. */
export const hour = Duration.hours(1);

/** Lines of a graph by an id, which begins with a small letter and is used once a graph. */
type Lines = Readonly<Record<string, MathExpression>>;

/** Dollars an hour at list price, by service. */
export function hourlyCost(
  watched: CommitOnceStack,
): Readonly<Record<'requests' | 'queues' | 'tables' | 'functions', Lines>> {
  const tableMetric = (metricName: string): Metric[] =>
    watchedTables(watched).map(
      ([, table]) =>
        new Metric({
          namespace: 'AWS/DynamoDB',
          metricName,
          dimensionsMap: { TableName: table.tableName },
        }),
    );
  const queueMetric = (metricName: string): Metric[] =>
    [...watched.workers.values()].map(({ queues }) => queues.queue.metric(metricName));
  const queueRequests = [
    'NumberOfMessagesSent',
    'NumberOfMessagesReceived',
    'NumberOfEmptyReceives',
    'NumberOfMessagesDeleted',
  ].flatMap(queueMetric);
  const { functions } = watched;
  const invocations = functions.map((fn) => functionMetric(fn, 'Invocations'));
  return {
    requests:
      watched.edge instanceof HttpEdge
        ? linesOf(priced('API', [watched.edge.api.metricCount()], prices.apiRequest))
        : {},
    queues: linesOf(priced('Queues', queueRequests, prices.queueRequest)),
    tables: linesOf(
      priced('Writes', tableMetric('ConsumedWriteCapacityUnits'), prices.tableWriteUnit),
      priced('Reads', tableMetric('ConsumedReadCapacityUnits'), prices.tableReadUnit),
    ),
    functions: linesOf(
      priced('Invocations', invocations, prices.functionInvocation),
      ...functions.map((fn) =>
        priced(
          fn.name,
          [functionMetric(fn, 'Duration')],
          (prices.functionGbSecond * fn.memoryMb) / 1024 / 1000,
        ),
      ),
    ),
  };
}

const linesOf = (...lines: readonly (readonly [id: string, line: MathExpression])[]): Lines =>
  Object.fromEntries(lines);

function priced(
  label: string,
  metrics: readonly Metric[],
  price: number,
): readonly [id: string, line: MathExpression] {
  const id = `cost_${label.replace(/\W/g, '_').toLowerCase()}`;
  const named = Object.fromEntries(
    metrics.map((metric, index) => [`${id}_${index}`, metric.with({ period: hour, statistic: Stats.SUM })]),
  );
  const line = new MathExpression({
    label,
    expression: `(${filledSum(named)}) * ${price.toFixed(15)}`,
    usingMetrics: named,
    period: hour,
  });
  return [id, line];
}
