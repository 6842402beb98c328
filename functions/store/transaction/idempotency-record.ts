/** The item that keeps a key's finished answer. */
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { Expression } from './expression.ts';

/** An answer in the words of whoever asked (of HTTP: status, body, headers). It is kept and handed back as it is. */
export type StoredAnswer = object;

export interface IdempotencyItem {
  /** SHA-256 of tenant, subject, method, path and key. */
  readonly pk: string;
  /** SHA-256 of the body. */
  readonly payloadHash: string;
  /** Epoch seconds, the first one in which the key is free again. */
  readonly expiresAt: number;
  readonly answer: StoredAnswer;
  /** The request that was answered first. */
  readonly requestId: string;
}

/**
 * Whether a record still answers for its key. The time to live of the table may come days later.
 * @param now epoch milliseconds
 */
export const isLive = ({ expiresAt }: Pick<IdempotencyItem, 'expiresAt'>, now: number): boolean =>
  expiresAt > Math.floor(now / 1000);

type Put = NonNullable<NonNullable<TransactWriteCommandInput['TransactItems']>[number]['Put']>;

/**
 * A put that wins only where the key is free:
 *
 *     never used ----- used ................. expiresAt ------> time
 *     [ may write ]    [ refused, ALL_OLD ]   [ may write ]
 */
export function idempotencyPut(table: string, item: IdempotencyItem, nowSeconds: number): Put {
  const expression = new Expression();
  const isFree = `attribute_not_exists(${expression.path('pk')})`;
  const isExpired = `${expression.path('expiresAt')} <= ${expression.value(nowSeconds)}`;
  return {
    TableName: table,
    Item: item,
    ConditionExpression: `${isFree} OR ${isExpired}`,
    ...expression.parameters(),
    // The loser is handed the winner's answer and need not ask for it.
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
}
