import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';

/** Whether a read that is a transaction met another one at an item. */
export const isConflict = (error: unknown): boolean =>
  error instanceof TransactionCanceledException &&
  (error.CancellationReasons ?? []).some(({ Code }) => Code === 'TransactionConflict');
