/** What the writes of a transaction have in common. */
import type { Domain } from '../../core/definition.ts';
import { holds } from '../../core/rules.ts';
import type { Rule } from '../../core/rules.ts';
import { Expression } from './expression.ts';
import type { TransactItem } from './labelled-item.ts';

/** A put that never overwrites. */
export function onlyNew(table: string, item: Record<string, unknown>): TransactItem {
  const expression = new Expression();
  return {
    Put: {
      TableName: table,
      Item: item,
      ConditionExpression: `attribute_not_exists(${expression.path('pk')})`,
      ...expression.parameters(),
    },
  };
}

/** An addition to a number. One that is not there counts as 0. */
export const added = (expression: Expression, path: readonly string[], delta: number): string =>
  `${expression.path(...path)} = if_not_exists(${expression.path(...path)}, ${expression.value(0)}) + ${expression.value(delta)}`;

/** Rules as conditions on their entity's item. */
export function compiled(
  expression: Expression,
  domain: Domain,
  rules: readonly Rule[],
): (string | undefined)[] {
  return rules.map(({ test }) => {
    const condition = expression.condition(test, (path) => locationOf(domain, path));
    // Whether there is one the entity's item tells, wherever it lies.
    if (test.op === 'missing' && domain.fixed?.includes(test.path) === true)
      return `(${condition ?? ''} AND NOT contains(${expression.path('fixed')}, ${expression.value(test.path)}))`;
    const isOfAccount = 'path' in test && Object.hasOwn(domain.accounts ?? {}, test.path);
    // An account that the entity lacks was added to the definition later, and holds 0.
    return isOfAccount && condition !== undefined && holds(test, () => 0)
      ? `(attribute_not_exists(${expression.path('balances', test.path)}) OR ${condition})`
      : condition;
  });
}

/** Where a rule's path lies on an entity's item. */
export function locationOf(domain: Domain, path: string): readonly string[] {
  if (path === 'status') return ['status'];
  return [Object.hasOwn(domain.accounts ?? {}, path) ? 'balances' : 'attributes', path];
}

/**
 * With a token the lock must still be the caller's and must not have run out (guarantee G8); without one there must
 * be none, or one that ran out:
 *
 *     lock ............. expiresAt -------------------> time
 *     [ its token only ]           [ everyone but its token ]
 *
 * @param now epoch milliseconds
 */
export function lockCondition(expression: Expression, token: string | undefined, now: number): string {
  const expiresAt = expression.path('lock', 'expiresAt');
  if (token !== undefined) {
    return `${expression.path('lock', 'token')} = ${expression.value(token)} AND ${expiresAt} > ${expression.value(now)}`;
  }
  return `(attribute_not_exists(${expression.path('lock')}) OR ${expiresAt} <= ${expression.value(now)})`;
}

/** All conditions together. */
export const all = (conditions: readonly (string | undefined)[]): string =>
  conditions.filter((condition) => condition !== undefined).join(' AND ');
