import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Template } from 'aws-cdk-lib/assertions';
import { build, readable, resources, templateOf } from './built-stack.ts';

const nameOf = (properties: Readonly<Record<string, unknown>>): string =>
  String(properties['AlarmName']).replace(/^commit-once-[a-z]+-/, '');
const alarms = (stage: 'dev' | 'staging' | 'prod' | 'localstack'): Readonly<Record<string, unknown>>[] =>
  [...resources(stage, 'AWS::CloudWatch::Alarm').values()].map(({ Properties }) => Properties);

const topics = ['notification', 'external-call', 'report', 'llm', 'timer'];
const relays = ['relay', 'timer-relay'];
const functions = ['api', 'docs', ...relays, ...topics, 'sweeper', 'audit'];
const tables = ['data', 'outbox', 'idempotency'];

const essential = [
  ...topics.map((name) => `dead-letters-${name}`),
  'stream-failures',
  'audit-failed',
  'messages-not-sent',
  'api-5xx',
];
const underTraffic = [
  'api-latency',
  ...topics.map((name) => `oldest-message-${name}`),
  ...relays.map((name) => `iterator-age-${name}`),
  ...functions.flatMap((name) => [`function-errors-${name}`, `function-throttles-${name}`]),
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

test('every alarm reports going off and going back to the topic, and is quiet without traffic', () => {
  for (const properties of alarms('prod')) {
    for (const actions of [properties['AlarmActions'], properties['OKActions']]) {
      expect((actions as unknown[]).map(readable)).toEqual(['AlarmsTopic']);
    }
    expect(properties['TreatMissingData']).toBe('notBreaching');
  }
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
  ['data', ['BatchGetItem', 'BatchWriteItem', 'GetItem', 'Query', 'Scan', 'TransactWriteItems']],
  [
    'outbox',
    ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'TransactWriteItems', 'UpdateItem'],
  ],
  ['idempotency', ['BatchGetItem', 'PutItem', 'TransactWriteItems']],
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
