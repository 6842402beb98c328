import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import pLimit from 'p-limit';
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
      httpAgent: { maxSockets: database.connectionsMax },
      httpsAgent: { maxSockets: database.connectionsMax },
      connectionTimeout: database.connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      // Without this a request that takes too long is only warned about.
      throwOnRequestTimeout: true,
    },
    ...config,
  });
  // It copies every request and every answer for a log that nobody keeps.
  client.middlewareStack.remove('loggerMiddleware');
  takeTurns(client);
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/**
 * The timeout of a request begins when it is made, also while it waits for a connection. In a process with many callers
 * (`npm start`) a crowd would so be given up and asked again, which makes it a larger crowd. An execution environment on
 * Lambda has one caller, and nobody waits.
 */
function takeTurns(client: DynamoDBClient): void {
  const turns = pLimit(database.connectionsMax);
  client.middlewareStack.add((next) => (args) => turns(() => next(args)), {
    name: 'takeTurns',
    step: 'finalizeRequest',
    // The innermost of its step: each try takes a turn of its own.
    priority: 'low',
  });
}
