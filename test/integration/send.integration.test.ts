/** What is said of messages that a queue did not take. */
import { SQSClient, SQSServiceException } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendAll } from '../../functions/outbox/send.ts';
import { queueService as limits } from '../../functions/runtime/delivery-limits.ts';
import { localCredentials, localRegion } from '../support/loopback.ts';
import { intercept } from '../support/sdk-faults.ts';
import { startSqs } from '../support/sqs.ts';
import type { TestSqs } from '../support/sqs.ts';

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

test('ten go in a request, each with its group and its delay, and what became of each is told in its place', async () => {
  const server = await startSqs();
  const { url } = await server.createQueue('many');
  const requests: {
    readonly Id: string;
    readonly MessageGroupId: string;
    readonly DelaySeconds?: number;
  }[][] = [];
  intercept(server.client, {
    before: ({ input }) => {
      requests.push((input as { Entries: (typeof requests)[number] }).Entries);
    },
  });
  const many = Array.from({ length: 23 }, (_, n) => ({
    body: () => String(n),
    group: `group-${n}`,
    ...(n === 0 && { delaySeconds: 0 }),
    ...(n === 1 && { delaySeconds: 7 }),
  }));
  expect(await sendAll(server.client, url, many)).toEqual(many.map(() => ({ kind: 'sent' })));
  expect(requests.map(({ length }) => length)).toEqual([10, 10, 3]);
  expect(requests[0]?.slice(0, 3)).toMatchObject([
    { Id: '0', MessageGroupId: 'group-0', DelaySeconds: 0 },
    { Id: '1', MessageGroupId: 'group-1', DelaySeconds: 7 },
    expect.not.objectContaining({ DelaySeconds: expect.anything() as unknown }) as unknown,
  ]);
  expect(await sendAll(server.client, url, [])).toEqual([]);
  await sendAll(server.client, url, many.slice(0, 10));
  expect(requests).toHaveLength(4);
  await server.stop();
});

describe('a message that a queue did not take', () => {
  let server: TestSqs;
  let url: string;
  beforeAll(async () => {
    server = await startSqs();
    ({ url } = await server.createQueue('picky'));
  });
  afterAll(() => server.stop());

  interface Answered {
    readonly Successful?: readonly { readonly Id: string }[];
    readonly Failed?: readonly {
      readonly Id: string;
      readonly SenderFault?: boolean;
      readonly Code?: string;
    }[];
  }
  /** A client whose nth request is answered so, or fails so; what is given nothing goes to the server. */
  const answering = (
    ...answers: readonly (Answered | Error | undefined)[]
  ): { readonly sqs: SQSClient; readonly sent: number[] } => {
    const sqs = new SQSClient({
      endpoint: server.endpoint,
      region: localRegion,
      credentials: localCredentials,
      maxAttempts: 1,
    });
    const sent: number[] = [];
    sqs.middlewareStack.add(
      (next) => (args) => {
        const answer = answers[sent.length];
        sent.push((args.input as { Entries: unknown[] }).Entries.length);
        if (answer === undefined) return next(args);
        if (answer instanceof Error) return Promise.reject(answer);
        return Promise.resolve({ output: { $metadata: {}, ...answer } as never, response: {} });
      },
      { step: 'initialize', name: 'answering' },
    );
    return { sqs, sent };
  };
  const two = ['a', 'b'].map((text) => ({ body: () => text, group: 'acme' }));

  test('is tried again alone, and keeps its place', async () => {
    const { sqs, sent } = answering({
      Successful: [{ Id: '0' }],
      Failed: [{ Id: '1', SenderFault: false, Code: 'InternalError' }],
    });
    expect(await sendAll(sqs, url, two)).toEqual([{ kind: 'sent' }, { kind: 'sent' }]);
    expect(sent).toEqual([2, 1]);
  });

  test('by its own fault is refused, and not tried again', async () => {
    const { sqs, sent } = answering({
      Successful: [{ Id: '1' }],
      Failed: [{ Id: '0', SenderFault: true, Code: 'InvalidMessageContents' }],
    });
    expect(await sendAll(sqs, url, two)).toEqual([
      { kind: 'refused', reason: 'InvalidMessageContents' },
      { kind: 'sent' },
    ]);
    expect(sent).toEqual([2]);
  });

  test('and of which nothing is said has failed, after a few tries', async () => {
    const { sqs, sent } = answering({}, {}, {}, {}, {}, {});
    expect(await sendAll(sqs, url, two.slice(0, 1))).toEqual([{ kind: 'failed', reason: 'no_answer' }]);
    expect(sent).toHaveLength(limits.attempts);
  });

  const service = (name: string, httpStatusCode?: number, more: object = {}): Error =>
    Object.assign(
      new SQSServiceException({
        name,
        $fault: 'client',
        $metadata: { ...(httpStatusCode && { httpStatusCode }) },
      }),
      more,
    );
  test.each([
    [service('QueueDoesNotExist', 400), 'refused'],
    [service('AccessDenied', 403), 'refused'],
    [service('InternalFailure', 500), 'failed'],
    [service('Anything', 429), 'failed'],
    [service('Anything'), 'failed'],
    [service('RequestThrottled', 400), 'failed'],
    [service('OverLimit', 400), 'failed'],
    [service('TooManyEntries', 400), 'failed'],
    [service('Anything', 400, { $retryable: {} }), 'failed'],
    [Object.assign(new Error('x'), { name: 'TimeoutError' }), 'failed'],
  ] as const)('because of %s is %s', async (error, kind) => {
    const { sqs } = answering(...Array<Error>(limits.attempts).fill(error));
    expect(await sendAll(sqs, url, two.slice(0, 1))).toEqual([{ kind, reason: error.name }]);
  });

  test('for a reason without any name has failed all the same', async () => {
    const { sqs } = answering(
      ...Array<Error>(limits.attempts).fill(Object.assign(new Error('x'), { name: undefined })),
    );
    expect(await sendAll(sqs, url, two.slice(0, 1))).toEqual([{ kind: 'failed', reason: 'unknown' }]);
  });
});
