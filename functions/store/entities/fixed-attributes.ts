/**
 * Attributes that never change lie in an item of their own, beside their entity. Every write costs by the size of its whole
 * item, so what is large and fixed would be paid for with each change of what is small. The entity's item names them, and
 * what it names counts: an entity that is older than the definition's word keeps them where it has them.
 */
import type { Attributes, EntityState } from '../../core/entity.ts';
import { readByKey } from '../batches.ts';
import { entityPartition, fixedKey } from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import type { Store } from '../store.ts';

export interface FixedItem extends ItemKey {
  readonly attributes: Attributes;
}

/** The fixed attributes of entities, by id; an entity that keeps none apart is not among them. */
export async function readFixed(
  { client, tables }: Store,
  tenant: string,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Attributes>> {
  const keys = ids.map((id) => fixedKey(tenant, id));
  const found = await readByKey<FixedItem>(client, tables.data, keys, signal);
  const byPartition = new Map(found.map(({ pk, attributes }) => [pk, attributes]));
  return new Map(
    ids.flatMap((id) => {
      const attributes = byPartition.get(entityPartition(tenant, id));
      return attributes ? [[id, attributes] as const] : [];
    }),
  );
}

/** An entity with its fixed attributes. */
export const withFixed = (entity: EntityState, fixed: Attributes | undefined): EntityState =>
  fixed ? { ...entity, attributes: { ...entity.attributes, ...fixed } } : entity;
