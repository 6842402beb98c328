/** What one command does to one entity: its next state, its ledger entry, and what must hold when it commits. */
import { isDeepStrictEqual } from 'node:util';
import type { Command } from './command.ts';
import type { Domain, UniqueValue } from './definition.ts';
import type { Attributes, EntityState } from './entity.ts';
import { secretFields } from './fields.ts';
import { genesisHash, sealed } from './ledger.ts';
import type { LedgerEntry } from './ledger.ts';
import { asPosting, balanceRules, resolve } from './movements.ts';
import type { OwnedTarget, ResolvedMovement } from './movements.ts';
import { assertBalanced, net } from './postings.ts';
import type { Movement } from './postings.ts';
import type { Registry } from './registry.ts';
import type { Rule } from './rules.ts';

/** A unique value an entity holds. */
export interface UniqueHold {
  readonly constraint: string;
  readonly values: readonly string[];
  readonly entity: string;
}

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
  readonly taken: readonly UniqueHold[];
  readonly released: readonly UniqueHold[];
  /** When its scheduled transition is due, epoch milliseconds. */
  readonly due?: { readonly at: number; readonly transition: string };
}

interface Step {
  readonly before?: EntityState;
  readonly to: string;
  readonly attributes: Attributes;
  readonly movements: readonly Movement[];
  readonly rules: readonly Rule[];
}

export function entityChange(registry: Registry, command: Command, step: Step): EntityChange {
  const { domain, id, tenant } = command;
  const { before, to, attributes: set } = step;
  const resolved = resolve(registry, { collection: domain.collection, id }, step.movements);
  const isOwn = (
    movement: ResolvedMovement,
  ): movement is ResolvedMovement & { readonly target: OwnedTarget } =>
    'key' in movement.target && movement.target.id === id;
  const own = net(resolved.filter(isOwn), ({ key }) => key);
  const floors = own.flatMap(({ target, amount }) => balanceRules(target.key, amount, target.floor));

  // A clock that runs behind the one that wrote the last entry must not turn history around.
  const at = new Date(Math.max(command.now, before ? Date.parse(before.updatedAt) : 0)).toISOString();
  const attributes = present({ ...before?.attributes, ...set });
  const entry = sealed(tenant, id, {
    seq: (before?.version ?? 0) + 1,
    command: command.name,
    from: before?.status ?? null,
    to,
    actor: command.actor,
    at,
    ...recorded(command, set, before),
    postings: resolved.map(asPosting),
    previousHash: before?.headHash ?? genesisHash,
  });
  assertBalanced(entry.postings);
  const deltas = Object.fromEntries(own.map(({ target, amount }) => [target.key, amount]));
  const after: EntityState = {
    id,
    collection: domain.collection,
    status: to,
    version: entry.seq,
    createdAt: before?.createdAt ?? at,
    updatedAt: at,
    attributes,
    balances: balancesAfter(domain, before, deltas),
    headHash: entry.hash,
    ...(before?.lock && { lock: before.lock }),
  };
  const holdsBefore = before ? holdsOf(domain, before) : [];
  const holdsAfter = holdsOf(domain, after);
  const due = dueOf(domain, after);
  return {
    domain,
    ...(before && { before }),
    after,
    set,
    entry,
    rules: [...step.rules, ...floors],
    deltas,
    foreign: resolved.filter((movement) => !isOwn(movement)),
    taken: without(holdsAfter, holdsBefore),
    released: without(holdsBefore, holdsAfter),
    ...(due && { due }),
  };
}

/** Without what is taken away. */
const present = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));

/**
 * The input without its secrets, and those attributes that it does not already tell; `null` for one that was taken
 * away, which no attribute can be (see `registry.ts`).
 */
function recorded(
  { domain, name, input }: Command,
  set: Attributes,
  before: EntityState | undefined,
): Pick<LedgerEntry, 'data' | 'changes'> {
  const isTransition = before !== undefined;
  const schema = isTransition ? domain.transitions[name]?.input : domain.create.input;
  const secrets = schema ? secretFields(schema) : new Set<string>();
  const data = Object.fromEntries(Object.entries(input).filter(([field]) => !secrets.has(field)));
  // Only the first entry is folded from its data; a later one's fields may mean something else than attributes.
  const told = isTransition ? {} : data;
  const changes = Object.entries(set).flatMap(([field, value]): [string, unknown][] => {
    if (value === undefined) return before?.attributes[field] === undefined ? [] : [[field, null]];
    return Object.hasOwn(told, field) && isDeepStrictEqual(told[field], value) ? [] : [[field, value]];
  });
  return { data, changes: Object.fromEntries(changes) };
}

function balancesAfter(
  domain: Domain,
  before: EntityState | undefined,
  deltas: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const keys = Object.keys(domain.accounts ?? {});
  return Object.fromEntries(keys.map((key) => [key, (before?.balances[key] ?? 0) + (deltas[key] ?? 0)]));
}

/** The unique values an entity holds in its status. */
export function holdsOf(domain: Domain, { id, status, attributes }: EntityState): readonly UniqueHold[] {
  return ((domain.unique ?? []) as readonly UniqueValue<string, unknown>[]).flatMap((unique) => {
    const values = unique.while.includes(status) ? unique.of(attributes) : undefined;
    return values ? [{ constraint: unique.name, values, entity: id }] : [];
  });
}

function without(holds: readonly UniqueHold[], others: readonly UniqueHold[]): readonly UniqueHold[] {
  return holds.filter((hold) => !others.some((other) => isDeepStrictEqual(hold, other)));
}

/** The deadline an entity waits for, if it waits. */
export function dueOf(
  domain: Domain,
  { status, attributes }: Pick<EntityState, 'status' | 'attributes'>,
): EntityChange['due'] {
  const { deadline } = domain;
  if (!deadline?.while.includes(status)) return undefined;
  return { at: deadline.at(attributes), transition: deadline.transition };
}
