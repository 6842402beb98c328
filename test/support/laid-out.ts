/** Lays an account of an entity into several items, as commands do that meet each other there. */
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { heldIn, levelled } from '../../functions/core/shares.ts';
import { readEntity } from '../../functions/store/entities/reads.ts';
import { levelItems } from '../../functions/store/transaction/level-items.ts';
import type { TestBackend } from './backend.ts';

/**
 * @param wanted what each item is to hold, the entity's own first; as much as the next one unless told
 * @returns whether it was done: others may have been faster
 */
export async function layOut(
  { backend: { registry, store } }: TestBackend,
  tenant: string,
  id: string,
  wanted?: readonly number[],
): Promise<boolean> {
  const entity = await readEntity(store, tenant, id, AbortSignal.timeout(10_000));
  const accounts = registry.ofId(id)?.accounts ?? {};
  const [key = '', account] = Object.entries(accounts).find(([, { spread }]) => spread !== undefined) ?? [];
  if (!entity || !account) throw new Error(`there is no ${id} with an account that is spread`);
  const { spread = 1, floor, unit } = account;
  const laid = wanted ?? levelled(heldIn(entity, key), spread, floor);
  if (!laid) return false;
  const leveling = { tenant, entity, key, unit: unit as string, floor, wanted: laid };
  try {
    const TransactItems = levelItems(store.tables.data, leveling);
    await store.client.send(new TransactWriteCommand({ TransactItems }));
    return true;
  } catch (error) {
    if (error instanceof TransactionCanceledException) return false;
    throw error;
  }
}
