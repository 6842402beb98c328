/**
 * One tenant with thousands of queued mails and a slow receiver does not hold up another tenant's mail (G12). What
 * is counted is how many of the first tenant's mails pass meanwhile, not seconds.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import pMap from 'p-map';
import { SMTPServer } from 'smtp-server';
import { afterEach, expect, test, vi } from 'vitest';
import { topicPolicies } from '../../functions/runtime/topics.ts';
import { httpCaller } from '../support/http-caller.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { startBackendProcess } from '../support/started-backend.ts';
import type { StartedBackend } from '../support/started-backend.ts';

const queued = 5_000;
/** Mails of one submitted approval: one to each approver, and twenty at most. */
const approvers = 20;
/** Below the worker's own timeout, so that the receiver is slow and does not fail. */
const slownessMs = 5_000;
const until = { timeout: 120_000, interval: 250 };

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Takes its time with the mails of one domain. */
async function startMailServer(slow: string): Promise<{ url: string; received: string[] }> {
  const received: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, { envelope }, callback) => {
      const [to = ''] = envelope.rcptTo.map(({ address }) => address);
      stream.resume().on('end', () => {
        setTimeout(
          () => {
            received.push(to);
            callback();
          },
          to.endsWith(slow) ? slownessMs : 0,
        );
      });
    },
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  stops.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(resolve);
      }),
  );
  return { url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`, received };
}

/** Sends a mail to every approver. @returns the approval's id */
async function submitApproval(
  backend: StartedBackend,
  tenant: string,
  addresses: readonly string[],
): Promise<string> {
  const { post } = await httpCaller(backend, tenant);
  const { id } = await post('/v1/approvals', { title: 'A press', approvers: addresses, quorum: 1 });
  await post(`/v1/approvals/${String(id)}/submit`);
  return String(id);
}

/**
 * Looks until the mail of the approval is in its queue.
 * @returns what was counted just before the look that found it there
 */
async function onceQueued(
  backend: StartedBackend,
  tenant: string,
  approval: string,
  count: () => number,
): Promise<number> {
  const { get } = await httpCaller(backend, tenant);
  for (;;) {
    const counted = count();
    const { items } = await get(`/v1/approvals/${approval}/messages`);
    const mail = (items as { topic: string; status: string }[]).find(({ topic }) => topic === 'notification');
    if (mail && mail.status !== 'pending') return counted;
    await sleep(50);
  }
}

async function waitingMails(sqs: SQSClient): Promise<number> {
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  const QueueUrl = QueueUrls.find((url) => /notification/i.test(url) && !/dead|dlq/i.test(url));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages']);
}

test('5,000 mails of one tenant do not hold up the mail of another', async () => {
  const mails = await startMailServer('@slow.example');
  const backend = await startBackendProcess({ variables: { SMTP_URL: mails.url } });
  stops.push(() => backend.stop());
  const sqs = new SQSClient({
    endpoint: backend.endpoints['sqs'] ?? '',
    region: localRegion,
    credentials: localCredentials,
  });

  // Some are worked off while the others are made.
  const made = 1.2 * queued;
  await pMap(
    Array.from({ length: made / approvers }, (_, index) => index),
    (index) =>
      submitApproval(
        backend,
        'many',
        Array.from({ length: approvers }, (_each, n) => `${index}.${n}@slow.example`),
      ),
    { concurrency: 8 },
  );
  await vi.waitFor(async () => {
    expect(await waitingMails(sqs)).toBeGreaterThanOrEqual(queued);
  }, until);

  sqs.destroy();
  const approval = await submitApproval(backend, 'few', ['ada@quick.example']);
  // The way to the queue is the relay's, and a slow machine takes its time with it. Fairness begins in the queue.
  const before = await onceQueued(backend, 'few', approval, () => mails.received.length);
  await vi.waitFor(() => {
    expect(mails.received).toContain('ada@quick.example');
  }, until);
  const passed = mails.received.indexOf('ada@quick.example') - before;
  const { maxConcurrency, batchSize } = topicPolicies.notification;
  // What is under way when it comes, and as much again. In the order of arrival all of them would be sent first.
  expect(passed).toBeLessThanOrEqual(2 * maxConcurrency * batchSize);
});
