/**
 * The audit: a walk through all of a tenant's data that proves the ledgers whole, the entities what their ledgers
 * say, the messages complete and the balances right.
 *
 *     entities  each one's ledger, item, unique values and messages; postings summed up by account
 *     messages  those whose entity is in no list
 *     accounts  every sum against its balance
 *     recount   only where a balance differed: the sums once more, then the accounts once more
 *
 * Each call does a bounded part of it and says where to go on. Commands go on meanwhile, and a call that is
 * repeated with its cursor does no harm.
 */
import { decodeTime, ulid } from 'ulid';
import type { AuditPage, AuditProblem } from '../api/audit.ts';
import { expiryReserveMs, page, retentionSeconds } from './limits.ts';
import { checkAccounts } from './accounts-part.ts';
import { checkEntities } from './entities-part.ts';
import { createEntityList } from './entity-list.ts';
import { checkMessages } from './messages-part.ts';
import { recount } from './recount-part.ts';
import type { AuditContext, Heal, Part } from './part.ts';
import { decodePosition, encodePosition, firstEntity, noCursor } from './position.ts';
import type { Position } from './position.ts';
import { readStates } from './states.ts';
import type { AuditBackend } from './verify-entities.ts';

/**
 * @param retention seconds for which the run keeps its partial sums, from its start; the same for all of its pages
 * @throws ProblemError 400 for a cursor of no audit, or of one whose sums may be gone
 */
export type TenantAudit = (
  tenant: string,
  cursor: string | undefined,
  retention?: number,
) => Promise<AuditPage>;

export function createAudit(backend: AuditBackend, heal?: Heal): TenantAudit {
  const { registry, clock } = backend;
  return async (tenant, cursor, retention = retentionSeconds) => {
    const startedAt = clock.now();
    const list = createEntityList(backend.store, tenant, await readStates(backend.store));
    let position: Position | undefined =
      cursor === undefined
        ? { phase: 'entities', run: ulid(startedAt), ...firstEntity(registry) }
        : decodePosition(registry, tenant, cursor);
    const run = { tenant, id: position.run, expiresAt: expiryOf(position.run, retention) };
    // A run has sums from its first page on, and is of no use where they begin to go.
    if (startedAt + expiryReserveMs > run.expiresAt * 1000) throw noCursor;
    let [checkedEntities, checkedEntries, entitiesRead] = [0, 0, 0];
    const problems: AuditProblem[] = [];
    while (position && entitiesRead < page.entitiesMax && clock.now() < startedAt + page.budgetMs) {
      const entitiesMax = page.entitiesMax - entitiesRead;
      const part: Part = await check({ backend, run, list, heal, entitiesMax }, position);
      checkedEntities += part.checkedEntities;
      checkedEntries += part.checkedEntries;
      entitiesRead += part.entitiesRead;
      problems.push(...part.problems);
      position = part.next;
    }
    return {
      ok: problems.length === 0,
      checkedEntities,
      checkedEntries,
      problems,
      ...(position && { nextCursor: encodePosition(tenant, position) }),
    };
  };
}

/** Epoch seconds. A run's name begins with its time, so all that one run keeps goes at the same time. */
const expiryOf = (run: string, retention: number): number => Math.floor(decodeTime(run) / 1000) + retention;

function check(context: AuditContext, position: Position): Promise<Part> {
  switch (position.phase) {
    case 'entities':
      return checkEntities(context, position);
    case 'messages':
      return checkMessages(context, position);
    case 'accounts':
      return checkAccounts(context, position);
    case 'recount':
      return recount(context, position);
    default:
      return position satisfies never;
  }
}
