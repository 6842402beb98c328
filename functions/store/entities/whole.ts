/** An entity from all its items: what never changes and the shares of its accounts lie in items of their own. */
import type { EntityState } from '../../core/entity.ts';
import { byKey, readByKey } from '../batches.ts';
import { fixedKey } from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import type { Store } from '../store.ts';
import { withFixed } from './fixed-attributes.ts';
import type { FixedItem } from './fixed-attributes.ts';
import { entityState } from './items.ts';
import type { EntityItem, ShareItem } from './items.ts';
import { shareKeysOf, withShares } from './shares.ts';

/**
 * Entities with all their attributes and balances. What never changes may be read later; a balance that is spread is of
 * several moments.
 */
export async function whole(
  { client, tables }: Store,
  tenant: string,
  entities: readonly EntityState[],
  signal?: AbortSignal,
): Promise<readonly EntityState[]> {
  const keys = entities.flatMap((entity) => keysBeside(tenant, entity));
  if (keys.length === 0) return entities;
  const beside = byKey(await readByKey<FixedItem & ShareItem>(client, tables.data, keys, signal));
  return entities.map((entity) =>
    withShares(
      tenant,
      withFixed(entity, entity.fixed && beside(fixedKey(tenant, entity.id))?.attributes),
      beside,
    ),
  );
}

const keysBeside = (tenant: string, entity: EntityState): readonly ItemKey[] => [
  ...(entity.fixed ? [fixedKey(tenant, entity.id)] : []),
  ...(entity.shares ? [] : shareKeysOf(tenant, entity)),
];

/** The item of an entity with all its attributes and balances: for those who look at items. */
export async function wholeItem(store: Store, tenant: string, item: EntityItem): Promise<EntityItem> {
  if (!item.fixed && !item.spread) return item;
  const [entity] = await whole(store, tenant, [entityState(item)]);
  return { ...item, ...(entity && { attributes: entity.attributes, balances: entity.balances }) };
}
