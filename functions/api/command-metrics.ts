/** What became of a command, as a metric. */
import type { MetricWriter } from '../runtime/metric-writer.ts';
import type { ReplayableAnswer } from './idempotency.ts';
import { ProblemError } from './problem.ts';

/**
 * Counts the outcome of a command and hands it on. A command that ends without one (5xx) is not counted: nobody
 * knows whether it is committed, and the API's own metrics have it.
 */
export async function countOutcome(
  metrics: MetricWriter | undefined,
  answer: Promise<ReplayableAnswer>,
): Promise<ReplayableAnswer> {
  try {
    const { status, replayed } = await answer;
    if (replayed === true) metrics?.add('CommandsReplayed', 1);
    else metrics?.add(status < 400 ? 'CommandsCommitted' : 'CommandsRefused', 1);
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status < 500) metrics?.add('CommandsRefused', 1);
  }
  return answer;
}
