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
