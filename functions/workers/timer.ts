/** Lambda `timer`: scheduled transitions, each run as a command when it is due. */
import { backendOfEnvironment } from '../api/backend.ts';
import { createRunScheduledTransition } from '../api/scheduled-transition.ts';
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { createLogger } from '../runtime/logger.ts';
import { createMetricWriter, withMetrics } from '../runtime/metric-writer.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { createTimerWorker } from './timer-worker.ts';

const log = createLogger('timer');
const metrics = createMetricWriter(readEnvironment(['STAGE']).STAGE, log);

export const handler = withMetrics(
  metrics,
  createTimerWorker({
    run: createRunScheduledTransition(backendOfEnvironment(metrics)),
    sqs: createQueueClient(),
    clock: systemClock,
    log,
    metrics,
  }),
);
