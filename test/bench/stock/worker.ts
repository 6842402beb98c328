/** The stock pattern's worker: the stream of the outbox calls the receiver, and the message is marked as done. */
import type { DynamoDBClient, AttributeValue } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBStreamEvent, DynamoDBBatchResponse } from 'aws-lambda';
import { fetch } from 'undici';
import type { StockTables } from './tables.ts';

export type StockWorker = (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;

export function createStockWorker(
  client: DynamoDBClient,
  tables: StockTables,
  receiverUrl: string,
): StockWorker {
  const documents = DynamoDBDocumentClient.from(client);

  async function carryOut(message: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await fetch(receiverUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': String(message['id']) },
      body: JSON.stringify({ type: message['type'], entity: message['entity'] }),
      signal: AbortSignal.timeout(10_000),
    });
    const result = await response.text();
    if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
    await documents.send(
      new UpdateCommand({
        TableName: tables.outbox,
        Key: { id: message['id'] },
        UpdateExpression: 'SET #status = :done, #result = :result',
        ConditionExpression: '#status = :pending',
        ExpressionAttributeNames: { '#status': 'status', '#result': 'result' },
        ExpressionAttributeValues: { ':done': 'done', ':pending': 'pending', ':result': result },
      }),
    );
  }

  return async ({ Records }) => {
    const attempts = await Promise.all(
      Records.map(async ({ eventName, dynamodb }) => {
        if (eventName !== 'INSERT') return [];
        const image = (dynamodb?.NewImage ?? {}) as Record<string, AttributeValue>;
        try {
          await carryOut(unmarshall(image));
          return [];
        } catch {
          return [{ itemIdentifier: dynamodb?.SequenceNumber ?? '' }];
        }
      }),
    );
    return { batchItemFailures: attempts.flat() };
  };
}
