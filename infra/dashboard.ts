import { Duration, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  MathExpression,
  Metric,
  Stats,
  TextWidget,
  type IMetric,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { auditProblems, functionMetric, watchedTables, type Alarms } from './alarms.ts';
import { HttpEdge } from './http-api.ts';
import { prices } from './prices.ts';
import type { CommitOnceStack } from './stack.ts';
import type { StageSettings } from './stages.ts';

export interface OverviewProps {
  readonly watched: CommitOnceStack;
  readonly stage: StageSettings;
  readonly alarms: Alarms | undefined;
}

const hour = Duration.hours(1);

/** One dashboard of three rows, one a question: is it healthy, what is stuck, what does it cost. */
export class Overview extends Construct {
  constructor(scope: Construct, id: string, props: OverviewProps) {
    super(scope, id);
    new Dashboard(this, 'Dashboard', {
      dashboardName: Stack.of(this).stackName,
      defaultInterval: Duration.hours(6),
      widgets: [
        [heading('Is it healthy?')],
        health(props),
        [heading('What is stuck?')],
        stuck(props),
        [heading('What does it cost?')],
        cost(props),
      ],
    });
  }
}

function heading(text: string): IWidget {
  return new TextWidget({ markdown: `## ${text}`, width: 24, height: 1 });
}

function graph(title: string, left: readonly IMetric[], right: readonly IMetric[] = []): IWidget {
  return new GraphWidget({ title, left: [...left], right: [...right], width: 6, height: 6 });
}

function health({ watched, alarms }: OverviewProps): IWidget[] {
  const widgets: IWidget[] = [];
  if (alarms !== undefined) {
    widgets.push(new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: 6, height: 6 }));
  }
  if (watched.edge instanceof HttpEdge) {
    const { api } = watched.edge;
    widgets.push(
      graph(
        'Requests and answers',
        [
          api.metricCount({ statistic: Stats.SUM, label: 'requests' }),
          api.metricClientError({ statistic: Stats.SUM, label: '4xx' }),
        ],
        [api.metricServerError({ statistic: Stats.SUM, label: '5xx' })],
      ),
      graph('Latency', [
        api.metricLatency({ statistic: Stats.p(50), label: 'p50' }),
        api.metricLatency({ statistic: Stats.p(99), label: 'p99' }),
      ]),
    );
  }
  widgets.push(
    graph(
      'Function errors and throttles',
      watched.functions.map((fn) => functionMetric(fn, 'Errors').with({ label: fn.name })),
      watched.functions.map((fn) => functionMetric(fn, 'Throttles').with({ label: `${fn.name} throttled` })),
    ),
  );
  return widgets;
}

function stuck({ watched, stage }: OverviewProps): IWidget[] {
  const workers = [...watched.workers];
  return [
    graph('Dead letters and stream failures', [
      ...workers.map(([name, { queues }]) =>
        queues.deadLetters.metricApproximateNumberOfMessagesVisible({
          statistic: Stats.MAXIMUM,
          label: name,
        }),
      ),
      watched.streamFailures.queue.metricApproximateNumberOfMessagesVisible({
        statistic: Stats.MAXIMUM,
        label: 'stream failures',
      }),
    ]),
    graph(
      'Oldest message (s), messages waiting',
      workers.map(([name, { queues }]) =>
        queues.queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, label: `${name} age` }),
      ),
      workers.map(([name, { queues }]) =>
        queues.queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, label: name }),
      ),
    ),
    graph(
      'Relays behind their stream (ms)',
      watched.relays.map((relay) =>
        functionMetric(relay.function, 'IteratorAge', Stats.MAXIMUM).with({ label: relay.function.name }),
      ),
    ),
    graph('Problems found by the audit', [auditProblems(stage).with({ label: 'problems' })]),
  ];
}

/** Dollars an hour at list price, by service. */
function cost({ watched }: OverviewProps): IWidget[] {
  const requests =
    watched.edge instanceof HttpEdge
      ? [priced('API', [watched.edge.api.metricCount({ statistic: Stats.SUM })], prices.apiRequest)]
      : [];
  const tableMetric = (metricName: string): Metric[] =>
    watchedTables(watched).map(
      ([, table]) =>
        new Metric({
          namespace: 'AWS/DynamoDB',
          metricName,
          dimensionsMap: { TableName: table.tableName },
          statistic: Stats.SUM,
        }),
    );
  const queueMetric = (metricName: string): Metric[] =>
    [...watched.workers.values()].map(({ queues }) =>
      queues.queue.metric(metricName, { statistic: Stats.SUM }),
    );
  const functions = watched.functions;
  const widgets = [
    graph('API and queues ($ per hour)', [
      ...requests,
      priced(
        'Queues',
        [
          'NumberOfMessagesSent',
          'NumberOfMessagesReceived',
          'NumberOfEmptyReceives',
          'NumberOfMessagesDeleted',
        ].flatMap(queueMetric),
        prices.queueRequest,
      ),
    ]),
    graph('Tables ($ per hour)', [
      priced('Writes', tableMetric('ConsumedWriteCapacityUnits'), prices.tableWriteUnit),
      priced('Reads', tableMetric('ConsumedReadCapacityUnits'), prices.tableReadUnit),
    ]),
    graph('Functions ($ per hour)', [
      priced(
        'Invocations',
        functions.map((fn) => functionMetric(fn, 'Invocations')),
        prices.functionInvocation,
      ),
      ...functions.map((fn) =>
        priced(
          fn.name,
          [functionMetric(fn, 'Duration')],
          (prices.functionGbSecond * fn.memoryMb) / 1024 / 1000,
        ),
      ),
    ]),
  ];
  return widgets;
}

function priced(label: string, metrics: readonly Metric[], price: number): MathExpression {
  // Names of metrics are shared by all lines of a graph, and begin with a small letter.
  const prefix = `m_${label.replace(/\W/g, '_').toLowerCase()}_`;
  const named = Object.fromEntries(
    metrics.map((metric, index) => [
      `${prefix}${index}`,
      metric.with({ period: hour, statistic: Stats.SUM }),
    ]),
  );
  const sum = Object.keys(named)
    .map((key) => `FILL(${key}, 0)`)
    .join(' + ');
  return new MathExpression({
    label,
    expression: `(${sum}) * ${price.toFixed(15)}`,
    usingMetrics: named,
    period: hour,
  });
}
