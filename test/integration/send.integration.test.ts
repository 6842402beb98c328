/** What is said of messages that a queue did not take. */
import { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { sendAll } from '../../functions/outbox/send.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { intercept } from '../support/sdk-faults.ts';
import { startSqs } from '../support/sqs.ts';

const messages = [{ body: () => '{}', group: 'acme' }];

test('a server that is not there is named by what the network says', async () => {
  const server = await startSqs();
  const { url } = await server.createQueue('gone');
  await server.stop();
  const sqs = new SQSClient({
    endpoint: server.endpoint,
    region: localRegion,
    credentials: localCredentials,
    maxAttempts: 1,
  });
  expect(await sendAll(sqs, url, messages)).toEqual([{ kind: 'failed', reason: 'ECONNREFUSED' }]);
  sqs.destroy();
});

test('a queue that is not there refuses, by its own word', async () => {
  const server = await startSqs();
  const { url } = await server.createQueue('here');
  expect(await sendAll(server.client, url.replace('here', 'nowhere'), messages)).toEqual([
    { kind: 'refused', reason: 'QueueDoesNotExist' },
  ]);
  expect(await sendAll(server.client, url, messages)).toEqual([{ kind: 'sent' }]);
  await server.stop();
});

test('a message carries the trace of its request to the function that gets it', async () => {
  const server = await startSqs();
  const { url } = await server.createQueue('traced');
  const sent: unknown[] = [];
  intercept(server.client, {
    before: ({ input }) => {
      sent.push(...((input as { Entries?: unknown[] }).Entries ?? []));
    },
  });
  const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';
  const outcomes = await sendAll(server.client, url, [
    ...messages,
    { body: () => '{}', group: 'acme', traceparent },
  ]);
  expect(outcomes).toEqual([{ kind: 'sent' }, { kind: 'sent' }]);
  expect(sent).toEqual([
    expect.not.objectContaining({ MessageSystemAttributes: expect.anything() as unknown }),
    expect.objectContaining({
      MessageSystemAttributes: {
        AWSTraceHeader: {
          DataType: 'String',
          StringValue: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
        },
      },
    }),
  ]);
  await server.stop();
});
