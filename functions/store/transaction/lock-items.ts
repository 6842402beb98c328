/** Taking and giving up a lock, as an item of a transaction. A lock is part of its entity and leaves the version alone. */
import type { EntityState, LockState } from '../../core/entity.ts';
import { Expression } from './expression.ts';
import { entityKey } from '../keys.ts';
import type { LabelledItem, TransactItem } from './labelled-item.ts';
import { isSpreadAs, shareLocks } from './share-items.ts';
import type { TableNames } from '../store.ts';

interface LockChange {
  readonly tenant: string;
  readonly entity: Pick<EntityState, 'id' | 'spread'>;
  readonly before: LockState | undefined;
  readonly after: LockState;
  /** The version the caller saw, where that matters to it. */
  readonly ifMatch: number | undefined;
}

export const lockItems = (tables: TableNames, change: LockChange): readonly LabelledItem[] => [
  { label: { purpose: 'lock' }, item: lockUpdate(tables.data, change) },
  ...shareLocks(tables.data, change.tenant, change.entity, change.after),
];

/** Of two that take a lock at once, the second meets a higher fence than the one it saw. */
function lockUpdate(table: string, { tenant, entity, before, after, ifMatch }: LockChange): TransactItem {
  const expression = new Expression();
  const lock = expression.path('lock');
  // An update would make an entity out of one that is not there.
  const isAsSeen = before
    ? `${expression.path('lock', 'fence')} = ${expression.value(before.fence)} AND ${expression.path('lock', 'token')} = ${expression.value(before.token)}`
    : `attribute_exists(${expression.path('pk')}) AND attribute_not_exists(${lock})`;
  // Wins over a command that commits between the look at the entity and this.
  const isUnchanged =
    ifMatch === undefined ? '' : ` AND ${expression.path('version')} = ${expression.value(ifMatch)}`;
  return {
    Update: {
      TableName: table,
      Key: entityKey(tenant, entity.id),
      UpdateExpression: `SET ${lock} = ${expression.value(after)}`,
      ConditionExpression: `${isAsSeen}${isUnchanged} AND ${isSpreadAs(expression, entity)}`,
      ...expression.parameters(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}
