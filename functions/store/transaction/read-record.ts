/** Reads what a key was answered, when it matters that no transaction of the key is still being written. */
import { TransactGetCommand } from '@aws-sdk/lib-dynamodb';
import type { Store } from '../store.ts';
import { isConflict } from './conflict.ts';
import { isLive } from './idempotency-record.ts';
import type { IdempotencyItem } from './idempotency-record.ts';

export type RecordRead =
  /** The record that answers for the key. */
  | { readonly kind: 'found'; readonly record: IdempotencyItem }
  /** No transaction of the key has committed. */
  | { readonly kind: 'none' }
  /** One is under way, or has committed and is being written. */
  | { readonly kind: 'busy' };

/**
 * A transaction that has committed is written item by item, and a plain read may find its lock without its record.
 * A read that is a transaction itself meets a conflict then, and finds all of it or nothing afterwards.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
 * @param now epoch milliseconds
 * @throws what the client throws where the database does not answer
 */
export async function readRecord(
  { client, tables }: Store,
  pk: string,
  now: number,
  signal: AbortSignal,
): Promise<RecordRead> {
  try {
    const { Responses = [] } = await client.send(
      new TransactGetCommand({ TransactItems: [{ Get: { TableName: tables.idempotency, Key: { pk } } }] }),
      { abortSignal: signal },
    );
    const record = Responses[0]?.Item as IdempotencyItem | undefined;
    return record && isLive(record, now) ? { kind: 'found', record } : { kind: 'none' };
  } catch (error) {
    if (isConflict(error)) return { kind: 'busy' };
    throw error;
  }
}
