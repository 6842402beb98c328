/**
 * The decision, as a pure function: a command and the state it meets become either a refusal or everything the
 * transaction has to write. No clock, no randomness, no I/O.
 */
import { authorizationRules, roleRejectionOf } from './authorize.ts';
import type { Command } from './command.ts';
import { endsFrom } from './definition.ts';
import type { CreateSituation, Domain, Move, TransitionSituation } from './definition.ts';
import { isLocked, valueAt } from './entity.ts';
import type { EntityState } from './entity.ts';
import { attributesAfter, entityChange } from './entity-change.ts';
import type { EntityChange } from './entity-change.ts';
import { draftsOf } from './messages.ts';
import type { MessageDraft } from './messages.ts';
import { spread } from './movements.ts';
import type { BalanceChange, BlindChange } from './movements.ts';
import type { Registry } from './registry.ts';
import { allowedTransitions, movesByDefault } from './registry.ts';
import type { Rejection } from './rejections.ts';
import * as rejections from './rejections.ts';
import { firstBroken, is, rule } from './rules.ts';
import type { Rule } from './rules.ts';

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
  /** The command's own entity first, then those it moves. */
  readonly entities: readonly [EntityChange, ...EntityChange[]];
  /** Other entities, changed without being read. */
  readonly blind: readonly BlindChange[];
  /** Accounts that are not part of an entity. */
  readonly balances: readonly BalanceChange[];
  readonly messages: readonly PlannedMessage[];
}

export type Verdict =
  | { readonly kind: 'accepted'; readonly decision: Decision }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

const rejected = (rejection: Rejection): Verdict => ({ kind: 'rejected', rejection });

/** Decides the creation of an entity. */
export function decideCreate(registry: Registry, command: Command): Verdict {
  const { domain, id, input, actor, roles, now, random } = command;
  const missing = roleRejectionOf(domain.create, roles);
  if (missing) return rejected(missing);
  const situation: CreateSituation<unknown> = { id, input, actor, roles: roles ?? [], now, random };
  const broken = firstBroken(domain.create.rules?.(situation) ?? [], () => undefined);
  if (broken) return rejected(rejections.rejectedBy(broken));
  const attributes = domain.create.set(situation) as Record<string, unknown>;
  const movements = domain.create.postings?.(situation) ?? [];
  const after = { ...attributesAfter(undefined, attributes), status: domain.initial };
  const messages = draftsOf(domain.create.messages, { ...situation, after });
  const step = { to: domain.initial, attributes, movements, rules: [], messages };
  const change = entityChange(registry, command, step);
  // A new account holds nothing, so what takes from it is refused by its floor at once.
  const overdrawn = firstBroken(change.rules, () => 0);
  if (overdrawn) return rejected(rejections.rejectedBy(overdrawn));
  return accepted(registry, [change], domain.create.requires?.(situation) ?? [], [
    { change, drafts: messages },
  ]);
}

/**
 * The entities a transition moves besides its own, to be read before it is decided. `entity` is its own state.
 */
export function movesOf(command: Command, entity: EntityState): readonly Move[] {
  const transition = command.domain.transitions[command.name];
  return transition?.moves?.(situationOf(command, entity, [], new Set())) ?? [];
}

/** Decides a transition of `entity`; `others` are the states of `movesOf`, in its order, absent ones undefined. */
export function decideTransition(
  registry: Registry,
  command: Command,
  entity: EntityState,
  others: readonly (EntityState | undefined)[] = [],
): Verdict {
  const { domain, name, actor, roles, now, ifMatch, lockToken, dueAt } = command;
  const transition = domain.transitions[name];
  if (!transition) throw new Error(`${domain.collection} has no transition "${name}"`);

  const missing = roleRejectionOf(transition, roles);
  if (missing) return rejected(missing);
  // The entity may have gone on since this deadline was set, or wait for a later one.
  const isDue = entity.due?.at === dueAt && entity.due?.transition === name;
  if (dueAt !== undefined && !isDue) return rejected(rejections.notDue);
  const lockRejection = lockRejectionOf(entity, lockToken, now);
  if (lockRejection) return rejected(lockRejection);
  const versionRejection = versionRejectionOf(entity, ifMatch);
  if (versionRejection) return rejected(versionRejection);

  const present = others.filter((other) => other !== undefined);
  const seen = new Set<string>();
  const situation = situationOf(command, entity, present, seen);
  const read = (path: string): unknown => valueAt(domain, entity, path);
  const forbidden = roles && firstBroken(authorizationRules(transition.authorize, actor), read);
  if (forbidden) return rejected(rejections.rejectedBy(forbidden));
  if (!transition.from.includes(entity.status)) {
    return rejected(
      rejections.transitionNotAllowed(name, entity.status, allowedTransitions(domain, entity.status)),
    );
  }
  const rules = transition.rules?.(situation) ?? [];
  const broken = firstBroken(rules, read);
  if (broken) return rejected(rejections.rejectedBy(broken));

  const moved = decideMoves(registry, command, situation, others);
  if (moved.kind === 'rejected') return moved;

  const set = (transition.set?.(situation) ?? {}) as Record<string, unknown>;
  const to = transition.next?.(situation) ?? endsFrom(transition, entity.status)[0] ?? entity.status;
  if (!transition.to.includes(to)) throw new Error(`"${name}" of ${domain.collection} leads to "${to}"`);
  const movements = transition.postings?.(situation) ?? [];
  const after = { ...attributesAfter(entity, set), status: to };
  const drafts = draftsOf(transition.messages, { ...situation, after });
  const step = { before: entity, to, attributes: set, movements, rules, messages: drafts };
  const change = entityChange(registry, command, step);
  const overdrawn = firstBroken(change.rules, read);
  if (overdrawn) return rejected(rejections.rejectedBy(overdrawn));

  // What the definition read of the entity's accounts others may move until this commits, without a new version.
  const relied = [...seen].map((key) => rule('balance_moved', is(key, entity.balances[key] ?? 0), ''));
  const guarded = { ...change, rules: [...change.rules, ...relied] };
  return accepted(registry, [guarded, ...moved.changes], [], [{ change: guarded, drafts }, ...moved.drafts]);
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

/** @param seen is told the accounts that the definition reads */
function situationOf(
  { domain, id, input, actor, roles = [], now }: Command,
  entity: EntityState,
  others: readonly EntityState[],
  seen: Set<string>,
): TransitionSituation<unknown, unknown> {
  const shown = { ...entity.attributes, status: entity.status };
  for (const key of Object.keys(domain.accounts ?? {})) {
    Object.defineProperty(shown, key, {
      enumerable: true,
      get: () => {
        seen.add(key);
        return entity.balances[key] ?? 0;
      },
    });
  }
  return { id, input, actor, roles, now, others, entity: shown };
}

interface Drafts {
  readonly change: EntityChange;
  readonly drafts: readonly MessageDraft[];
}
type Moved =
  | { readonly kind: 'moved'; readonly changes: readonly EntityChange[]; readonly drafts: readonly Drafts[] }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Decides the moves one by one and gathers all that stand in the way, so that the caller hears of each. */
function decideMoves(
  registry: Registry,
  command: Command,
  situation: TransitionSituation<unknown, unknown>,
  others: readonly (EntityState | undefined)[],
): Moved {
  const transition = command.domain.transitions[command.name];
  const refused = transition?.moveRefused;
  const moves = transition?.moves?.(situation) ?? [];
  const most = transition?.most?.moves ?? movesByDefault;
  if (moves.length > most)
    throw new Error(
      `"${command.name}" of ${command.domain.collection} moves ${moves.length} entities, at most ${most}`,
    );
  const inTheWay: ({ readonly id: string } & Pick<Rejection, 'code' | 'detail'>)[] = [];
  const changes: EntityChange[] = [];
  const drafts: Drafts[] = [];
  for (const [index, move] of moves.entries()) {
    const other = others[index];
    const domain = registry.byCollection(move.collection);
    // Checked here too, so that a caller's own tampered list cannot move one entity twice in a transaction.
    const twice = move.id === command.id || changes.some(({ after }) => after.id === move.id);
    const verdict = !other || twice ? undefined : decideMove(registry, command, domain, move, other);
    if (verdict?.kind !== 'accepted') {
      const rejection = other ? verdict?.rejection : rejections.unknownReference(move.collection, move.id);
      // Somebody's lock ends: the command may try again, so this is not among what stands in its way for good.
      if (!refused || rejection?.kind === 'locked')
        return { kind: 'rejected', rejection: rejection ?? rejections.notFound };
      const { code, detail } = rejection ?? rejections.notFound;
      inTheWay.push({ id: move.id, code, detail });
      continue;
    }
    changes.push(...verdict.decision.entities);
    drafts.push({ change: verdict.decision.entities[0], drafts: verdict.decision.messages });
  }
  if (refused && inTheWay.length > 0) {
    const rejection: Rejection = { ...refused, kind: 'conflict', members: { inTheWay } };
    return { kind: 'rejected', rejection };
  }
  return { kind: 'moved', changes, drafts };
}

function decideMove(
  registry: Registry,
  command: Command,
  domain: Domain,
  move: Move,
  other: EntityState,
): Verdict {
  const { tenant, actor, roles, now, random } = command;
  if (domain.transitions[move.transition]?.moves)
    throw new Error(`"${move.transition}" of ${domain.collection} moves others itself; moves do not nest`);
  return decideTransition(
    registry,
    {
      ...{ tenant, actor, now, random, domain },
      name: move.transition,
      id: move.id,
      input: move.input ?? {},
      ...(roles && { roles }),
    },
    other,
  );
}

function accepted(
  registry: Registry,
  entities: readonly [EntityChange, ...EntityChange[]],
  requires: readonly { readonly collection: string; readonly id: string; readonly rules: readonly Rule[] }[],
  drafts: readonly Drafts[],
): Verdict {
  const { blind, balances } = spread(registry, entities, requires);
  const impossible = firstBroken(
    blind.flatMap(({ rules }) => rules.filter(({ test }) => test.op === 'given')),
    () => undefined,
  );
  if (impossible) return rejected(rejections.rejectedBy(impossible));
  const messages = drafts.flatMap(({ change: { after }, drafts: of }) =>
    of.map((draft, n) => ({
      ...draft,
      n,
      entity: after.id,
      collection: after.collection,
      seq: after.version,
      createdAt: after.updatedAt,
    })),
  );
  return { kind: 'accepted', decision: { entities, blind, balances, messages } };
}
