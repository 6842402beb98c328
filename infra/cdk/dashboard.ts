import { Duration, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  MathExpression,
  type Metric,
  Stats,
  TextWidget,
  type IMetric,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { auditProblems, functionMetric, oldestAudit, oldestWaiting, type Alarms } from './alarms.ts';
import { hour, hourlyCost, together } from './dashboard-cost.ts';
import { sumExpression } from './metric-sum.ts';
import { HttpEdge } from './http-api.ts';
import { byTopic, ownMetric } from './own-metrics.ts';
import type { StageSettings } from './stages.ts';
import type { WatchedStack } from './watched-stack.ts';

export interface OverviewProps {
  readonly watched: WatchedStack;
  readonly stage: StageSettings;
  readonly alarms: Alarms | undefined;
}

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

function health({ watched, stage, alarms }: OverviewProps): IWidget[] {
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
        api.metricLatency({ statistic: Stats.p(95), label: 'p95' }),
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
    graph(
      'Concurrent executions',
      watched.functions.map((fn) =>
        functionMetric(fn, 'ConcurrentExecutions', Stats.MAXIMUM).with({ label: fn.name }),
      ),
    ),
    ...commands(stage),
    ...deliveries(stage),
  );
  return widgets;
}

/** Commands with an outcome, by the name that an expression calls them. */
const outcomes = (stage: StageSettings): Record<'committed' | 'refused' | 'replayed', Metric> => ({
  committed: ownMetric(stage, 'CommandsCommitted').with({ label: 'committed' }),
  refused: ownMetric(stage, 'CommandsRefused').with({ label: 'refused' }),
  replayed: ownMetric(stage, 'CommandsReplayed').with({ label: 'replayed' }),
});

/** A share that grows tells of callers who repeat, or of entities that are too much asked for. */
function commands(stage: StageSettings): IWidget[] {
  const answered = outcomes(stage);
  const { committed, refused, replayed } = answered;
  const attempts = { ...answered, lost: ownMetric(stage, 'CommandAttemptsLost') };
  const share = (label: string, part: string, usingMetrics: Record<string, IMetric>): MathExpression =>
    new MathExpression({
      label,
      expression: `100 * FILL(${part}, 0) / (${sumExpression(usingMetrics)})`,
      usingMetrics,
    });
  return [
    graph('Commands', [
      committed,
      refused,
      replayed,
      ownMetric(stage, 'ScheduledTransitions').with({ label: 'scheduled among them' }),
    ]),
    graph('Share of commands replayed, of attempts lost to others (%)', [
      share('replayed', 'replayed', answered),
      share('attempts lost', 'lost', attempts),
    ]),
  ];
}

function deliveries(stage: StageSettings): IWidget[] {
  const at = (percent: number): IMetric[] =>
    byTopic(stage, 'DeliveryLatency', `p${percent}`).map((metric) =>
      metric.with({ statistic: Stats.p(percent) }),
    );
  return [
    graph('From commit to done (ms)', [...at(50), ...at(99)]),
    graph(
      'Messages done, failed attempts',
      byTopic(stage, 'MessagesDone'),
      byTopic(stage, 'AttemptsFailed', 'failed'),
    ),
  ];
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
    graph(
      'Problems that the audit found, and its age',
      [auditProblems(stage).with({ label: 'problems' })],
      [oldestAudit(stage).with({ label: 'seconds since the oldest full audit' })],
    ),
    graph('Messages given up', byTopic(stage, 'MessagesDead')),
    graph(
      'Answers that contradict, longest wait (s)',
      [ownMetric(stage, 'AnswerConflicts').with({ label: 'conflicts' })],
      [oldestWaiting(stage).with({ label: 'longest wait' })],
    ),
    graph(
      'Sent again by the sweeper, not taken by a queue',
      byTopic(stage, 'MessagesSwept'),
      byTopic(stage, 'MessagesNotSent', 'not taken'),
    ),
  ];
}

/** By service, and what it comes to for a command. */
function cost({ watched, stage }: OverviewProps): IWidget[] {
  const { requests, queues, tables, functions } = hourlyCost(watched);
  const all = together(requests, queues, tables, functions);
  const answered = outcomes(stage);
  const perMillion = new MathExpression({
    label: 'everything, for a million commands',
    expression: `1000000 * (${sumExpression(all)}) / (${sumExpression(answered)})`,
    usingMetrics: { ...all, ...answered },
    period: hour,
  });
  return [
    graph('API and queues ($ per hour)', Object.values(together(requests, queues))),
    graph('Tables ($ per hour)', Object.values(tables)),
    graph('Functions ($ per hour)', Object.values(functions)),
    graph('Everything ($ for a million commands)', [perMillion]),
  ];
}
