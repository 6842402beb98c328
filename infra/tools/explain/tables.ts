/** The schemas that plans are counted by. */
import { tables } from '../../../functions/store/tables.ts';
import type { IndexSchema, TableName, TableSchema } from '../../../functions/store/tables.ts';

export type Schemas = Readonly<Record<TableName, TableSchema>>;

export const allIndexes: readonly IndexSchema[] = Object.values<TableSchema>(tables).flatMap(
  ({ indexes }) => indexes,
);

/** The schemas as they are, less one index where one is named. */
export function schemasWithout(index: string | undefined): Schemas {
  const without = (schema: TableSchema): TableSchema => ({
    ...schema,
    indexes: schema.indexes.filter(({ name }) => name !== index),
  });
  return {
    data: without(tables.data),
    outbox: without(tables.outbox),
    idempotency: without(tables.idempotency),
  };
}
