/** An HTTP proxy that writes down what passes between a client and its server. */
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';

export interface Passed {
  /** Of the header `x-amz-target`, without the version. */
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly answer: Readonly<Record<string, unknown>>;
  readonly status: number;
  /** Places in the order of all requests and answers. */
  readonly asked: number;
  readonly answered: number;
}

export interface RecordingProxy {
  readonly endpoint: string;
  /** What passed since the last time, in the order of the requests. */
  readonly take: () => readonly Passed[];
  readonly stop: () => Promise<void>;
}

/** Is awaited before a request goes on to its server. */
export type Hold = (operation: string, body: Passed['body']) => Promise<void>;

export async function startRecordingProxy(
  target: string,
  hold: Hold = () => Promise.resolve(),
): Promise<RecordingProxy> {
  let passed: Passed[] = [];
  let order = 0;
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await bytesOf(incoming);
      const parsed = JSON.parse(body.toString()) as Passed['body'];
      const [, operation = ''] = String(incoming.headers['x-amz-target']).split('.');
      const asked = (order += 1);
      await hold(operation, parsed);
      const onward = httpRequest(new URL(incoming.url ?? '/', target), {
        method: incoming.method,
        headers: incoming.headers,
      });
      onward.end(body);
      const [answer] = (await once(onward, 'response')) as [IncomingMessage];
      const answerBody = await bytesOf(answer);
      passed.push({
        operation,
        body: parsed,
        answer: JSON.parse(answerBody.toString()) as Passed['answer'],
        status: answer.statusCode ?? 0,
        asked,
        answered: (order += 1),
      });
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(answerBody);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    take: () => {
      const taken = passed.sort((a, b) => a.asked - b.asked);
      passed = [];
      return taken;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
