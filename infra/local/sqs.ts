import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequestHandler } from 'local-aws-sqs';
import { Doorbell } from './doorbell.ts';
import { queueWithin } from './embedded-queue.ts';
import type { EmbeddedQueue } from './embedded-queue.ts';
import { makeFair } from './fair-queue.ts';
import { listen } from './ports.ts';
import type { QueueSource } from './queue-source.ts';

export interface SqsServer {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  /** One of its queues for those in this process, without HTTP. */
  queueSource(queueUrl: string): QueueSource;
  stop(): Promise<void>;
}

/** The server puts a message into its queue a moment after it has answered. */
const arrivalMs = 2;

/** The account of every local name and URL. */
export const localAccountId = '000000000000';

/**
 * Starts an SQS protocol server on a free port, in this process and in memory.
 * @param region stands in the names of its queues.
 */
export async function startSqsServer(region: string): Promise<SqsServer> {
  const server = createServer();
  const port = await listen(server, 0);
  const { service, requestHandler } = createRequestHandler({
    port,
    hostname: '127.0.0.1',
    region,
    accountId: localAccountId,
    emulateQueueCreationLifecycle: false,
  });
  const fair = new WeakSet<EmbeddedQueue>();
  const arrivals = new Doorbell();
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    // A queue that was just made is empty, so it is early enough before the next request.
    for (const queue of service.Queues.filter((candidate) => !fair.has(candidate))) {
      makeFair(queue);
      fair.add(queue);
    }
    // The library reads the body and the target outside its own error handling: a request that is none must not
    // end the process.
    requestHandler(incoming, response)
      .catch(() => {
        if (!response.headersSent) response.writeHead(400);
        response.end();
      })
      .finally(() => {
        setTimeout(() => {
          arrivals.ring();
        }, arrivalMs);
      });
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    queueSource: (queueUrl) =>
      queueWithin(() => service.Queues.find((candidate) => candidate.QueueUrl === queueUrl), arrivals),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      service.resetAll();
      await once(server, 'close');
    },
  };
}
