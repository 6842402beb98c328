/** The operator's log in the database: an item an entry, which nothing changes or removes. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Operation } from '../../core/operation.ts';
import { operationKey, operationsPartition } from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import { readNewest } from '../newest-page.ts';
import type { NewestPage } from '../newest-page.ts';
import type { Store } from '../store.ts';
import type { LabelledItem } from '../transaction/labelled-item.ts';

/** An entry as an item of the transaction of what it tells of. */
export const operationItem = (table: string, operation: Operation): LabelledItem => ({
  label: { purpose: 'operation' },
  item: {
    Put: {
      TableName: table,
      Item: { ...operationKey(operation.tenant, operation.id), ...operation },
      ConditionExpression: 'attribute_not_exists(pk)',
    },
  },
});

/** Adds an entry by itself, where what it tells of is no single transaction. */
export async function putOperation(
  { client, tables }: Store,
  operation: Operation,
  signal: AbortSignal,
): Promise<void> {
  const { Put } = operationItem(tables.data, operation).item;
  if (Put)
    await client.send(new PutCommand({ TableName: tables.data, Item: Put.Item }), { abortSignal: signal });
}

/** A tenant's entries, newest first. @returns whether there are more */
export async function listOperations(
  store: Store,
  tenant: string,
  page: NewestPage,
  signal: AbortSignal,
): Promise<{ readonly operations: readonly Operation[]; readonly isComplete: boolean }> {
  const partition = operationsPartition(tenant);
  const { items, isComplete } = await readNewest(store, partition, page, signal);
  return { operations: items as (Operation & ItemKey)[], isComplete };
}
