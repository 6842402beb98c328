import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { describe, expect, test } from 'vitest';
import { metricNamespace, metrics } from '../../functions/runtime/metrics.ts';
import type { MetricDefinition } from '../../functions/runtime/metrics.ts';
import { distinct, together } from '../../infra/cdk/dashboard-cost.ts';
import { readable, resources } from './built-stack.ts';

interface Options {
  readonly id?: string;
  readonly expression?: string;
  readonly label?: string;
  readonly stat?: string;
}

interface Widget {
  readonly type: string;
  readonly properties: {
    readonly title?: string;
    /** Namespace, name, then names and values of dimensions in turn; or an expression alone. */
    readonly metrics?: readonly (readonly (string | Options)[])[];
  };
}

interface AlarmMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}

type Stage = 'dev' | 'staging' | 'prod';
const stages: readonly Stage[] = ['dev', 'staging', 'prod'];

function widgets(stage: Stage): readonly Widget[] {
  const [dashboard] = [...resources(stage, 'AWS::CloudWatch::Dashboard').values()];
  const body = readable(dashboard?.Properties['DashboardBody']);
  return (JSON.parse(body) as { widgets: Widget[] }).widgets;
}

const lines = (widget: Widget): { readonly words: string[]; readonly options: Options }[] =>
  (widget.properties.metrics ?? []).map((line) => ({
    words: line.filter((word) => typeof word === 'string'),
    options: line.find((word) => typeof word === 'object') ?? {},
  }));

/** A metric of ours and its dimensions as one text, e.g. `MessagesDone stage=prod topic=llm`. */
const named = (name: string, dimensions: readonly (readonly [string, string])[]): string =>
  [name, ...dimensions.map(([key, value]) => `${key}=${value}`).sort()].join(' ');

function onTheDashboard(stage: Stage): string[] {
  return widgets(stage)
    .flatMap(lines)
    .flatMap(({ words: [namespace, name = '', ...rest] }) => {
      if (namespace !== metricNamespace) return [];
      const pairs = rest.flatMap((word, index) =>
        index % 2 === 0 ? [[word, rest[index + 1] ?? ''] as const] : [],
      );
      return named(name, pairs);
    });
}

function inAlarms(stage: Stage): string[] {
  return [...resources(stage, 'AWS::CloudWatch::Alarm').values()].flatMap(({ Properties }) => {
    const parts = (Properties['Metrics'] ?? []) as { MetricStat?: { Metric: AlarmMetric } }[];
    return [
      Properties as unknown as AlarmMetric,
      ...parts.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []),
    ]
      .filter(({ Namespace }) => Namespace === metricNamespace)
      .map(({ MetricName, Dimensions = [] }) =>
        named(
          MetricName,
          Dimensions.map(({ Name, Value }) => [Name, readable(Value)] as const),
        ),
      );
  });
}

/** What the functions of a stage can write; that they do is shown by `metrics.isolated.test.ts`. */
const definitions: Readonly<Record<string, MetricDefinition>> = metrics;
const writable = (stage: Stage): string[] =>
  Object.entries(definitions).flatMap(([name, { topics }]) =>
    topics.length === 0
      ? named(name, [['stage', stage]])
      : topics.map((topic) =>
          named(name, [
            ['stage', stage],
            ['topic', topic],
          ]),
        ),
  );

describe.each(stages)('%s', (stage) => {
  test('every metric of ours on the dashboard and in an alarm is one the functions write', () => {
    const known = writable(stage);
    expect(inAlarms(stage)).toContain(named('AuditProblems', [['stage', stage]]));
    expect(
      [...onTheDashboard(stage), ...inAlarms(stage)].filter((metric) => !known.includes(metric)),
    ).toEqual([]);
  });

  test('every metric the functions write is on the dashboard', () => {
    const shown = new Set(onTheDashboard(stage));
    expect(writable(stage).filter((metric) => !shown.has(metric))).toEqual([]);
  });

  test('every function is told its stage, and none has its metrics turned off', () => {
    for (const { Properties } of resources(stage, 'AWS::Lambda::Function').values()) {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
      expect(Variables['STAGE']).toBe(stage);
      expect(Variables).not.toHaveProperty('POWERTOOLS_METRICS_DISABLED');
    }
  });
});

test('where there is no dashboard no metric is written', () => {
  expect(resources('localstack', 'AWS::CloudWatch::Dashboard').size).toBe(0);
  for (const { Properties } of resources('localstack', 'AWS::Lambda::Function').values()) {
    const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
    expect(Variables['POWERTOOLS_METRICS_DISABLED']).toBe('true');
  }
});

/** By the unit of a metric. */
const statistics = { Milliseconds: ['p50', 'p99'], Seconds: ['Maximum'], Count: ['Sum'] } as const;

test('latency is shown at p50 and p99, an age at its highest, counts as sums', () => {
  for (const { words, options } of widgets('prod').flatMap(lines)) {
    const [namespace, name = ''] = words;
    if (namespace !== metricNamespace) continue;
    const allowed = statistics[definitions[name]?.unit ?? 'Count'];
    expect(allowed, name).toContain(options.stat);
  }
});

test('an expression names metrics of its own widget, and each name once', () => {
  let expressions = 0;
  for (const widget of widgets('prod')) {
    const ids = lines(widget).flatMap(({ options }) => options.id ?? []);
    expect(new Set(ids).size, widget.properties.title).toBe(ids.length);
    for (const { options } of lines(widget)) {
      if (options.expression === undefined) continue;
      expressions += 1;
      const used = options.expression.match(/\b[a-z]\w*\b/g) ?? [];
      expect(used.length).toBeGreaterThan(0);
      expect(
        used.filter((id) => !ids.includes(id)),
        widget.properties.title,
      ).toEqual([]);
    }
  }
  expect(expressions).toBeGreaterThan(0);
});

describe('the price of a command', () => {
  const estimate = widgets('prod').find(({ properties }) => properties.title?.includes('million commands'));
  const found = estimate === undefined ? [] : lines(estimate);

  test('is what all services cost, over the commands that had an outcome', () => {
    const price = found.find(({ options }) => options.label === 'everything, for a million commands');
    expect(price?.options.expression).toMatch(
      /^1000000 \* \(.*\) \/ \(FILL\(committed, 0\) \+ FILL\(refused, 0\) \+ FILL\(replayed, 0\)\)$/,
    );
    const functions = resources('prod', 'AWS::Lambda::Function').size;
    // API, queues, writes, reads, invocations, and the time of each function.
    expect(price?.options.expression?.match(/FILL\(cost_\w+, 0\)/g)).toHaveLength(5 + functions);
  });

  test('holds the request to the API and the time of its function, which are named alike', () => {
    expect(found.map(({ options }) => options.label)).toEqual(expect.arrayContaining(['API', 'api']));
    expect(found.map(({ words: [namespace, name] }) => `${namespace} ${name}`)).toContain(
      'AWS/ApiGateway Count',
    );
  });
});

test('two lines of an estimate by one id are refused, of one service or of two', () => {
  const line = new MathExpression({ expression: '1', usingMetrics: {} });
  expect(() =>
    distinct([
      ['cost_a', line],
      ['cost_a', line],
    ]),
  ).toThrow();
  expect(() => together({ cost_a: line }, { cost_a: line })).toThrow();
  expect(Object.keys(together({ cost_a: line }, { cost_b: line }))).toEqual(['cost_a', 'cost_b']);
});
