/** Finds, for each command's example, the shortest row of other examples after which it is accepted. */
import type { PlannedMessage } from '../core/decision.ts';
import type { Domain } from '../core/definition.ts';
import type { EntityState } from '../core/entity.ts';
import { exampleActors, exampleNow, partsOfStep, saidExample } from '../core/examples.ts';
import { publicTransitions } from '../core/registry.ts';
import type { Registry } from '../core/registry.ts';
import { idsIn, subjectId } from './example-body.ts';
import { bodyOf, castsOf, stepsOf } from './example-cast.ts';
import type { Cast } from './example-cast.ts';
import { commandOf, emptyWorld, nextDeadline, tryOut } from './example-world.ts';
import type { ExampleCommand, Outcome, World } from './example-world.ts';

export interface Example extends ExampleCommand {
  /** Commands to send before, in this order; `undefined` where no row of examples that can be sent leads there. */
  readonly after: readonly ExampleCommand[] | undefined;
  /** The world it meets, the entity it leaves behind and the messages it causes; absent where no row leads there. */
  readonly world?: World;
  readonly result?: EntityState;
  readonly messages?: readonly PlannedMessage[];
}

/** Enough for each command of the longest stories. */
const longestRow = 9;

/** Worlds that a search looks at: few enough to be tried out in milliseconds. */
const worldsMost = 2_000;

/** Who sends what: where one person is refused as the owner of what the example names, that is another's. */
interface Callers {
  readonly subject: readonly string[];
  readonly others: readonly string[];
}
const callers: readonly Callers[] = [
  { subject: exampleActors, others: exampleActors },
  { subject: exampleActors, others: exampleActors.toReversed() },
];

/**
 * The example of a command (`create`, or a public transition's name).
 * @param now when it is sent, where moments have to lie ahead of a real clock; epoch milliseconds
 */
export function exampleOf(registry: Registry, domain: Domain, name: string, now = exampleNow): Example {
  const body = bodyOf(domain, name);
  const wanted: ExampleCommand = { domain, name, id: subjectId(domain, body), body };
  for (const cast of castsOf(registry, wanted))
    for (const each of callers) {
      const found = rowTo(registry, wanted, { cast, now, ...each });
      if (found) return sendable(found);
    }
  return { ...wanted, after: undefined };
}

/** What only another command creates nobody can send, nor what has to come after it. */
function sendable(example: Example): Example {
  const steps = [...(example.after ?? []), example];
  const isSent = steps.every(({ domain, name }) => name !== 'create' || domain.create.internal !== true);
  return isSent ? example : { ...example, after: undefined };
}

interface Start extends Callers {
  readonly cast: Cast;
  readonly now: number;
}

/** A world, and the commands that have led to it. */
interface Reached {
  readonly world: World;
  readonly after: readonly ExampleCommand[];
}

/** The steps that its definition says go before it, one after the other, and then the command itself. */
function rowTo(registry: Registry, wanted: ExampleCommand, start: Start): Example | undefined {
  let reached: Reached = { world: { ...emptyWorld, now: start.now }, after: [] };
  for (const step of stepsBefore(registry, wanted, start.cast)) {
    const found = rowFrom(registry, reached, step, wanted, start);
    if (!found) return undefined;
    reached = { world: found.outcome.world, after: [...found.after, found.outcome.sent] };
  }
  const found = rowFrom(registry, reached, wanted, wanted, start);
  const result = found?.outcome.world.entities.get(wanted.id);
  if (!found || !result) return undefined;
  const { outcome, after, world } = found;
  return { ...outcome.sent, after, world, result, messages: outcome.messages };
}

/** @param example what the row is for in the end, of which `wanted` may be a step */
function rowFrom(
  registry: Registry,
  from: Reached,
  wanted: ExampleCommand,
  example: ExampleCommand,
  { cast, subject, others }: Start,
): (Reached & { readonly outcome: Outcome }) | undefined {
  const sendersOf = ({ id }: ExampleCommand): readonly string[] => (id === example.id ? subject : others);
  let rows: readonly Reached[] = [from];
  const seen = new Set<string>();
  for (let length = 0; length <= longestRow && seen.size < worldsMost; length += 1) {
    for (const { world, after } of rows) {
      for (const each of waysOf(registry, cast, world, wanted)) {
        const outcome = tryOut(registry, world, each, sendersOf(each));
        if (outcome) return { world, after, outcome };
      }
    }
    rows = rows.flatMap(({ world, after }) =>
      stepsOn(registry, cast, world, example).flatMap((step) => {
        const next = tryOut(registry, world, step, sendersOf(step));
        return next && isNew(seen, next.world) ? [{ world: next.world, after: [...after, next.sent] }] : [];
      }),
    );
  }
  return undefined;
}

/** How a command may come about: it is sent, or, where nobody can send it, an answer or a deadline brings it about. */
const waysOf = (
  registry: Registry,
  { named }: Cast,
  world: World,
  wanted: ExampleCommand,
): readonly ExampleCommand[] =>
  wanted.domain.transitions[wanted.name]?.internal === true
    ? [...answersIn(named, world), ...nextDeadline(registry, world)].filter(
        ({ id, name }) => id === wanted.id && name === wanted.name,
      )
    : [saidIn(world, wanted)];

/** Where one of a kind has taken a step, the next one takes it when it comes again. */
function stepsBefore(
  registry: Registry,
  { domain, name, id: own }: ExampleCommand,
  { named }: Cast,
): readonly ExampleCommand[] {
  const times = new Map<string, number>();
  return stepsOf(domain, name).map((step) => {
    const [collection, transition] = partsOfStep(domain, step);
    const of = registry.byCollection(collection);
    const ids = [...named].flatMap(([id, each]) => (each === of ? [id] : []));
    const time = times.get(step) ?? 0;
    times.set(step, time + 1);
    const id = of === domain ? own : (ids[time] ?? ids.at(-1) ?? own);
    return { domain: of, name: transition, id, body: bodyOf(of, transition) };
  });
}

/** What could come next: create what is missing, move what is there, an answer, or a deadline. */
function stepsOn(
  registry: Registry,
  { named, feeders }: Cast,
  world: World,
  example: ExampleCommand,
): readonly ExampleCommand[] {
  const { entities } = world;
  const cast = new Map([...named, ...feeders]);
  const missing = [...cast].filter(
    ([id]) => !entities.has(id) && !(example.name === 'create' && id === example.id),
  );
  const asked = [...cast].flatMap(([id, domain]): ExampleCommand[] => {
    // Of several of a kind, one after the other.
    const isNext = missing.find(([, other]) => other === domain)?.[0] === id;
    const isThere = named.has(id) && entities.has(id);
    const names = isNext ? ['create'] : isThere ? publicTransitions(domain) : [];
    return names.map((name) => ({ domain, name, id, body: bodyOf(domain, name) }));
  });
  return [
    ...asked
      .map((step) => saidIn(world, step))
      .filter(({ name, body }) => name === 'create' || idsIn(body).length === 0),
    ...answersIn(named, world),
    ...nextDeadline(registry, world),
  ];
}

/** What receivers could say next. */
const answersIn = (named: Cast['named'], { unanswered }: World): readonly ExampleCommand[] =>
  unanswered.flatMap((message) => {
    const { entity: id, done, refused } = message;
    const domain = named.get(id);
    return [done, refused].flatMap((name) =>
      domain === undefined || name === undefined
        ? []
        : [{ domain, name, id, body: bodyOf(domain, name), answers: message }],
    );
  });

/** An example with what its definition says of it in such a world. */
function saidIn(world: World, example: ExampleCommand): ExampleCommand {
  const { entities } = world;
  const { domain, name, id, body } = example;
  const entity = entities.get(id);
  const transition = domain.transitions[name];
  if (transition && !(entity && transition.from.includes(entity.status))) return example;
  const said = saidExample(commandOf(example, world), entity, entities);
  if (!said) return example;
  const { input, ...who } = said;
  return { ...example, ...who, body: body && { ...body, ...input } };
}

function isNew(seen: Set<string>, { now, entities, balances, unanswered }: World): boolean {
  const states = [...entities.values()].map(({ id, status, attributes, balances: owned }) => [
    id,
    status,
    attributes,
    owned,
  ]);
  const key = JSON.stringify([now, states, [...balances], unanswered.length]);
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}
