/**
 * Looks for messages whose entity no list shows: one that was never there, one that is gone, one whose place in
 * the list was changed. The messages of listed entities are checked along with them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditProblem } from '../api/audit.ts';
import { readEntityItems, readExistingMessages } from '../store/audit/audit-reads.ts';
import { entityPartition, listPartitionOf } from '../store/keys.ts';
import type { ItemKey } from '../store/keys.ts';
import type { Consistency } from '../store/metering/capacity.ts';
import { readGroupPage } from '../store/outbox/message-groups.ts';
import { messageGroups } from '../store/outbox/message-items.ts';
import { recheckPauseMs } from './limits.ts';
import { uncounted } from './part.ts';
import type { AuditContext, Part } from './part.ts';
import type { PositionIn } from './position.ts';
import { foundTwice, problem } from './problems.ts';

export async function checkMessages(context: AuditContext, position: PositionIn<'messages'>): Promise<Part> {
  const { backend, run } = context;
  const { group, after } = position;
  const { client, tables } = backend.store;
  const outbox = { client, table: tables.outbox, clock: backend.clock };
  const page = await readGroupPage(outbox, { tenant: run.tenant, group, after, newestFirst: false });
  const first = await problemsOf(context, page.entries, 'eventual');
  if (first.length > 0) await sleep(recheckPauseMs);
  const problems =
    first.length > 0 ? foundTwice(first, await problemsOf(context, page.entries, 'strong')) : [];
  if (page.position !== undefined) return uncounted({ ...position, after: page.position }, problems);
  const nextGroup = messageGroups[messageGroups.indexOf(group) + 1];
  return uncounted(
    nextGroup
      ? { phase: 'messages', run: run.id, group: nextGroup }
      : { phase: 'accounts', run: run.id, pass: 1, hasSuspects: false },
    problems,
  );
}

async function problemsOf(
  { backend: { store }, run: { tenant } }: AuditContext,
  keys: readonly ItemKey[],
  consistency: Consistency,
): Promise<readonly AuditProblem[]> {
  const prefix = entityPartition(tenant, '');
  const ids = [...new Set(keys.map(({ pk }) => pk.slice(prefix.length)))];
  const entities = await readEntityItems(store, tenant, ids, consistency);
  const unlisted = [...entities].filter(
    ([id, { collection, status, listPk, listSk }]) =>
      listSk !== id || listPk !== listPartitionOf(tenant, { id, collection, status }),
  );
  const orphans = keys.filter(({ pk }) => !entities.has(pk.slice(prefix.length)));
  // The index may still show a message that is gone.
  const existing = orphans.length > 0 ? await readExistingMessages(store, orphans) : [];
  return [
    ...unlisted.map(([entity]) =>
      problem('entity_unlisted', 'it is not in the list of its status', { entity }),
    ),
    ...existing.map(({ pk, sk }) =>
      problem('entity_missing', 'there is a message of it, and it is not there', {
        entity: pk.slice(prefix.length),
        seq: Number.parseInt(sk, 10),
      }),
    ),
  ];
}
