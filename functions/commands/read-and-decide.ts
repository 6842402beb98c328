/** Reads what a command needs and decides on it. What is decided is data; nothing is written here. */
import { randomBytes } from 'node:crypto';
import { roleRejectionOf } from '../core/authorize.ts';
import type { Command } from '../core/command.ts';
import { decide } from '../core/decide.ts';
import type { Decision } from '../core/decision.ts';
import { versionRejectionOf } from '../core/preconditions.ts';
import type { Known } from '../core/context.ts';
import type { Domain } from '../core/definition.ts';
import { isLocked, withFixedOf } from '../core/entity.ts';
import type { EntityState, LockState } from '../core/entity.ts';
import { unreadRejection } from '../core/movements.ts';
import { upgraded } from '../core/upgrade.ts';
import * as rejections from '../core/rejections.ts';
import type { Rejection } from '../core/rejections.ts';
import { readSnapshot, readTogether } from '../store/entities/reads.ts';
import { isLive } from '../store/transaction/idempotency-record.ts';
import type { IdempotencyItem } from '../store/transaction/idempotency-record.ts';
import type { LabelledItem } from '../store/transaction/labelled-item.ts';
import { lockItem } from '../store/transaction/lock-items.ts';
import { transactionItems, unchangedItem } from '../store/transaction/transaction-items.ts';
import { decideFixedRules } from './fixed-rules.ts';
import type { Execution } from './execution.ts';
import type {
  AnswerCommand,
  CommandRequest,
  CreateCommand,
  LockCommand,
  Result,
  TransitionCommand,
  UnlockCommand,
} from './command.ts';

interface Refused {
  readonly kind: 'rejected';
  readonly rejection: Rejection;
}

export type DecidedCommand =
  | {
      readonly kind: 'accepted';
      readonly result: Result;
      /** All that the command writes at this attempt, from 1, with what makes it happen once. */
      readonly itemsOf: (guard: LabelledItem, attempt: number) => readonly LabelledItem[];
      /** Other entities that it changes or checks without having read them. */
      readonly unread: readonly string[];
      /** When the lock runs out under which it was decided, epoch milliseconds. */
      readonly lockedUntil?: number | undefined;
    }
  | Refused
  /** Somebody else holds the lock that this command waits for. */
  | { readonly kind: 'blocked' }
  /** It would be refused, and another command is changing what that rests on. */
  | { readonly kind: 'moving' };

const rejected = (rejection: Rejection): Refused => ({ kind: 'rejected', rejection });

/** Whether the caller lacks the role that a command wants. */
export function roleMissing({
  kind,
  domain,
  name = '',
  roles,
}: {
  readonly kind: CommandRequest['kind'];
  /** None where no definition says what it does. */
  readonly domain?: Domain | undefined;
  /** Of the transition. */
  readonly name?: string;
  readonly roles?: readonly string[] | undefined;
}): Rejection | undefined {
  if (kind === 'create') return roleRejectionOf(domain?.create ?? {}, roles);
  return kind === 'transition' ? roleRejectionOf(domain?.transitions[name] ?? {}, roles) : undefined;
}

/**
 * The entities that a command names itself. A creation that reads nothing names none. `decide` is called with nothing read
 * yet: it returns the ids that it needs.
 */
export function idsOf(execution: Execution): readonly string[] {
  const { backend, request, id } = execution;
  if (request.kind === 'begin') return [];
  if (request.kind === 'lock' || request.kind === 'unlock') return [id];
  const { reads, links, creates } = request.domain.create;
  if (request.kind === 'create' && !reads && !links && !creates) return [];
  const decided = decide(backend.registry, commandOf(execution, request, backend.clock.now()));
  return decided.kind === 'incomplete' ? decided.ids : [];
}

/** Reads entities and the key in one request. Without entities it reads nothing. @returns the key's live record */
export async function readState(
  execution: Execution,
  ids: readonly string[],
): Promise<IdempotencyItem | undefined> {
  const { backend, request, key, deadline, known } = execution;
  if (ids.length === 0) return undefined;
  const read = await readTogether(backend.store, request.tenant, ids, key?.pk, deadline.signal);
  known.clear();
  // One request reads each item at a moment of its own.
  execution.isMixed = ids.length > 1;
  learn(execution, ids, read.entities);
  return read.record && isLive(read.record, backend.clock.now()) ? read.record : undefined;
}

/** Keeps what was read. */
function learn(
  { known }: Execution,
  ids: readonly string[],
  entities: ReadonlyMap<string, EntityState>,
): void {
  for (const id of ids) known.set(id, entities.get(id));
}

/** Keeps what the database handed back of entities that had changed. */
export function learnChanged(execution: Execution, states: ReadonlyMap<string, EntityState>): void {
  const whole = [...states].map(([id, state]) => [id, withFixedOf(state, execution.known.get(id))] as const);
  learn(execution, [...states.keys()], new Map(whole));
  // What a transaction hands back was together at its moment.
  execution.isMixed = execution.known.size > states.size;
}

/** @param now epoch milliseconds */
export async function decideOn(execution: Execution, now: number): Promise<DecidedCommand> {
  const { request } = execution;
  switch (request.kind) {
    case 'create':
    case 'transition':
    case 'answer':
      return readAndDecide(execution, request, now);
    case 'lock':
      return decideLock(execution, request, now);
    case 'unlock':
      return decideUnlock(execution, request, now);
    case 'begin':
      return {
        kind: 'accepted',
        result: { kind: 'begun', view: request.view },
        itemsOf: (guard) => [guard, ...request.items],
        unread: [],
      };
    default:
      return request satisfies never;
  }
}

async function readAndDecide(
  execution: Execution,
  request: CreateCommand | TransitionCommand | AnswerCommand,
  now: number,
): Promise<DecidedCommand> {
  const { backend, known } = execution;
  const entity = known.get(execution.id);
  if (
    request.kind === 'answer' &&
    entity?.collection === request.domain.collection &&
    isIgnored(request, upgraded(request.domain, entity))
  )
    return ignoredAnswer(execution, request, entity);
  const command = commandOf(execution, request, now);
  const { store } = backend;
  const { signal } = execution.deadline;
  for (let snapshots = 0; ;) {
    const decided = decide(backend.registry, command, known);
    if (decided.kind === 'incomplete') {
      // Names that only a state knows: each round reads, a moment later, what the one before has found.
      const read = await readTogether(store, request.tenant, decided.ids, undefined, signal);
      execution.isMixed = true;
      learn(execution, decided.ids, read.entities);
      continue;
    }
    const refused =
      decided.kind === 'rejected'
        ? rejected(decided.rejection)
        : refusedByUnread(decided.decision, known, now);
    if (decided.kind === 'accepted' && !refused) {
      const of = await decideFixedRules(execution, decided.decision, now);
      return of.kind === 'rejected' ? of : accepted(execution, request, of.decision, now);
    }
    // A refusal must rest on one moment in time. A commit needs no such look: its transaction asks for the versions of
    // all that was read.
    const isOfOneMoment = !execution.isMixed || (decided.kind === 'rejected' && decided.looked.size <= 1);
    if (refused && isOfOneMoment) return refused;
    // Others go on changing it: it is waited for, like any race.
    if (snapshots > 0) return { kind: 'moving' };
    snapshots += 1;
    const ids = [...known.keys()];
    const snapshot = await readSnapshot(store, request.tenant, ids, signal);
    if (!snapshot) return { kind: 'moving' };
    learn(execution, ids, snapshot);
    execution.isMixed = false;
  }
}

/**
 * The entities in `unread` are not read before the first attempt: the transaction's conditions check them. After a wait they
 * have been read, so they are checked here.
 */
function refusedByUnread({ unread }: Decision, known: Known, now: number): Refused | undefined {
  for (const other of unread) {
    const isSeen = known.has(other.id) && other.version === undefined;
    const rejection = isSeen ? unreadRejection(other, known.get(other.id), now) : undefined;
    if (rejection) return rejected(rejection);
  }
  return undefined;
}

const isIgnored = ({ domain, name }: AnswerCommand, { status }: EntityState): boolean =>
  domain.transitions[name]?.ignoredIn?.includes(status) === true;

/** The message ends, and the entity stays as it is: it must be in that state when this commits. */
function ignoredAnswer(
  { backend: { store } }: Execution,
  { tenant, domain }: AnswerCommand,
  entity: EntityState,
): DecidedCommand {
  return {
    kind: 'accepted',
    result: { kind: 'changed', domain, entity },
    itemsOf: (guard) => [guard, unchangedItem(store.tables, tenant, entity)],
    unread: [],
  };
}

function commandOf(
  { id, random, seed }: Execution,
  request: CreateCommand | TransitionCommand | AnswerCommand,
  now: number,
): Command {
  const { tenant, domain, subject, roles, input } = request;
  const { ifMatch } = request.kind === 'answer' ? {} : request;
  const { lockToken, dueAt } = request.kind === 'transition' ? request : {};
  return {
    tenant,
    domain,
    name: request.kind === 'create' ? 'create' : request.name,
    id,
    input,
    actor: subject,
    now,
    random,
    seed,
    ...(roles && { roles }),
    ...(ifMatch !== undefined && { ifMatch }),
    ...(lockToken !== undefined && { lockToken }),
    ...(dueAt !== undefined && { dueAt }),
  };
}

function accepted(
  { backend: { store } }: Execution,
  request: CreateCommand | TransitionCommand | AnswerCommand,
  decision: Decision,
  now: number,
): DecidedCommand {
  const { tenant, domain, requestId, traceparent } = request;
  const lockToken = request.kind === 'transition' ? request.lockToken : undefined;
  const context = { tenant, now, requestId, traceparent, lockToken };
  const { before, after } = decision.entities[0];
  return {
    kind: 'accepted',
    result: { kind: before ? 'changed' : 'created', domain, entity: after },
    itemsOf: (guard, attempt) => [
      guard,
      ...transactionItems(store.tables, { ...context, attempt }, decision),
    ],
    unread: unreadIn(decision),
    ...(lockToken !== undefined && { lockedUntil: before?.lock?.expiresAt }),
  };
}

const unreadIn = ({ unread }: Decision): readonly string[] => unread.map(({ id }) => id);

function decideLock(execution: Execution, request: LockCommand, now: number): DecidedCommand {
  const entity = execution.known.get(execution.id);
  if (entity?.collection !== request.domain.collection) return rejected(rejections.notFound);
  // A version that is gone is gone for good: waiting would not bring it back.
  const stale = versionRejectionOf(entity, request.ifMatch);
  if (stale) return rejected(stale);
  if (isLocked(entity, now))
    return request.wait === 'wait' ? { kind: 'blocked' } : rejected(rejections.locked);
  const lock: LockState = {
    token: randomBytes(16).toString('base64url'),
    by: request.subject,
    fence: (entity.lock?.fence ?? 0) + 1,
    expiresAt: now + request.ttlSeconds * 1000,
  };
  return lockChange(execution, request, entity, lock, { kind: 'locked', lock });
}

function decideUnlock(execution: Execution, request: UnlockCommand, now: number): DecidedCommand {
  const entity = execution.known.get(execution.id);
  if (entity?.collection !== request.domain.collection) return rejected(rejections.notFound);
  if (!isLocked(entity, now) || entity.lock?.token !== request.lockToken)
    return rejected(rejections.lockLost);
  const stale = versionRejectionOf(entity, request.ifMatch);
  if (stale) return rejected(stale);
  // The fence stays, so that the next holder's is higher.
  const free: LockState = { token: '', fence: entity.lock.fence, expiresAt: 0 };
  return lockChange(execution, request, entity, free, { kind: 'unlocked' });
}

function lockChange(
  { backend: { store } }: Execution,
  { tenant, ifMatch }: LockCommand | UnlockCommand,
  { id, lock: before }: EntityState,
  after: LockState,
  result: Result,
): DecidedCommand {
  const change = { tenant, id, before, after, ifMatch };
  return {
    kind: 'accepted',
    result,
    itemsOf: (guard) => [guard, lockItem(store.tables, change)],
    unread: [],
  };
}
