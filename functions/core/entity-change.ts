/** What one command does to one entity: its next state, its ledger entry, and what must hold when it commits. */
import { isDeepStrictEqual } from 'node:util';
import type { Command } from './command.ts';
import { unitsOf } from './account-units.ts';
import { dueAfter, dueBy } from './deadlines.ts';
import type { Domain } from './domain.ts';
import type { Attributes, Due, EntityState } from './entity.ts';
import { secretFields } from './fields.ts';
import { caused, genesisHash, sealed } from './ledger.ts';
import type { Effects, LedgerEntry } from './ledger.ts';
import type { MessageDraft } from './messages.ts';
import { asPosting, balanceRules, ownOpenRules, resolve, unitRules } from './movements.ts';
import type { OwnedTarget, ResolvedMovement } from './movements.ts';
import { assertBalanced, net } from './postings.ts';
import type { Movement } from './postings.ts';
import { versionOf } from './registry.ts';
import type { Registry } from './registry.ts';
import type { Rule } from './rules.ts';
import { onStored, upgradeCommand, upgradeSet } from './upgrade.ts';
import { changedHolds, holdsAfter, holdsAnew, holdsOf, reservationsBeyond } from './unique-holds.ts';
import type { Holds, UniqueReservation } from './unique-holds.ts';

export interface EntityChange {
  readonly domain: Domain;
  /** Absent for a new entity. */
  readonly before?: EntityState;
  readonly after: EntityState;
  /** The attributes that were set; `undefined` where one was taken away. */
  readonly set: Attributes;
  readonly entry: LedgerEntry;
  /** Tests on the entity as it was; on a new one, on balances of 0. */
  readonly rules: readonly Rule[];
  /** Changes of its own accounts, by key. */
  readonly deltas: Readonly<Record<string, number>>;
  /** Movements on accounts that are not its own. */
  readonly foreign: readonly ResolvedMovement[];
  readonly taken: readonly UniqueReservation[];
  readonly released: readonly UniqueReservation[];
}

interface Step {
  readonly before?: EntityState;
  readonly to: string;
  readonly attributes: Attributes;
  readonly movements: readonly Movement[];
  readonly rules: readonly Rule[];
  readonly messages: readonly MessageDraft[];
}

/** The attributes after a command, without what it takes away. */
export const attributesAfter = (before: EntityState | undefined, set: Attributes): Attributes =>
  Object.fromEntries(
    Object.entries({ ...before?.attributes, ...set }).filter(([, value]) => value !== undefined),
  );

export function entityChange(registry: Registry, command: Command, step: Step): EntityChange {
  const { domain, id, tenant } = command;
  const { before: entity, to } = step;
  const { older, ...today } = entity ?? {};
  // As it is stored; what an upgrade changes is written with this command.
  const before = entity && ({ ...today, ...older } as EntityState);
  const newer = older && entity ? upgradeSet(older.attributes, entity.attributes) : {};
  const set = unfixed(domain, before, { ...newer, ...step.attributes });
  const isMoved = before?.status !== entity?.status;
  const attributes = attributesAfter(before, set);
  const { collection } = domain;
  const resolved = resolve(registry, { collection, id, attributes }, step.movements);
  const isOwn = (
    movement: ResolvedMovement,
  ): movement is ResolvedMovement & { readonly target: OwnedTarget } =>
    'key' in movement.target && movement.target.id === id;
  const own = net(resolved.filter(isOwn), ({ key }) => key);
  const floors = own.flatMap(({ target, amount }) =>
    balanceRules(target.key, amount, target.floor, target.items),
  );
  const opens = own.flatMap(({ target }) => ownOpenRules(target.open, [entity?.status, to]));
  const units = own.flatMap(({ target }) => unitRules(before?.units[target.key], target.unit));

  // A clock that runs behind the one that wrote the last entry must not turn history around.
  const at = new Date(Math.max(command.now, before ? Date.parse(before.updatedAt) : 0)).toISOString();
  const heldBefore = before ? holdsOf(domain, before) : {};
  const isUpgrade = command.name === upgradeCommand;
  const state = { status: to, attributes };
  const held = isUpgrade ? holdsAnew(domain, heldBefore, state) : holdsAfter(domain, entity, state);
  const due = (isUpgrade ? dueBy(domain, state) : undefined) ?? dueAfter(domain, command, entity, state);
  const definition = versionOf(domain);
  const effects = effectsOf(
    { before: heldBefore, after: held },
    { before: before?.due, after: due },
    isMoved ? entity?.status : undefined,
    step,
  );
  const entry = sealed(tenant, id, {
    seq: (before?.version ?? 0) + 1,
    command: command.name,
    from: before?.status ?? null,
    to,
    actor: command.actor,
    at,
    ...recorded(command, set, before),
    postings: resolved.map(asPosting),
    definition,
    ...(Object.keys(effects).length > 0 && { effects }),
    previousHash: before?.headHash ?? genesisHash,
  });
  assertBalanced(entry.postings);
  // What never changes needs no condition, and is not in the entity's item.
  const changing = step.rules.filter(
    ({ test }) => !('path' in test && before?.fixed?.includes(test.path) === true),
  );
  const deltas = Object.fromEntries(own.map(({ target, amount }) => [target.key, amount]));
  const fixed = before ? (before.fixed ?? []) : fixedIn(domain, attributes);
  const after: EntityState = {
    id,
    collection,
    status: to,
    version: entry.seq,
    createdAt: before?.createdAt ?? at,
    updatedAt: at,
    attributes,
    ...(fixed.length > 0 && { fixed }),
    balances: balancesAfter(domain, before, deltas),
    ...(before?.spread && { spread: before.spread }),
    // An account is kept in the unit in which it was begun.
    units: { ...unitsOf(domain, attributes), ...before?.units },
    definition: Math.max(definition, before?.definition ?? 0),
    held,
    ...(due && { due }),
    headHash: entry.hash,
    ...(before?.lock && { lock: before.lock }),
  };
  return {
    domain,
    ...(before && { before }),
    after,
    set,
    entry,
    rules: [...onStored(changing, newer, isMoved), ...opens, ...units, ...floors],
    deltas,
    foreign: resolved.filter((movement) => !isOwn(movement)),
    taken: reservationsBeyond(id, held, heldBefore),
    released: reservationsBeyond(id, heldBefore, held),
  };
}

/**
 * What is set, without fixed attributes that are set as they are.
 * @throws (a defect of the definition) where one is set to something else
 */
function unfixed(domain: Domain, before: EntityState | undefined, set: Attributes): Attributes {
  if (!before) return set;
  const fixed = new Set([...(domain.fixed ?? []), ...(before.fixed ?? [])]);
  const changed = Object.keys(set).find(
    (name) => fixed.has(name) && !isDeepStrictEqual(set[name], before.attributes[name]),
  );
  if (changed !== undefined) throw new Error(`it changes "${changed}", which is fixed`);
  return Object.fromEntries(Object.entries(set).filter(([name]) => !fixed.has(name)));
}

/** The attributes of a new entity that lie in an item of their own. */
const fixedIn = ({ fixed = [] }: Domain, attributes: Attributes): readonly string[] =>
  fixed.filter((name) => attributes[name] !== undefined);

interface Before<T> {
  readonly before: T;
  readonly after: T;
}

/** What goes into the ledger besides attributes and postings; nothing that did not change. */
function effectsOf(
  held: Before<Holds>,
  due: Before<Due | undefined>,
  upgradedTo: string | undefined,
  { messages }: Pick<Step, 'messages'>,
): Effects {
  const changed = changedHolds(held.before, held.after);
  return {
    ...(upgradedTo !== undefined && { upgradedTo }),
    ...(Object.keys(changed).length > 0 && { held: changed }),
    ...(!isDeepStrictEqual(due.before, due.after) && { due: due.after ?? null }),
    ...(messages.length > 0 && { messages: caused(messages) }),
  };
}

/**
 * The input without its secrets, and what it does not already tell of the attributes; `null` for what is none: an
 * attribute that was taken away, or a field of the first entry's input. No attribute can be null (see `registry.ts`).
 */
function recorded(
  { domain, name, input }: Command,
  set: Attributes,
  before: EntityState | undefined,
): Pick<LedgerEntry, 'data' | 'changes'> {
  const isTransition = before !== undefined;
  const schema = isTransition ? domain.transitions[name]?.input : domain.create.input;
  const secrets = schema ? secretFields(schema) : new Set<string>();
  const data = Object.fromEntries(
    Object.entries(input).filter(([field, value]) => !secrets.has(field) && value !== undefined),
  );
  // Only the first entry is folded from its data; a later one's fields may mean something else than attributes.
  const told = isTransition ? {} : data;
  const had = isTransition ? before.attributes : data;
  const names = new Set([...Object.keys(told), ...Object.keys(set)]);
  const changes = [...names].flatMap((field): [string, unknown][] => {
    const value = set[field];
    if (value === undefined) return had[field] === undefined ? [] : [[field, null]];
    return Object.hasOwn(told, field) && isDeepStrictEqual(told[field], value) ? [] : [[field, value]];
  });
  return { data, changes: Object.fromEntries(changes) };
}

/** Of all accounts of the definition, and of those that only another version of it knows. */
function balancesAfter(
  domain: Domain,
  before: EntityState | undefined,
  deltas: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const keys = new Set([...Object.keys(domain.accounts ?? {}), ...Object.keys(before?.balances ?? {})]);
  return Object.fromEntries([...keys].map((key) => [key, (before?.balances[key] ?? 0) + (deltas[key] ?? 0)]));
}
