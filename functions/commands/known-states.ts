/** What an execution knows of entities: read, handed back by the database, and forgotten. */
import { withFixedOf } from '../core/entity.ts';
import type { EntityState } from '../core/entity.ts';
import type { UnreadChange } from '../core/movements.ts';
import { readTogether } from '../store/entities/reads.ts';
import { isLive } from '../store/transaction/idempotency-record.ts';
import type { IdempotencyItem } from '../store/transaction/idempotency-record.ts';
import type { Execution } from './execution.ts';

/** Reads entities and the key in one request. Without entities it reads nothing. @returns the key's live record */
export async function readState(
  execution: Execution,
  ids: readonly string[],
): Promise<IdempotencyItem | undefined> {
  const { backend, request, key, deadline, known } = execution;
  if (ids.length === 0) return undefined;
  const read = await readTogether(backend.store, request.tenant, ids, key?.pk, deadline.signal);
  known.clear();
  // One request reads each item at a moment of its own.
  execution.isMixed = ids.length > 1;
  learn(execution, ids, read.entities);
  return read.record && isLive(read.record, backend.clock.now()) ? read.record : undefined;
}

/** Keeps what was read. */
export function learn(
  { backend, request: { tenant }, known }: Execution,
  ids: readonly string[],
  entities: ReadonlyMap<string, EntityState>,
): void {
  for (const id of ids) {
    const state = entities.get(id);
    known.set(id, state);
    const domain = state && backend.registry.find(state.collection);
    if (domain) backend.spreads.learn(tenant, domain, state);
  }
}

/** Keeps what the database handed back of entities that had changed, and reads those of which it handed back a part. */
export async function learnChanged(
  execution: Execution,
  states: ReadonlyMap<string, EntityState | undefined>,
): Promise<void> {
  const { known } = execution;
  const handed = [...states].flatMap(([id, state]) =>
    state ? [[id, withFixedOf(state, known.get(id))] as const] : [],
  );
  const unseen = [...states].flatMap(([id, state]) => (state ? [] : [id]));
  learn(
    execution,
    handed.map(([id]) => id),
    new Map(handed),
  );
  if (unseen.length > 0) await readAlso(execution, unseen);
  // What a transaction hands back was together at its moment.
  else execution.isMixed = known.size > states.size;
}

/** Reads more entities, a moment later than those before. */
export async function readAlso(execution: Execution, ids: readonly string[]): Promise<void> {
  const { backend, request, deadline } = execution;
  const read = await readTogether(backend.store, request.tenant, ids, undefined, deadline.signal);
  learn(execution, ids, read.entities);
  execution.isMixed = execution.known.size > 1;
}

/**
 * Forgets what was read of accounts that have been spread since, so that the command goes to one of their items at once.
 * @returns whether that is all that it would read again
 */
export function forgetSpread(
  { backend: { spreads }, request: { tenant }, known }: Execution,
  wanted: readonly string[],
  unread: readonly UnreadChange[],
): boolean {
  const spread = unread.filter(({ id, deltas }) => {
    const { spreading } = spreads.find(tenant, id) ?? {};
    return Object.keys(deltas).some((key) => spreading?.spread[key] !== undefined);
  });
  for (const { id } of spread) known.delete(id);
  return wanted.every((id) => spread.some((change) => change.id === id));
}
