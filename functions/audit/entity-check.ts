/** Compares an entity's item with what its ledger has told. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { AuditProblem } from '../api/audit.ts';
import type { Domain } from '../core/definition.ts';
import { dueOf } from '../core/entity-change.ts';
import type { EntityItem } from '../store/entities/items.ts';
import { dueShardOf, entityKey, listPartition } from '../store/keys.ts';
import type { Subject, Walked } from './ledger-walk.ts';
import { openMaxMs } from './limits.ts';
import { problem } from './problems.ts';

/**
 * @param item of the version that the walk has reached
 * @param now epoch milliseconds
 */
export function entityProblems(
  { tenant, domain, id }: Subject,
  { seq, last, isBroken, ...walked }: Walked,
  item: EntityItem,
  now: number,
): readonly AuditProblem[] {
  const problems: AuditProblem[] = [];
  const entity = id;
  if (last?.isIntact === true && item.headHash !== last.hash) {
    problems.push(problem('head_differs', 'the entity points to another newest entry', { entity, seq }));
  }
  const expected: Readonly<Record<string, unknown>> = {
    ...entityKey(tenant, id),
    id,
    tenant,
    collection: domain.collection,
    listSk: id,
    listPk: listPartition(tenant, domain.collection, item.status),
    // A broken ledger has been told of already, and what is folded from it proves nothing about the entity.
    ...(!isBroken && { status: walked.status, createdAt: walked.createdAt, updatedAt: walked.updatedAt }),
  };
  const actual = item as unknown as Readonly<Record<string, unknown>>;
  const wrong = Object.keys(expected).filter((name) => actual[name] !== expected[name]);
  if (!isBroken) wrong.push(...wrongAttributes(walked.attributes, item.attributes));
  wrong.push(...wrongAccounts(domain, item));
  if (wrong.length > 0) {
    const names = wrong.sort().join(', ');
    problems.push(problem('entity_changed', `not as its ledger says: ${names}`, { entity }));
  }
  // A timer can only be judged by a state that is right.
  if (wrong.length === 0) problems.push(...timerProblems(domain, item, now));
  return problems;
}

function wrongAttributes(expected: Walked['attributes'], actual: unknown): string[] {
  if (typeof actual !== 'object' || actual === null) return ['attributes'];
  const values = actual as Record<string, unknown>;
  const names = new Set([...Object.keys(expected), ...Object.keys(values)]);
  return [...names]
    .filter((name) => !isDeepStrictEqual(expected[name], values[name]))
    .map((name) => `attributes.${name}`);
}

/** What its accounts hold is compared with the sums over all ledgers; here, that they are the definition's. */
function wrongAccounts(domain: Domain, { balances = {} }: EntityItem): string[] {
  const defined = Object.keys(domain.accounts ?? {});
  const names = new Set([...defined, ...Object.keys(balances)]);
  return [...names]
    .filter((key) => !defined.includes(key) || !Number.isSafeInteger(balances[key]))
    .map((key) => `balances.${key}`);
}

function timerProblems(domain: Domain, item: EntityItem, now: number): AuditProblem[] {
  const waitsFor = dueOf(domain, item);
  const due = {
    dueAt: waitsFor?.at,
    dueShard: waitsFor && dueShardOf(item.id),
    timerTransition: waitsFor?.transition,
  };
  const { dueAt, dueShard, timerTransition } = item;
  const place = { entity: item.id };
  if (!isDeepStrictEqual({ dueAt, dueShard, timerTransition }, due)) {
    return [problem('timer_differs', `due ${String(dueAt)}, and should be ${String(due.dueAt)}`, place)];
  }
  return dueAt !== undefined && dueAt < now - openMaxMs
    ? [problem('timer_overdue', `"${String(timerTransition)}" was due at ${dueAt}`, place)]
    : [];
}
