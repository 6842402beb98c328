/** Lambda `timer`: scheduled transitions, each run as a command when it is due. */
import { domains } from '../application.ts';
import { backendOfEnvironment } from '../commands/backend.ts';
import { createRunScheduledTransition } from './scheduled-transition.ts';
import { systemClock } from '../runtime/clock.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createTimerWorker } from './timer-worker.ts';

const { log, metrics, measured } = telemetryOf('timer');

export const handler = measured(
  createTimerWorker({
    run: createRunScheduledTransition(backendOfEnvironment(domains, metrics)),
    sqs: createQueueClient(),
    clock: systemClock,
    log,
    metrics,
  }),
);
