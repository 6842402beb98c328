/** The metric of the nightly run, in the embedded metric format. */
import { metricNames, metricNamespace } from '../runtime/metrics.ts';

/**
 * One line that CloudWatch reads as a metric.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @param now epoch milliseconds
 */
export function problemMetric(stage: string, problems: number, now: number): string {
  return JSON.stringify({
    _aws: {
      Timestamp: now,
      CloudWatchMetrics: [
        {
          Namespace: metricNamespace,
          Dimensions: [['stage']],
          Metrics: [{ Name: metricNames.auditProblems, Unit: 'Count' }],
        },
      ],
    },
    stage,
    [metricNames.auditProblems]: problems,
  });
}
