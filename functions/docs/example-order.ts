/** Finds, for each command's example, the shortest row of other examples after which it is accepted. */
import type { PlannedMessage } from '../core/decision.ts';
import type { Domain } from '../core/definition.ts';
import type { EntityState } from '../core/entity.ts';
import { exampleActors, exampleBody, saidExample } from '../core/examples.ts';
import type { ExampleBody } from '../core/examples.ts';
import type { Registry } from '../core/registry.ts';
import { idsIn, subjectId } from './example-body.ts';
import { commandOf, emptyWorld, tryOut } from './example-world.ts';
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
export function exampleOf(registry: Registry, domain: Domain, name: string, now?: number): Example {
  const body = bodyOf(domain, name);
  const wanted: ExampleCommand = {
    ...{ domain, name, id: subjectId(domain, body), body },
    ...(now !== undefined && { now }),
  };
  for (const each of callers) {
    const found = rowTo(registry, wanted, each);
    if (found) return found;
  }
  return { ...wanted, after: undefined };
}

function rowTo(
  registry: Registry,
  wanted: ExampleCommand,
  { subject, others }: Callers,
): Example | undefined {
  const cast = castOf(registry, wanted);
  let rows: { readonly world: World; readonly after: readonly ExampleCommand[] }[] = [
    { world: emptyWorld, after: [] },
  ];
  const seen = new Set<string>();
  for (let length = 0; length <= longestRow; length += 1) {
    for (const { world, after } of rows) {
      const outcome = tryOut(registry, world, saidIn(world, wanted), subject);
      const result = outcome?.world.entities.get(wanted.id);
      if (outcome && result) return { ...outcome.sent, after, world, result, messages: outcome.messages };
    }
    rows = rows.flatMap(({ world, after }) =>
      stepsOn(cast, world, wanted).flatMap((step) => {
        const next = tryOut(registry, world, step, step.id === wanted.id ? subject : others);
        return next && isNew(seen, next.world) ? [{ world: next.world, after: [...after, next.sent] }] : [];
      }),
    );
  }
  return undefined;
}

/** The entities an example needs: its own, those it names, and those they name in turn. */
function castOf(registry: Registry, { domain, id, body }: ExampleCommand): ReadonlyMap<string, Domain> {
  const cast = new Map<string, Domain>();
  const add = (entity: string, of: Domain | undefined): void => {
    if (!of || cast.has(entity)) return;
    for (const named of idsIn(bodyOf(of, 'create'))) add(named, registry.ofId(named));
    cast.set(entity, of);
  };
  for (const named of idsIn(body)) add(named, registry.ofId(named));
  add(id, domain);
  return cast;
}

/** What could be sent next: create what is missing, or move what is there. */
function stepsOn(
  cast: ReadonlyMap<string, Domain>,
  world: World,
  example: ExampleCommand,
): readonly ExampleCommand[] {
  const asked = [...cast].flatMap(([id, domain]): ExampleCommand[] => {
    if (!world.entities.has(id)) {
      const isOwnCreation = example.name === 'create' && id === example.id;
      return isOwnCreation ? [] : [{ domain, name: 'create', id, body: bodyOf(domain, 'create') }];
    }
    return Object.entries(domain.transitions)
      .filter(([, { internal }]) => internal !== true)
      .map(([name]) => ({ domain, name, id, body: bodyOf(domain, name) }));
  });
  const { now } = example;
  return [
    ...asked
      .map((step) => saidIn(world, { ...step, ...(now !== undefined && { now }) }))
      .filter(({ name, body }) => name === 'create' || idsIn(body).length === 0),
    ...answersIn(cast, world),
  ];
}

/** What receivers could say next. */
const answersIn = (cast: ReadonlyMap<string, Domain>, { unanswered }: World): readonly ExampleCommand[] =>
  unanswered.flatMap((message) => {
    const { entity: id, done, refused } = message;
    const domain = cast.get(id);
    return [done, refused].flatMap((name) =>
      domain === undefined || name === undefined
        ? []
        : [{ domain, name, id, body: bodyOf(domain, name), answers: message }],
    );
  });

function bodyOf({ create, transitions }: Domain, name: string): ExampleBody | undefined {
  const schema = name === 'create' ? create.input : transitions[name]?.input;
  return schema && exampleBody(schema);
}

/** An example with what its definition says of it in such a world. */
function saidIn({ entities }: World, example: ExampleCommand): ExampleCommand {
  const { domain, name, id, body } = example;
  const entity = entities.get(id);
  const transition = domain.transitions[name];
  if (transition && !(entity && transition.from.includes(entity.status))) return example;
  const said = saidExample(commandOf(example), entity, entities);
  if (!said) return example;
  const { input, ...who } = said;
  return { ...example, ...who, body: body && { ...body, ...input } };
}

function isNew(seen: Set<string>, { entities, balances, unanswered }: World): boolean {
  const states = [...entities.values()].map(({ id, status, attributes, balances: owned }) => [
    id,
    status,
    attributes,
    owned,
  ]);
  const key = JSON.stringify([states, [...balances], unanswered.length]);
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}
