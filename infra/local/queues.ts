import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SetQueueAttributesCommand,
  type QueueAttributeName,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { ResourceValues } from './resolver.ts';

/** Property of `AWS::SQS::Queue` -> attribute of the API. Encryption has no meaning on one machine. */
const attributeNames: Readonly<Record<string, QueueAttributeName>> = {
  ContentBasedDeduplication: 'ContentBasedDeduplication',
  DeduplicationScope: 'DeduplicationScope',
  DelaySeconds: 'DelaySeconds',
  FifoQueue: 'FifoQueue',
  FifoThroughputLimit: 'FifoThroughputLimit',
  MaximumMessageSize: 'MaximumMessageSize',
  MessageRetentionPeriod: 'MessageRetentionPeriod',
  ReceiveMessageWaitTimeSeconds: 'ReceiveMessageWaitTimeSeconds',
  VisibilityTimeout: 'VisibilityTimeout',
};

/**
 * Makes the queue a template describes, without its policies, or uses the one that exists.
 * @param properties resolved properties of an `AWS::SQS::Queue`
 */
export async function provideQueue(
  client: SQSClient,
  name: string,
  properties: Readonly<Record<string, unknown>>,
): Promise<ResourceValues> {
  const url = await createOrFind(client, name, attributesOf(properties));
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  return {
    ref: url,
    attributes: { Arn: Attributes?.['QueueArn'] ?? '', QueueName: name, QueueUrl: url },
  };
}

/**
 * Policies name other queues, which may be made later, so they are set once all queues are there.
 * @param properties resolved properties of the `AWS::SQS::Queue` behind the URL
 */
export async function setQueuePolicies(
  client: SQSClient,
  url: string,
  properties: Readonly<Record<string, unknown>>,
): Promise<void> {
  const set = async (name: QueueAttributeName): Promise<void> => {
    if (properties[name] === undefined) return;
    const Attributes = { [name]: JSON.stringify(properties[name]) };
    await client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
  };
  await set('RedrivePolicy');
  try {
    await set('RedriveAllowPolicy');
  } catch (error) {
    // It only says which queues may name this one, so a server that does not know it delivers just the same.
    if (!(error instanceof Error && /InvalidAttributeName/.test(error.name))) throw error;
  }
}

async function createOrFind(
  client: SQSClient,
  name: string,
  attributes: Record<string, string>,
): Promise<string> {
  try {
    const { QueueUrl } = await client.send(
      new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
    );
    return QueueUrl ?? '';
  } catch (error) {
    // A queue of that name with other attributes is used as it is, and then given ours.
    if (!(error instanceof Error && /QueueNameExists|QueueAlreadyExists/.test(error.name))) throw error;
    const { QueueUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: attributes }));
    return QueueUrl;
  }
}

function attributesOf(properties: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributeNames).flatMap(([property, attribute]) =>
      properties[property] === undefined
        ? []
        : [[attribute, String(properties[property] as string | number | boolean)]],
    ),
  );
}
