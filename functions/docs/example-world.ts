/**
 * A world in which the examples of the document are tried out, while it is made: the real decisions, on states
 * kept in memory. It tells which examples have to be sent before another one is accepted, and what the answers
 * look like. Worlds are values: a command gives a new one.
 */
import { peopleOf } from '../core/authorize.ts';
import { decideAmong } from '../core/decide.ts';
import type { Command } from '../core/command.ts';
import type { Decided, Decision, PlannedMessage } from '../core/decision.ts';
import type { Domain } from '../core/definition.ts';
import type { EntityState } from '../core/entity.ts';
import { exampleActors, exampleCreators, exampleNow } from '../core/examples.ts';
import type { ExampleBody } from '../core/examples.ts';
import { valueAt } from '../core/entity.ts';
import { rolesOf } from '../core/registry.ts';
import type { Registry } from '../core/registry.ts';
import { firstBroken } from '../core/rules.ts';
import { holdsOf } from '../core/unique-holds.ts';
import { exampleSecret } from './example-body.ts';

export interface World {
  /** Epoch milliseconds; a moment of old, until a deadline has come. */
  readonly now: number;
  readonly entities: ReadonlyMap<string, EntityState>;
  /** Named accounts, by name. */
  readonly balances: ReadonlyMap<string, number>;
  /** Messages whose answers move an entity, and which have none yet. */
  readonly unanswered: readonly PlannedMessage[];
}

export const emptyWorld: World = {
  now: exampleNow,
  entities: new Map(),
  balances: new Map(),
  unanswered: [],
};

export interface ExampleCommand {
  readonly domain: Domain;
  /** `create`, or a transition's name. */
  readonly name: string;
  readonly id: string;
  readonly body: ExampleBody | undefined;
  /** Who sends it: `alice`, where none is said. */
  readonly actor?: string;
  /** Every role of its domain, where none is said. */
  readonly roles?: readonly string[];
  /** Nobody sends it: it is the answer to this message. */
  readonly answers?: PlannedMessage;
  /** Nobody sends it: this deadline of the entity has come, epoch milliseconds. */
  readonly dueAt?: number;
}

const [exampleActor] = exampleActors;

/** Of the ids of what the examples create beside their own entities. */
const exampleSeed = 'Dw4NDAsKCQgHBgUEAwIBAA';

export interface Outcome {
  /** The command, with who sends it. */
  readonly sent: ExampleCommand;
  /** The world after it. */
  readonly world: World;
  readonly messages: readonly PlannedMessage[];
}

/**
 * @param actors who may send it, where the example does not say: the first who is not refused
 * @returns what comes of the command, or `undefined` where it is refused
 */
export function tryOut(
  registry: Registry,
  world: World,
  example: ExampleCommand,
  actors: readonly string[] = exampleActors,
): Outcome | undefined {
  const { domain, name, body = {} } = example;
  const { actor, answers, dueAt } = example;
  const isSaid = (actor ?? answers ?? dueAt) !== undefined;
  const asked =
    name === 'create' && domain.create.authorize
      ? exampleCreators(domain, body)
      : [...actors, ...namedBy(world, example)];
  for (const sent of isSaid ? [example] : asked.map((actor) => ({ ...example, actor }))) {
    const outcome = sentBy(registry, world, sent);
    if (outcome) return outcome;
  }
  return undefined;
}

/** People whom an entity names as those who may. */
function namedBy({ entities }: World, { domain, name, id }: ExampleCommand): readonly string[] {
  const entity = entities.get(id);
  if (!entity) return [];
  const { authorize = {} } = domain.transitions[name] ?? {};
  return Object.values(authorize).flatMap((each) => peopleOf(each, (path) => valueAt(domain, entity, path)));
}

function sentBy(registry: Registry, world: World, example: ExampleCommand): Outcome | undefined {
  const command = commandOf(example, world);
  const decided = decideIn(registry, world, command);
  if (decided?.kind !== 'accepted') return undefined;
  const { messages } = decided.decision;
  const next = committed(registry, world, decided.decision);
  const unanswered = [
    ...world.unanswered.filter((message) => message !== example.answers),
    ...messages.filter(({ done, refused }) => done !== undefined || refused !== undefined),
  ];
  return next && { sent: example, world: { ...next, now: command.now, unanswered }, messages };
}

export function commandOf(example: ExampleCommand, world: Pick<World, 'now'>): Command {
  const { domain, name, id, body, answers, dueAt } = example;
  const schema = name === 'create' ? domain.create.input : domain.transitions[name]?.input;
  const told = answers ? { ...body, sent: sentWith(answers) } : body;
  const input = schema ? (schema.parse(told) as ExampleBody) : {};
  const drawn = { random: exampleSecret(domain), seed: exampleSeed };
  const command = { tenant: 'acme', ...drawn, now: world.now, domain, name, id, input };
  if (answers) return { ...command, actor: `receiver:${answers.topic}` };
  if (dueAt !== undefined)
    return { ...command, actor: 'system:timer', dueAt, now: Math.max(world.now, dueAt) };
  return { ...command, actor: example.actor ?? exampleActor, roles: example.roles ?? rolesOf([domain]) };
}

/** What a receiver says of a message, so that it brings a transition about. */
export const outcomeOf = ({ done }: PlannedMessage, transition: string): 'done' | 'refused' =>
  done === transition ? 'done' : 'refused';

/** The deadline that comes first, of all entities there are. */
export function nextDeadline(registry: Registry, { entities }: World): readonly ExampleCommand[] {
  const [next] = [...entities.values()]
    .flatMap(({ id, due }) => (due ? [{ id, ...due }] : []))
    .toSorted((a, b) => a.at - b.at);
  const domain = next && registry.ofId(next.id);
  return domain ? [{ domain, name: next.transition, id: next.id, body: undefined, dueAt: next.at }] : [];
}

const sentWith = ({ topic, payload }: PlannedMessage): unknown =>
  topic === 'external-call' ? payload['data'] : payload;

function decideIn(registry: Registry, { entities }: World, command: Command): Decided | undefined {
  if (command.name === 'create' && entities.has(command.id)) return undefined;
  return decideAmong(registry, command, (id) => entities.get(id));
}

/** What the database would check and write. */
function committed(
  registry: Registry,
  world: World,
  { entities, unread, balances }: Decision,
): Pick<World, 'entities' | 'balances'> | undefined {
  const states = new Map(world.entities);
  for (const { after } of entities) states.set(after.id, after);
  const hashes = [...states.values()].flatMap((state) =>
    Object.entries(holdsOf(registry.byCollection(state.collection), state)).map(
      ([constraint, { hash }]) => `${constraint} ${hash}`,
    ),
  );
  if (new Set(hashes).size < hashes.length) return undefined;
  for (const { domain, id, rules, deltas } of unread) {
    const other = states.get(id);
    if (!other || firstBroken(rules, (path) => valueAt(domain, other, path))) return undefined;
    const moved = new Map(Object.entries(other.balances));
    for (const [key, delta] of Object.entries(deltas)) moved.set(key, (moved.get(key) ?? 0) + delta);
    states.set(id, { ...other, balances: Object.fromEntries(moved) });
  }
  const accounts = new Map(world.balances);
  for (const { account, delta, rules } of balances) {
    const balance = accounts.get(account) ?? 0;
    if (firstBroken(rules, () => balance)) return undefined;
    accounts.set(account, balance + delta);
  }
  return { entities: states, balances: accounts };
}
