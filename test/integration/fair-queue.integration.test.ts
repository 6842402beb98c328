/** The embedded SQS server is fair to the groups of a standard queue, and loses nothing by it. */
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { offeredPerGroup } from '../../infra/local/fair-queue.ts';
import { startSqs } from '../support/sqs.ts';
import type { TestSqs } from '../support/sqs.ts';

let server: TestSqs;
beforeAll(async () => {
  server = await startSqs();
});
afterAll(() => server.stop());

async function queue(name: string, isFair = true): Promise<string> {
  const { url, arn } = await server.createQueue(`${name}-dead`);
  if (!isFair) return url;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: 3 });
  return (await server.createQueue(name, { RedrivePolicy })).url;
}

async function send(url: string, group: string | undefined, count: number, delaySeconds = 0): Promise<void> {
  for (let start = 0; start < count; start += 10) {
    const Entries = Array.from({ length: Math.min(10, count - start) }, (_, index) => ({
      Id: String(index),
      MessageBody: `${group ?? 'none'} ${start + index}`,
      ...(group !== undefined && { MessageGroupId: group }),
      DelaySeconds: delaySeconds,
    }));
    await server.client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
  }
}

async function receive(url: string): Promise<readonly string[]> {
  const { Messages = [] } = await server.client.send(
    new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
  );
  return Messages.map(({ Body }) => Body ?? '');
}

/** Receives until it has so many; a receive on a busy machine may come back empty before. */
async function receiveAll(url: string, count: number): Promise<readonly string[]> {
  const all: string[] = [];
  while (all.length < count) all.push(...(await receive(url)));
  return all;
}

async function counted(url: string): Promise<number> {
  const { Attributes } = await server.client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages']);
}

test('a group that comes late passes the long line of another', async () => {
  const url = await queue('late');
  await send(url, 'many', 300);
  await send(url, 'few', 1);
  await expect.poll(() => counted(url)).toBe(301);
  const received = await receiveAll(url, 301);
  expect(received.indexOf('few 0')).toBeLessThanOrEqual(offeredPerGroup);
  expect(received).toHaveLength(301);
  expect(new Set(received).size).toBe(301);
});

test('each group keeps the order of its messages', async () => {
  const url = await queue('order');
  await send(url, 'a', 45);
  await send(url, 'b', 45);
  const received = await receiveAll(url, 90);
  for (const group of ['a', 'b']) {
    const own = received.filter((body) => body.startsWith(group));
    expect(own).toEqual(Array.from({ length: 45 }, (_, index) => `${group} ${index}`));
  }
});

test.each([offeredPerGroup - 1, offeredPerGroup, offeredPerGroup + 1])(
  '%i messages of one group come out as they are',
  async (count) => {
    const url = await queue(`edge-${count}`);
    await send(url, 'a', count);
    expect(new Set(await receiveAll(url, count)).size).toBe(count);
    expect(await receive(url)).toEqual([]);
    // The places are free again.
    await send(url, 'a', count);
    expect(new Set(await receiveAll(url, count)).size).toBe(count);
  },
);

test('messages without a group, and those of a dead-letter queue, come in the order they were sent', async () => {
  const [fair, dead] = [await queue('plain'), await queue('letters', false)];
  await send(fair, undefined, 50);
  await send(dead, 'a', 50);
  await send(dead, 'b', 1);
  expect(new Set(await receiveAll(fair, 50)).size).toBe(50);
  expect((await receiveAll(dead, 51)).at(-1)).toBe('b 0');
});
