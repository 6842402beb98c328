/**
 * Moves what an account of an entity holds between its items, between two attempts of a command. What comes of it does not
 * matter to the command, which reads and decides anew: somebody else may have been faster, or it may have failed.
 */
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Domain } from '../core/domain.ts';
import type { EntityState } from '../core/entity.ts';
import type { UnreadChange } from '../core/movements.ts';
import { gathered, heldIn, levelled } from '../core/shares.ts';
import type { Scattered } from '../core/shares.ts';
import { mayHaveHappened } from '../store/failures.ts';
import { levelItems } from '../store/transaction/level-items.ts';
import type { Execution } from './execution.ts';

/**
 * Gives each item of the accounts that a command met others at as much as the next one has. Their first meeting begins the
 * items.
 * @returns whether it tried to
 */
export async function levelMet(execution: Execution, unread: readonly UnreadChange[]): Promise<boolean> {
  let hasTried = false;
  for (const { domain, id, deltas } of unread) {
    const entity = execution.known.get(id);
    for (const key of Object.keys(deltas)) {
      // One that was never posted to has no place on an older entity.
      if (entity?.collection !== domain.collection || entity.balances[key] === undefined) continue;
      const { spread, floor } = domain.accounts?.[key] ?? {};
      const items = Math.max(spread ?? 1, entity.spread?.[key] ?? 1);
      const wanted = levelled(heldIn(entity, key), items, floor);
      if (!wanted) continue;
      await move(execution, domain, entity, key, wanted);
      hasTried = true;
    }
  }
  return hasTried;
}

/** Gathers in the entity's own item what a command takes and no item has alone. */
export async function gather(execution: Execution, { domain, id, key, amount }: Scattered): Promise<void> {
  const entity = execution.known.get(id);
  const wanted = entity && gathered(heldIn(entity, key), amount, domain.accounts?.[key]?.floor);
  if (wanted) await move(execution, domain, entity, key, wanted);
}

/** Somebody was faster, or nobody knows what became of it: all items together hold what they held. */
const isPassing = (error: unknown): boolean =>
  error instanceof TransactionCanceledException
    ? (error.CancellationReasons ?? []).every(({ Code }) => Code !== 'ValidationError')
    : mayHaveHappened(error);

/** @param wanted what each item is to hold */
async function move(
  { backend: { store }, request: { tenant }, deadline }: Execution,
  { accounts = {} }: Domain,
  entity: EntityState,
  key: string,
  wanted: readonly number[],
): Promise<void> {
  const { unit, floor } = accounts[key] ?? {};
  const TransactItems = levelItems(store.tables.data, {
    ...{ tenant, entity, key, floor, wanted },
    unit: entity.units[key] ?? (typeof unit === 'string' ? unit : ''),
  });
  try {
    await store.client.send(new TransactWriteCommand({ TransactItems }), { abortSignal: deadline.signal });
  } catch (error) {
    if (!isPassing(error)) throw error;
  }
}
