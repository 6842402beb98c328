/** Which states entities may be in. */
import type { Domain } from '../core/definition.ts';
import { statesOf } from '../core/registry.ts';
import { readLiveDefinitions } from '../store/live-definitions.ts';
import type { Store } from '../store/store.ts';

/**
 * The states of this code, and those of the live definitions: a later version may work beside this one, and what its
 * entities have posted counts in the same balances.
 */
export async function readStates(store: Store): Promise<(domain: Domain) => readonly string[]> {
  const { snapshots } = await readLiveDefinitions(store);
  const live = new Map(
    snapshots().map(({ collection, states, formerStates }) => [collection, [...states, ...formerStates]]),
  );
  return (domain) => [...new Set([...statesOf(domain), ...(live.get(domain.collection) ?? [])])];
}
