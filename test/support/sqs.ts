import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startSqsServer } from '../../infra/local/sqs.ts';
import { assertLoopback, localCredentials, localRegion } from './loopback.ts';

export interface TestSqs {
  readonly endpoint: string;
  readonly client: SQSClient;
  /** @returns the new queue's URL and ARN. */
  createQueue(name: string, attributes?: Record<string, string>): Promise<{ url: string; arn: string }>;
  stop(): Promise<void>;
}

/** A real SQS protocol server of the test's own, with nothing in it. */
export async function startSqs(): Promise<TestSqs> {
  const server = await startSqsServer(localRegion);
  const client = new SQSClient({
    endpoint: assertLoopback(server.endpoint),
    region: localRegion,
    credentials: localCredentials,
  });
  return {
    endpoint: server.endpoint,
    client,
    createQueue: (name, attributes) => createdQueue(client, name, attributes),
    stop: async () => {
      client.destroy();
      await server.stop();
    },
  };
}

export async function createdQueue(
  client: SQSClient,
  name: string,
  attributes: Record<string, string> = {},
): Promise<{ url: string; arn: string }> {
  const { QueueUrl = '' } = await client.send(
    new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
  );
  const answer = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  return { url: QueueUrl, arn: answer.Attributes?.['QueueArn'] ?? '' };
}
