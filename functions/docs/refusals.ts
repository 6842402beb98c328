/**
 * The refusals a command is known to give. A definition's rules are functions of a situation, so they are asked in
 * the one situation that is known to make sense: the world in which the command's example is accepted.
 */
import { authorizationRules } from '../core/authorize.ts';
import type { Domain, Move } from '../core/definition.ts';
import type { EntityState } from '../core/entity.ts';
import { balanceRules, resolve } from '../core/movements.ts';
import type { Movement } from '../core/postings.ts';
import type { Registry } from '../core/registry.ts';
import { roleMissing } from '../core/rejections.ts';
import type { RejectionKind } from '../core/rejections.ts';
import type { Rule } from '../core/rules.ts';
import { contextOf, emptyWorld } from './example-world.ts';
import type { ExampleCommand, World } from './example-world.ts';
import type { Example } from './example-order.ts';

export interface KnownRefusal {
  readonly code: string;
  readonly kind: RejectionKind;
  readonly detail: string;
}

/** In the order in which a caller would hear of them; a code stands once for each thing it may say. */
export function knownRefusals(registry: Registry, example: Example): readonly KnownRefusal[] {
  const { domain, name, world } = example;
  const all =
    name === 'create'
      ? [...wantsRole(domain.create), ...refusalsOfCreate(registry, example)]
      : [
          ...wantsRole(domain.transitions[name]),
          notAllowed,
          ...(world ? refusalsOfTransition(registry, example, world) : []),
        ];
  const found = [...all, ...(mayClaim(domain, name) ? taken(domain) : [])];
  const isSame = (one: KnownRefusal, other: KnownRefusal): boolean =>
    one.code === other.code && one.detail === other.detail;
  return found.filter((refusal, index) => found.findIndex((other) => isSame(refusal, other)) === index);
}

const notAllowed: KnownRefusal = {
  code: 'transition_not_allowed',
  kind: 'conflict',
  detail: 'The transition is not allowed in the entity’s status.',
};
const wantsRole = ({ role }: { readonly role?: string } = {}): readonly KnownRefusal[] =>
  role === undefined ? [] : [roleMissing(role)];

const unknownReference: KnownRefusal = {
  code: 'unprocessable',
  kind: 'unprocessable',
  detail: 'The request names an entity that does not exist.',
};

const taken = ({ unique = [] }: Domain): readonly KnownRefusal[] =>
  unique.length === 0
    ? []
    : [
        {
          code: 'already_exists',
          kind: 'conflict',
          detail: `A unique value is taken: ${unique.map(({ name }) => name).join(', ')}.`,
        },
      ];

/** Whether a command may lead into a state that holds a unique value, from one that does not, or change the value. */
function mayClaim({ unique = [], transitions }: Domain, name: string): boolean {
  const transition = transitions[name];
  if (!transition) return true;
  return unique.some(
    ({ while: held }) =>
      transition.to.some((state) => held.includes(state)) &&
      (transition.set !== undefined || !transition.from.every((state) => held.includes(state))),
  );
}

function refusalsOfCreate(registry: Registry, example: Example): readonly KnownRefusal[] {
  const { domain, id } = example;
  const situation = contextOf(example);
  const required = domain.create.requires?.(situation) ?? [];
  const movements = domain.create.postings?.(situation) ?? [];
  return [
    ...(domain.create.rules?.(situation) ?? []),
    ...(required.length > 0 ? [unknownReference] : []),
    ...required.flatMap(({ rules }) => rules),
    // A new entity's own accounts start at zero and are filled by its own definition.
    ...refusalsOfPostings(registry, domain, id, movements, false),
  ].map(refusalOf);
}

function refusalsOfTransition(
  registry: Registry,
  example: ExampleCommand,
  { entities }: World,
): readonly KnownRefusal[] {
  const { domain, name, id } = example;
  const transition = domain.transitions[name];
  const entity = entities.get(id);
  if (!transition || !entity) return [];
  const { input, actor, roles, now } = contextOf(example);
  const before = { ...entity.attributes, ...entity.balances, status: entity.status };
  const moves = transition.moves?.({ id, input, actor, roles, now, entity: before }) ?? [];
  const others = moves.flatMap(({ id: other }) => entities.get(other) ?? []);
  const situation = { id, input, actor, roles, now, entity: before, others };
  return [
    ...authorizationRules(transition.authorize, actor),
    ...(transition.rules?.(situation) ?? []),
    ...refusalsOfMoves(registry, transition.moveRefused, moves, entities),
    ...refusalsOfPostings(registry, domain, id, transition.postings?.(situation) ?? [], true),
  ].map(refusalOf);
}

/** A definition may give one code for all that can go wrong with the entities it moves; else each gives its own. */
function refusalsOfMoves(
  registry: Registry,
  refused: { readonly code: string; readonly detail: string } | undefined,
  moves: readonly Move[],
  entities: ReadonlyMap<string, EntityState>,
): readonly KnownRefusal[] {
  if (refused) return [{ ...refused, kind: 'conflict' }];
  return moves.flatMap(({ collection, id, transition: name, input }) => [
    unknownReference,
    notAllowed,
    ...refusalsOfTransition(
      registry,
      { domain: registry.byCollection(collection), name, id, body: input },
      { ...emptyWorld, entities },
    ),
  ]);
}

function refusalsOfPostings(
  registry: Registry,
  { collection }: Domain,
  id: string,
  movements: readonly Movement[],
  includesOwn: boolean,
): readonly Rule[] {
  return resolve(registry, { collection, id }, movements)
    .filter(({ target }) => includesOwn || !('id' in target && target.id === id))
    .flatMap(({ target, amount }) => balanceRules('balance', amount, target.floor));
}

const refusalOf = ({ code, kind, detail }: KnownRefusal): KnownRefusal => ({ code, kind, detail });
