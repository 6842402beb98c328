/** Lambda `timer`: scheduled transitions, each run as a command when it is due, and redrive runs that go on. */
import { domains } from '../application.ts';
import { backendOfEnvironment } from '../commands/backend.ts';
import { createRunTimer } from './run-timer.ts';
import { systemClock } from '../runtime/clock.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createTimerWorker } from './timer-worker.ts';

const { log, metrics, measured } = telemetryOf('timer');

export const handler = measured(
  createTimerWorker({
    run: createRunTimer(backendOfEnvironment(domains, metrics), log),
    sqs: createQueueClient(),
    clock: systemClock,
    log,
    metrics,
  }),
);
