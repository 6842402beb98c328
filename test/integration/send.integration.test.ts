/** What is said of messages that a queue did not take. */
import { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { sendAll } from '../../functions/outbox/send.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { startSqs } from '../support/sqs.ts';

const messages = [{ body: '{}', group: 'acme' }];

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
  expect(await sendAll(sqs, url, messages)).toEqual([{ is: 'failed', reason: 'ECONNREFUSED' }]);
  sqs.destroy();
});

test('a queue that is not there refuses, by its own word', async () => {
  const server = await startSqs();
  const { url } = await server.createQueue('here');
  expect(await sendAll(server.client, url.replace('here', 'nowhere'), messages)).toEqual([
    { is: 'refused', reason: 'QueueDoesNotExist' },
  ]);
  expect(await sendAll(server.client, url, messages)).toEqual([{ is: 'sent' }]);
  await server.stop();
});
