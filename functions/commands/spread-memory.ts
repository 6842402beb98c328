/**
 * What a process remembers of entities whose accounts are spread. A command that has not read the entity would try its own
 * item first, where everybody is who knows no better. What is remembered is never wrong for good: an item that is not there,
 * or has too little, makes the command read.
 */
import type { Domain } from '../core/domain.ts';
import type { EntityState } from '../core/entity.ts';
import { spreadingOf } from '../core/shares.ts';
import type { Spreading } from '../core/shares.ts';
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
}

const nameOf = (tenant: string, id: string): string => JSON.stringify([tenant, id]);
