import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Topic } from '../../functions/runtime/topics.ts';
import type { MessageItem, NewMessage } from '../../functions/store/outbox/message-items.ts';
import type { Receiver } from '../../functions/workers/receiver.ts';
import { createCsvReceiver } from '../../functions/workers/receivers/csv-object.ts';
import { createLanguageModelReceiver } from '../../functions/workers/receivers/language-model.ts';
import { createMailReceiver, createMailTransport } from '../../functions/workers/receivers/mail.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { bodyOf, sqsEvent, startOutbox } from '../support/outbox.ts';
import type { TestOutbox } from '../support/outbox.ts';
import { startMailServer, startReceiver, status } from '../support/receivers.ts';
import type { TestMailServer, TestReceiver } from '../support/receivers.ts';

let outbox: TestOutbox;
beforeEach(async () => {
  outbox = await startOutbox();
});
afterEach(() => outbox.stop());

async function carriedOut(
  topic: Topic,
  receiver: Receiver,
  item: MessageItem,
  timeoutMs = 5_000,
): Promise<MessageItem> {
  const worker = outbox.worker(receiver, { topic, policy: { callTimeoutMs: timeoutMs } });
  await worker(sqsEvent(outbox.queues[topic], bodyOf(item)));
  return outbox.read(item);
}

describe('a mail', () => {
  let server: TestMailServer;
  beforeEach(async () => {
    server = await startMailServer();
  });
  afterEach(() => server.stop());
  const mail = (from = 'Commit Once <noreply@example.com>'): Receiver =>
    createMailReceiver({ transport: createMailTransport(server.url, 5_000), from });
  const put = (to: string, rest: object = {}): Promise<MessageItem> =>
    outbox.put({
      topic: 'notification',
      payload: { to, subject: 'Grüße\r\nBcc: eve@example.com', text: 'Hello' },
      ...rest,
    });

  test('arrives once, with the message’s id in it, and its id is kept', async () => {
    const item = await put('bob@elsewhere.example');
    const done = await carriedOut('notification', mail(), item);
    expect(done.status).toBe('done');
    expect(server.mails).toHaveLength(1);
    const [received] = server.mails;
    expect(received?.to).toEqual(['bob@elsewhere.example']);
    expect(received?.mail.messageId).toBe(`<${item.id}@example.com>`);
    expect(received?.mail.headers.get('idempotency-key')).toBe(item.id);
    expect(received?.mail.text?.trim()).toBe('Hello');
    expect(received?.mail.from?.value[0]?.address).toBe('noreply@example.com');
    expect(JSON.parse(done.result ?? '')).toMatchObject({ messageId: `<${item.id}@example.com>` });
  });

  test('to a name goes to its mailbox at the sender’s domain', async () => {
    await carriedOut('notification', mail(), await put('alice b'));
    expect(server.mails[0]?.to).toEqual(['alice=20b@example.com']);
  });

  test.each(['a@b.example, c@d.example', 'Eve <eve@elsewhere.example>', '@'])(
    'to %j goes nowhere',
    async (to) => {
      const dead = await carriedOut('notification', mail(), await put(to));
      expect(dead).toMatchObject({ status: 'dead', lastError: { code: 'invalid_recipient' } });
      expect(server.mails).toEqual([]);
    },
  );

  test.each([
    [550, 'dead'],
    [450, 'sent'],
    [421, 'sent'],
  ])('whose recipient is answered %i is %s', async (reply, expected) => {
    server.refuse = reply;
    const item = await carriedOut('notification', mail(), await put('bob@elsewhere.example'));
    expect(item).toMatchObject({ status: expected, lastError: { code: String(reply) } });
  });

  test('to a server that is away is tried again', async () => {
    const receiver = mail();
    await server.stop();
    const item = await carriedOut('notification', receiver, await put('bob@elsewhere.example'));
    expect(item).toMatchObject({ status: 'sent', attempts: 1 });
    expect(item.lastError?.code).toBeDefined();
    server = await startMailServer();
  });
});

describe('a report', () => {
  let store: TestReceiver;
  let s3: S3Client;
  beforeEach(async () => {
    store = await startReceiver();
    store.answer = status(200, '', { etag: '"1"' });
    s3 = new S3Client({
      endpoint: new URL(store.url).origin,
      region: localRegion,
      credentials: localCredentials,
      forcePathStyle: true,
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
  });
  afterEach(async () => {
    s3.destroy();
    await store.stop();
  });
  const put = (message: Partial<NewMessage> = {}): Promise<MessageItem> =>
    outbox.put({
      topic: 'report',
      tenant: 'a/b',
      collection: 'settlements',
      seq: 2,
      payload: {
        title: 'Statement',
        columns: ['payment', 'amount'],
        rows: [
          ['=1+1', 1250],
          ['a,"b"', 5],
        ],
      },
      ...message,
    });

  test('is one CSV object whose key names tenant, entity, entry and place', async () => {
    const item = await put();
    const done = await carriedOut('report', createCsvReceiver({ s3, bucket: 'reports' }), item);
    expect(done.status).toBe('done');
    expect(JSON.parse(done.result ?? '')).toEqual({
      bucket: 'reports',
      key: `a%2Fb/settlements/${item.entity}/0000000002-00.csv`,
      rows: 2,
    });
    expect(store.calls).toHaveLength(1);
    expect(store.calls[0]?.headers['content-type']).toBe('text/csv; charset=utf-8');
    // A formula is data: it is quoted, not run.
    expect(store.calls[0]?.body).toContain(`payment,amount\n'=1+1,1250\n"a,""b""",5\n`);
  });

  test('leaves alone what another message of the same entry has reported', async () => {
    const { entity } = await put();
    const keys: unknown[] = [];
    for (const place of [{ n: 2 }, { n: 3 }, { seq: 3 }]) {
      const item = await put({ entityId: entity, ...place });
      const { result = '' } = await carriedOut('report', createCsvReceiver({ s3, bucket: 'reports' }), item);
      keys.push((JSON.parse(result) as { key: unknown }).key);
    }
    const names = ['0000000002-02', '0000000002-03', '0000000003-00'];
    expect(keys).toEqual(names.map((name) => `a%2Fb/settlements/${entity}/${name}.csv`));
  });

  test.each([500, 403])('that the store answers %i is tried again', async (code) => {
    store.answer = status(code);
    const item = await carriedOut('report', createCsvReceiver({ s3, bucket: 'reports' }), await put());
    expect(item).toMatchObject({ status: 'sent', attempts: 1 });
  });

  test('that the store never answers has failed when its time is over', async () => {
    store.answer = () => undefined;
    const item = await carriedOut('report', createCsvReceiver({ s3, bucket: 'reports' }), await put(), 200);
    expect(item).toMatchObject({ status: 'sent', lastError: { code: 'timeout' } });
  });
});

describe('a summary', () => {
  let model: Server;
  let bedrock: BedrockRuntimeClient;
  let answer: { code: number; body: unknown; error?: string };
  const paths: string[] = [];
  beforeEach(async () => {
    model = createServer((request, response) => {
      paths.push(request.url ?? '');
      request.resume().on('end', () => {
        response.writeHead(answer.code, {
          'content-type': 'application/json',
          ...(answer.error !== undefined && { 'x-amzn-errortype': answer.error }),
        });
        response.end(JSON.stringify(answer.body));
      });
    });
    model.listen(0, '127.0.0.1');
    await once(model, 'listening');
    bedrock = new BedrockRuntimeClient({
      endpoint: `http://127.0.0.1:${(model.address() as AddressInfo).port}`,
      region: localRegion,
      credentials: localCredentials,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler(),
    });
  });
  afterEach(() => {
    bedrock.destroy();
    model.close();
    model.closeAllConnections();
  });
  const summarised = async (): Promise<MessageItem> => {
    const payload = { task: 'summary', title: 'On commits', text: 'They happen once.' };
    const item = await outbox.put({ topic: 'llm', payload });
    return carriedOut('llm', createLanguageModelReceiver({ bedrock, modelId: 'model-1' }), item);
  };

  test('keeps the text and the token counts', async () => {
    answer = {
      code: 200,
      body: {
        output: { message: { role: 'assistant', content: [{ text: 'Once.' }] } },
        stopReason: 'end_turn',
        usage: { inputTokens: 31, outputTokens: 3, totalTokens: 34 },
        metrics: { latencyMs: 5 },
      },
    };
    const done = await summarised();
    expect(paths.at(-1)).toBe('/model/model-1/converse');
    expect(JSON.parse(done.result ?? '')).toEqual({
      text: 'Once.',
      inputTokens: 31,
      outputTokens: 3,
      stopReason: 'end_turn',
      modelId: 'model-1',
    });
  });

  test.each([
    [429, 'ThrottlingException', 'sent'],
    [503, 'ServiceUnavailableException', 'sent'],
    [400, 'ValidationException', 'dead'],
    [403, 'AccessDeniedException', 'dead'],
  ])('answered %i %s is %s', async (code, error, expected) => {
    answer = { code, error, body: { message: 'no' } };
    expect(await summarised()).toMatchObject({ status: expected, lastError: { code: error } });
  });
});
