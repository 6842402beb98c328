/**
 * The decision, as a pure function: a command and the states it meets become either a refusal, or everything the
 * transaction has to write, or the names of entities that have to be read first. No clock, no randomness, no I/O.
 */
import { authorizationRules, roleRejectionOf } from './authorize.ts';
import { accountsByDefault } from './bounds.ts';
import type { Command } from './command.ts';
import { movedOn } from './deadlines.ts';
import { Absent, contextOf, stateOf } from './context.ts';
import type { Known } from './context.ts';
import { creationsOf } from './creations.ts';
import { endsFrom } from './domain.ts';
import type { AnyLink, AnyTransition, Domain } from './domain.ts';
import { isLocked, valueAt } from './entity.ts';
import type { EntityState } from './entity.ts';
import { attributesAfter, entityChange } from './entity-change.ts';
import type { EntityChange } from './entity-change.ts';
import { draftsOf } from './messages.ts';
import type { MessageDraft } from './messages.ts';
import { assign } from './movements.ts';
import type { BalanceChange, Check, UnreadChange } from './movements.ts';
import { absentOf, definitionOf, idsOf, missingOf, namedOthers, transitionOf } from './named-others.ts';
import { collectionOf, domainOf } from './others.ts';
import type { Registry } from './registry.ts';
import { allowedTransitions } from './registry.ts';
import type { Rejection } from './rejections.ts';
import * as rejections from './rejections.ts';
import { conflict, firstBroken, is, rulesIn } from './rules.ts';
import { isOlder, upgraded, upgradeCommand } from './upgrade.ts';
import { valueTakenTwice } from './unique-holds.ts';
import { assertWritten, checkedInput } from './written.ts';

export interface PlannedMessage extends MessageDraft {
  readonly entity: string;
  readonly collection: string;
  readonly seq: number;
  /** Place among the messages of this entry, from 0. */
  readonly n: number;
  readonly createdAt: string;
}

/** Everything a command changes, all of it or nothing. */
export interface Decision {
  /** The command's own entity first, then those of its linked transitions, then those that it creates. */
  readonly entities: readonly [EntityChange, ...EntityChange[]];
  /** Other entities: checked, or updated without reading. */
  readonly unread: readonly UnreadChange[];
  /** Accounts that are not part of an entity. */
  readonly balances: readonly BalanceChange[];
  readonly messages: readonly PlannedMessage[];
}

export type Decided =
  | { readonly kind: 'accepted'; readonly decision: Decision }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** These have to be read before it can be decided. */
  | { readonly kind: 'unread'; readonly ids: readonly string[] };

const rejected = (rejection: Rejection): Extract<Decided, { readonly kind: 'rejected' }> => ({
  kind: 'rejected',
  rejection,
});

/**
 * Decides a command.
 * @param known the states that were read, by id; `undefined` where there is no such entity
 * @param looked is told the ids of those that the decision looked at: a refusal rests on them alone
 */
export function decide(
  registry: Registry,
  command: Command,
  known: Known = new Map(),
  looked: Set<string> = new Set(),
): Decided {
  const { domain, name, roles } = command;
  const missing = roleRejectionOf(definitionOf(command), roles);
  if (missing) return rejected(missing);
  const forbidden = creatorRejectionOf(command);
  if (forbidden) return rejected(forbidden);
  try {
    return decideKnown(registry, command, new Watched(asOfToday(registry, known), looked));
  } catch (error) {
    if (error instanceof Absent) return rejected(rejections.unknownReference(error.collection, error.id));
    // A definition that fails is a defect; whoever reads the log is told which one.
    const { message } = error as Error;
    throw new Error(
      message.startsWith('definition ')
        ? message
        : `definition "${domain.collection}", "${name}" of ${command.id}: ${message}`,
      { cause: error },
    );
  }
}

/** Who may create is asked of what is sent alone; where another command creates, who may ask for that may. */
function creatorRejectionOf({ domain, name, actor, roles, input }: Command): Rejection | undefined {
  if (name !== 'create' || !roles) return undefined;
  const forbidden = firstBroken(authorizationRules(domain.create.authorize, actor), (path) => input[path]);
  return forbidden && rejections.rejectedBy(forbidden);
}

/** States that tell which of them were looked at. */
class Watched extends Map<string, EntityState | undefined> {
  readonly #looked: Set<string>;

  constructor(states: Known, looked: Set<string>) {
    super(states);
    this.#looked = looked;
  }

  override get(id: string): EntityState | undefined {
    this.#looked.add(id);
    return super.get(id);
  }
}

/** Older entities as the newest definitions have them. */
function asOfToday(registry: Registry, known: Known): Known {
  const states = [...known].map(
    ([id, state]) => [id, state && upgraded(registry.byCollection(state.collection), state)] as const,
  );
  return new Map(states);
}

function decideKnown(registry: Registry, command: Command, known: Known): Decided {
  const { domain, name } = command;
  if (name === 'create') return decideChange(registry, command, undefined, known);
  if (!known.has(command.id)) return { kind: 'unread', ids: [command.id, ...namedByInput(command, known)] };
  const entity = known.get(command.id);
  if (entity?.collection !== domain.collection) return rejected(rejections.notFound);
  const rejection = rejectionOf(command, entity);
  return rejection ? rejected(rejection) : decideChange(registry, command, entity, known);
}

/** Decides a command on states that are all at hand. */
export function decideAmong(
  registry: Registry,
  command: Command,
  find: (id: string) => EntityState | undefined,
): Exclude<Decided, { readonly kind: 'unread' }> {
  const known = new Map<string, EntityState | undefined>();
  for (;;) {
    const decided = decide(registry, command, known);
    if (decided.kind !== 'unread') return decided;
    for (const id of decided.ids) known.set(id, find(id));
  }
}

/** Entities that a command names before its own is known, so that all are read together. */
const namedByInput = (command: Command, known: Known): readonly string[] =>
  namedOthers(command, contextOf(command, undefined, known));

/** What stands in the way of a transition before its definition is asked anything. */
function rejectionOf(command: Command, entity: EntityState): Rejection | undefined {
  const { domain, name, actor, roles, now, ifMatch, lockToken, dueAt } = command;
  const transition = transitionOf(domain, name);
  if (name === upgradeCommand && !isOlder(domain, entity)) return rejections.upToDate;
  // The entity may have gone on since this deadline was set, or wait for a later one.
  const isDue = entity.due?.at === dueAt && entity.due?.transition === name;
  if (dueAt !== undefined && !isDue) return rejections.notDue;
  const lockRejection = lockRejectionOf(entity, lockToken, now);
  if (lockRejection) return lockRejection;
  const versionRejection = versionRejectionOf(entity, ifMatch);
  if (versionRejection) return versionRejection;
  const forbidden =
    roles &&
    firstBroken(authorizationRules(transition?.authorize, actor), (path) => valueAt(domain, entity, path));
  if (forbidden) return rejections.rejectedBy(forbidden);
  return transition?.from.includes(entity.status)
    ? undefined
    : rejections.transitionNotAllowed(name, entity.status, allowedTransitions(domain, entity.status));
}

/** @param entity absent where it is created */
function decideChange(
  registry: Registry,
  command: Command,
  entity: EntityState | undefined,
  known: Known,
): Decided {
  const { domain } = command;
  const definition = definitionOf(command);
  const relied = new Set<string>();
  const context = contextOf(command, entity, known, relied);

  const missing = missingOf(command, context, known);
  if (missing.length > 0) return { kind: 'unread', ids: missing };

  const absent = absentOf(command, context, known);
  if (absent) return rejected(absent);
  const read = (path: string): unknown => (entity ? valueAt(domain, entity, path) : undefined);
  const rules = rulesIn(definition.rules, context);
  const broken = firstBroken(rules, read);
  if (broken) return rejected(rejections.rejectedBy(broken));

  const checks = checksOf(command, context, known);
  if (checks.kind === 'rejected') return checks;
  const created = decideCreations(registry, command, context, known);
  if (created.kind !== 'created') return created;
  const linked = decideLinks(registry, command, context, known);
  if (linked.kind !== 'linked') return linked;

  const said = (definition.set?.(context) ?? {}) as Record<string, unknown>;
  const set = { ...(entity && movedOn(command, entity.attributes)), ...said };
  const to = statusAfter(command, entity, context);
  const movements = definition.transfers?.(context) ?? [];
  const after = { ...attributesAfter(entity, set), status: to };
  const drafts = draftsOf(definition.messages, Object.assign(context, { after }));
  const step = { to, attributes: set, movements, rules: entity ? rules : [], messages: drafts };
  const decided = entityChange(registry, command, { ...(entity && { before: entity }), ...step });
  // Others may move a balance that the definition relied on, without a new version. So it becomes a condition.
  const relies = [...relied].map((key) => conflict('balance_moved', is(key, entity?.balances[key] ?? 0), ''));
  const change = { ...decided, rules: [...decided.rules, ...relies] };
  // A new account holds nothing, so what takes from it is refused by its floor at once.
  const overdrawn = firstBroken(change.rules, entity ? read : () => 0);
  if (overdrawn) return rejected(rejections.rejectedBy(overdrawn));
  assertWritten(domain, entity, set, change.after);

  const entities = [change, ...linked.changes, ...created.changes] as const;
  const twice = valueTakenTwice(entities);
  if (twice) return rejected(rejections.alreadyExists(twice.constraint));
  // What is created may refer to what it is created with.
  for (const { collection, id, rules: of } of created.checks) {
    const beside = entities.find(({ after: { id: one } }) => one === id)?.after;
    if (beside && beside.collection !== collection)
      return rejected(rejections.unknownReference(collection, id));
    const no = beside && firstBroken(of, (path) => valueAt(registry.byCollection(collection), beside, path));
    if (no) return rejected(rejections.rejectedBy(no));
  }
  const { unread, balances } = assign(registry, entities, [...checks.checks, ...created.checks]);
  assertAccounts(change, definition.accountsAtMost ?? accountsByDefault);
  const impossible = firstBroken(
    unread.flatMap((other) => other.rules.filter(({ test }) => test.op === 'fact')),
    () => undefined,
  );
  if (impossible) return rejected(rejections.rejectedBy(impossible));
  const messages = planned(change, drafts);
  return {
    kind: 'accepted',
    decision: {
      entities,
      unread,
      balances,
      messages: [...messages, ...linked.messages, ...created.messages],
    },
  };
}

function statusAfter({ domain, name }: Command, entity: EntityState | undefined, context: object): string {
  if (!entity) return domain.initial;
  const transition = transitionOf(domain, name) as AnyTransition;
  const { next, to } = transition;
  const status = next?.(context) ?? endsFrom(transition, entity.status)[0] ?? entity.status;
  if (!to.includes(status)) throw new Error(`"next" says "${status}", which is not one of ${to.join(', ')}`);
  return status;
}

/** What it touches besides the entity's own accounts is known to be that few when the definition is loaded. */
function assertAccounts({ foreign }: EntityChange, most: number): void {
  const touched = new Set(foreign.map(({ target }) => ('name' in target ? target.name : target.id)));
  if (touched.size > most)
    throw new Error(`it touches ${touched.size} accounts of others, and "accountsAtMost" says ${most}`);
}

const planned = ({ after }: EntityChange, drafts: readonly MessageDraft[]): readonly PlannedMessage[] =>
  drafts.map((draft, n) => ({
    ...draft,
    n,
    entity: after.id,
    collection: after.collection,
    seq: after.version,
    createdAt: after.updatedAt,
  }));

type Checks =
  | { readonly kind: 'checks'; readonly checks: readonly Check[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** What must hold of other entities when the command commits; of those that were read it must hold now, too. */
function checksOf(command: Command, context: object, known: Known): Checks {
  const { references = {}, reads = {} } = definitionOf(command);
  const checks: Check[] = [];
  for (const other of [...Object.values(reads), ...Object.values(references)]) {
    const of = domainOf(command.domain, other);
    const { collection } = of;
    const rules = rulesIn(other.rules, context);
    for (const id of idsOf(other, context)) {
      const state = Object.values(reads).includes(other) ? stateOf(known, collection, id) : undefined;
      const broken = state && firstBroken(rules, (path) => valueAt(of, state, path));
      if (broken) return rejected(rejections.rejectedBy(broken));
      const isHeld = state !== undefined && other.guarded !== true;
      checks.push({ collection, id, rules, ...(isHeld && { version: state.version }) });
    }
  }
  return { kind: 'checks', checks };
}

type Linked =
  | {
      readonly kind: 'linked';
      readonly changes: readonly EntityChange[];
      readonly messages: readonly PlannedMessage[];
    }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Decides the linked transitions one by one. */
function decideLinks(registry: Registry, command: Command, context: object, known: Known): Linked {
  const changes: EntityChange[] = [];
  const messages: PlannedMessage[] = [];
  for (const link of Object.values(definitionOf(command).links ?? {})) {
    const inTheWay: ({ readonly id: string } & Pick<Rejection, 'code' | 'detail'>)[] = [];
    for (const id of idsOf(link, context)) {
      // Checked here too, so that a caller's own tampered list cannot take one entity along twice.
      const isTwice = id === command.id || changes.some(({ after }) => after.id === id);
      const decided = decideLink(registry, command, link, id, context, isTwice ? new Map() : known);
      if (decided.kind === 'accepted') {
        changes.push(...decided.decision.entities);
        messages.push(...decided.decision.messages);
        continue;
      }
      if (decided.kind === 'unread') throw new Error(`"${link.transition}" reads others; links do not nest`);
      const { rejection } = decided;
      // Somebody's lock ends: the command may try again, so this is not among what stands in its way for good.
      if (!link.refused || rejection.kind === 'locked') return rejected(rejection);
      inTheWay.push({ id, code: rejection.code, detail: rejection.detail });
    }
    if (link.refused && inTheWay.length > 0) {
      const { code, otherwise } = link.refused;
      return rejected({ code, kind: 'conflict', detail: otherwise, members: { inTheWay } });
    }
  }
  return { kind: 'linked', changes, messages };
}

function decideLink(
  registry: Registry,
  command: Command,
  link: AnyLink,
  id: string,
  context: object,
  known: Known,
): Decided {
  const { tenant, actor, roles, now, random, seed } = command;
  const domain: Domain = registry.byCollection(collectionOf(command.domain, link));
  const { reads, links, references } = domain.transitions[link.transition] ?? {};
  if (reads ?? links ?? references)
    throw new Error(`"${link.transition}" of ${domain.collection} names others itself; links do not nest`);
  const state = stateOf(known, domain.collection, id);
  if (!state) return rejected(rejections.unknownReference(domain.collection, id));
  const broken = firstBroken(rulesIn(link.rules, context), (path) => valueAt(domain, state, path));
  if (broken) return rejected(rejections.rejectedBy(broken));
  return decide(
    registry,
    {
      ...{ tenant, actor, now, random, seed, domain, id },
      name: link.transition,
      input: checkedInput(domain.transitions[link.transition]?.input, link.input?.(context) ?? {}),
      ...(roles && { roles }),
    },
    new Map([[id, state]]),
  );
}

type Creations =
  | {
      readonly kind: 'created';
      readonly changes: readonly EntityChange[];
      readonly messages: readonly PlannedMessage[];
      /** Of what their creations look at. */
      readonly checks: readonly Check[];
    }
  | Exclude<Decided, { readonly kind: 'accepted' }>;

/** Decides one by one what the command creates. */
function decideCreations(registry: Registry, command: Command, context: object, known: Known): Creations {
  const changes: EntityChange[] = [];
  const messages: PlannedMessage[] = [];
  const checks: Check[] = [];
  const unread = new Set<string>();
  for (const creation of creationsOf(command, definitionOf(command).creates, context)) {
    const creating = {
      ...creation.command,
      domain: registry.byCollection(creation.command.domain.collection),
    };
    const decided = decideKnown(registry, creating, known);
    if (decided.kind === 'rejected') return decided;
    if (decided.kind === 'unread') {
      for (const id of decided.ids) unread.add(id);
      continue;
    }
    changes.push(...decided.decision.entities);
    messages.push(...decided.decision.messages);
    const looked = checksOf(creating, contextOf(creating, undefined, known), known);
    if (looked.kind === 'checks') checks.push(...looked.checks);
  }
  return unread.size > 0
    ? { kind: 'unread', ids: [...unread] }
    : { kind: 'created', changes, messages, checks };
}

/** Why an entity is not the one a caller saw, where that matters to the caller. */
export const versionRejectionOf = (
  { version }: EntityState,
  ifMatch: number | undefined,
): rejections.Rejection | undefined =>
  ifMatch === undefined || ifMatch === version ? undefined : rejections.versionMismatch(version);

/** Whether a lock stands in the way of a command. */
export function lockRejectionOf(
  entity: EntityState,
  lockToken: string | undefined,
  now: number,
): Rejection | undefined {
  const isHeld = isLocked(entity, now);
  if (lockToken !== undefined)
    return isHeld && entity.lock?.token === lockToken ? undefined : rejections.lockLost;
  return isHeld ? rejections.locked : undefined;
}
