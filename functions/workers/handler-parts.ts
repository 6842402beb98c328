/** What the Lambda functions of all topics are wired with, besides their receivers. */
import { systemClock } from '../runtime/clock.ts';
import { workerCall } from '../runtime/delivery-limits.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { topicPolicies } from '../runtime/topics.ts';
import type { Topic } from '../runtime/topics.ts';
import { createDocumentClient } from '../store/client.ts';
import type { QueueHandler } from './batch.ts';
import type { Receiver } from './receiver.ts';
import { createTopicWorker } from './topic-worker.ts';

/** @throws where the function lacks a variable */
export function topicHandler(topic: Topic, receiver: Receiver): QueueHandler {
  const environment = readEnvironment(['OUTBOX_TABLE']);
  const { log, metrics, measured } = telemetryOf(topic);
  const worker = createTopicWorker({
    topic,
    policy: topicPolicies[topic],
    receiver,
    outbox: {
      client: createDocumentClient({}, { requestTimeoutMs: workerCall.databaseRequestTimeoutMs }),
      table: environment.OUTBOX_TABLE,
      clock: systemClock,
      callMaxMs: workerCall.databaseMs,
    },
    sqs: createQueueClient(),
    log,
    metrics,
  });
  return measured(worker);
}
