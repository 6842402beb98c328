/** Lambda `relay`: the outbox table's stream to the queues of the topics. */
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { createLogger } from '../runtime/logger.ts';
import { createMetricWriter, withMetrics } from '../runtime/metric-writer.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { createDocumentClient } from '../store/client.ts';
import { createMessageRelay } from './message-relay.ts';
import { queueUrlsOf, queueVariables } from './queue-urls.ts';

const environment = readEnvironment(['STAGE', 'OUTBOX_TABLE', ...queueVariables]);
const log = createLogger('relay');
const metrics = createMetricWriter(environment.STAGE, log);

export const handler = withMetrics(
  metrics,
  createMessageRelay({
    outbox: { client: createDocumentClient(), table: environment.OUTBOX_TABLE, clock: systemClock },
    sqs: createQueueClient(),
    queueUrls: queueUrlsOf(environment),
    log,
    metrics,
  }),
);
