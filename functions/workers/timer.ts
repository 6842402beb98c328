/** Lambda `timer`: scheduled transitions, each run as a command when it is due. */
import { backendOfEnvironment } from '../api/backend.ts';
import { createRunScheduledTransition } from '../api/scheduled-transition.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLogger } from '../runtime/logger.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { createTimerWorker } from './timer-worker.ts';

export const handler = createTimerWorker({
  run: createRunScheduledTransition(backendOfEnvironment()),
  sqs: createQueueClient(),
  clock: systemClock,
  log: createLogger('timer'),
});
