import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequestHandler } from 'local-aws-sqs';
import { makeFair } from './fair-queue.ts';
import type { EmbeddedQueue } from './fair-queue.ts';
import { listen } from './ports.ts';

export interface SqsServer {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  /** How many messages a receive of this queue would find now, so that nobody polls an empty queue over HTTP. */
  visibleMessages(queueUrl: string): number;
  stop(): Promise<void>;
}

const inFlight = 'ApproximateNumberOfMessagesNotVisible';
/** On AWS without those in flight; this server counts them in. */
const notDelayed = 'ApproximateNumberOfMessages';

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
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    // A queue that was just made is empty, so it is early enough before the next request.
    for (const queue of service.Queues.filter((candidate) => !fair.has(candidate))) {
      makeFair(queue);
      fair.add(queue);
    }
    // The library reads the body and the target outside its own error handling: a request that is none must not
    // end the process.
    requestHandler(incoming, response).catch(() => {
      if (!response.headersSent) response.writeHead(400);
      response.end();
    });
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    visibleMessages: (queueUrl) => {
      const queue = service.Queues.find((candidate) => candidate.QueueUrl === queueUrl);
      if (queue === undefined) return 0;
      const attributes = queue.getAttributes([inFlight, notDelayed]) as Record<string, string>;
      return Math.max(0, Number(attributes[notDelayed]) - Number(attributes[inFlight]));
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      service.resetAll();
      await once(server, 'close');
    },
  };
}
