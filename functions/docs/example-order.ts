/** Finds, for each command's example, the shortest row of other examples after which it is accepted. */
import type { PlannedMessage } from '../core/decision.ts';
import type { Domain } from '../core/definition.ts';
import type { EntityState } from '../core/entity.ts';
import { exampleActors, exampleNow, saidExample } from '../core/examples.ts';
import { publicTransitions } from '../core/registry.ts';
import type { Registry } from '../core/registry.ts';
import { idsIn, subjectId } from './example-body.ts';
import { bodyOf, castsOf } from './example-cast.ts';
import type { Cast } from './example-cast.ts';
import { commandOf, emptyWorld, nextDeadline, tryOut } from './example-world.ts';
import type { ExampleCommand, World } from './example-world.ts';

export interface Example extends ExampleCommand {
  /** Commands to send before, in this order; `undefined` where no row of examples leads there. */
  readonly after: readonly ExampleCommand[] | undefined;
  /** The world it meets, the entity it leaves behind and the messages it causes; absent where no row leads there. */
  readonly world?: World;
  readonly result?: EntityState;
  readonly messages?: readonly PlannedMessage[];
}

/** Enough for each command of the longest stories, and few enough to be tried out in milliseconds. */
const longestRow = 6;

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
      if (found) return found;
    }
  return { ...wanted, after: undefined };
}

interface Start extends Callers {
  readonly cast: Cast;
  readonly now: number;
}

function rowTo(
  registry: Registry,
  wanted: ExampleCommand,
  { cast, now, subject, others }: Start,
): Example | undefined {
  let rows: { readonly world: World; readonly after: readonly ExampleCommand[] }[] = [
    { world: { ...emptyWorld, now }, after: [] },
  ];
  const seen = new Set<string>();
  for (let length = 0; length <= longestRow; length += 1) {
    for (const { world, after } of rows) {
      const outcome = tryOut(registry, world, saidIn(world, wanted), subject);
      const result = outcome?.world.entities.get(wanted.id);
      if (outcome && result) return { ...outcome.sent, after, world, result, messages: outcome.messages };
    }
    rows = rows.flatMap(({ world, after }) =>
      stepsOn(registry, cast, world, wanted).flatMap((step) => {
        const next = tryOut(registry, world, step, step.id === wanted.id ? subject : others);
        return next && isNew(seen, next.world) ? [{ world: next.world, after: [...after, next.sent] }] : [];
      }),
    );
  }
  return undefined;
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
