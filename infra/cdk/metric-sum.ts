import { Duration } from 'aws-cdk-lib';
import { MathExpression, type Metric } from 'aws-cdk-lib/aws-cloudwatch';

/** The sum of metrics, by their names in a CloudWatch expression; one that was not written counts 0. */
export const sumExpression = (named: object): string =>
  Object.keys(named)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');

/** The same as one line of a graph or an alarm, by the minute. */
export function sumOf(label: string, metrics: readonly Metric[]): MathExpression {
  const named = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({
    label,
    expression: sumExpression(named),
    usingMetrics: named,
    period: Duration.minutes(1),
  });
}
