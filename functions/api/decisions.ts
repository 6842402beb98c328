/** Decisions along with the reads they need. */
import { decideTransition, movesOf } from '../core/decide.ts';
import type { Command, Verdict } from '../core/decide.ts';
import type { EntityState } from '../core/entity.ts';
import { blindRejection } from '../core/movements.ts';
import type { Registry } from '../core/registry.ts';
import * as rejections from '../core/rejections.ts';
import type { Store } from '../store/store.ts';
import { readTogether } from '../store/entities/reads.ts';

interface Reader {
  readonly registry: Registry;
  readonly store: Store;
}

/** Refuses what another entity, as it is now, would refuse. */
export async function looked(
  { store }: Pick<Reader, 'store'>,
  { tenant, now }: Command,
  verdict: Verdict,
  signal: AbortSignal,
): Promise<Verdict> {
  if (verdict.kind === 'rejected' || verdict.decision.blind.length === 0) return verdict;
  const { blind } = verdict.decision;
  const ids = blind.map(({ id }) => id);
  const { entities } = await readTogether(store, tenant, ids, undefined, signal);
  for (const change of blind) {
    const rejection = blindRejection(change, entities.get(change.id), now);
    if (rejection) return { kind: 'rejected', rejection };
  }
  return verdict;
}

/** Decides on the states known so far, and reads those that are missing. */
export async function decideOn(
  backend: Reader,
  command: Command,
  known: Map<string, EntityState>,
  signal: AbortSignal,
): Promise<Verdict> {
  const { registry, store } = backend;
  const read = async (ids: readonly string[]): Promise<void> => {
    const { entities } = await readTogether(store, command.tenant, ids, undefined, signal);
    for (const [id, state] of entities) known.set(id, state);
  };
  if (!known.has(command.id)) await read([command.id]);
  const entity = known.get(command.id);
  if (entity?.collection !== command.domain.collection)
    return { kind: 'rejected', rejection: rejections.notFound };

  const moves = movesOf(command, entity);
  const unread = moves.map(({ id }) => id).filter((id) => !known.has(id));
  if (unread.length > 0) await read(unread);
  const others = moves.map(({ id, collection }) => {
    const other = known.get(id);
    return other?.collection === collection ? other : undefined;
  });
  return decideTransition(registry, command, entity, others);
}
