/**
 * Walks entities through their machines with nothing but their definitions: actors and secrets are found where the
 * rules look for them, and what only happens by itself is brought about by the clock or by the entity that moves it.
 */
import type { Command } from '../../functions/core/command.ts';
import { decideAmong } from '../../functions/core/decide.ts';
import { endsFrom } from '../../functions/core/definition.ts';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { saidExample } from '../../functions/core/examples.ts';
import type { SaidExample } from '../../functions/core/examples.ts';
import { contextOf } from '../../functions/core/context.ts';
import { idsOf } from '../../functions/core/named-others.ts';
import { domainOf } from '../../functions/core/others.ts';
import { holds, rulesIn } from '../../functions/core/rules.ts';
import type { AnswerPlace } from '../../functions/core/answer-gaps.ts';
import { answers } from '../../functions/core/messages.ts';
import type { Answer } from '../../functions/core/messages.ts';
import { answersThatBring } from '../../functions/core/registry.ts';
import { idsIn } from '../../functions/docs/example-body.ts';
import { answerInput } from '../../functions/commands/answer-input.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import type { MessageItem } from '../../functions/store/outbox/message-items.ts';
import { answer, answerTo, unanswered } from './answering.ts';
import type { Reply } from './backend.ts';
import { exampleOf } from './examples.ts';
import type { Input } from './examples.ts';
import { runDue } from './due.ts';
import { leadsTo, nextOnTheWay, preludesOf } from './machine.ts';
import { linkedBy } from './linked.ts';
import type { LinkedTransition } from './linked.ts';
import { dump } from './table-dump.ts';
import { byCollection, secretsOf } from './walk-inputs.ts';
import type { CreateOptions, Given, Observation, Prepared } from './walk-types.ts';
import { briefly, isMoment, laterMs, otherValues } from './walk-creations.ts';
import { Movers } from './walk-movers.ts';
import { NoWay } from './walk-types.ts';
import type { Ruling } from './walk-rulings.ts';

/** What who wrote the definition can do. */
const cure =
  'Say in its example what goes before it: example: { after: ["<transition>", "<collection>/<transition>"] }';

/** More steps than any example needs to leave a state. */
const stepsMax = 40;

/** Deadlines that a walk lets pass on its way to a moment. */
const passedMost = 4;

const isLegalIn = ({ from }: AnyTransition, { status }: EntityState): boolean => from.includes(status);

/** A message that waits, and the answer that is looked for. */
interface Waiting {
  readonly item: MessageItem;
  readonly outcome: Answer;
}

export class Walk extends Movers {
  /**
   * Input and actor with which a transition of this entity has the best prospects; what it moves is brought to
   * where it can be moved, unless it is to stay as it is.
   */
  override async prepare(
    entity: EntityState,
    name: string,
    given: Given = {},
    { asTheyAre = false } = {},
  ): Promise<Prepared> {
    const anybodys = await this.#preparedWith(entity, name, given, asTheyAre);
    const { transition } = this.definition(entity, name);
    const names = idsIn(anybodys.input).some((id) => !Object.values(given).includes(id));
    if (!names || asTheyAre || !isLegalIn(transition, entity)) return anybodys;
    const codeOf = async (command: Prepared): Promise<string | undefined> => {
      const ruling = await this.verdict(entity.id, name, command);
      return ruling.kind === 'rejected' ? ruling.rejection.code : undefined;
    };
    const code = await codeOf(anybodys);
    if (code === undefined) return anybodys;
    try {
      // Some may only name what is their own. Where that is refused for something else, that can be made way for.
      const own = await this.#preparedWith(entity, name, given, asTheyAre, anybodys.actor);
      return (await codeOf(own)) === code ? anybodys : own;
    } catch {
      // What it names cannot be theirs: that is no fault of this transition.
      return anybodys;
    }
  }

  /** @param owner who creates what it names, where that is not anybody */
  async #preparedWith(
    entity: EntityState,
    name: string,
    given: Given,
    asTheyAre: boolean,
    owner?: string,
  ): Promise<Prepared> {
    const { domain, transition } = this.definition(entity, name);
    const example = exampleOf(transition.input);
    const fromFields = {
      ...((await this.referring(example, { actor: owner }, given)) as Input),
      ...(await secretsOf(this.api.backend.store, this.tenant, entity, transition)),
    };
    const said = await this.#said(domain, entity, name, fromFields);
    // What the definition says of this entity goes before what its fields say of any.
    const input = { ...fromFields, ...said?.input };
    const parsed = transition.input?.safeParse(input).data ?? {};
    const isLegal = isLegalIn(transition, entity) && !asTheyAre;
    const command = this.command(domain, entity, name, parsed, 'alice');
    if (isLegal) await this.bringOthers(command, entity);
    for (const move of isLegal ? linkedBy(command, entity) : [])
      if (move.id !== entity.id) await this.#makeWay(move);
    const [likely = 'alice'] = await this.actors(entity, name, input);
    const { actor = likely, roles } = said ?? {};
    return { input, actor, ...(roles && { roles }) };
  }

  /** What the definition says of a transition's example, where it is legal. */
  async #said(
    domain: Domain,
    entity: EntityState,
    name: string,
    fromFields: Input,
  ): Promise<SaidExample | undefined> {
    const transition = domain.transitions[name];
    if (!transition?.example || !isLegalIn(transition, entity)) return undefined;
    const parsed = transition.input?.safeParse(fromFields).data ?? {};
    const command = this.command(domain, entity, name, parsed, 'alice');
    return saidExample(command, entity, await this.known(command, entity));
  }

  /** Takes transitions of another entity that stay in its state, until a rule no longer keeps it from being moved. */
  async #makeWay({ id, collection, transition: name, input }: LinkedTransition): Promise<void> {
    const domain = this.api.backend.registry.byCollection(collection);
    const isFree = async (): Promise<boolean> => {
      const entity = await this.state(id);
      const command = this.command(domain, entity, name, input, 'alice');
      return decideAmong(this.api.backend.registry, command, () => entity).kind === 'accepted';
    };
    const { status } = await this.state(id);
    for (const prelude of preludesOf(domain, status, name)) {
      if (await isFree()) return;
      if (await this.waiting(id, prelude)) await this.attempt(id, prelude);
    }
  }

  protected override async bringOthers(
    command: Command,
    entity: EntityState | undefined,
    apart: readonly string[] = [],
  ): Promise<void> {
    const { domain, name } = command;
    const { reads = {}, references = {} } =
      (name === 'create' ? domain.create : domain.transitions[name]) ?? {};
    const known = await this.known(command, entity);
    const context = contextOf(command, entity, known);
    for (const other of [...Object.values(reads), ...Object.values(references)]) {
      const tests = rulesIn(other.rules, context)
        .map(({ test }) => test)
        .filter((test) => test.op !== 'fact' && test.path === 'status');
      const { states } = domainOf(domain, other);
      const allowed = states.filter((state) => tests.every((test) => holds(test, () => state)));
      const ids = tests.length > 0 ? idsOf(other, context).filter((id) => !apart.includes(id)) : [];
      for (const id of ids) await this.bring(id, allowed);
    }
    for (const { id, collection, transition } of linkedBy(command, entity, (each) => known.get(each))) {
      if (id === command.id || apart.includes(id)) continue;
      const { from = [] } = this.api.backend.registry.byCollection(collection).transitions[transition] ?? {};
      await this.bring(id, from);
    }
  }

  /** One try of a transition, in whatever way it comes about. */
  override async attempt(id: string, name: string, prepared?: Prepared): Promise<Reply> {
    const entity = await this.state(id);
    const { domain, transition } = this.definition(entity, name);
    if (transition.internal !== true) {
      return this.send(entity, name, prepared ?? (await this.prepare(entity, name)));
    }
    if (domain.deadlines?.[name]) return this.#wait(entity, name);
    if (answersThatBring(domain, name).length > 0) return this.#answer(entity, name);
    return this.movedByAnother(entity, name);
  }

  /** The message of an entity whose answer brings a transition about, and that answer. */
  override async waiting(id: string, name: string): Promise<Waiting | undefined> {
    for (const item of await unanswered(this.api, this.tenant, id)) {
      const outcome = answers.find((each) => item.answers?.[each] === name);
      if (outcome) return { item, outcome };
    }
    return undefined;
  }

  /** Has a receiver, or the worker that gave up, say what brings a transition about. */
  async #answer(entity: EntityState, name: string): Promise<Reply> {
    const { id, collection } = entity;
    const found = await this.waiting(id, name);
    if (!found) throw new NoWay(`no message of ${id} waits for an answer that brings "${name}" about`);
    const { item, outcome } = found;
    const told = answerInput(
      this.definition(entity, name).transition,
      item,
      answerTo(item, outcome, timestamp(this.clock.now())),
    );
    if (told.kind === 'not_understood')
      throw new Error(`"${name}" does not understand what ${item.topic} says`);
    const prepared = { input: told.input, actor: `receiver:${item.topic}` };
    return this.#watched(entity, name, prepared, async () => {
      const answered = await answer(this.api, item, outcome);
      const reply = await this.api.get(`/v1/${collection}/${id}`, { tenant: this.tenant });
      return answered.kind === 'ended' ? reply : { ...reply, status: 409, text: JSON.stringify(answered) };
    });
  }

  /**
   * A new entity that has come to where an answer may come, and waits for it.
   * @throws NoWay where a rule keeps it from coming there, or the answer has to come before
   */
  async awaiting(domain: Domain, { way, transition, state }: AnswerPlace): Promise<EntityState> {
    const [first] = way;
    const { id } = await this.create(domain, first && (await this.beginning(domain, first.state)));
    for (const { command, state: next } of way.slice(1)) {
      await this.force(id, command);
      await this.bring(id, [next]);
    }
    const entity = await this.bring(id, [state]);
    if (await this.waiting(id, transition)) return entity;
    throw new NoWay(`what "${transition}" answers was answered before ${id} came to "${state}"`);
  }

  /** Sends a transition as a caller does. */
  send(entity: EntityState, name: string, prepared: Prepared, key?: string): Promise<Reply> {
    const { domain, transition } = this.definition(entity, name);
    const path = `/v1/${domain.collection}/${entity.id}/${name}`;
    const options = { ...this.as(prepared), ...(key !== undefined && { key }) };
    return this.#watched(entity, name, prepared, () =>
      this.api.post(path, transition.input ? prepared.input : undefined, options),
    );
  }

  /** Does something, and tells of the last command that was sent meanwhile. */
  async watching(work: () => Promise<unknown>): Promise<Observation> {
    this.observed = [];
    await work();
    const last = this.observed.at(-1);
    this.observed = undefined;
    if (!last) throw new Error('no command was sent');
    return last;
  }

  async #watched(
    entity: EntityState,
    name: string,
    prepared: Prepared,
    send: () => Promise<Reply>,
  ): Promise<Reply> {
    if (!this.observed) return send();
    const { store } = this.api.backend;
    const before = await dump(store);
    const reply = await send();
    this.observed.push({ entity, name, prepared, before, reply, after: await dump(store) });
    return reply;
  }

  /** Lets time pass until a deadline has come, and those before it. */
  async #wait(entity: EntityState, name: string): Promise<Reply> {
    for (let waiting = entity, step = 0; waiting.due && step < stepsMax; step += 1) {
      const { due } = waiting;
      if (due.transition !== name && (await this.#answeredBefore(waiting, name))) {
        waiting = await this.state(entity.id);
        continue;
      }
      this.clock.moveTo(due.at);
      const reply = await this.runDue(waiting);
      if (due.transition === name || reply.status >= 300) return reply;
      waiting = await this.state(entity.id);
    }
    throw new NoWay(`${entity.id} does not come to wait for "${name}"`);
  }

  /** Whether a deadline has come that leaves an entity in its state: what is wanted may lie after it. */
  async #passed(id: string): Promise<boolean> {
    const entity = await this.state(id);
    const { due, status } = entity;
    if (!due) return false;
    const { transition } = this.definition(entity, due.transition);
    if (!endsFrom(transition, status).includes(status)) return this.#answeredBefore(entity, due.transition);
    this.clock.moveTo(due.at);
    await this.runDue(entity);
    return (await this.state(id)).status === status;
  }

  /** Where the deadline before the one that is wanted leads away from it, an answer may keep it from coming. */
  async #answeredBefore({ id, status, collection, due }: EntityState, wanted: string): Promise<boolean> {
    const domain = this.api.backend.registry.byCollection(collection);
    const next = domain.transitions[due?.transition ?? ''];
    const waitedIn = domain.deadlines?.[wanted]?.while ?? [];
    if (!next || endsFrom(next, status).some((end) => waitedIn.includes(end))) return false;
    for (const answered of preludesOf(domain, status, wanted)) {
      if (!(await this.waiting(id, answered))) continue;
      await this.attempt(id, answered);
      return true;
    }
    return false;
  }

  /** Runs what an entity waits for as its worker does. */
  runDue(entity: EntityState): Promise<Reply> {
    const name = entity.due?.transition ?? '';
    const prepared = { input: {}, actor: 'system:timer' };
    return this.#watched(entity, name, prepared, () => runDue(this.api, this.tenant, entity));
  }

  /** Makes way for a transition that a rule would refuse; what is to be sent then. */
  async ready(id: string, name: string, given: Given = {}): Promise<Prepared> {
    const isFree = async (command: Prepared): Promise<boolean> =>
      (await this.verdict(id, name, command)).kind === 'accepted';
    let command = await this.prepare(await this.state(id), name, given);
    // From now on it names the same ones: what makes way for it is done to them.
    const named = { ...this.#onlyOnes(idsIn(command.input)), ...given };
    const prepared = async (): Promise<Prepared> => this.prepare(await this.state(id), name, named);
    if (await isFree(command)) return command;
    const entity = await this.state(id);
    const { collection, status } = entity;
    const isLed = await this.takeBefore(entity, name);
    if (isLed && (await isFree((command = await prepared())))) return command;
    const domain = this.api.backend.registry.byCollection(collection);
    const tried: string[] = [];
    for (const prelude of preludesOf(domain, status, name)) {
      const comes = answersThatBring(domain, prelude).length === 0 || (await this.waiting(id, prelude));
      const reply = comes ? await this.attempt(id, prelude) : undefined;
      const { code = 'taken' } = (reply?.json ?? {}) as { readonly code?: string };
      const became = reply ? code : 'nothing waits for it';
      tried.push(`"${prelude}" (${became})`);
      command = await prepared();
      if (await isFree(command)) return command;
    }
    const isEnough = async (): Promise<boolean> => isFree((command = await prepared()));
    if (await this.#atAnotherTime(id, name, command, ({ kind }) => kind === 'accepted')) return prepared();
    const others = idsIn((await this.state(id)).attributes);
    if (await this.fill([id, ...others, ...idsIn(command.input)], isEnough)) return command;
    for (let step = 0; step < passedMost && (await this.#passed(id)); step += 1) {
      if (await isEnough()) return command;
      if (await this.#atAnotherTime(id, name, command, ({ kind }) => kind === 'accepted')) return prepared();
    }
    try {
      await this.takeFound(await this.state(id), name);
    } catch (error) {
      // The row of the document starts elsewhere: it has gone some of it before, which may be enough.
      if (!(error instanceof NoWay)) throw error;
    }
    if (await isEnough()) return command;
    const ruling = await this.verdict(id, name, command);
    const code = ruling.kind === 'rejected' ? ruling.rejection.code : ruling.kind;
    const sought = tried.length > 0 ? `after ${tried.join(', ')}` : 'and nothing else stays in that state';
    throw new NoWay(`nothing makes way for "${name}" of ${id} in "${status}": ${code}, ${sought}. ${cure}`);
  }

  /**
   * Takes a transition; where a rule stands in the way, other transitions that stay in the state are tried first.
   * @throws NoWay where it is refused all the same
   */
  override async force(id: string, name: string, given: Given = {}): Promise<Reply> {
    const entity = await this.state(id);
    const isInternal = this.definition(entity, name).transition.internal === true;
    if (isInternal) await this.takeBefore(entity, name);
    const reply = isInternal ? await this.attempt(id, name) : await this.#forced(entity, name, given);
    if (reply.status < 300) return reply;
    const told = `"${name}" of ${id} in "${entity.status}" cannot be taken: ${reply.text}`;
    throw reply.status < 500 ? new NoWay(told) : new Error(told);
  }

  async #forced(entity: EntityState, name: string, given: Given): Promise<Reply> {
    const { id } = entity;
    const command = await this.prepare(entity, name, given);
    if ((await this.verdict(id, name, command)).kind === 'accepted') return this.send(entity, name, command);
    const free = await this.ready(id, name, given);
    return this.send(await this.state(id), name, free);
  }

  /** By collection, where there is one of a kind. */
  #onlyOnes(ids: readonly string[]): Given {
    const { registry } = this.api.backend;
    const isOnly = (id: string): boolean =>
      ids.filter((other) => registry.ofId(other) === registry.ofId(id)).length === 1;
    return byCollection(registry, ids.filter(isOnly));
  }

  /**
   * Brings an entity into one of these states, along the shortest way of its machine.
   * @param given what its transitions name on the way
   * @throws NoWay where there is none
   */
  override async bring(id: string, statuses: readonly string[], given: Given = {}): Promise<EntityState> {
    // By state: what leads elsewhere from one may lead there from another.
    const elsewhere = new Map<string, Set<string>>();
    // And what has come back to it: where there is another way it goes before another round.
    const taken = new Map<string, Set<string>>();
    for (let step = 0; step < stepsMax; step += 1) {
      const entity = await this.state(id);
      if (statuses.includes(entity.status)) return entity;
      const domain = this.api.backend.registry.byCollection(entity.collection);
      const { status } = entity;
      const without = elsewhere.get(status) ?? new Set();
      const before = taken.get(status) ?? new Set();
      const next =
        nextOnTheWay(domain, status, statuses, new Set([...without, ...before])) ??
        nextOnTheWay(domain, status, statuses, without);
      if (next === undefined) break;
      taken.set(status, before.add(next));
      const comes = answersThatBring(domain, next).length === 0 || (await this.waiting(id, next));
      const way = comes && (await this.#leadsOn(entity, next, statuses, given));
      if (way === true) await this.force(id, next, given);
      else if (way) await this.send(entity, next, way);
      else elsewhere.set(status, without.add(next));
    }
    const { status } = await this.state(id);
    const tried = [...taken].flatMap(([from, names]) =>
      [...names].map((name) => `; "${name}" in "${from}" did not lead there`),
    );
    const why = `${tried.join('')}${this.refusedFeeding}`;
    throw new NoWay(`${id} cannot be brought from "${status}" to ${statuses.join(' or ')}${why}`);
  }

  /**
   * A transition with several ends may choose one from which there is no way on.
   * @returns what to send where its example alone would not lead there
   */
  async #leadsOn(
    entity: EntityState,
    name: string,
    targets: readonly string[],
    given: Given,
  ): Promise<boolean | Prepared> {
    const { domain, transition } = this.definition(entity, name);
    if (transition.to.length === 1) return true;
    const isOnTheWay = (status: string): boolean =>
      targets.some((target) => leadsTo(domain, status, [target]));
    if (transition.internal === true) {
      const { due } = entity;
      if (due?.transition !== name) return true;
      const comesThere = async (): Promise<boolean> => {
        const verdict = await this.verdict(entity.id, name, { input: {}, actor: 'system:timer' }, due.at);
        return verdict.kind === 'rejected' || isOnTheWay(verdict.decision.entities[0].after.status);
      };
      if (!(await comesThere())) await this.fill([entity.id], comesThere, true);
      return true;
    }
    const prepared = await this.prepare(entity, name, given);
    const verdict = await this.verdict(entity.id, name, prepared);
    const isLeading = (ruling: Ruling): boolean =>
      ruling.kind === 'accepted' && isOnTheWay(ruling.decision.entities[0].after.status);
    if (verdict.kind === 'rejected' || isLeading(verdict)) return true;
    if (await this.#atAnotherTime(entity.id, name, prepared, isLeading)) return true;
    const judge = await this.judge(entity.id, name, prepared);
    const others = otherValues(transition.input, this.clock.now()).map((value) => ({
      ...prepared,
      input: { ...prepared.input, ...value },
    }));
    return others.find((other) => isLeading(judge(other))) ?? false;
  }

  /** Moves time on, before the entity's deadline, to where a command comes to what is wanted, if there is such a moment. */
  async #atAnotherTime(
    id: string,
    name: string,
    prepared: Prepared,
    isWanted: (ruling: Ruling) => boolean,
  ): Promise<boolean> {
    const { attributes, due } = await this.state(id);
    const now = this.clock.now();
    const told = Object.values(attributes).flatMap((value) => {
      const at = isMoment(value) ? Date.parse(value) : Number.NaN;
      // Some rules let it pass at that moment, and others before or after it.
      return [at - 1_000, at, at + 1_000];
    });
    const judge = await this.judge(id, name, prepared);
    const found = [...told, ...laterMs.map((ms) => now + ms)]
      .filter((at) => at > now && at < (due?.at ?? Infinity))
      .sort((a, b) => a - b)
      .find((at) => isWanted(judge(prepared, at)));
    if (found !== undefined) this.clock.moveTo(found);
    return found !== undefined;
  }

  /** A new entity in a state. */
  async reach(domain: Domain, status: string, options: CreateOptions = {}): Promise<EntityState> {
    const way = `${domain.collection} in "${status}"`;
    // What one that is given keeps from it, another one may not.
    const isAnybodys = options.given === undefined;
    const before = isAnybodys ? this.closed.get(way) : undefined;
    if (before !== undefined) throw briefly(`there are no ${way}: ${before}`);
    try {
      const { id } = await this.create(domain, await this.beginning(domain, status, options));
      return await this.bring(id, [status]);
    } catch (error) {
      if (isAnybodys) this.closed.set(way, (error as Error).message);
      throw error;
    }
  }
}
