/** Has one entity move another one on, by its own transition or its creation. */
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import type { Reply } from './backend.ts';
import { exampleOf } from './examples.ts';
import { linkedBy } from './linked.ts';
import { leadsTo, moversOf, takenBy } from './machine.ts';
import type { Mover } from './machine.ts';
import { dump } from './table-dump.ts';
import { largestOf } from './walk-creations.ts';
import { byCollection } from './walk-inputs.ts';
import { Stories } from './walk-stories.ts';
import { NoWay, isClosedWay } from './walk-types.ts';
import type { Given, Observation, Prepared } from './walk-types.ts';

export abstract class Movers extends Stories {
  protected observed: Observation[] | undefined;
  /** What is ready to move an entity, by its transition and that one's id. */
  readonly #ready = new Map<string, string>();

  /** Input and actor with which a transition has the best prospects. */
  abstract prepare(entity: EntityState, name: string, given?: Given): Promise<Prepared>;

  /**
   * Has an internal transition brought about by another entity: one that has taken it, one that is ready, or else a new one.
   * @throws NoWay, Refused where none can
   */
  protected async movedByAnother(entity: EntityState, name: string): Promise<Reply> {
    const movers = moversOf(this.api.backend.registry, entity.collection, name);
    for (const mover of movers) {
      const taker = await this.#takerOf(entity, mover);
      if (taker) return this.force(taker.id, mover.name);
    }
    for (const mover of movers) {
      const ready = this.#ready.get(`${mover.name} ${entity.id}`);
      if (ready !== undefined && (await this.#isFree(ready, mover.name)))
        return this.force(ready, mover.name);
    }
    let closed: unknown = new Error(`nothing brings about "${name}" of ${entity.collection}`);
    for (const mover of movers) {
      try {
        return await this.#movedBy(entity, mover);
      } catch (error) {
        // What one command may not do, another one may.
        if (!isClosedWay(error)) throw error;
        closed = error;
      }
    }
    throw closed;
  }

  async #isFree(id: string, name: string): Promise<boolean> {
    const command = await this.prepare(await this.state(id), name);
    return (await this.verdict(id, name, command)).kind === 'accepted';
  }

  async #movedBy(entity: EntityState, mover: Mover): Promise<Reply> {
    if (!mover.from) return this.#createMoving(mover.domain, entity);
    const moving = await this.#moverOf(entity, mover);
    return this.force(moving.id, mover.name, { [entity.collection]: entity.id });
  }

  /** What has taken an entity, where a creation does so, and can move it on: that one is used up for others. */
  async #takerOf(entity: EntityState, mover: Mover): Promise<EntityState | undefined> {
    const { domain, from = [] } = mover;
    if (from.length === 0 || !takenBy(domain).includes(entity.collection)) return undefined;
    const [first] = await this.#movesIt(entity, mover);
    return first && this.bring(first.id, from);
  }

  /** Those that move an entity, or can be brought to where they do; who waits there goes first. */
  async #movesIt(entity: EntityState, { domain, name, from = [] }: Mover): Promise<readonly EntityState[]> {
    const movers: EntityState[] = [];
    for (const each of await this.there(domain))
      if (leadsTo(domain, each.status, from) && (await this.#moves(each, name, entity))) movers.push(each);
    const waits = ({ status }: EntityState): number => Number(from.includes(status));
    return movers.sort((a, b) => waits(b) - waits(a));
  }

  /** Whether a transition of one entity takes another one along. */
  async #moves(mover: EntityState, name: string, { id }: EntityState): Promise<boolean> {
    const { domain, transition } = this.definition(mover, name);
    const { input, internal } = transition;
    // What an answer will say is not known before it comes.
    const example = internal === true ? {} : exampleOf(input);
    const command = this.command(domain, mover, name, example, 'alice');
    const known = await this.known(command, mover);
    return linkedBy(command, mover, (other) => known.get(other)).some((move) => move.id === id);
  }

  /**
   * One that can move this entity on: a new one, which names it where it can, at its creation or later. Where there can be
   * none, because of its state or a value it holds, one that is there.
   */
  async #moverOf(entity: EntityState, mover: Mover): Promise<EntityState> {
    const { domain, name, from = [] } = mover;
    const given = { [entity.collection]: entity.id };
    try {
      const { id } = await this.create(domain, { given });
      const first = await this.bring(id, from, given);
      if (await this.#moves(first, name, entity)) return first;
      // It may name what it moves in some of the states alone from which it could.
      for (const state of from.filter((each) => each !== first.status)) {
        const next = await this.bring(id, [state], given);
        if (await this.#moves(next, name, entity)) return next;
      }
      return first;
    } catch (error) {
      if (!isClosedWay(error)) throw error;
      const [there] = await this.#movesIt(entity, mover);
      if (there) return this.bring(there.id, from);
      throw error;
    }
  }

  /** Has another one ready to move this entity by a transition, as it is: later on none may come to where it can. */
  async readyMover(id: string, name: string): Promise<void> {
    const entity = await this.state(id);
    for (const mover of moversOf(this.api.backend.registry, entity.collection, name)) {
      try {
        if (mover.from) this.#ready.set(`${mover.name} ${id}`, (await this.#moverOf(entity, mover)).id);
      } catch (error) {
        if (!isClosedWay(error)) throw error;
      }
    }
  }

  /** Creates what moves an entity: for it, or beside it, with larger numbers where those of the example are refused. */
  async #createMoving(domain: Domain, { id, collection, attributes }: EntityState): Promise<Reply> {
    const { registry } = this.api.backend;
    const texts = Object.values(attributes).filter((value) => typeof value === 'string');
    const given = { ...byCollection(registry, texts), [collection]: id };
    const { tenant } = this;
    let reply: Reply | undefined;
    for (const input of [{}, largestOf(domain.create.input)]) {
      const prepared = await this.prepareCreation(domain, { given, input });
      const before = this.observed ? await dump(this.api.backend.store) : new Map<string, never>();
      reply = await this.api.post(`/v1/${domain.collection}`, prepared.input, this.as(prepared));
      if (reply.status !== 201) continue;
      const created = await this.state(String(reply.json['id']));
      const after = this.observed ? await dump(this.api.backend.store) : before;
      this.observed?.push({ entity: created, name: 'create', prepared, before, reply, after });
      return this.api.get(`/v1/${collection}/${id}`, { tenant });
    }
    throw new NoWay(`${id} is moved by no creation of ${domain.collection}: ${reply?.text ?? ''}`);
  }
}
