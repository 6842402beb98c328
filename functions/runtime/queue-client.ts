import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import { queueService } from './delivery-limits.ts';

/** The one way to a client of SQS, with bounded timeouts; endpoint and credentials come from the environment. */
export const createQueueClient = (config: SQSClientConfig = {}): SQSClient =>
  new SQSClient({
    maxAttempts: queueService.attempts,
    // The host in a queue's URL is what the server calls itself, which need not be how it is reached from here. On
    // AWS both are the same.
    useQueueUrlAsEndpoint: false,
    requestHandler: {
      connectionTimeout: queueService.connectionTimeoutMs,
      requestTimeout: queueService.requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
    ...config,
  });

/**
 * A client of those who send references: it never repeats a request by itself. A send that is tried again may be a
 * second message in the queue, so it has to be another copy, which only the sender can make it.
 */
export const createSendingClient = (config: SQSClientConfig = {}): SQSClient =>
  createQueueClient({ maxAttempts: 1, ...config });
