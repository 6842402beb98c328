/** The entities that an example needs, each under its example id. */
import type { Domain } from '../core/definition.ts';
import { exampleBody, partsOfStep } from '../core/examples.ts';
import type { ExampleBody } from '../core/examples.ts';
import type { Registry } from '../core/registry.ts';
import { exampleIds, idsIn } from './example-body.ts';
import type { ExampleCommand } from './example-world.ts';

type ById = ReadonlyMap<string, Domain>;

/** Each by its example id, in the order in which they are created. */
export interface Cast {
  /** Its own entity, those it names, and those they name in turn. */
  readonly named: ById;
  /** Several of one kind whose creation posts to a named one; they do nothing else. */
  readonly feeders: ById;
}

export function bodyOf({ create, transitions }: Domain, name: string): ExampleBody | undefined {
  const schema = name === 'create' ? create.input : transitions[name]?.input;
  return schema && exampleBody(schema);
}

/** What its definition says goes before a command. */
export const stepsOf = ({ create, transitions }: Domain, name: string): readonly string[] =>
  (name === 'create' ? create : transitions[name])?.example?.after ?? [];

/** Domains whose creations name an entity of a collection and may post to it. */
export const feedersOf = (registry: Registry, collection: string): readonly Domain[] =>
  registry.domains.filter(
    ({ collection: own, create }) =>
      own !== collection &&
      create.transfers !== undefined &&
      idsIn(exampleBody(create.input)).some((id) => registry.ofId(id)?.collection === collection),
  );

/** The smallest cast first, and then those to which others post. */
export function castsOf(registry: Registry, { domain, name, id, body }: ExampleCommand): readonly Cast[] {
  const named = new Map<string, Domain>();
  const add = (entity: string, of: Domain | undefined): void => {
    if (!of || named.has(entity)) return;
    for (const other of idsIn(bodyOf(of, 'create'))) add(other, registry.ofId(other));
    named.set(entity, of);
  };
  for (const other of idsIn(body)) add(other, registry.ofId(other));
  add(id, domain);
  const steps = stepsOf(domain, name);
  for (const step of new Set(steps)) {
    const of = registry.byCollection(partsOfStep(domain, step)[0]);
    const isNamed = [...named.values()].includes(of);
    const times = steps.filter((each) => each === step).length;
    for (const other of isNamed ? [] : exampleIds(of).slice(0, times)) add(other, of);
  }
  const feeders = new Set([...named.values()].flatMap(({ collection }) => feedersOf(registry, collection)));
  return [
    { named, feeders: new Map() },
    ...[...feeders].map((feeder) => ({
      named,
      feeders: new Map(exampleIds(feeder).map((each) => [each, feeder])),
    })),
  ];
}
