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
import { ulid } from 'ulid';
import type { Audit, AuditProblem } from '../api/audit.ts';
import { runRetentionSeconds, page } from './limits.ts';
import { checkAccounts } from './accounts-part.ts';
import { checkEntities } from './entities-part.ts';
import { checkMessages } from './messages-part.ts';
import { recount } from './recount-part.ts';
import type { AuditContext, Part } from './part.ts';
import { decodePosition, encodePosition, firstEntity } from './position.ts';
import type { Position } from './position.ts';
import type { AuditBackend } from './verify-entity.ts';

export function createAudit(backend: AuditBackend): Audit {
  const { registry, clock } = backend;
  return async (tenant, cursor) => {
    const startedAt = clock.now();
    let position: Position | undefined =
      cursor === undefined
        ? { phase: 'entities', run: ulid(startedAt), ...firstEntity(registry) }
        : decodePosition(registry, tenant, cursor);
    const run = {
      tenant,
      id: position.run,
      expiresAt: Math.floor(startedAt / 1000) + runRetentionSeconds,
    };
    let [checkedEntities, checkedEntries, entitiesRead] = [0, 0, 0];
    const problems: AuditProblem[] = [];
    while (position && entitiesRead < page.entitiesMax && clock.now() < startedAt + page.budgetMs) {
      const entitiesMax = page.entitiesMax - entitiesRead;
      const part: Part = await check({ backend, run, entitiesMax }, position);
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
