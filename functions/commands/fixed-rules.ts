/**
 * Rules on what never changes of entities that were not read. The database would have to look at the item that holds it,
 * and would be paid by its size. So it is read and decided here, without a race; what was never kept apart, as in an
 * older entity, stays a condition.
 */
import type { Decision } from '../core/decision.ts';
import type { Attributes } from '../core/entity.ts';
import { unreadRejection } from '../core/movements.ts';
import type { UnreadChange } from '../core/movements.ts';
import * as rejections from '../core/rejections.ts';
import type { Rejection } from '../core/rejections.ts';
import { firstBroken } from '../core/rules.ts';
import type { Rule } from '../core/rules.ts';
import { readFixed } from '../store/entities/fixed-attributes.ts';
import { readEntity } from '../store/entities/reads.ts';
import type { Execution } from './execution.ts';

type FixedRulesDecided =
  | { readonly kind: 'accepted'; readonly decision: Decision }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** @param now epoch milliseconds */
export async function decideFixedRules(
  execution: Execution,
  decision: Decision,
  now: number,
): Promise<FixedRulesDecided> {
  const asked = decision.unread.filter((other) => other.rules.some((rule) => isOnFixed(other, rule)));
  const fixed = await fixedOf(execution, asked);
  const unread: UnreadChange[] = [];
  for (const other of decision.unread) {
    const attributes = fixed.get(other.id) ?? {};
    const isDecidable = ({ test }: Rule): boolean => 'path' in test && Object.hasOwn(attributes, test.path);
    const broken = firstBroken(other.rules.filter(isDecidable), (path) => attributes[path]);
    if (broken) return { kind: 'rejected', rejection: await rejectionOf(execution, other, broken, now) };
    unread.push({ ...other, rules: other.rules.filter((rule) => !isDecidable(rule)) });
  }
  return { kind: 'accepted', decision: { ...decision, unread } };
}

/** Whether it wants the value; that there is one the entity's item tells. */
const isOnFixed = ({ domain }: UnreadChange, { test }: Rule): boolean =>
  'path' in test && test.op !== 'missing' && domain.fixed?.includes(test.path) === true;

async function fixedOf(
  { backend: { store }, request: { tenant }, known, deadline }: Execution,
  asked: readonly UnreadChange[],
): Promise<ReadonlyMap<string, Attributes>> {
  const seen = asked.flatMap(({ id }): [string, Attributes][] => {
    const state = known.get(id);
    if (!state?.fixed) return [];
    return [[id, Object.fromEntries(state.fixed.map((name) => [name, state.attributes[name]]))]];
  });
  const unseen = asked.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  return new Map([...seen, ...(await readFixed(store, tenant, unseen, deadline.signal))]);
}

/** What stands in the way of it first, in the order in which a caller hears of it. */
async function rejectionOf(
  { backend: { store }, request: { tenant }, deadline }: Execution,
  other: UnreadChange,
  broken: Rule,
  now: number,
): Promise<Rejection> {
  const state = await readEntity(store, tenant, other.id, deadline.signal);
  return unreadRejection(other, state, now) ?? rejections.rejectedBy(broken);
}
