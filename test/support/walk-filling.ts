/** Has accounts filled that a transition or a creation draws on. */
import type { EntityState } from '../../functions/core/entity.ts';
import { feedersOf } from '../../functions/docs/example-cast.ts';
import type { Reply } from './backend.ts';
import { postersOf } from './machine.ts';
import { Creations } from './walk-creations.ts';
import { NoWay } from './walk-types.ts';

/** Enough for what an example wants of others. */
const feedingsMax = 5;

export abstract class Filling extends Creations {
  #isFilling = false;

  /** One try of a transition, in whatever way it comes about. */
  abstract attempt(id: string, name: string): Promise<Reply>;

  /** @throws NoWay where there is no way into one of these states */
  abstract bring(id: string, statuses: readonly string[]): Promise<EntityState>;

  protected override async fill(ids: readonly string[], isEnough: () => Promise<boolean>): Promise<boolean> {
    // What fills is not filled in its turn, which might go round in a circle.
    if (this.#isFilling) return false;
    this.#isFilling = true;
    try {
      for (const id of new Set(ids)) {
        const entity = await this.find(id);
        if (entity && (await this.#filled(entity, isEnough))) return true;
      }
      return false;
    } finally {
      this.#isFilling = false;
    }
  }

  /** Has its own transitions post to an entity, and then creations that name it. */
  async #filled({ id, collection, status }: EntityState, isEnough: () => Promise<boolean>): Promise<boolean> {
    const { registry } = this.api.backend;
    const repeated = async (post: () => Promise<Reply>): Promise<boolean> => {
      for (let times = 0; times < feedingsMax; times += 1) {
        if ((await post()).status >= 300) return false;
        if (await isEnough()) return true;
      }
      return false;
    };
    for (const name of postersOf(registry.byCollection(collection), status)) {
      const thereAndBack = async (): Promise<Reply> => {
        await this.bring(id, this.definition(await this.state(id), name).transition.from);
        const reply = await this.attempt(id, name);
        await this.bring(id, [status]);
        return reply;
      };
      try {
        if (await repeated(thereAndBack)) return true;
      } catch (error) {
        if (!(error instanceof NoWay)) throw error;
      }
    }
    for (const domain of feedersOf(registry, collection)) {
      const create = async (): Promise<Reply> => {
        const prepared = await this.prepareCreation(domain, { given: { [collection]: id } });
        return this.api.post(`/v1/${domain.collection}`, prepared.input, this.as(prepared));
      };
      if (await repeated(create)) return true;
    }
    return false;
  }
}
