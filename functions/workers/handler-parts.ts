/** What the Lambda functions of all topics are wired with, besides their receivers. */
import { domains } from '../application.ts';
import { createAnswers } from '../commands/carry-out-answer.ts';
import { backendOfEnvironment } from '../commands/backend.ts';
import { systemClock } from '../runtime/clock.ts';
import { workerCall } from '../runtime/delivery-limits.ts';
import { readEnvironment } from '../runtime/environment.ts';
import { createQueueClient } from '../runtime/queue-client.ts';
import { telemetryOf } from '../runtime/telemetry.ts';
import { topicPolicies } from '../runtime/topics.ts';
import type { Topic } from '../runtime/topics.ts';
import { createDocumentClient } from '../store/client.ts';
import type { QueueHandler } from './batch.ts';
import type { Inquire, Receiver } from './receiver.ts';
import { createTopicWorker } from './topic-worker.ts';

/** @throws where the function lacks a variable */
export function topicHandler(topic: Topic, receiver: Receiver, inquire?: Inquire): QueueHandler {
  const environment = readEnvironment(['OUTBOX_TABLE']);
  const { log, metrics, measured } = telemetryOf(topic);
  const outbox = {
    client: createDocumentClient({}, { requestTimeoutMs: workerCall.databaseRequestTimeoutMs }),
    table: environment.OUTBOX_TABLE,
    clock: systemClock,
    callMaxMs: workerCall.databaseMs,
  };
  const worker = createTopicWorker({
    topic,
    policy: topicPolicies[topic],
    receiver,
    inquire,
    carryOut: createAnswers(backendOfEnvironment(domains, metrics), outbox).carryOut,
    outbox,
    sqs: createQueueClient(),
    log,
    metrics,
  });
  return measured(worker);
}
