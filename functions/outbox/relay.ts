/** Lambda `relay`: the outbox table's stream to the queues of the topics. What it does: `message-relay.ts`. */
import { readEnvironment } from '../runtime/environment.ts';
import { createSendingClient } from '../runtime/queue-client.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createMessageRelay } from './message-relay.ts';
import { queueUrlsOf, queueVariables } from './queue-urls.ts';

const environment = readEnvironment(queueVariables);
const { log, metrics, measured } = telemetryOf('relay');

export const handler = measured(
  createMessageRelay({
    sqs: createSendingClient(),
    queueUrls: queueUrlsOf(environment),
    log,
    metrics,
  }),
);
