/** Services that differ from the embedded ones within what the protocol allows, as seen with other implementations. */
import {
  GetQueueAttributesCommand,
  InvalidAttributeName,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createQueueClient } from '../../functions/runtime/queue-client.ts';
import { provideQueue, setQueuePolicies } from '../../infra/local/queues.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { startRecordingProxy, type RecordingProxy } from '../support/recording-proxy.ts';
import { startSqs, type TestSqs } from '../support/sqs.ts';

let sqs: TestSqs;
let proxy: RecordingProxy;
beforeAll(async () => {
  sqs = await startSqs();
  proxy = await startRecordingProxy(sqs.endpoint);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await proxy.stop();
  await sqs.stop();
});

describe('an SQS server', () => {
  test('whose queue URLs name a host that nobody knows is reached by the endpoint of the environment', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_SQS', proxy.endpoint);
    const client = createQueueClient({ region: localRegion, credentials: localCredentials, maxAttempts: 1 });
    const QueueUrl = 'http://sqs.us-east-1.queues.invalid/000000000000/orders';
    // The server behind it knows no such queue; what counts is that it was asked.
    const error: unknown = await client
      .send(new SendMessageCommand({ QueueUrl, MessageBody: 'one' }))
      .catch((reason: unknown) => reason);
    client.destroy();
    expect(proxy.take()).toMatchObject([{ operation: 'SendMessage', body: { QueueUrl } }]);
    expect(error).toMatchObject({ name: 'QueueDoesNotExist' });
  });

  test('that does not know who may redrive still gets its queues, and their dead letters', async () => {
    const client = new SQSClient({
      endpoint: sqs.endpoint,
      region: localRegion,
      credentials: localCredentials,
    });
    client.middlewareStack.add(
      (next, { commandName }) =>
        (passing) => {
          const { Attributes = {} } = passing.input as { readonly Attributes?: object };
          if (commandName === 'SetQueueAttributesCommand' && 'RedriveAllowPolicy' in Attributes) {
            throw new InvalidAttributeName({
              message: 'Unknown attribute: RedriveAllowPolicy',
              $metadata: {},
            });
          }
          return next(passing);
        },
      { step: 'initialize' },
    );
    const [letters, orders] = [
      await provideQueue(client, 'letters', {}),
      await provideQueue(client, 'orders', {}),
    ];
    const policy = { deadLetterTargetArn: letters.attributes['Arn'], maxReceiveCount: 5 };
    await setQueuePolicies(client, letters.ref, { RedriveAllowPolicy: { redrivePermission: 'byQueue' } });
    await setQueuePolicies(client, orders.ref, {
      RedrivePolicy: policy,
      RedriveAllowPolicy: { redrivePermission: 'denyAll' },
    });
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: orders.ref, AttributeNames: ['RedrivePolicy'] }),
    );
    expect(JSON.parse(Attributes?.['RedrivePolicy'] ?? '')).toEqual(policy);
    client.destroy();
  });
});
