/** One message, handed to the worker of its topic. */
import { readFile } from 'node:fs/promises';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { createAnswers } from '../../../functions/commands/carry-out-answer.ts';
import { topicPolicies } from '../../../functions/runtime/topics.ts';
import type { Topic } from '../../../functions/runtime/topics.ts';
import type { MessageRun } from '../../../functions/store/outbox/messages.ts';
import type { Received } from '../../../functions/workers/receiver.ts';
import { createTopicWorker } from '../../../functions/workers/topic-worker.ts';
import type { Work } from './run.ts';
import { log } from './workbench.ts';
import type { Workbench } from './workbench.ts';

/** As the service sends it. */
const delivered = JSON.parse(
  await readFile(new URL('../../../events/sqs/notification.json', import.meta.url), 'utf8'),
) as SQSEvent;

export type DeliveredMessage = MessageRun & { readonly topic: Topic };

/** A delivery to the worker of its topic, whose receiver says this. */
export function delivery({ backend, outbox }: Workbench, message: DeliveredMessage, said: Received): Work {
  const work = createTopicWorker({
    topic: message.topic,
    policy: topicPolicies[message.topic],
    receiver: () => Promise.resolve(said),
    carryOut: createAnswers(backend, outbox).carryOut,
    outbox,
    // No queue waits for what becomes of it.
    sqs: { send: () => Promise.resolve({ QueueUrl: '' }) } as unknown as SQSClient,
    // One that is meant to die is no news.
    log: said.kind === 'done' ? log : { ...log, error: log.debug },
  });
  const body = JSON.stringify(message);
  return () => work({ Records: delivered.Records.map((record) => ({ ...record, body })) });
}
