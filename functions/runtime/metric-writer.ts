/** Writes metrics in the embedded metric format: lines of the log that CloudWatch reads, without a call or a permission. */
import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricNamespace, metrics } from './metrics.ts';
import type { MetricName, TopicOf } from './metrics.ts';
import type { Log } from './logger.ts';

/** What the parts of this backend count with. Nothing here throws: a metric is no reason for work to fail. */
export interface MetricWriter {
  /** Adds to what this invocation writes; the topic is asked for where the metric has one. */
  readonly add: <Name extends MetricName>(
    name: Name,
    value: number,
    ...topic: [TopicOf<Name>] extends [never] ? [] : [topic: TopicOf<Name>]
  ) => void;
  /** Writes what was added since the last time, if anything was. */
  readonly flush: () => void;
}

/** @param stage the dimension of every metric. `POWERTOOLS_METRICS_DISABLED=true` writes nothing. */
export function createMetricWriter(stage: string, log: Log): MetricWriter {
  /** The values of a line share its dimensions, so each topic that comes up has a line of its own. */
  const lines = new Map<string | undefined, Metrics>();

  function lineOf(topic: string | undefined): Metrics {
    const known = lines.get(topic);
    if (known !== undefined) return known;
    const line = new Metrics({ namespace: metricNamespace, logger: log });
    // Powertools adds the function's name as a dimension, which would count a topic once more for each function.
    line.clearDefaultDimensions();
    line.setDefaultDimensions({ stage, ...(topic !== undefined && { topic }) });
    lines.set(topic, line);
    return line;
  }

  function attempt(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      log.warn('metric not written', { error: error as Error });
    }
  }

  return {
    add: (name, value, ...[topic]) => {
      attempt(() => {
        // Powertools takes NaN, which becomes `null` in the line and costs CloudWatch's reading of all of it.
        if (!Number.isFinite(value)) throw new RangeError(`${name} is not a number`);
        lineOf(topic).addMetric(name, metrics[name].unit, value);
      });
    },
    flush: () => {
      for (const line of lines.values()) {
        if (line.hasStoredMetrics()) attempt(() => line.publishStoredMetrics());
      }
    },
  };
}

/** A handler whose metrics are written once an invocation, when it ends: also where it throws. */
export function withMetrics<Input extends readonly unknown[], Result>(
  writer: MetricWriter,
  handler: (...input: Input) => Promise<Result>,
): (...input: Input) => Promise<Result> {
  return async (...input) => {
    try {
      return await handler(...input);
    } finally {
      writer.flush();
    }
  };
}
