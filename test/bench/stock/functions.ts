/** The stock pattern's two Lambda functions, as `start.ts` bundles them. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createStockHandler } from './api.ts';
import { stockTables } from './tables.ts';
import { createStockWorker } from './worker.ts';

const client = new DynamoDBClient({});

export const api = createStockHandler(client, stockTables);
export const worker = createStockWorker(client, stockTables, process.env['RECEIVER_URL'] ?? '');
