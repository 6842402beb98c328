/** To which items of accounts that are spread a decision posts. */
import type { Decision } from '../core/decision.ts';
import { placed, spreadingOf } from '../core/shares.ts';
import type { ItemOfAccount, Placed, Scattered, Spreading } from '../core/shares.ts';
import { balancePlace } from '../store/keys.ts';
import type { Execution } from './execution.ts';

type Chosen =
  | {
      readonly kind: 'chosen';
      /** By entity, what is written to which of its items. */
      readonly byEntity: ReadonlyMap<string, Placed>;
      /** Those that were chosen among several. The execution holds them until it leaves them. */
      readonly chosen: readonly ItemOfAccount[];
      /** Whether others of this process are at all of these already. */
      readonly isMet: boolean;
    }
  | ({ readonly kind: 'scattered' } & Scattered);

/**
 * Chooses by the ledger entry that the decision writes, so that commands go to all items alike, and among those that no
 * other command of this process is at.
 */
export function chooseItems(execution: Execution, decision: Decision): Chosen {
  const { backend, request, known, meetings } = execution;
  const { registry, spreads } = backend;
  const { tenant } = request;
  const { id, version: seq } = decision.entities[0].after;
  let isMet = false;
  const choose = (places: readonly number[], account: string): number => {
    const first = balancePlace(places.length, { id, seq }, meetings);
    const inTurn = [...places.slice(first), ...places.slice(0, first)];
    const free = inTurn.find((place) => !spreads.isBusy(tenant, { account, place }));
    isMet ||= free === undefined;
    return free ?? places[first] ?? 0;
  };
  const spreadingIn = (of: string): Spreading | undefined => {
    if (!known.has(of)) return spreads.find(tenant, of)?.spreading;
    const state = known.get(of);
    const domain = state && registry.find(state.collection);
    return domain && spreadingOf(domain, state);
  };
  execution.leaveItems();
  const items = placed(decision, spreadingIn, choose);
  if (items.kind === 'scattered') return items;
  const chosen = [...items.byEntity.values()].flatMap((each) => each.chosen);
  execution.leaveItems = spreads.take(tenant, chosen);
  return { kind: 'chosen', byEntity: items.byEntity, chosen, isMet };
}
