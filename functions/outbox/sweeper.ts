/** Lambda `sweeper`: once a minute, sends again what the stream or a queue lost. */
import { systemClock } from '../runtime/clock.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { createSendingClient } from '../runtime/queue-client.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { createDocumentClient } from '../store/client.ts';
import { queueUrlsOf, queueVariables } from './queue-urls.ts';
import { createSweeper } from './sweep.ts';

const environment = readEnvironment(['DATA_TABLE', 'OUTBOX_TABLE', 'TIMER_QUEUE_URL', ...queueVariables]);
const { log, metrics, measured } = telemetryOf('sweeper');

export const handler = measured(
  createSweeper({
    client: createDocumentClient(),
    sqs: createSendingClient(),
    clock: systemClock,
    tables: { data: environment.DATA_TABLE, outbox: environment.OUTBOX_TABLE },
    queueUrls: queueUrlsOf(environment),
    timerQueueUrl: environment.TIMER_QUEUE_URL,
    log,
    metrics,
  }),
);
