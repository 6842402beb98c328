import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Template } from 'aws-cdk-lib/assertions';
import { timer } from '../../functions/runtime/delivery-limits.ts';
import { alarmLimits, auditFunction } from '../../functions/runtime/limits.ts';
import { build, readable, resources, templateOf } from './built-stack.ts';

const nameOf = (properties: Readonly<Record<string, unknown>>): string =>
  String(properties['AlarmName']).replace(/^commit-once-[a-z]+-/, '');
const alarms = (stage: 'dev' | 'staging' | 'prod' | 'localstack'): Readonly<Record<string, unknown>>[] =>
  [...resources(stage, 'AWS::CloudWatch::Alarm').values()].map(({ Properties }) => Properties);

const daySeconds = 24 * 60 * 60;
const topics = ['notification', 'external-call', 'report', 'llm', 'timer'];
const relays = ['relay', 'timer-relay', 'statements'];
const functions = ['api', 'docs', ...relays, ...topics, 'sweeper', 'audit'];
const tables = ['data', 'outbox', 'idempotency'];

const essential = [
  ...topics.map((name) => `dead-letters-${name}`),
  'stream-failures',
  'audit-failed',
  'audit-missing',
  'audit-behind',
  'function-errors-audit',
  'messages-not-sent',
  'answer-conflicts',
  'waiting-long',
  'api-5xx',
];
const underTraffic = [
  'api-latency',
  ...topics.map((name) => `oldest-message-${name}`),
  ...relays.map((name) => `iterator-age-${name}`),
  ...functions.flatMap((name) => (name === 'audit' ? [] : `function-errors-${name}`)),
  ...functions.map((name) => `function-throttles-${name}`),
  ...tables.flatMap((name) => [`table-throttles-${name}`, `table-errors-${name}`]),
];

test.each([
  ['dev', essential],
  ['staging', [...essential, ...underTraffic]],
  ['prod', [...essential, ...underTraffic]],
  ['localstack', []],
] as const)('the alarms of %s', (stage, expected) => {
  expect(alarms(stage).map(nameOf).sort()).toEqual([...expected].sort());
});

test('every alarm reports going off and going back to the topic, and all but three are quiet without traffic', () => {
  for (const properties of alarms('prod')) {
    for (const actions of [properties['AlarmActions'], properties['OKActions']]) {
      expect((actions as unknown[]).map(readable)).toEqual(['AlarmsTopic']);
    }
    const withoutData: Readonly<Record<string, string>> = {
      'audit-failed': 'ignore',
      'audit-missing': 'breaching',
      'audit-behind': 'ignore',
    };
    expect(properties['TreatMissingData']).toBe(withoutData[nameOf(properties)] ?? 'notBreaching');
  }
});

test('a message that waits for longer than it has to sets an alarm off, a timer in its own time', () => {
  const bounds = alarms('prod')
    .filter((each) => nameOf(each).startsWith('oldest-message-'))
    .map((each) => [nameOf(each), each['Threshold']]);
  const { oldestMessageSeconds, oldestTimerSeconds } = alarmLimits;
  expect(oldestTimerSeconds).toBe(timer.horizonSeconds + oldestMessageSeconds);
  expect(Object.fromEntries(bounds)).toEqual({
    ...Object.fromEntries(topics.map((name) => [`oldest-message-${name}`, oldestMessageSeconds])),
    'oldest-message-timer': oldestTimerSeconds,
  });
});

test('the latency that sets an alarm off is seen in the share of a canary, and is not that of callers who wait', () => {
  const properties = alarms('prod').find((each) => nameOf(each) === 'api-latency');
  expect(properties).toMatchObject({ MetricName: 'Latency', ExtendedStatistic: 'p95', Threshold: 2_000 });
});

/** The period of an alarm, or of the metrics of its expression, which all have the same. */
function periodOf(properties: Readonly<Record<string, unknown>>): number {
  if (typeof properties['Period'] === 'number') return properties['Period'];
  const queries = properties['Metrics'] as { MetricStat?: { Period: number } }[];
  const [period, ...others] = new Set(queries.flatMap(({ MetricStat }) => MetricStat?.Period ?? []));
  expect(others).toEqual([]);
  return period ?? 0;
}

test('no alarm looks back further than CloudWatch lets it', () => {
  for (const properties of alarms('prod')) {
    const period = periodOf(properties);
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    const most = period < 60 * 60 ? daySeconds : 7 * daySeconds;
    expect(period * Number(properties['EvaluationPeriods']), nameOf(properties)).toBeLessThanOrEqual(most);
  }
});

describe.each(['dev', 'staging', 'prod'] as const)('the nightly audit of %s', (stage) => {
  const alarm = (name: string): Readonly<Record<string, unknown>> =>
    alarms(stage).find((properties) => nameOf(properties) === name) ?? {};

  test('that found something keeps its alarm on until one finds nothing', () => {
    expect(alarm('audit-failed')).toMatchObject({
      MetricName: 'AuditProblems',
      Statistic: 'Sum',
      Period: daySeconds,
      EvaluationPeriods: 1,
      Threshold: 0,
      // A night that wrote nothing is `audit-missing`; it says nothing of what the night before found.
      TreatMissingData: 'ignore',
    });
  });

  test('that did not run for 26 hours sets an alarm off, but not on the first day of a stack', () => {
    const properties = alarm('audit-missing');
    const queries = properties['Metrics'] as { Expression?: string; MetricStat?: object }[];
    expect(queries.map(({ Expression }) => Expression)).toContain('IF(FILL(audits, 0) > 0, 0, 1)');
    expect(queries.flatMap(({ MetricStat }) => MetricStat ?? [])).toMatchObject([
      { Stat: 'SampleCount', Period: 60 * 60, Metric: { MetricName: 'AuditProblems' } },
    ]);
    expect(properties).toMatchObject({
      EvaluationPeriods: 26,
      DatapointsToAlarm: 26,
      TreatMissingData: 'breaching',
      WarmUpConfiguration: {
        WarmUpPeriodDurationInMinutes: 26 * 60,
        OnlyStartEvaluatingAfterWarmUpPeriodEnds: true,
      },
    });
  });

  test('that does not keep pace with the data sets an alarm off, and a night without one leaves it as it is', () => {
    expect(alarm('audit-behind')).toMatchObject({
      MetricName: 'OldestAuditAge',
      Statistic: 'Maximum',
      Period: daySeconds,
      EvaluationPeriods: 1,
      Threshold: 72 * 60 * 60,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
    });
  });

  test('that threw or timed out sets an alarm off by itself', () => {
    const properties = alarm('function-errors-audit');
    expect(properties).toMatchObject({ MetricName: 'Errors', EvaluationPeriods: 1, DatapointsToAlarm: 1 });
    // Lambda dates the error by the beginning of the run.
    expect(Number(properties['Period'])).toBeGreaterThan(auditFunction.timeoutSeconds);
    const names = (properties['Dimensions'] as { Value: unknown }[]).map(({ Value }) => readable(Value));
    expect(names).toEqual(['AuditJobFunction']);
  });
});

interface Query {
  readonly Id: string;
  readonly Expression?: string;
  readonly MetricStat?: {
    readonly Metric: {
      readonly MetricName: string;
      readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
    };
  };
}

const queriesOf = (name: string): readonly Query[] =>
  (alarms('prod').find((properties) => nameOf(properties) === name)?.['Metrics'] ?? []) as Query[];

test.each([
  'messages-not-sent',
  ...tables.flatMap((name) => [`table-throttles-${name}`, `table-errors-${name}`]),
])(
  '%s fills every term of its sum: DynamoDB and the functions write nothing where nothing is wrong',
  (name) => {
    const queries = queriesOf(name);
    const terms = queries.filter(({ MetricStat }) => MetricStat !== undefined).map(({ Id }) => Id);
    expect(terms.length).toBeGreaterThan(1);
    const sum = queries.find(({ Expression }) => Expression !== undefined)?.Expression;
    expect(sum).toBe(terms.map((id) => `FILL(${id}, 0)`).join(' + '));
  },
);

test.each([
  [
    'data',
    [
      'BatchGetItem',
      'BatchWriteItem',
      'GetItem',
      'PutItem',
      'Query',
      'Scan',
      'TransactGetItems',
      'TransactWriteItems',
    ],
  ],
  [
    'outbox',
    ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'TransactWriteItems', 'UpdateItem'],
  ],
  ['idempotency', ['BatchGetItem', 'PutItem', 'TransactGetItems', 'TransactWriteItems']],
])('errors of the %s table are counted for every request the code makes of it', (name, operations) => {
  const counted = queriesOf(`table-errors-${name}`).flatMap(({ MetricStat }) =>
    (MetricStat?.Metric.Dimensions ?? []).flatMap(({ Name, Value }) => (Name === 'Operation' ? Value : [])),
  );
  expect(counted.sort()).toEqual(operations);
});

test('no alarm asks for more metrics than CloudWatch takes', () => {
  for (const properties of alarms('prod')) {
    const metrics = (properties['Metrics'] ?? []) as { MetricStat?: unknown }[];
    expect(metrics.filter(({ MetricStat }) => MetricStat !== undefined).length).toBeLessThanOrEqual(10);
  }
});

test('every kind of alarm has its heading in the runbook', () => {
  const runbook = readFileSync(join(import.meta.dirname, '../../infra/README.md'), 'utf8');
  for (const properties of alarms('prod')) {
    const heading = /#([a-z0-9-]+)$/.exec(String(properties['AlarmDescription']))?.[1];
    expect(runbook).toContain(`\n### ${String(heading)}\n`);
  }
});

test('an address for alarms is subscribed', () => {
  const template = Template.fromStack(build('dev', { alarmEmail: 'people@mail.example' }).stack);
  template.hasResourceProperties('AWS::SNS::Subscription', {
    Protocol: 'email',
    Endpoint: 'people@mail.example',
  });
});

test('one dashboard, with a row for each question', () => {
  templateOf('prod').resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  const body = JSON.stringify(templateOf('prod').findResources('AWS::CloudWatch::Dashboard'));
  for (const question of ['Is it healthy?', 'What is stuck?', 'What does it cost?']) {
    expect(body).toContain(question);
  }
});
