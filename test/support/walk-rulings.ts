/** What the pure decision says to commands, on entities as they are now. */
import { forbiddenTo, peopleOf } from '../../functions/core/authorize.ts';
import type { Command } from '../../functions/core/command.ts';
import { decide, decideAmong } from '../../functions/core/decide.ts';
import type { Decided } from '../../functions/core/decision.ts';
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { valueAt } from '../../functions/core/entity.ts';
import { contextOf } from '../../functions/core/context.ts';
import { unreadRejection } from '../../functions/core/movements.ts';
import { idsOf, namedOthers } from '../../functions/core/named-others.ts';
import { readEntity, readTogether } from '../../functions/store/entities/reads.ts';
import type { TestBackend } from './backend.ts';
import type { Input } from './examples.ts';
import { everyRole } from './roles.ts';
import { linkedBy } from './linked.ts';
import type { LinkedTransition } from './linked.ts';
import type { TestClock } from './test-clock.ts';
import type { Prepared } from './walk-types.ts';

/** What the pure decision says. */
export type Ruling = Exclude<Decided, { readonly kind: 'incomplete' }>;

export const stranger = 'somebody else';
/** Whom nothing ever names; a stranger may be who has created it. */
export const intruder = 'an intruder';

/** Nobody waits for what a test reads for itself, however busy the machine is. */
const noDeadline = (): AbortSignal => new AbortController().signal;

export class Rulings {
  readonly api: TestBackend;
  readonly clock: TestClock;
  readonly tenant: string;

  constructor(api: TestBackend, clock: TestClock, tenant: string) {
    this.api = api;
    this.clock = clock;
    this.tenant = tenant;
  }

  protected find(id: string): Promise<EntityState | undefined> {
    return readEntity(this.api.backend.store, this.tenant, id, noDeadline());
  }

  async state(id: string): Promise<EntityState> {
    const entity = await this.find(id);
    if (!entity) throw new Error(`${id} does not exist`);
    return entity;
  }

  definition(entity: EntityState, name: string): { domain: Domain; transition: AnyTransition } {
    const domain = this.api.backend.registry.byCollection(entity.collection);
    const transition = domain.transitions[name];
    if (!transition) throw new Error(`${entity.collection} have no transition "${name}"`);
    return { domain, transition };
  }

  /** Who may, best prospects first: named by a rule's own list, or anybody where no rule asks. */
  async actors(entity: EntityState, name: string, input: Input): Promise<readonly string[]> {
    const { domain, transition } = this.definition(entity, name);
    const read = (path: string): unknown => valueAt(domain, entity, path);
    const authorizations = Object.values(transition.authorize ?? {});
    const named = authorizations.flatMap((each) =>
      'actorIs' in each || 'actorIn' in each ? peopleOf(each, read) : [],
    );
    // Where it may be nobody of those that are named, it is one more than there are names.
    const others = authorizations.flatMap((each) => peopleOf(each, read)).map((_, n) => `person ${n}`);
    const candidates = [...new Set([...named, 'alice', stranger, 'a third person', ...others])];
    const judge = await this.judge(entity.id, name, { input, actor: 'alice' });
    const verdicts = candidates.map((actor) => ({
      actor,
      may: forbiddenTo(actor, transition.authorize, read) === undefined,
      verdict: judge({ input, actor }),
    }));
    const allowed = verdicts.filter(({ may }) => may);
    return allowed
      .sort((a, b) => Number(b.verdict.kind === 'accepted') - Number(a.verdict.kind === 'accepted'))
      .map(({ actor }) => actor);
  }

  /** What the pure decision says to a command, without the unique values and own accounts only the store knows. */
  async verdict(id: string, name: string, prepared: Prepared, now?: number): Promise<Ruling> {
    return (await this.judge(id, name, prepared))(prepared, now);
  }

  /** The decision on the states as they are now, to be asked any number of times. */
  async judge(
    id: string,
    name: string,
    example: Prepared,
  ): Promise<(prepared: Prepared, now?: number) => Ruling> {
    const entity = await this.state(id);
    const { domain, transition } = this.definition(entity, name);
    const commandOf = ({ input, actor, roles = everyRole }: Prepared): Command => ({
      ...this.command(domain, entity, name, transition.input?.parse(input) ?? {}, actor),
      roles,
    });
    // As who sends it: who may not is told so before anything is looked at.
    const scout = commandOf(example);
    const known = await this.known(scout, entity);
    await this.learnChecked(scout, known);
    return (prepared, now) =>
      this.ruling({ ...commandOf(prepared), ...(now !== undefined && { now }) }, known);
  }

  /** What the decision says, and then what is only checked, as far as it is known. */
  protected ruling(command: Command, known: ReadonlyMap<string, EntityState | undefined>): Ruling {
    const decided = decideAmong(this.api.backend.registry, command, (id) => known.get(id));
    if (decided.kind === 'rejected') return decided;
    for (const change of decided.decision.unread) {
      const rejection = known.has(change.id) && unreadRejection(change, known.get(change.id), command.now);
      if (rejection) return { kind: 'rejected', rejection };
    }
    return decided;
  }

  /** Adds the entities that a command only checks. */
  protected async learnChecked(command: Command, known: Map<string, EntityState | undefined>): Promise<void> {
    const decided = decideAmong(this.api.backend.registry, command, (id) => known.get(id));
    if (decided.kind === 'rejected') return;
    const ids = decided.decision.unread.map(({ id }) => id).filter((id) => !known.has(id));
    await this.#learn(known, ids);
  }

  /** An entity and those that a command reads or takes along, as they are now. */
  protected async known(
    command: Command,
    entity: EntityState | undefined,
  ): Promise<Map<string, EntityState | undefined>> {
    const known = new Map<string, EntityState | undefined>(entity && [[entity.id, entity]]);
    for (;;) {
      const ids = namedOthers(command, contextOf(command, entity, known)).filter((id) => !known.has(id));
      if (ids.length === 0) break;
      await this.#learn(known, ids);
    }
    // What is created along with it reads others of its own.
    for (;;) {
      const decided = decide(this.api.backend.registry, command, known);
      if (decided.kind !== 'incomplete') return known;
      await this.#learn(known, decided.ids);
    }
  }

  async #learn(known: Map<string, EntityState | undefined>, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { store } = this.api.backend;
    const { entities } = await readTogether(store, this.tenant, ids, undefined, noDeadline());
    for (const id of ids) known.set(id, entities.get(id));
  }

  /** The entities that a transition reads, or checks without reading them. */
  async lookedAt(entity: EntityState, name: string, { input, actor }: Prepared): Promise<readonly string[]> {
    const { domain, transition } = this.definition(entity, name);
    const parsed = transition.input?.parse(input) ?? {};
    const command = this.command(domain, entity, name, parsed, actor);
    const context = contextOf(command, entity, await this.known(command, entity));
    const { reads = {}, references = {} } = transition;
    return [...Object.values(reads), ...Object.values(references)].flatMap((other) => idsOf(other, context));
  }

  /** The linked transitions a command would bring about. */
  linkedBy(entity: EntityState, name: string, { input, actor }: Prepared): readonly LinkedTransition[] {
    const { domain, transition } = this.definition(entity, name);
    const parsed = transition.input?.parse(input) ?? {};
    return linkedBy(this.command(domain, entity, name, parsed, actor), entity);
  }

  protected command(
    domain: Domain,
    { id }: Pick<EntityState, 'id'>,
    name: string,
    input: unknown,
    actor: string,
  ): Command {
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
      seed: 'seed',
    };
  }
}
