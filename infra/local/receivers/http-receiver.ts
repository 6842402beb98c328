import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../ports.ts';

/** A built-in receiver of something the workers send out. */
export interface Receiver {
  /** Where it is reached. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A built-in receiver takes nothing larger. */
const bodyMaxBytes = 10 * 1024 * 1024;

/** Serves requests on a free port of this machine; what a handler throws becomes a 500 with its message. */
export async function startHttpReceiver(
  handle: (request: IncomingMessage, body: Buffer, response: ServerResponse) => Promise<void> | void,
): Promise<Receiver> {
  const server = createServer((request, response) => {
    readBody(request)
      .then(async (body) => {
        await handle(request, body, response);
      })
      .catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
        response.end(String(error));
      });
  });
  const port = await listen(server, 0);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyMaxBytes) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}
