/** Has accounts filled that a transition or a creation draws on. */
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { feedersOf } from '../../functions/docs/example-cast.ts';
import type { Reply } from './backend.ts';
import { postersOf } from './machine.ts';
import { Creations, largestOf } from './walk-creations.ts';
import { isClosedWay } from './walk-types.ts';
import type { CreateOptions, Given } from './walk-types.ts';

/** Enough for what an example wants of others. */
const feedingsMax = 5;

export abstract class Filling extends Creations {
  #isFilling = false;
  #people = 0;
  /** For who wrote the definition: why others have not posted to what was to be filled last. */
  protected refusedFeeding = '';

  /** One try of a transition, in whatever way it comes about. */
  abstract attempt(id: string, name: string): Promise<Reply>;

  /** @throws NoWay where there is no way into one of these states */
  abstract bring(id: string, statuses: readonly string[], given?: Given): Promise<EntityState>;

  protected override async fill(
    ids: readonly string[],
    isEnough: () => Promise<boolean>,
    isLargeToo = false,
  ): Promise<boolean> {
    // What fills is not filled in its turn, which might go round in a circle.
    if (this.#isFilling) return false;
    this.#isFilling = true;
    this.refusedFeeding = '';
    try {
      for (const id of new Set(ids)) {
        const entity = await this.find(id);
        if (entity && (await this.#filled(entity, isEnough, isLargeToo))) return true;
      }
      return false;
    } finally {
      this.#isFilling = false;
    }
  }

  /** Has its own transitions post to an entity, and then creations that name it. */
  async #filled(
    { id, collection, status }: EntityState,
    isEnough: () => Promise<boolean>,
    isLargeToo: boolean,
  ): Promise<boolean> {
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
        if (!isClosedWay(error)) throw error;
      }
    }
    for (const domain of feedersOf(registry, collection)) {
      const given = { [collection]: id };
      if (await repeated(() => this.#fed(domain, { given }))) return true;
      if (!isLargeToo) continue;
      const largest = { given, input: largestOf(domain.create.input) };
      if ((await this.#fed(domain, largest)).status < 300 && (await isEnough())) return true;
    }
    return false;
  }

  /** Creates one that posts to what is given, as somebody who does nothing else: each may have one only, and tests have theirs. */
  async #fed(domain: Domain, options: CreateOptions): Promise<Reply> {
    const prepared = await this.prepareCreation(domain, options);
    const post = (actor: string): Promise<Reply> =>
      this.api.post(`/v1/${domain.collection}`, prepared.input, this.as({ ...prepared, actor }));
    this.#people += 1;
    const first = await post(`person ${this.#people}`);
    if (first.status < 300) return first;
    const second = await post(prepared.actor);
    if (second.status >= 300)
      this.refusedFeeding = `; ${domain.collection} would post to it, and none can be created: ${second.text}`;
    return second;
  }
}
