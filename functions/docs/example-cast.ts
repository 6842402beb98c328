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

/** Other domains whose creations name an entity of a collection, and of which something else is true. */
const naming = (
  registry: Registry,
  collection: string,
  isMeant: (domain: Domain) => boolean,
): readonly Domain[] =>
  registry.domains.filter(
    (domain) =>
      domain.collection !== collection &&
      isMeant(domain) &&
      idsIn(exampleBody(domain.create.input)).some((id) => registry.ofId(id)?.collection === collection),
  );

/** Those that may post to it when they are created. */
export const feedersOf = (registry: Registry, collection: string): readonly Domain[] =>
  naming(registry, collection, ({ create }) => create.transfers !== undefined);

/** Those that may post to it once they are moved on. */
const movedPostersOf = (registry: Registry, collection: string): readonly Domain[] =>
  naming(registry, collection, ({ transitions }) =>
    Object.values(transitions).some(({ transfers }) => transfers !== undefined),
  );

/** These, each after those that its creation names. */
function withNamed(registry: Registry, entities: Iterable<readonly [string, Domain | undefined]>): ById {
  const named = new Map<string, Domain>();
  const add = (entity: string, of: Domain | undefined): void => {
    if (!of || named.has(entity)) return;
    for (const other of idsIn(bodyOf(of, 'create'))) add(other, registry.ofId(other));
    named.set(entity, of);
  };
  for (const [entity, of] of entities) add(entity, of);
  return named;
}

/** Of others that neither it nor its entity names, those that take a step before it: as many as take one step. */
function stepping(
  registry: Registry,
  { domain, name }: ExampleCommand,
  named: ById,
): readonly [string, Domain][] {
  const steps = stepsOf(domain, name);
  return [...new Set(steps)].flatMap((step) => {
    const of = registry.byCollection(partsOfStep(domain, step)[0]);
    const times = steps.filter((each) => each === step).length;
    const ids = [...named.values()].includes(of) ? [] : exampleIds(of).slice(0, times);
    return ids.map((id): [string, Domain] => [id, of]);
  });
}

/** The smallest cast first, then those to which creations of others post, and then those to which others do later on. */
export function castsOf(registry: Registry, example: ExampleCommand): readonly Cast[] {
  const { domain, id, body } = example;
  const own = withNamed(registry, [
    ...idsIn(body).map((other) => [other, registry.ofId(other)] as const),
    [id, domain],
  ]);
  const named = withNamed(registry, [...own, ...stepping(registry, example, own)]);
  const collections = [...named.values()].map(({ collection }) => collection);
  const feeders = new Set(collections.flatMap((collection) => feedersOf(registry, collection)));
  const posters = new Set(collections.flatMap((collection) => movedPostersOf(registry, collection)));
  const severalOf = (of: Domain): readonly [string, Domain][] => exampleIds(of).map((each) => [each, of]);
  return [
    { named, feeders: new Map() },
    ...[...feeders].map((feeder) => ({ named, feeders: new Map(severalOf(feeder)) })),
    ...[...posters].map((poster) => ({
      named: withNamed(registry, [...named, ...severalOf(poster)]),
      feeders: new Map(),
    })),
  ];
}
