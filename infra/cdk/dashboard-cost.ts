import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { functionMetric } from './alarms.ts';
import { sumExpression } from './metric-sum.ts';
import { HttpEdge } from './http-api.ts';
import { prices } from './prices.ts';
import { watchedTables } from './table-metrics.ts';
import type { WatchedStack } from './watched-stack.ts';

/** The period of every estimate. */
export const hour = Duration.hours(1);

/** Lines of a graph by an id, which begins with a small letter and is used once in all of the estimate. */
type Lines = Readonly<Record<string, MathExpression>>;

/** Dollars an hour at list price, by service. */
export function hourlyCost(
  watched: WatchedStack,
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
        ? distinct([priced('requests', 'API', [watched.edge.api.metricCount()], prices.apiRequest)])
        : {},
    queues: distinct([priced('queues', 'Queues', queueRequests, prices.queueRequest)]),
    tables: distinct([
      priced('tables', 'Writes', tableMetric('ConsumedWriteCapacityUnits'), prices.tableWriteUnit),
      priced('tables', 'Reads', tableMetric('ConsumedReadCapacityUnits'), prices.tableReadUnit),
    ]),
    functions: distinct([
      priced('functions', 'Invocations', invocations, prices.functionInvocation),
      ...functions.map((fn) =>
        priced(
          'functions',
          fn.name,
          [functionMetric(fn, 'Duration')],
          (prices.functionGbSecond * fn.memoryMb) / 1024 / 1000,
        ),
      ),
    ]),
  };
}

type Line = readonly [id: string, line: MathExpression];

/** All lines of several services. */
export const together = (...services: readonly Lines[]): Lines => distinct(services.flatMap(Object.entries));

/** @throws where two lines have one id: one of them would be missing from every sum, and nobody would see it */
export function distinct(lines: readonly Line[]): Lines {
  const ids = lines.map(([id]) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new Error(`two lines of the estimate are called ${twice}`);
  return Object.fromEntries(lines);
}

/** @param service begins the id, since a label of one service may be a name of another's */
function priced(service: string, label: string, metrics: readonly Metric[], price: number): Line {
  const id = `cost_${service}_${label.replace(/\W/g, '_').toLowerCase()}`;
  const named = Object.fromEntries(
    metrics.map((metric, index) => [`${id}_${index}`, metric.with({ period: hour, statistic: Stats.SUM })]),
  );
  const line = new MathExpression({
    label,
    expression: `(${sumExpression(named)}) * ${price.toFixed(15)}`,
    usingMetrics: named,
    period: hour,
  });
  return [id, line];
}
