/** The tables of one deployment and the client that reaches them. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { LabelledItem } from './transaction/labelled-item.ts';

export interface TableNames {
  readonly data: string;
  readonly outbox: string;
  readonly idempotency: string;
}

export interface Store {
  readonly client: DynamoDBDocumentClient;
  readonly tables: TableNames;
  /** Told of each transaction before it is sent, so that what watches the calls knows what its items are for. */
  readonly onTransaction?: (items: readonly LabelledItem[]) => void;
}
