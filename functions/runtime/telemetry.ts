/** What a function tells of itself: its log, and its metrics. */
import { readEnvironment } from './environment.ts';
import { createLogger } from './logger.ts';
import { createMetricWriter, withMetrics } from './metric-writer.ts';
import type { MetricWriter } from './metric-writer.ts';

export interface Telemetry {
  readonly log: ReturnType<typeof createLogger>;
  readonly metrics: MetricWriter;
  /** A handler whose metrics are written once an invocation, when it ends. */
  readonly measured: <Input extends readonly unknown[], Result>(
    handler: (...input: Input) => Promise<Result>,
  ) => (...input: Input) => Promise<Result>;
}

/** @throws where the function lacks the variable `STAGE` */
export function telemetryOf(service: string): Telemetry {
  const log = createLogger(service);
  const metrics = createMetricWriter(readEnvironment(['STAGE']).STAGE, log);
  return { log, metrics, measured: (handler) => withMetrics(metrics, handler) };
}
