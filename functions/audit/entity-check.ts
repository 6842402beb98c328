/** Compares an entity's item with what its ledger has told. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { AuditProblem } from '../api/audit.ts';
import { dueAttributeNames, dueAttributes, dueIn } from '../store/entities/items.ts';
import type { EntityItem } from '../store/entities/items.ts';
import { entityKey, listPartitionOf } from '../store/keys.ts';
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
    listPk: listPartitionOf(tenant, { id, collection: domain.collection, status: item.status }),
    // A broken ledger has been told of already, and what is folded from it proves nothing about the entity.
    ...(!isBroken && { status: walked.status, createdAt: walked.createdAt, updatedAt: walked.updatedAt }),
  };
  const actual = item as unknown as Readonly<Record<string, unknown>>;
  const wrong = Object.keys(expected).filter((name) => actual[name] !== expected[name]);
  if (!isBroken) wrong.push(...wrongAttributes(walked.attributes, item.attributes));
  if (!isBroken && walked.definition !== undefined) wrong.push(...wrongRecords(walked, item));
  wrong.push(...wrongAccounts(item));
  if (wrong.length > 0) {
    const names = wrong.sort().join(', ');
    problems.push(problem('entity_changed', `not as its ledger says: ${names}`, { entity }));
  }
  // A timer can only be judged by a state that is right.
  if (wrong.length === 0) problems.push(...timerProblems(isBroken ? dueIn(item) : walked.due, item, now));
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

function wrongRecords({ definition, held }: Pick<Walked, 'definition' | 'held'>, item: EntityItem): string[] {
  const isSame = { def: item.def === definition, held: isDeepStrictEqual(item.held ?? {}, held) };
  return Object.entries(isSame).flatMap(([name, same]) => (same ? [] : [name]));
}

/** What its accounts hold is compared with the sums over all ledgers; here, that they hold whole numbers. */
const wrongAccounts = ({ balances = {} }: EntityItem): string[] =>
  Object.entries(balances).flatMap(([key, balance]) =>
    Number.isSafeInteger(balance) ? [] : [`balances.${key}`],
  );

/** What an entity waits for is what was written when it began to wait, whatever a definition would say today. */
function timerProblems(waitsFor: Walked['due'], item: EntityItem, now: number): AuditProblem[] {
  const due: Partial<EntityItem> = waitsFor ? dueAttributes(item.id, waitsFor) : {};
  const { dueAt, timerTransition } = item;
  const place = { entity: item.id };
  // Of one that is older than its record of states the item does not tell them.
  const names = dueAttributeNames.filter((name) => name !== 'timerWhile' || item.timerWhile !== undefined);
  if (names.some((name) => !isDeepStrictEqual(item[name], due[name]))) {
    return [problem('timer_differs', `due ${String(dueAt)}, and should be ${String(due.dueAt)}`, place)];
  }
  return dueAt !== undefined && dueAt < now - openMaxMs
    ? [problem('timer_overdue', `"${String(timerTransition)}" was due at ${dueAt}`, place)]
    : [];
}
