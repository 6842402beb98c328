/** The item of an entity: put whole when it is new, and afterwards changed under all that a decision relied on. */
import type { EntityChange } from '../../core/entity-change.ts';
import { Expression } from './expression.ts';
import type { EntityItem } from '../entities/items.ts';
import { dueShardOf, entityKey, listPartition } from '../keys.ts';
import { added, all, compiled, lockCondition, onlyNew } from './conditions.ts';
import type { CommitContext, TransactItem } from './labelled-item.ts';

/** The whole of a new entity. The condition wins over an id that two processes made up alike: the second puts nothing. */
export function entityPut(
  table: string,
  { tenant }: CommitContext,
  { after, domain, due }: EntityChange,
): TransactItem {
  const item: EntityItem = {
    ...entityKey(tenant, after.id),
    id: after.id,
    tenant,
    collection: after.collection,
    status: after.status,
    version: after.version,
    createdAt: after.createdAt,
    updatedAt: after.updatedAt,
    attributes: after.attributes,
    ...(domain.accounts && { balances: after.balances }),
    headHash: after.headHash,
    listPk: listPartition(tenant, after.collection, after.status),
    listSk: after.id,
    ...(due && { dueAt: due.at, dueShard: dueShardOf(after.id), timerTransition: due.transition }),
  };
  return onlyNew(table, { ...item });
}

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
  const { before, after, domain, set, deltas, rules, due } = change;
  const expression = new Expression();
  const assign = (path: string, value: unknown): string => `${path} = ${expression.value(value)}`;
  const assignments = [
    assign(expression.path('version'), after.version),
    assign(expression.path('updatedAt'), after.updatedAt),
    assign(expression.path('headHash'), after.headHash),
    ...present(set).map(([name, value]) => assign(expression.path('attributes', name), value)),
    ...Object.entries(deltas).map(([key, delta]) => added(expression, ['balances', key], delta)),
  ];
  if (before?.status !== after.status) {
    assignments.push(
      assign(expression.path('status'), after.status),
      assign(expression.path('listPk'), listPartition(tenant, after.collection, after.status)),
    );
  }
  if (due) {
    assignments.push(
      assign(expression.path('dueAt'), due.at),
      assign(expression.path('dueShard'), dueShardOf(after.id)),
      assign(expression.path('timerTransition'), due.transition),
    );
  }
  const removals = Object.entries(set)
    .filter(([, value]) => value === undefined)
    .map(([name]) => expression.path('attributes', name));
  if (domain.deadline && !due)
    removals.push(...['dueAt', 'dueShard', 'timerTransition'].map((name) => expression.path(name)));
  const removal = removals.length > 0 ? ` REMOVE ${removals.join(', ')}` : '';
  const conditions = [
    // Whoever decided on an older state loses, and decides again on this one.
    assign(expression.path('version'), before?.version),
    lockCondition(expression, lockToken, now),
    // Accounts move without a new version: what the rules saw of them must still hold.
    ...compiled(expression, domain, rules),
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

const present = (values: Readonly<Record<string, unknown>>): [string, unknown][] =>
  Object.entries(values).filter(([, value]) => value !== undefined);
