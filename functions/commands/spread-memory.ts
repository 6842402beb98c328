/**
 * What a process remembers of entities whose accounts are spread. A command that has not read the entity would try its own
 * item first, where everybody is who knows no better. And which items its own transactions are at: the next one goes to
 * another. What is remembered is never wrong for good: an item that is not there,
 * or has too little, makes the command read.
 */
import type { Domain } from '../core/domain.ts';
import type { EntityState } from '../core/entity.ts';
import { spreadingOf } from '../core/shares.ts';
import type { ItemOfAccount, Spreading } from '../core/shares.ts';
import { account as limits } from '../runtime/limits.ts';

interface Remembered {
  readonly spreading: Spreading;
  /** Whether most items of an account were empty: an item that is chosen blindly would be one of these. */
  readonly isShort: boolean;
}

export class SpreadMemory {
  /** The one that was learned first stands first. */
  readonly #byName = new Map<string, Remembered>();
  readonly #max: number;
  /** Items that a transaction of this process is at. */
  readonly #busy = new Set<string>();

  constructor(max: number = limits.rememberedMax) {
    this.#max = max;
  }

  find(tenant: string, id: string): Remembered | undefined {
    return this.#byName.get(nameOf(tenant, id));
  }

  /** @param state as it was read, with the items of its accounts */
  learn(tenant: string, domain: Domain, state: EntityState): void {
    const known = spreadingOf(domain, state);
    if (!known) return;
    const { shares = {}, ...spreading } = known;
    const isShort = Object.values(shares).some(
      (held) => 2 * held.filter((each) => each > 0).length < held.length,
    );
    const name = nameOf(tenant, state.id);
    this.#byName.delete(name);
    this.#byName.set(name, { spreading, isShort });
    if (this.#byName.size <= this.#max) return;
    for (const oldest of this.#byName.keys()) {
      this.#byName.delete(oldest);
      return;
    }
  }

  /** Whether a transaction of this process is at an item: another one would be cancelled. */
  isBusy(tenant: string, item: ItemOfAccount): boolean {
    return this.#busy.has(itemName(tenant, item));
  }

  /** Lets others of this process see that a transaction is about to come to these items. @returns what ends that */
  take(tenant: string, items: readonly ItemOfAccount[]): () => void {
    // Who finds all of them busy comes along to one that somebody else will free.
    const taken = items.map((item) => itemName(tenant, item)).filter((name) => !this.#busy.has(name));
    for (const name of taken) this.#busy.add(name);
    return () => {
      for (const name of taken.splice(0)) this.#busy.delete(name);
    };
  }
}

const itemName = (tenant: string, { account, place }: ItemOfAccount): string =>
  JSON.stringify([tenant, account, place]);
const nameOf = (tenant: string, id: string): string => JSON.stringify([tenant, id]);
