/** Writes of the items of an entity's account that are not the entity's own, see `core/shares.ts`. */
import type { EntityChange } from '../../core/entity-change.ts';
import type { EntityState, LockState } from '../../core/entity.ts';
import type { ShareChange } from '../../core/shares.ts';
import type { ItemKey } from '../keys.ts';
import { shareKey, shareKeysOf } from '../entities/shares.ts';
import { added, all, lockCondition } from './conditions.ts';
import { Expression } from './expression.ts';
import type { CommitContext, LabelledItem } from './labelled-item.ts';

/** A posting. Its condition keeps the floor of this item, and asks for the entity's state and lock, which stand here, too. */
export function sharePosting(
  table: string,
  { tenant, now }: Pick<CommitContext, 'tenant' | 'now'>,
  share: ShareChange,
): LabelledItem {
  const { id, key, place, unit, delta, rules } = share;
  const expression = new Expression();
  const conditions = [
    // An item that is not there has no unit either.
    `${expression.path('unit')} = ${expression.value(unit)}`,
    lockCondition(expression, undefined, now),
    ...rules.map(({ test }) => expression.condition(test, (path) => [path])),
  ];
  return {
    label: { purpose: 'share', share },
    item: {
      Update: {
        TableName: table,
        Key: { ...shareKey(tenant, id, key, place) },
        UpdateExpression: `SET ${added(expression, ['balance'], delta)}`,
        ConditionExpression: all(conditions),
        ...expression.parameters(),
      },
    },
  };
}

/** The new state of an entity, on the items of its accounts. They are there as long as the entity's item tells so. */
export const shareStates = (
  table: string,
  { tenant }: Pick<CommitContext, 'tenant'>,
  { before, after }: Pick<EntityChange, 'before' | 'after'>,
): readonly LabelledItem[] =>
  before && before.status !== after.status
    ? shareKeysOf(tenant, before).map((key) => onShare(table, key, 'status', after.status))
    : [];

/** The new lock of an entity, on the same. */
export const shareLocks = (
  table: string,
  tenant: string,
  entity: Pick<EntityState, 'id' | 'spread'>,
  lock: LockState,
): readonly LabelledItem[] => shareKeysOf(tenant, entity).map((key) => onShare(table, key, 'lock', lock));

function onShare(table: string, key: ItemKey, name: 'status' | 'lock', value: unknown): LabelledItem {
  const expression = new Expression();
  return {
    label: { purpose: 'share state' },
    item: {
      Update: {
        TableName: table,
        Key: { ...key },
        UpdateExpression: `SET ${expression.path(name)} = ${expression.value(value)}`,
        ConditionExpression: `attribute_exists(${expression.path('pk')})`,
        ...expression.parameters(),
      },
    },
  };
}

/** Against an account that was spread since the entity was read: its new items would keep the old state. */
export const isSpreadAs = (expression: Expression, { spread }: Pick<EntityState, 'spread'>): string =>
  spread
    ? `${expression.path('spread')} = ${expression.value(spread)}`
    : `attribute_not_exists(${expression.path('spread')})`;
