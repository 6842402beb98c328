/** The backend of a function that runs commands, from its environment. */
import { registerDomains } from '../core/registry.ts';
import { domains } from '../domains/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import { createDocumentClient } from '../store/client.ts';
import type { Backend } from './execute.ts';
import { createRunOnce } from './idempotency.ts';

export function backendOfEnvironment(metrics: MetricWriter): Backend {
  const names = readEnvironment(['DATA_TABLE', 'OUTBOX_TABLE', 'IDEMPOTENCY_TABLE']);
  const tables = { data: names.DATA_TABLE, outbox: names.OUTBOX_TABLE, idempotency: names.IDEMPOTENCY_TABLE };
  const store = { client: createDocumentClient(), tables };
  return {
    registry: registerDomains(domains),
    store,
    clock: systemClock,
    runOnce: createRunOnce(store, systemClock),
    metrics,
  };
}
