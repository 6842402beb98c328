/** What became of a command, as a metric. */
import type { MetricWriter } from '../runtime/metric-writer.ts';
import type { Outcome } from './outcome.ts';

/** A command that ends without an answer of its own (crowded out, or not known) is not counted: the API's own metrics have it. */
export function countOutcome(metrics: MetricWriter | undefined, { kind }: Outcome): void {
  switch (kind) {
    case 'committed':
      metrics?.add('CommandsCommitted', 1);
      return;
    case 'replayed':
      metrics?.add('CommandsReplayed', 1);
      return;
    case 'refused':
    case 'refused_for_now':
    case 'key_reused':
      metrics?.add('CommandsRefused', 1);
      return;
    case 'contended':
    case 'in_progress':
    case 'unknown':
    case 'unavailable':
      return;
    default:
      return kind satisfies never;
  }
}
