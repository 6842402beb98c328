/**
 * The refusals a command is known to give, as its definition lists them. Only which accounts of others a transfer
 * touches is not data: that is asked where the command's example is accepted.
 */
import { refusalsOfPeople } from '../core/authorize.ts';
import { contextOf } from '../core/context.ts';
import { creationsOf } from '../core/creations.ts';
import type { Domain } from '../core/definition.ts';
import type { Attributes } from '../core/entity.ts';
import { balanceRules, openRules, resolve } from '../core/movements.ts';
import type { ResolvedMovement } from '../core/movements.ts';
import { collectionOf } from '../core/others.ts';
import type { AnyLink } from '../core/domain.ts';
import type { Registry } from '../core/registry.ts';
import { roleMissing } from '../core/rejections.ts';
import type { RejectionKind } from '../core/rejections.ts';
import { ruleHeads } from '../core/rules.ts';
import { commandOf, emptyWorld } from './example-world.ts';
import type { Example } from './example-order.ts';

export interface KnownRefusal {
  readonly code: string;
  readonly kind: RejectionKind;
  readonly detail: string;
}

/** In the order in which a caller would hear of them; a code stands once for each thing it may say. */
export function knownRefusals(registry: Registry, example: Example): readonly KnownRefusal[] {
  const { domain, name } = example;
  const transition = domain.transitions[name];
  const command = transition ?? domain.create;
  const { role, authorize, rules, references = {}, reads = {}, links = {} } = command;
  const named = [...Object.values(reads), ...Object.values(references)];
  const made = Object.values(command.creates ?? {}).map((creation) =>
    registry.byCollection(collectionOf(domain, creation)),
  );
  const found = [
    ...(role === undefined ? [] : [roleMissing(role)]),
    ...refusalsOfPeople(authorize),
    ...(transition ? [notAllowed] : []),
    ...(named.length > 0 ? [unknownReference] : []),
    ...ruleHeads(rules),
    ...named.flatMap((other) => ruleHeads(other.rules)),
    ...Object.values(links).flatMap((link) => refusalsOfLink(registry, domain, link)),
    ...made.flatMap(refusalsOfCreation),
    ...refusalsOfTransfers(registry, example),
    ...creationsIn(example).flatMap((creation) => refusalsOfTransfers(registry, creation)),
    ...(mayTake(domain, name) ? taken(domain) : []),
    ...made.flatMap(taken),
  ].map(({ code, kind, detail }): KnownRefusal => ({ code, kind, detail }));
  return found.filter(
    ({ code, detail }, index) =>
      found.findIndex((other) => other.code === code && other.detail === detail) === index,
  );
}

const notAllowed: KnownRefusal = {
  code: 'transition_not_allowed',
  kind: 'conflict',
  detail: 'The transition is not allowed in the entity’s status.',
};
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
function mayTake({ unique = [], transitions }: Domain, name: string): boolean {
  const transition = transitions[name];
  if (!transition) return true;
  return unique.some(
    ({ while: held }) =>
      transition.to.some((state) => held.includes(state)) &&
      (transition.set !== undefined || !transition.from.every((state) => held.includes(state))),
  );
}

/** A definition may give one code for all that stands in the way of a linked transition; else each gives its own. */
function refusalsOfLink(registry: Registry, domain: Domain, link: AnyLink): readonly KnownRefusal[] {
  if (link.refused) return [{ code: link.refused.code, kind: 'conflict', detail: link.refused.otherwise }];
  const linked = registry.byCollection(collectionOf(domain, link)).transitions[link.transition];
  return [unknownReference, ...ruleHeads(link.rules), notAllowed, ...ruleHeads(linked?.rules)];
}

/** What is created is refused what its own creation is, but for its role. */
const refusalsOfCreation = ({ create: { rules, references, reads } }: Domain): readonly KnownRefusal[] => [
  ...ruleHeads(rules),
  ...Object.values({ ...reads, ...references }).flatMap((other) => [
    unknownReference,
    ...ruleHeads(other.rules),
  ]),
];

/** What the example creates, where it is accepted. */
function creationsIn(example: Example): readonly Example[] {
  const { domain, id, name, world, after } = example;
  const { creates } = domain.transitions[name] ?? domain.create;
  if (!creates || !world) return [];
  const command = commandOf(example, world);
  const context = contextOf(command, world.entities.get(id), world.entities);
  return creationsOf(command, creates, context).map(({ command: made }) => ({
    ...{ domain: made.domain, name: made.name, id: made.id, body: made.input, after, world },
  }));
}

/** What the accounts that the example's transfers touch refuse: by their states, their floors and their limit. */
function refusalsOfTransfers(registry: Registry, example: Example): readonly KnownRefusal[] {
  const { domain, id, name, world = emptyWorld } = example;
  const { transfers } = domain.transitions[name] ?? domain.create;
  const entity = world.entities.get(id);
  const isCreate = name === 'create';
  if (!transfers || !(isCreate || entity)) return [];
  const context = contextOf(commandOf(example, world), entity, world.entities);
  const set = isCreate ? (domain.create.set(context) as Attributes) : {};
  const self = { collection: domain.collection, id, attributes: { ...entity?.attributes, ...set } };
  const movements = resolve(registry, self, transfers(context));
  // A new entity's own accounts start at zero and are filled by its own definition.
  const isOwn = ({ target }: ResolvedMovement): boolean => 'id' in target && target.id === id;
  return movements
    .filter((movement) => !(isCreate && isOwn(movement)))
    .flatMap(({ target, amount }) => [
      ...('open' in target ? openRules(target.open) : []),
      ...balanceRules('balance', amount, target.floor, 'items' in target ? target.items : 1),
    ]);
}
