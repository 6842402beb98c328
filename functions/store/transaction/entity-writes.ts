/** The item of an entity: put whole when it is new, and afterwards changed under all that a decision relied on. */
import { isDeepStrictEqual } from 'node:util';
import type { EntityState } from '../../core/entity.ts';
import type { EntityChange } from '../../core/entity-change.ts';
import { Expression } from './expression.ts';
import { dueAttributeNames, dueAttributes } from '../entities/items.ts';
import type { EntityItem } from '../entities/items.ts';
import { entityKey, fixedKey, listPartitionOf } from '../keys.ts';
import { added, all, compiled, lockCondition, onlyNew } from './conditions.ts';
import { isSpreadAs } from './share-items.ts';
import type { CommitContext, TransactItem } from './labelled-item.ts';

/** The whole of a new entity. The condition wins over an id that two processes made up alike: the second puts nothing. */
export function entityPut(table: string, { tenant }: CommitContext, { after }: EntityChange): TransactItem {
  const { fixed = [] } = after;
  const item: EntityItem = {
    ...entityKey(tenant, after.id),
    id: after.id,
    tenant,
    collection: after.collection,
    status: after.status,
    version: after.version,
    createdAt: after.createdAt,
    updatedAt: after.updatedAt,
    attributes: partOf(after, (name) => !fixed.includes(name)),
    ...(fixed.length > 0 && { fixed }),
    ...unlessEmpty('balances', after.balances),
    ...unlessEmpty('units', after.units),
    ...(after.definition !== undefined && { def: after.definition }),
    ...unlessEmpty('held', after.held ?? {}),
    headHash: after.headHash,
    listPk: listPartitionOf(tenant, after),
    listSk: after.id,
    ...(after.due && dueAttributes(after.id, after.due)),
  };
  return onlyNew(table, { ...item });
}

/** What never changes of a new entity, where it keeps that apart. */
export function fixedPut(table: string, tenant: string, { after }: EntityChange): TransactItem {
  const attributes = partOf(after, (name) => after.fixed?.includes(name) === true);
  return onlyNew(table, { ...fixedKey(tenant, after.id), attributes });
}

const partOf = ({ attributes }: EntityState, isIn: (name: string) => boolean): Record<string, unknown> =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => isIn(name)));

/**
 * The next state, under all that the decision relied on. It sets what changed and nothing else: balances may
 * move meanwhile under commands of other entities, which leave the version alone.
 */
export function entityUpdate(
  table: string,
  { tenant, now }: CommitContext,
  change: EntityChange,
  lockToken: string | undefined,
): TransactItem {
  const { before, after, domain, set, rules } = change;
  const expression = new Expression();
  /** In a list of `SET` it assigns, in a condition it compares. */
  const equals = (path: string, value: unknown): string => `${path} = ${expression.value(value)}`;
  const assignments = [
    equals(expression.path('version'), after.version),
    equals(expression.path('updatedAt'), after.updatedAt),
    equals(expression.path('headHash'), after.headHash),
    ...present(set).map(([name, value]) => equals(expression.path('attributes', name), value)),
    ...written(change).map(([name, value]) => equals(expression.path(name), value)),
    ...balances(expression, change),
  ];
  if (before?.status !== after.status) {
    assignments.push(
      equals(expression.path('status'), after.status),
      equals(expression.path('listPk'), listPartitionOf(tenant, after)),
    );
  }
  const removals = Object.entries(set)
    .filter(([, value]) => value === undefined)
    .map(([name]) => expression.path('attributes', name));
  if (before?.due && !after.due) removals.push(...dueAttributeNames.map((name) => expression.path(name)));
  const removal = removals.length > 0 ? ` REMOVE ${removals.join(', ')}` : '';
  const conditions = [
    // Whoever decided on an older state loses, and decides again on this one.
    equals(expression.path('version'), before?.version),
    lockCondition(expression, lockToken, now),
    // Accounts move without a new version: what the rules saw of them must still hold.
    ...compiled(expression, domain, rules),
    // Against another entity's command that has begun its accounts meanwhile.
    ...(isBegun(change) ? [hasNoBalances(expression)] : []),
    // The items of its accounts have its state, too (`shareStates`).
    ...(before && before.status !== after.status ? [isSpreadAs(expression, before)] : []),
  ];
  return {
    Update: {
      TableName: table,
      Key: entityKey(tenant, after.id),
      UpdateExpression: `SET ${assignments.join(', ')}${removal}`,
      ConditionExpression: all(conditions),
      ...expression.parameters(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

const unlessEmpty = <T extends object>(name: string, map: T): Readonly<Record<string, T>> =>
  Object.keys(map).length === 0 ? {} : { [name]: map };

/** What the entity keeps for its later commands, as far as this one changed it. */
function written({ before, after }: EntityChange): [string, unknown][] {
  const due = isDeepStrictEqual(before?.due, after.due)
    ? {}
    : after.due && dueAttributes(after.id, after.due);
  const names = (['definition', 'held', 'units'] as const).filter(
    (name) => !isDeepStrictEqual(before?.[name], after[name]),
  );
  const kept = names.map((name): [string, unknown] => [name === 'definition' ? 'def' : name, after[name]]);
  return [...kept, ...Object.entries(due ?? {})];
}

/** Whether a command begins the accounts of an entity that had none. */
const isBegun = ({ before, deltas }: EntityChange): boolean =>
  Object.keys(deltas).length > 0 && Object.keys(before?.balances ?? {}).length === 0;

function hasNoBalances(expression: Expression): string {
  const balances = expression.path('balances');
  return `(attribute_not_exists(${balances}) OR size(${balances}) = ${expression.value(0)})`;
}

/** One that the entity lacks was added to the definition later, and is begun at 0. */
function balances(expression: Expression, change: EntityChange): string[] {
  const { after, deltas } = change;
  const changes = Object.entries(deltas);
  // An entity without accounts has no map of them either: the path into it would be none.
  if (isBegun(change)) return [`${expression.path('balances')} = ${expression.value(after.balances)}`];
  return changes.map(([key, delta]) => added(expression, ['balances', key], delta));
}

const present = (values: Readonly<Record<string, unknown>>): [string, unknown][] =>
  Object.entries(values).filter(([, value]) => value !== undefined);
