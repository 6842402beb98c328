/**
 * Creates entities with nothing but their definitions: inputs come from examples, and what those refer to is made
 * from its own definition.
 */
import { randomUUID } from 'node:crypto';
import type * as z from 'zod';
import type { Command } from '../../functions/core/command.ts';
import { startsOf } from '../../functions/core/definition.ts';
import type { Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { refusedExample } from '../../functions/core/check-example.ts';
import { exampleCreators, saidExample } from '../../functions/core/examples.ts';
import { idsIn } from '../../functions/docs/example-body.ts';
import { timestamp } from '../../functions/runtime/clock.ts';
import type { Reply, TestBackend } from './backend.ts';
import { exampleOf, fieldsOf, insideBounds } from './examples.ts';
import type { Input } from './examples.ts';
import { leadsTo } from './machine.ts';
import { everyRole } from './roles.ts';
import type { TestClock } from './test-clock.ts';
import { byCollection, withReferences } from './walk-inputs.ts';
import type { CreateOptions, Given, Prepared } from './walk-types.ts';
import { NoWay, Refused } from './walk-types.ts';
import { Rulings, stranger } from './walk-rulings.ts';
import type { Ruling } from './walk-rulings.ts';

/** An error without its stack: what was told before need not be told at length. */
export function briefly(message: string): Error {
  const error = new Error(message);
  delete error.stack;
  return error;
}

/** A creation as it may be sent. */
interface Attempt {
  readonly prepared: Prepared;
  readonly isFree: boolean;
}

export abstract class Creations extends Rulings {
  protected readonly closed: Map<string, string>;

  /** @param closed ways that were seen to be closed, by this walk or by others: they are told once at length */
  constructor(
    api: TestBackend,
    clock: TestClock,
    tenant: string = randomUUID(),
    closed: Map<string, string> = new Map(),
  ) {
    super(api, clock, tenant);
    this.closed = closed;
  }

  /**
   * Brings what a command looks at, or takes along, to where that lets it pass.
   * @param apart those that stay as they are
   */
  protected abstract bringOthers(
    command: Command,
    entity: EntityState | undefined,
    apart?: readonly string[],
  ): Promise<void>;

  /**
   * Takes what goes before a creation.
   * @param ids what it refers to
   * @returns whether anything goes before it
   */
  protected abstract takeBeforeCreation(domain: Domain, ids: readonly string[]): Promise<boolean>;

  /**
   * Has others post to these entities, until there is enough for what is wanted.
   * @param isLargeToo with the largest numbers as well, where many examples are not enough: nobody can outdo them afterwards
   */
  protected abstract fill(
    ids: readonly string[],
    isEnough: () => Promise<boolean>,
    isLargeToo?: boolean,
  ): Promise<boolean>;

  /**
   * The example of a creation, referring to entities that exist, and who may send it. Where one person may not create
   * it because of what it refers to, that is brought to another state, or another one creates it, or what it refers to is
   * another's, or it is filled first.
   */
  async prepareCreation(domain: Domain, options: CreateOptions = {}): Promise<Prepared> {
    const before = this.closed.get(wayOf(domain, options) ?? '');
    if (before !== undefined) throw briefly(before);
    const again = await this.#creationOf(domain, options);
    let first = await again();
    if (first.isFree || idsIn(exampleOf(domain.create.input)).length === 0) return first.prepared;
    const { input, actor, roles } = first.prepared;
    try {
      const command = this.#creating(domain, input, actor, roles);
      const apart = Object.values(options.given ?? {});
      await this.bringOthers(command, undefined, apart);
      first = await again();
      if (first.isFree) return first.prepared;
      const ids = idsIn(input).filter((id) => !apart.includes(id));
      if (await this.takeBeforeCreation(domain, ids)) first = await again();
      if (first.isFree) return first.prepared;
    } catch (error) {
      // It does not come there; it may be let pass by another way.
      if (!(error instanceof NoWay)) throw error;
    }
    try {
      const second = await (await this.#creationOf(domain, options, stranger))();
      if (second.isFree) return second.prepared;
    } catch {
      // What it refers to cannot be another's: that is no fault of this creation.
    }
    await this.fill(idsIn(first.prepared.input), async () => (await again()).isFree);
    // Filling takes its time, and what is asked for may lie in the future.
    return (await again()).prepared;
  }

  /**
   * @param owner who creates what it refers to
   * @returns asks, each time it is called, for the example as things are then, and who may send it
   */
  async #creationOf(
    domain: Domain,
    { extent = 'every field', given = {}, input: told }: CreateOptions,
    owner?: string,
  ): Promise<() => Promise<Attempt>> {
    const schema = domain.create.input;
    const example = (await this.referring(
      exampleOf(schema, extent),
      { extent, actor: owner },
      given,
    )) as Input;
    const fields = Object.keys(exampleOf(schema, extent));
    return async () => {
      const bare = this.#creating(domain, { ...example, ...told }, 'alice');
      const said = saidExample(bare, undefined, await this.known(bare, undefined));
      const follows = Object.entries(said?.input ?? {}).filter(([name]) => fields.includes(name));
      const input = { ...example, ...Object.fromEntries(follows), ...told };
      const roles = said?.roles;
      const anybody = domain.create.authorize ? exampleCreators(domain, input) : ['alice', stranger];
      const preparedFor = (actor: string): Prepared => ({ input, actor, ...(roles && { roles }) });
      const known = await this.known(this.#creating(domain, input, 'alice'), undefined);
      // What it looks at may name who may: an owner of it, who was found for it.
      const candidates = said?.actor === undefined ? [...anybody, ...wordsIn(known.values())] : [said.actor];
      for (const actor of candidates) {
        const command = this.#creating(domain, input, actor, roles);
        await this.learnChecked(command, known);
        if (this.ruling(command, known).kind === 'accepted')
          return { isFree: true, prepared: preparedFor(actor) };
      }
      return { isFree: false, prepared: preparedFor(candidates[0] ?? 'alice') };
    };
  }

  /** Of a definition that begins in one of several states: how to create one that begins on the way to a state. */
  async beginning(domain: Domain, status: string, options: CreateOptions = {}): Promise<CreateOptions> {
    const starts = startsOf(domain);
    if (starts.length === 1) return options;
    const { input } = await this.prepareCreation(domain, options);
    const given = { ...byCollection(this.api.backend.registry, idsIn(input)), ...options.given };
    const others = otherValues(domain.create.input, this.clock.now()).map((input): CreateOptions => ({
      ...options,
      ...{ given, input: { ...input, ...options.input } },
    }));
    let onTheWay: CreateOptions | undefined;
    for (const way of [options, { ...options, given, extent: 'required fields' } as const, ...others]) {
      const start = await this.#begins(domain, await this.prepareCreation(domain, way));
      if (start === undefined || !leadsTo(domain, start, [status])) continue;
      if (start === status || !starts.includes(status)) return way;
      onTheWay ??= way;
    }
    return onTheWay ?? options;
  }

  /** Where it would begin; nowhere where it is refused. */
  async #begins(domain: Domain, prepared: Prepared): Promise<string | undefined> {
    const ruling = await this.creationVerdict(domain, prepared);
    return ruling.kind === 'accepted' ? ruling.decision.entities[0].after.status : undefined;
  }

  /** The newest hundred of a definition that this walk has created, as they are now. */
  protected async there({ collection }: Domain): Promise<readonly EntityState[]> {
    const { json } = await this.api.get(`/v1/${collection}?limit=100`, { tenant: this.tenant });
    const items = json['items'] as readonly { readonly id: string }[];
    return Promise.all(items.map(({ id }) => this.state(id)));
  }

  /** What the decision says to a creation, as things are now. */
  async creationVerdict(domain: Domain, { input, actor, roles }: Prepared): Promise<Ruling> {
    const command = this.#creating(domain, input, actor, roles);
    const known = await this.known(command, undefined);
    await this.learnChecked(command, known);
    return this.ruling(command, known);
  }

  #creating(domain: Domain, input: Input, actor: string, roles: readonly string[] = everyRole): Command {
    const parsed = domain.create.input.safeParse(input).data ?? input;
    const id = `${domain.idPrefix}_00000000000000000000000000`;
    return { ...this.command(domain, { id }, 'create', parsed, actor), roles };
  }

  async create(domain: Domain, options: CreateOptions = {}): Promise<EntityState> {
    const { input, actor } = options;
    const found = await this.prepareCreation(domain, options);
    const prepared = { ...found, ...(actor !== undefined && { actor }) };
    const post = (sent: Input): Promise<Reply> =>
      this.api.post(`/v1/${domain.collection}`, sent, this.as(prepared));
    let reply = await post(prepared.input);
    const isTaken = reply.json['code'] === 'already_exists' && input === undefined;
    for (const another of isTaken ? othersLike(domain, prepared.input) : []) {
      reply = await post(another);
      if (reply.status === 201) break;
    }
    if (reply.status !== 201) throw this.refusal(domain, reply, options);
    return this.state(String(reply.json['id']));
  }

  /** Why there is none. Nobody need try it again: the example is what everybody sends. */
  refusal(domain: Domain, reply: Reply, options: CreateOptions = {}): Error {
    const why = refusedCreation(domain, reply);
    const way = wayOf(domain, options);
    if (way !== undefined) this.closed.set(way, why);
    return new Refused(why);
  }

  /** As whom a request is sent. */
  as({ actor, roles }: Prepared): {
    readonly tenant: string;
    readonly subject: string;
    readonly roles?: readonly string[];
  } {
    return { tenant: this.tenant, subject: actor, ...(roles && { roles }) };
  }

  protected referring(value: unknown, options: CreateOptions, given: Given): Promise<unknown> {
    const { registry } = this.api.backend;
    return withReferences(registry, value, async (domain) => {
      return given[domain.collection] ?? (await this.create(domain, options)).id;
    });
  }
}

/** How far a walk looks ahead where nothing says a moment: a minute, an hour, a day, a week, a month, a year. */
export const laterMs = [60_000, 3_600_000, ...[1, 7, 31, 366].map((days) => days * 86_400_000)];

export const isMoment = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value);

/** A field of a creation by which it may begin elsewhere, with another value than that of its example. */
export const otherValues = (schemaOfAll: z.ZodObject | undefined, now: number): readonly Input[] =>
  fieldsOf(schemaOfAll).flatMap((field) => {
    const { name, schema } = field;
    const values = (): readonly unknown[] => {
      if (schema.type === 'boolean') return [true, false];
      if (schema.type === 'integer' || schema.enum) return insideBounds(field).map(({ value }) => value);
      return isMoment(schema.examples?.[0]) ? laterMs.map((ms) => timestamp(now + ms)) : [];
    };
    return values().map((value) => ({ [name]: value }));
  });

/** The whole numbers of a creation, as large as they may be. */
export const largestOf = (schemaOfAll: z.ZodObject | undefined): Input =>
  Object.fromEntries(
    fieldsOf(schemaOfAll).flatMap(({ name, schema }): [string, unknown][] =>
      schema.type === 'integer' && schema.maximum !== undefined ? [[name, schema.maximum]] : [],
    ),
  );

/** What all who create one in this way have in common: none where it is somebody's own. */
const wayOf = (
  { collection }: Domain,
  { extent = 'every field', given, input, actor }: CreateOptions,
): string | undefined => ((given ?? input ?? actor) ? undefined : `${collection} with ${extent}`);

/** As many as a tenant of a test has of a kind. */
const othersMost = 60;

/** Where another one holds what only one may: the same with one of its texts changed. */
function* othersLike({ create }: Domain, input: Input): Iterable<Input> {
  for (let number = 2; number <= othersMost; number += 1)
    for (const [name, value] of Object.entries(input)) {
      if (typeof value !== 'string') continue;
      const another = { ...input, [name]: `${number}${value}` };
      if (create.input.safeParse(another).success) yield another;
    }
}

/** Most words of others that are tried as the name of somebody. */
const wordsMost = 12;

/** What may be somebody's name, in entities that a command looks at. */
export function wordsIn(states: Iterable<EntityState | undefined>): readonly string[] {
  const values = [...states].flatMap((state) => Object.values(state?.attributes ?? {}));
  const words = values.filter(
    (value): value is string =>
      typeof value === 'string' &&
      value !== '' &&
      idsIn(value).length === 0 &&
      Number.isNaN(Date.parse(value)),
  );
  return [...new Set(words)].slice(0, wordsMost);
}

/** For who wrote the definition: what was refused, and the cure. */
function refusedCreation({ collection }: Domain, { status, text, json }: Reply): string {
  const { code = String(status), detail = text } = json as {
    readonly code?: string;
    readonly detail?: string;
  };
  return `definition "${collection}", create, example: ${refusedExample(code, detail)}`;
}
