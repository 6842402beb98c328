import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import {
  metricNamespace,
  metrics,
  type MetricDefinition,
  type MetricName,
  type TopicOf,
} from '../../functions/runtime/metrics.ts';
import type { StageSettings } from './stages.ts';

/** A metric that the functions write, as alarms and the dashboard ask for it: summed up, if nothing else is said. */
export function ownMetric<Name extends MetricName>(
  stage: StageSettings,
  name: Name,
  ...topic: [TopicOf<Name>] extends [never] ? [] : [topic: TopicOf<Name>]
): Metric {
  return metric(stage, name, topic[0]);
}

/**
 * One for each topic of the metric, labelled with it.
 * @param word follows the topic in the label, where a graph shows several metrics
 */
export function byTopic(stage: StageSettings, name: MetricName, word = ''): Metric[] {
  const { topics }: MetricDefinition = metrics[name];
  return topics.map((topic) => metric(stage, name, topic).with({ label: `${topic} ${word}`.trim() }));
}

function metric(stage: StageSettings, name: MetricName, topic: string | undefined): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: name,
    dimensionsMap: { stage: stage.name, ...(topic !== undefined && { topic }) },
    statistic: Stats.SUM,
  });
}
