/** Keeps a refusal under its key: nothing else changes, so it is a plain conditional put. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Store } from '../store.ts';
import { idempotencyPut } from './idempotency-record.ts';
import type { IdempotencyItem } from './idempotency-record.ts';

/**
 * @param now epoch milliseconds
 * @returns the record that was there first, or `undefined` where this one was written
 */
export async function putRecord(
  { client, tables }: Store,
  record: IdempotencyItem,
  now: number,
  signal: AbortSignal,
): Promise<IdempotencyItem | undefined> {
  try {
    const put = idempotencyPut(tables.idempotency, record, Math.floor(now / 1000));
    await client.send(new PutCommand(put), { abortSignal: signal });
    return undefined;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException && error.Item) {
      return unmarshall(error.Item) as IdempotencyItem;
    }
    throw error;
  }
}
