import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { database } from '../runtime/delivery-limits.ts';

/**
 * The one way to a client of DynamoDB. Its timeouts are bounded, so that a lost connection costs a retry and not
 * a request's whole deadline. Endpoint, region and credentials come from the environment unless given.
 * @param requestTimeoutMs of one try
 */
export function createDocumentClient(
  config: DynamoDBClientConfig = {},
  { requestTimeoutMs }: { readonly requestTimeoutMs: number } = database,
): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    maxAttempts: database.attempts,
    requestHandler: {
      connectionTimeout: database.connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      // Without this a request that takes too long is only warned about.
      throwOnRequestTimeout: true,
    },
    ...config,
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
