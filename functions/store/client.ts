import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { database } from '../runtime/delivery-limits.ts';

/**
 * The one way to a client of DynamoDB. Its timeouts are bounded, so that a lost connection costs a retry and not
 * a request's whole deadline. Endpoint, region and credentials come from the environment unless given.
 */
export function createDocumentClient(config: DynamoDBClientConfig = {}): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    maxAttempts: database.attempts,
    requestHandler: {
      connectionTimeout: database.connectionTimeoutMs,
      requestTimeout: database.requestTimeoutMs,
      // Without this a request that takes too long is only warned about.
      throwOnRequestTimeout: true,
    },
    ...config,
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
