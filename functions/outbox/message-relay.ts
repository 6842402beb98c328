/**
 * Stream to queues: takes every message that is `pending` to the queue of its topic. It is new, redriven, answered by a
 * callback or a person, or released behind another.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { Log } from '../runtime/logger.ts';
import type { MetricWriter } from '../runtime/metric-writer.ts';
import { topics } from '../runtime/topics.ts';
import type { Topic } from '../runtime/topics.ts';
import { messageReference, referenceMessage } from './queue-messages.ts';
import type { MessageReference } from './queue-messages.ts';
import { sendAll } from './send.ts';
import { newImage } from './stream-images.ts';

export interface MessageRelayParts {
  readonly sqs: SQSClient;
  readonly queueUrls: Readonly<Record<Topic, string>>;
  readonly log: Log;
  readonly metrics?: MetricWriter | undefined;
}

/** A message of the batch and the stream records that carry it: a batch can hold one twice. */
interface Carried {
  readonly reference: MessageReference;
  readonly sequenceNumbers: string[];
}

export type MessageRelay = (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;

/**
 * It writes nothing: what was sent stays `pending` until a worker claims it. If it dies, a message may be sent twice, but it
 * is not lost. A failure that may pass is reported, so that the stream repeats from there.
 * A send that cannot pass (a queue that is gone, an image that cannot be read) is not reported, because it would hold
 * up the other topics in the shard. Its message is tried by the sweeper.
 *
 * Next: the topic's worker takes the reference from the queue (`workers/topic-worker.ts`).
 */
export function createMessageRelay(parts: MessageRelayParts): MessageRelay {
  const { sqs, queueUrls, log, metrics } = parts;

  async function relayTopic(topic: Topic, carried: readonly Carried[]): Promise<string[]> {
    const outcomes = await sendAll(
      sqs,
      queueUrls[topic],
      carried.map(({ reference }) => referenceMessage(reference)),
    );
    return carried.flatMap(({ reference, sequenceNumbers }, index) => {
      const outcome = outcomes[index] ?? { kind: 'failed', reason: 'no_outcome' };
      if (outcome.kind === 'sent') return [];
      const { id: messageId, tenant } = reference;
      log.error('message not sent', { messageId, tenant, topic, outcome });
      metrics?.add('MessagesNotSent', 1, topic);
      return outcome.kind === 'failed' ? sequenceNumbers : [];
    });
  }

  return async ({ Records }) => {
    const carried = collect(Records, log);
    const failed = await Promise.all(
      topics.map((topic) =>
        relayTopic(
          topic,
          carried.filter(({ reference }) => reference.topic === topic),
        ),
      ),
    );
    return { batchItemFailures: failed.flat().map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function collect(records: readonly DynamoDBRecord[], log: Log): Carried[] {
  const carried = new Map<string, Carried>();
  for (const record of records) {
    const sequenceNumber = record.dynamodb?.SequenceNumber;
    if (record.eventName === 'REMOVE' || sequenceNumber === undefined) continue;
    const image = newImage(record);
    if (image !== undefined && image['status'] !== 'pending') continue;
    const reference = messageReference.safeParse(image).data;
    if (reference === undefined) {
      log.error('stream record without a readable message', { sequenceNumber });
      continue;
    }
    const name = JSON.stringify([reference.tenant, reference.id, reference.run]);
    const known = carried.get(name);
    if (known === undefined) carried.set(name, { reference, sequenceNumbers: [sequenceNumber] });
    else known.sequenceNumbers.push(sequenceNumber);
  }
  return [...carried.values()];
}
