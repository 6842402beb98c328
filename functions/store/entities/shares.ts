/**
 * The items of an entity's account that lies in several. The first is the entity's own, the others lie where those of a
 * named account would; see `core/shares.ts`.
 */
import type { EntityState } from '../../core/entity.ts';
import { ownedAccountName } from '../../core/postings.ts';
import { account as limits } from '../../runtime/limits.ts';
import { balanceKey } from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import type { EntityItem, ShareItem } from './items.ts';

/** @param place of the item, from 1 */
export const shareKey = (tenant: string, id: string, key: string, place: number): ItemKey =>
  balanceKey(tenant, ownedAccountName(id, key), place);

interface Share {
  readonly key: string;
  readonly place: number;
}

/** Which items there are besides the entity's own. */
export const sharesIn = (spread: Readonly<Record<string, number>> = {}): readonly Share[] =>
  Object.entries(spread).flatMap(([key, items]) =>
    // Whatever somebody has written there: no more are read than there may be.
    Array.from({ length: Math.min(items, limits.sharesMax) - 1 }, (_, index) => ({ key, place: index + 1 })),
  );

/** Where they lie. */
export const shareKeysOf = (
  tenant: string,
  { id, spread }: Pick<EntityState, 'id' | 'spread'>,
): readonly ItemKey[] => sharesIn(spread).map(({ key, place }) => shareKey(tenant, id, key, place));

/** An entity whose balances are the sums of their items. An item that is not there holds nothing. */
export function withShares(
  tenant: string,
  entity: EntityState,
  found: (key: ItemKey) => Pick<ShareItem, 'balance'> | undefined,
): EntityState {
  if (!entity.spread || entity.shares) return entity;
  const shares = Object.fromEntries(
    Object.entries(entity.spread).map(([key, items]) => [
      key,
      Array.from({ length: Math.min(items, limits.sharesMax) }, (_, place) =>
        place === 0
          ? (entity.balances[key] ?? 0)
          : (found(shareKey(tenant, entity.id, key, place))?.balance ?? 0),
      ),
    ]),
  );
  return { ...entity, shares, balances: { ...entity.balances, ...summed(shares) } };
}

const summed = (shares: Readonly<Record<string, readonly number[]>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(shares).map(([key, held]) => [key, held.reduce((sum, each) => sum + each, 0)]),
  );

/** What a new item begins with, besides what it holds. */
export const shareItem = (
  key: ItemKey,
  { account, unit, balance }: Pick<ShareItem, 'account' | 'unit' | 'balance'>,
  { status, lock }: Pick<EntityItem, 'status' | 'lock'>,
): ShareItem => ({ ...key, account, unit, balance, status, ...(lock && { lock }) });
