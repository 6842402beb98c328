/** Lambda `timer-relay`: the data table's stream to the timer queue. */
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { createLogger } from '../runtime/logger.ts';
import { createMetricWriter, withMetrics } from '../runtime/metric-writer.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { createTimerRelay } from './timer-stream.ts';

const environment = readEnvironment(['STAGE', 'TIMER_QUEUE_URL']);
const log = createLogger('timer-relay');
const metrics = createMetricWriter(environment.STAGE, log);

export const handler = withMetrics(
  metrics,
  createTimerRelay({
    sqs: createQueueClient(),
    queueUrl: environment.TIMER_QUEUE_URL,
    clock: systemClock,
    log,
    metrics,
  }),
);
