import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSClientConfig } from '@aws-sdk/client-sqs';
import { queueService } from './delivery-limits.ts';

/** The one way to a client of SQS, with bounded timeouts; endpoint and credentials come from the environment. */
export const createQueueClient = (config: SQSClientConfig = {}): SQSClient =>
  new SQSClient({
    maxAttempts: queueService.attempts,
    requestHandler: {
      connectionTimeout: queueService.connectionTimeoutMs,
      requestTimeout: queueService.requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
    ...config,
  });
