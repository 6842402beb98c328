/** Where the movements of a command land: on its entities, on other entities without a read, or on named accounts. */
import { unitAttribute, unitOf } from './account-units.ts';
import type { AccountDefinition, Domain } from './domain.ts';
import { isLocked, valueAt } from './entity.ts';
import type { EntityState } from './entity.ts';
import { net, ownedAccountName } from './postings.ts';
import type { Floor, Movement, Open, Posting } from './postings.ts';
import type { Registry } from './registry.ts';
import { upgraded } from './upgrade.ts';
import * as rejections from './rejections.ts';
import type { Rejection } from './rejections.ts';
import { atLeast, atMost, conflict, firstBroken, is, isIn } from './rules.ts';
import type { Rule } from './rules.ts';
import { itemBalanceMax, spreadFault } from './spread-accounts.ts';

export interface OwnedTarget {
  readonly collection: string;
  readonly id: string;
  readonly key: string;
  readonly unit: string;
  readonly floor: Floor | undefined;
  readonly open: Open | undefined;
  /** The attribute that says the unit. */
  readonly unitFrom: string | undefined;
  /** Over how many items it may be spread; 1 where it may not. */
  readonly items: number;
}
export interface NamedTarget {
  readonly name: string;
  readonly unit: string;
  readonly floor: Floor | undefined;
  /** Over how many items it is spread; 1 where it is not. */
  readonly items: number;
}

export interface ResolvedMovement {
  readonly target: OwnedTarget | NamedTarget;
  readonly amount: number;
}

/** Another entity: what must hold of it, and its accounts, which change without a read. Its version stays. */
export interface UnreadChange {
  readonly domain: Domain;
  readonly id: string;
  readonly rules: readonly Rule[];
  readonly deltas: Readonly<Record<string, number>>;
  /** In what each account that it changes is kept. */
  readonly units: Readonly<Record<string, string>>;
  /** Where it was read all the same: it must still have this version. */
  readonly version?: number;
}

export interface BalanceChange {
  readonly account: string;
  readonly unit: string;
  readonly delta: number;
  /** Over how many items it is spread; 1 where it is not. */
  readonly items: number;
  /** Tests on the path `balance`; a new account counts as 0. */
  readonly rules: readonly Rule[];
}

/** Finds unit and floor of each movement's account. */
export function resolve(
  registry: Registry,
  self: Pick<EntityState, 'collection' | 'id' | 'attributes'>,
  movements: readonly Movement[],
): readonly ResolvedMovement[] {
  return movements.map(({ account, amount }) => {
    if ('name' in account) {
      const { name, unit, floor } = account;
      const items = registry.spreadOf(name);
      const fault = items > 1 ? spreadFault(account) : undefined;
      if (fault !== undefined) throw new Error(fault);
      return { target: { name, unit, floor, items }, amount };
    }
    const { collection, id } = 'own' in account ? self : account.owner;
    const key = 'own' in account ? account.own : account.key;
    const definition = accountDefinition(registry, collection, key);
    const { floor, open, spread: items = 1 } = definition;
    const unitFrom = unitAttribute(definition);
    const said = 'own' in account ? unitOf(definition, self.attributes) : account.unit;
    const fixed = typeof definition.unit === 'string' ? definition.unit : undefined;
    const unit = said ?? fixed;
    if (unit === undefined)
      throw new Error(`"${key}" of ${collection} is kept in what "${unitFrom ?? ''}" says; name the unit`);
    if (fixed !== undefined && unit !== fixed)
      throw new Error(`"${key}" of ${collection} is kept in ${fixed}, not in ${unit}`);
    return { target: { collection, id, key, unit, floor, open, unitFrom, items }, amount };
  });
}

function accountDefinition(registry: Registry, collection: string, key: string): AccountDefinition {
  const definition = registry.byCollection(collection).accounts?.[key];
  if (!definition) throw new Error(`${collection} have no account "${key}"`);
  return definition;
}

export const nameOf = (target: OwnedTarget | NamedTarget): string =>
  'name' in target ? target.name : ownedAccountName(target.id, target.key);

export const asPosting = ({ target, amount }: ResolvedMovement): Posting => ({
  account: nameOf(target),
  unit: target.unit,
  amount,
});

/**
 * What must hold of a balance so that a change neither breaks its floor nor leaves the exact integers.
 * @param items over which it is spread: what must hold of the one that is added to
 */
export function balanceRules(
  path: string,
  delta: number,
  floor: Floor | undefined,
  items = 1,
): readonly Rule[] {
  const most = itemBalanceMax(items);
  if (delta > 0) {
    return [
      conflict('balance_limit_exceeded', atMost(path, most - delta), 'The balance would grow too large.'),
    ];
  }
  return floor
    ? [conflict(floor.code, atLeast(path, floor.minimum - delta), floor.otherwise)]
    : [conflict('balance_limit_exceeded', atLeast(path, -most - delta), 'The balance would grow too large.')];
}

/** The same, where an attribute of the entity says the unit. */
const unitFromRules = (attribute: string | undefined, unit: string): readonly Rule[] =>
  attribute === undefined
    ? []
    : [conflict('unit_differs', is(attribute, unit), `The account is not kept in ${unit}.`)];

/** An account takes postings in the states of its entity that its definition names. */
export const openRules = (open: Open | undefined): readonly Rule[] =>
  open ? [conflict(open.code, isIn('status', open.while), open.otherwise)] : [];

/**
 * The same of the command's own entity, which may lead into such a state or out of it.
 * @param states before and after
 */
export const ownOpenRules = (
  open: Open | undefined,
  states: readonly (string | undefined)[],
): readonly Rule[] =>
  open && !open.while.some((state) => states.includes(state))
    ? [conflict(open.code, { op: 'fact', holds: false }, open.otherwise)]
    : [];

/** An account is kept in the unit in which it was begun, whatever a later definition says. */
export const unitRules = (kept: string | undefined, unit: string): readonly Rule[] =>
  kept === undefined || kept === unit
    ? []
    : [conflict('unit_differs', { op: 'fact', holds: false }, `The account is kept in ${kept}.`)];

/**
 * What stands in the way of changing another entity, given what it is.
 * @param now epoch milliseconds
 */
export function unreadRejection(
  { domain, id, rules, deltas, units }: UnreadChange,
  other: EntityState | undefined,
  now: number,
): Rejection | undefined {
  if (other?.collection !== domain.collection) return rejections.unknownReference(domain.collection, id);
  const isChanged = Object.keys(deltas).length > 0;
  if (isChanged && isLocked(other, now)) return rejections.otherLocked(domain.collection, id);
  const unit = Object.entries(units).flatMap(([key, each]) => unitRules(other.units[key], each));
  // As its upgrade has it, and as it is stored, which is what the database looks at.
  const broken = [upgraded(domain, other), other]
    .map((state) => firstBroken([...unit, ...rules], (path) => valueAt(domain, state, path)))
    .find((rule) => rule !== undefined);
  return broken && rejections.rejectedBy(broken);
}

/** What must hold of another entity. */
export interface Check {
  readonly collection: string;
  readonly id: string;
  readonly rules: readonly Rule[];
  /** Where it was read and is held to that. */
  readonly version?: number;
}

/** What `assign` looks at of an entity's change. */
interface Moving {
  readonly after: Pick<EntityState, 'id'>;
  /** Movements on accounts that are not its own. */
  readonly foreign: readonly ResolvedMovement[];
}

interface Assigned {
  readonly unread: readonly UnreadChange[];
  readonly balances: readonly BalanceChange[];
}

/** Nets all movements of a transaction and gives each account to the one write that will carry it. */
export function assign(registry: Registry, changes: readonly Moving[], checks: readonly Check[]): Assigned {
  const foreign = net(
    changes.flatMap((change) => change.foreign),
    nameOf,
  );
  const balances: BalanceChange[] = [];
  const touched = new Map<string, UnreadChange>();
  for (const { collection, id, rules, version } of checks) {
    // What is taken along is written under its version, which holds it to what was read.
    if (changes.some(({ after }) => after.id === id)) continue;
    const before = touched.get(id);
    touched.set(id, {
      ...before,
      domain: registry.byCollection(collection),
      id,
      rules: [...(before?.rules ?? []), ...rules],
      deltas: {},
      units: {},
      ...(version !== undefined && { version }),
    });
  }
  for (const { target, amount } of foreign) {
    if ('name' in target) {
      const { name: account, unit, floor, items } = target;
      const rules = balanceRules('balance', amount, floor, items);
      balances.push({ account, unit, delta: amount, items, rules });
      continue;
    }
    if (changes.some(({ after }) => after.id === target.id)) {
      throw new Error(
        `${nameOf(target)} belongs to an entity that the same transaction changes or creates: only that one's own command moves it; let the money go over a named account`,
      );
    }
    const { collection, id, key, unit, floor, open, unitFrom, items } = target;
    const first = [...openRules(open), ...unitFromRules(unitFrom, unit)];
    const before = touched.get(id);
    touched.set(id, {
      ...before,
      domain: registry.byCollection(collection),
      id,
      rules: [...(before?.rules ?? []), ...first, ...balanceRules(key, amount, floor, items)],
      deltas: { ...before?.deltas, [key]: amount },
      units: { ...before?.units, [key]: unit },
    });
  }
  return { unread: [...touched.values()], balances };
}
