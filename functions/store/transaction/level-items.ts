/**
 * Moves what an account of an entity holds between its items, or into new ones, as a transaction of its own. No balance
 * changes, so it leaves no trace in a ledger.
 */
import type { EntityState } from '../../core/entity.ts';
import { ownedAccountName } from '../../core/postings.ts';
import { heldIn, lowestOf } from '../../core/shares.ts';
import type { Floor } from '../../core/postings.ts';
import { shareItem, shareKey } from '../entities/shares.ts';
import { entityKey } from '../keys.ts';
import { added, all, onlyNew } from './conditions.ts';
import { Expression } from './expression.ts';
import type { TransactItem } from './labelled-item.ts';
import { isSpreadAs } from './share-items.ts';

export interface Leveling {
  readonly tenant: string;
  /** With the items of the account, as they were read. */
  readonly entity: EntityState;
  readonly key: string;
  readonly unit: string;
  readonly floor: Floor | undefined;
  /** What each item is to hold, the entity's own first. */
  readonly wanted: readonly number[];
}

/** What others post meanwhile stays: each item is added to, and what is taken from it must be there. */
export function levelItems(table: string, leveling: Leveling): TransactItem[] {
  const { tenant, entity, key, unit, floor, wanted } = leveling;
  const held = heldIn(entity, key);
  const account = ownedAccountName(entity.id, key);
  const shares = wanted.slice(1).flatMap((balance, index): TransactItem[] => {
    const place = index + 1;
    const at = shareKey(tenant, entity.id, key, place);
    const before = held[place];
    if (before === undefined)
      return [onlyNew(table, { ...shareItem(at, { account, unit, balance }, entity) })];
    if (before === balance) return [];
    const expression = new Expression();
    const delta = balance - before;
    return [
      {
        Update: {
          TableName: table,
          Key: { ...at },
          UpdateExpression: `SET ${added(expression, ['balance'], delta)}`,
          ConditionExpression: `${expression.path('balance')} >= ${expression.value(lowestOf(floor, place) - delta)}`,
          ...expression.parameters(),
        },
      },
    ];
  });
  return [ownUpdate(table, leveling, (wanted[0] ?? 0) - (held[0] ?? 0)), ...shares];
}

/** What the new items say of the entity must still be so, and its own item knows of them from now on. */
function ownUpdate(
  table: string,
  { tenant, entity, key, floor, wanted }: Leveling,
  delta: number,
): TransactItem {
  const { id, status, lock, spread } = entity;
  const expression = new Expression();
  const balance = expression.path('balances', key);
  const path = expression.path('lock');
  const conditions = [
    `${expression.path('status')} = ${expression.value(status)}`,
    lock ? `${path} = ${expression.value(lock)}` : `attribute_not_exists(${path})`,
    isSpreadAs(expression, entity),
    ...(floor ? [`${balance} >= ${expression.value(floor.minimum - delta)}`] : []),
  ];
  return {
    Update: {
      TableName: table,
      Key: entityKey(tenant, id),
      UpdateExpression:
        `SET ${added(expression, ['balances', key], delta)}, ` +
        `${expression.path('spread')} = ${expression.value({ ...spread, [key]: wanted.length })}`,
      ConditionExpression: all(conditions),
      ...expression.parameters(),
    },
  };
}
