/** Lambda `timer-relay`: the data table's stream to the timer queue. */
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { createLogger } from '../runtime/logger.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { createTimerRelay } from './timer-stream.ts';

export const handler = createTimerRelay({
  sqs: createQueueClient(),
  queueUrl: readEnvironment(['TIMER_QUEUE_URL']).TIMER_QUEUE_URL,
  clock: systemClock,
  log: createLogger('timer-relay'),
});
