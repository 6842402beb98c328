/** Lambda `timer-relay`: the data table's stream to the timer queue. */
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { createSendingClient } from '../runtime/queue-client.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createTimerRelay } from './timer-stream.ts';

const environment = readEnvironment(['TIMER_QUEUE_URL']);
const { log, metrics, measured } = telemetryOf('timer-relay');

export const handler = measured(
  createTimerRelay({
    sqs: createSendingClient(),
    queueUrl: environment.TIMER_QUEUE_URL,
    clock: systemClock,
    log,
    metrics,
  }),
);
