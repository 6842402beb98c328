/**
 * The decision, as a pure function: a command and the states it meets become either a refusal, or everything the
 * transaction has to write, or the names of entities that have to be read first. No clock, no randomness, no I/O.
 */
import { roleRejectionOf } from './authorize.ts';
import { accountsByDefault } from './bounds.ts';
import { checksOf } from './checks-of-others.ts';
import type { Command } from './command.ts';
import { Absent, contextAndReliance, contextOf } from './context.ts';
import type { Known } from './context.ts';
import { movedOn } from './deadlines.ts';
import { decideCreations } from './decide-creations.ts';
import { decideLinks } from './decide-links.ts';
import { rejected } from './decision.ts';
import type { Decided, PlannedMessage } from './decision.ts';
import { endsFrom, startIn } from './domain.ts';
import type { AnyTransition } from './domain.ts';
import { valueAt } from './entity.ts';
import type { EntityState } from './entity.ts';
import { attributesAfter, entityChange } from './entity-change.ts';
import type { EntityChange } from './entity-change.ts';
import { draftsOf } from './messages.ts';
import type { MessageDraft } from './messages.ts';
import { assign } from './movements.ts';
import { absentOf, definitionOf, missingOf, namedOthers, transitionOf } from './named-others.ts';
import { creatorRejectionOf, rejectionOf } from './preconditions.ts';
import type { Registry } from './registry.ts';
import * as rejections from './rejections.ts';
import { conflict, firstBroken, is, rulesIn } from './rules.ts';
import { valueTakenTwice } from './unique-holds.ts';
import { upgraded } from './upgrade.ts';
import { assertWritten } from './written.ts';

/**
 * Decides a command.
 * @param known the states that were read, by id; `undefined` where there is no such entity
 * @returns with the ids of those that the decision looked at: a refusal rests on them alone
 */
export function decide(
  registry: Registry,
  command: Command,
  known: Known = new Map(),
): Decided & { readonly looked: ReadonlySet<string> } {
  const { domain, name, roles } = command;
  const looked = new Set<string>();
  const forbidden = roleRejectionOf(definitionOf(command), roles) ?? creatorRejectionOf(command);
  if (forbidden) return { ...rejected(forbidden), looked };
  try {
    return { ...decideKnown(registry, command, new Watched(asOfToday(registry, known), looked)), looked };
  } catch (error) {
    if (error instanceof Absent)
      return { ...rejected(rejections.unknownReference(error.collection, error.id)), looked };
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
  if (!known.has(command.id))
    return { kind: 'incomplete', ids: [command.id, ...namedByInput(command, known)] };
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
): Exclude<Decided, { readonly kind: 'incomplete' }> {
  const known = new Map<string, EntityState | undefined>();
  for (;;) {
    const decided = decide(registry, command, known);
    if (decided.kind !== 'incomplete') return decided;
    for (const id of decided.ids) known.set(id, find(id));
  }
}

/** Entities that a command names before its own is known, so that all are read together. */
const namedByInput = (command: Command, known: Known): readonly string[] =>
  namedOthers(command, contextOf(command, undefined, known));

/** @param entity absent where it is created */
function decideChange(
  registry: Registry,
  command: Command,
  entity: EntityState | undefined,
  known: Known,
): Decided {
  const { domain } = command;
  const definition = definitionOf(command);
  const { context, relied } = contextAndReliance(command, entity, known);

  const missing = missingOf(command, context, known);
  if (missing.length > 0) return { kind: 'incomplete', ids: missing };

  const absent = absentOf(command, context, known);
  if (absent) return rejected(absent);
  const read = (path: string): unknown => (entity ? valueAt(domain, entity, path) : undefined);
  const rules = rulesIn(definition.rules, context);
  const broken = firstBroken(rules, read);
  if (broken) return rejected(rejections.rejectedBy(broken));

  const checks = checksOf(command, context, known);
  if (checks.kind === 'rejected') return checks;
  const created = decideCreations(decideKnown, registry, command, context, known);
  if (created.kind !== 'created') return created;
  const linked = decideLinks(decide, registry, command, context, known);
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
  if (!entity) return startIn(domain, context);
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
