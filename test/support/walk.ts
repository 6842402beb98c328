/**
 * Walks entities through their machines with nothing but their definitions: inputs come from examples, referred
 * entities are made from their own definition, actors and secrets are found where the rules look for them, and
 * what only happens by itself is brought about by the clock or by the entity that moves it.
 */
import { randomUUID } from 'node:crypto';
import { authorizationRules } from '../../functions/core/authorize.ts';
import type { Command } from '../../functions/core/command.ts';
import { decideAmong } from '../../functions/core/decide.ts';
import type { Decided } from '../../functions/core/decide.ts';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { valueAt } from '../../functions/core/entity.ts';
import { holds } from '../../functions/core/rules.ts';
import type { AnswerSource } from '../../functions/core/registry.ts';
import { answersThatBring } from '../../functions/core/registry.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { answer, unanswered } from './answering.ts';
import { readEntity, readTogether } from '../../functions/store/entities/reads.ts';
import type { Reply, TestBackend } from './backend.ts';
import { exampleOf } from './examples.ts';
import type { Extent, Input } from './examples.ts';
import { runDue } from './due.ts';
import { moverOf, nextOnTheWay, preludesOf } from './machine.ts';
import { everyRole } from './roles.ts';
import { linkedBy } from './linked.ts';
import type { LinkedTransition } from './linked.ts';
import { dump } from './table-dump.ts';
import type { TestClock } from './test-clock.ts';
import { secretsOf, withReferences } from './walk-inputs.ts';
import type { CreateOptions, Given, Observation, Prepared } from './walk-types.ts';

/** What the pure decision says. */
type Ruling = Exclude<Decided, { readonly kind: 'unread' }>;

const stranger = 'somebody else';
/** More steps than any example needs to leave a state. */
const stepsMax = 40;

export class Walk {
  readonly api: TestBackend;
  readonly clock: TestClock;
  readonly tenant: string;
  #observed: Observation[] | undefined;

  constructor(api: TestBackend, clock: TestClock, tenant: string = randomUUID()) {
    this.api = api;
    this.clock = clock;
    this.tenant = tenant;
  }

  /** The example of a creation, referring to entities that exist. */
  async createInput(domain: Domain, { extent = 'every field', given = {}, input }: CreateOptions = {}) {
    const example = await this.#referring(exampleOf(domain.create.input, extent), extent, given);
    return { ...(example as Input), ...input };
  }

  async create(domain: Domain, options: CreateOptions = {}): Promise<EntityState> {
    const body = await this.createInput(domain, options);
    const reply = await this.api.post(`/v1/${domain.collection}`, body, { tenant: this.tenant });
    if (reply.status !== 201) throw new Error(`${domain.collection} cannot be created: ${reply.text}`);
    return this.state(String(reply.json['id']));
  }

  async state(id: string): Promise<EntityState> {
    const entity = await readEntity(this.api.backend.store, this.tenant, id, AbortSignal.timeout(10_000));
    if (!entity) throw new Error(`${id} does not exist`);
    return entity;
  }

  /**
   * Input and actor with which a transition of this entity has the best prospects; what it moves is brought to
   * where it can be moved, unless it is to stay as it is.
   */
  async prepare(
    entity: EntityState,
    name: string,
    given: Given = {},
    { asTheyAre = false } = {},
  ): Promise<Prepared> {
    const { domain, transition } = this.definition(entity, name);
    const example = exampleOf(transition.input);
    const input = {
      ...((await this.#referring(example, 'every field', given)) as Input),
      ...(await secretsOf(this.api.backend.store, entity, transition)),
    };
    const parsed = transition.input?.safeParse(input).data ?? {};
    const isLegal = transition.from.includes(entity.status) && !asTheyAre;
    const command = this.#command(domain, entity, name, parsed, 'alice');
    for (const move of isLegal ? linkedBy(command, entity) : []) {
      if (move.id === entity.id) continue;
      const other = this.api.backend.registry.byCollection(move.collection).transitions[move.transition];
      await this.bring(move.id, other?.from ?? []);
      await this.#makeWay(move);
    }
    const [actor = 'alice'] = await this.actors(entity, name, input);
    return { input, actor };
  }

  /** Takes transitions of another entity that stay in its state, until a rule no longer keeps it from being moved. */
  async #makeWay({ id, collection, transition: name, input }: LinkedTransition): Promise<void> {
    const domain = this.api.backend.registry.byCollection(collection);
    const isFree = async (): Promise<boolean> => {
      const entity = await this.state(id);
      const command = this.#command(domain, entity, name, input, 'alice');
      return decideAmong(this.api.backend.registry, command, () => entity).kind === 'accepted';
    };
    const { status } = await this.state(id);
    for (const prelude of preludesOf(domain, status, name)) {
      if (await isFree()) return;
      if (answersThatBring(domain, prelude).length > 0) await this.attempt(id, prelude);
    }
  }

  /** Who may, best prospects first: named by a rule's own list, or anybody where no rule asks. */
  async actors(entity: EntityState, name: string, input: Input): Promise<readonly string[]> {
    const { domain, transition } = this.definition(entity, name);
    const named = authorizationRules(transition.authorize, stranger).flatMap(({ test }) => {
      if ((test.op !== 'contains' && test.op !== 'is') || test.value !== stranger) return [];
      const value = valueAt(domain, entity, test.path);
      return (Array.isArray(value) ? value : [value]) as string[];
    });
    const candidates = [...new Set([...named, 'alice'])];
    const judge = await this.judge(entity.id, name, { input, actor: 'alice' });
    const verdicts = candidates.map((actor) => ({
      actor,
      may: authorizationRules(transition.authorize, actor).every(({ test }) =>
        holds(test, (path) => valueAt(domain, entity, path)),
      ),
      verdict: judge({ input, actor }),
    }));
    const allowed = verdicts.filter(({ may }) => may);
    return allowed
      .sort((a, b) => Number(b.verdict.kind === 'accepted') - Number(a.verdict.kind === 'accepted'))
      .map(({ actor }) => actor);
  }

  /** What the pure decision says to a command, without the unique values and accounts only the store knows. */
  async verdict(id: string, name: string, prepared: Prepared, now?: number): Promise<Ruling> {
    return (await this.judge(id, name, prepared))(prepared, now);
  }

  /** The decision on the states as they are now, to be asked any number of times. */
  async judge(
    id: string,
    name: string,
    { input: example }: Prepared,
  ): Promise<(prepared: Prepared, now?: number) => Ruling> {
    const { store, registry } = this.api.backend;
    const entity = await this.state(id);
    const { domain, transition } = this.definition(entity, name);
    const commandOf = ({ input, actor }: Prepared): Command =>
      this.#command(domain, entity, name, transition.input?.parse(input) ?? {}, actor);
    const linked = linkedBy(commandOf({ input: example, actor: 'alice' }), entity).map((each) => each.id);
    const signal = AbortSignal.timeout(10_000);
    const { entities } = await readTogether(store, this.tenant, [id, ...linked], undefined, signal);
    return (prepared, now) => {
      const command = { ...commandOf(prepared), ...(now !== undefined && { now }) };
      return decideAmong(registry, command, (each) => entities.get(each));
    };
  }

  /** One try of a transition, in whatever way it comes about. */
  async attempt(id: string, name: string, prepared?: Prepared): Promise<Reply> {
    const entity = await this.state(id);
    const { domain, transition } = this.definition(entity, name);
    if (transition.internal !== true) {
      const { input, actor } = prepared ?? (await this.prepare(entity, name));
      return this.send(entity, name, { input, actor });
    }
    if (domain.deadline?.transition === name) {
      this.clock.moveTo(domain.deadline.at(entity.attributes));
      return this.runDue(entity);
    }
    const [source] = answersThatBring(domain, name);
    if (source) return this.#answer(entity, name, source);
    const mover = moverOf(this.api.backend.registry, domain.collection, name);
    const moving = await this.create(mover.domain, { given: { [domain.collection]: id } });
    await this.bring(moving.id, mover.transition.from);
    return this.force(moving.id, mover.name, { [domain.collection]: id });
  }

  /** Has a receiver say what brings a transition about; where nothing waits for it, it is first sent. */
  async #answer(
    entity: EntityState,
    name: string,
    { command, answer: outcome }: AnswerSource,
  ): Promise<Reply> {
    const { id } = entity;
    const waiting = async (): Promise<MessageItem | undefined> =>
      (await unanswered(this.api, this.tenant, id)).find(({ answers }) => answers?.[outcome] === name);
    let item = await waiting();
    if (!item) {
      await this.force(id, command);
      item = await waiting();
    }
    if (!item) throw new Error(`nothing of ${id} waits for "${name}"`);
    const message = item;
    const prepared = { input: {}, actor: `receiver:${message.topic}` };
    return this.#watched(await this.state(id), name, prepared, async () => {
      const answered = await answer(this.api, message, outcome);
      const reply = await this.api.get(`/v1/${entity.collection}/${id}`, { tenant: this.tenant });
      return answered.kind === 'ended' ? reply : { ...reply, status: 409, text: JSON.stringify(answered) };
    });
  }

  /** The linked transitions a command would bring about. */
  linkedBy(entity: EntityState, name: string, { input, actor }: Prepared): readonly LinkedTransition[] {
    const { domain, transition } = this.definition(entity, name);
    const parsed = transition.input?.parse(input) ?? {};
    return linkedBy(this.#command(domain, entity, name, parsed, actor), entity);
  }

  /** Sends a transition as a caller does. */
  send(entity: EntityState, name: string, { input, actor }: Prepared, key?: string): Promise<Reply> {
    const { domain, transition } = this.definition(entity, name);
    const path = `/v1/${domain.collection}/${entity.id}/${name}`;
    const options = { tenant: this.tenant, subject: actor, ...(key !== undefined && { key }) };
    return this.#watched(entity, name, { input, actor }, () =>
      this.api.post(path, transition.input ? input : undefined, options),
    );
  }

  /** Does something, and tells of the last command that was sent meanwhile. */
  async watching(work: () => Promise<unknown>): Promise<Observation> {
    this.#observed = [];
    await work();
    const last = this.#observed.at(-1);
    this.#observed = undefined;
    if (!last) throw new Error('no command was sent');
    return last;
  }

  async #watched(
    entity: EntityState,
    name: string,
    prepared: Prepared,
    send: () => Promise<Reply>,
  ): Promise<Reply> {
    if (!this.#observed) return send();
    const { store } = this.api.backend;
    const before = await dump(store);
    const reply = await send();
    this.#observed.push({ entity, name, prepared, before, reply, after: await dump(store) });
    return reply;
  }

  /** Runs a scheduled transition as its worker does. */
  runDue(entity: EntityState): Promise<Reply> {
    const name = this.api.backend.registry.byCollection(entity.collection).deadline?.transition ?? '';
    const prepared = { input: {}, actor: 'system:timer' };
    return this.#watched(entity, name, prepared, () => runDue(this.api, this.tenant, entity));
  }

  /** Makes way for a transition that a rule would refuse; what is to be sent then. */
  async ready(id: string, name: string): Promise<Prepared> {
    const prepared = async (): Promise<Prepared> => this.prepare(await this.state(id), name);
    const isFree = async (command: Prepared): Promise<boolean> =>
      (await this.verdict(id, name, command)).kind === 'accepted';
    let command = await prepared();
    if (await isFree(command)) return command;
    const { collection, status } = await this.state(id);
    const domain = this.api.backend.registry.byCollection(collection);
    for (const prelude of preludesOf(domain, status, name)) {
      await this.attempt(id, prelude);
      command = await prepared();
      if (await isFree(command)) return command;
    }
    throw new Error(`nothing makes way for "${name}" of ${id}`);
  }

  /** Takes a transition; where a rule stands in the way, other transitions that stay in the state are tried first. */
  async force(id: string, name: string, given: Given = {}): Promise<Reply> {
    const entity = await this.state(id);
    if (this.definition(entity, name).transition.internal === true) return this.attempt(id, name);
    let command = await this.prepare(entity, name, given);
    let now = entity;
    if ((await this.verdict(id, name, command)).kind === 'rejected') {
      await this.ready(id, name);
      now = await this.state(id);
      command = await this.prepare(now, name, given);
    }
    const reply = await this.send(now, name, command);
    if (reply.status < 300) return reply;
    throw new Error(`"${name}" of ${id} in "${entity.status}" cannot be taken: ${reply.text}`);
  }

  /** Brings an entity into one of these states, along the shortest way of its machine. */
  async bring(id: string, statuses: readonly string[]): Promise<EntityState> {
    const without = new Set<string>();
    for (let step = 0; step < stepsMax; step += 1) {
      const entity = await this.state(id);
      if (statuses.includes(entity.status)) return entity;
      const domain = this.api.backend.registry.byCollection(entity.collection);
      const next = nextOnTheWay(domain, entity.status, statuses, without);
      if (next === undefined) break;
      if (await this.#leadsOn(entity, next, statuses)) await this.force(id, next);
      else without.add(next);
    }
    throw new Error(`${id} cannot be brought to ${statuses.join(' or ')}`);
  }

  /** A transition with several ends may choose one from which there is no way on. */
  async #leadsOn(entity: EntityState, name: string, targets: readonly string[]): Promise<boolean> {
    const { domain, transition } = this.definition(entity, name);
    if (transition.to.length === 1 || transition.internal === true) return true;
    const verdict = await this.verdict(entity.id, name, await this.prepare(entity, name));
    if (verdict.kind === 'rejected') return true;
    const { status } = verdict.decision.entities[0].after;
    return targets.includes(status) || nextOnTheWay(domain, status, targets) !== undefined;
  }

  /** A new entity in a state. */
  async reach(domain: Domain, status: string, options: CreateOptions = {}): Promise<EntityState> {
    return this.bring((await this.create(domain, options)).id, [status]);
  }

  definition(entity: EntityState, name: string): { domain: Domain; transition: AnyTransition } {
    const domain = this.api.backend.registry.byCollection(entity.collection);
    const transition = domain.transitions[name];
    if (!transition) throw new Error(`${entity.collection} have no transition "${name}"`);
    return { domain, transition };
  }

  #command(domain: Domain, { id }: EntityState, name: string, input: unknown, actor: string): Command {
    const now = this.clock.now();
    const { tenant } = this;
    return {
      tenant,
      domain,
      name,
      id,
      input: input as Input,
      actor,
      roles: everyRole,
      now,
      random: 'random',
    };
  }

  #referring(value: unknown, extent: Extent, given: Given): Promise<unknown> {
    const { registry } = this.api.backend;
    return withReferences(registry, value, async (domain) => {
      return given[domain.collection] ?? (await this.create(domain, { extent })).id;
    });
  }
}
