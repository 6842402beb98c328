/** Reads what a command needs and decides on it. What is decided is data; nothing is written here. */
import { randomBytes } from 'node:crypto';
import { roleRejectionOf } from '../core/authorize.ts';
import type { Command } from '../core/command.ts';
import { decideCreate, decideTransition, movesOf, versionRejectionOf } from '../core/decide.ts';
import type { Decision, Verdict } from '../core/decide.ts';
import { isLocked } from '../core/entity.ts';
import type { EntityState, LockState } from '../core/entity.ts';
import { blindRejection } from '../core/movements.ts';
import * as rejections from '../core/rejections.ts';
import type { Rejection } from '../core/rejections.ts';
import { readTogether } from '../store/entities/reads.ts';
import { isLive } from '../store/transaction/idempotency-record.ts';
import type { IdempotencyItem } from '../store/transaction/idempotency-record.ts';
import type { LabelledItem } from '../store/transaction/labelled-item.ts';
import { lockItem } from '../store/transaction/lock-items.ts';
import { transactionItems, unchangedItem } from '../store/transaction/transaction-items.ts';
import type { Call } from './call.ts';
import type {
  AnswerCommand,
  CommandRequest,
  CreateCommand,
  LockCommand,
  Result,
  TransitionCommand,
  UnlockCommand,
} from './command.ts';

export type Decided =
  | {
      readonly kind: 'accepted';
      readonly result: Result;
      /** All that the command writes, with what makes it happen once. */
      readonly itemsOf: (guard: LabelledItem) => readonly LabelledItem[];
      /** Other entities that it changes or checks without having read them. */
      readonly unread: readonly string[];
      /** When the lock runs out under which it was decided, epoch milliseconds. */
      readonly lockedUntil?: number | undefined;
    }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** Somebody else holds the lock that this command waits for. */
  | { readonly kind: 'held' };

const rejected = (rejection: Rejection): Decided => ({ kind: 'rejected', rejection });

/** Whether the caller lacks the role that a command wants. */
export function roleMissing(request: CommandRequest): Rejection | undefined {
  const { kind, domain, roles } = request;
  if (kind === 'create') return roleRejectionOf(domain.create, roles);
  return kind === 'transition' ? roleRejectionOf(domain.transitions[request.name] ?? {}, roles) : undefined;
}

/** The entities that a command names itself. A creation names none. */
export function idsOf({ request, id }: Call): readonly string[] {
  switch (request.kind) {
    case 'create':
      return [];
    case 'transition':
    case 'answer': {
      const { domain, name, input } = request;
      return [id, ...(domain.transitions[name]?.reads?.(input) ?? []).map((reference) => reference.id)];
    }
    case 'lock':
    case 'unlock':
      return [id];
    default:
      return request satisfies never;
  }
}

/** Reads entities and the key in one request. Without entities it reads nothing. @returns the key's live record */
export async function readState(call: Call, ids: readonly string[]): Promise<IdempotencyItem | undefined> {
  const { backend, request, key, deadline, known } = call;
  if (ids.length === 0) return undefined;
  const read = await readTogether(backend.store, request.tenant, ids, key?.pk, deadline.signal);
  known.clear();
  for (const [id, state] of read.entities) known.set(id, state);
  call.hasRead = true;
  return read.record && isLive(read.record, backend.clock.now()) ? read.record : undefined;
}

/** @param now epoch milliseconds */
export async function decideOn(call: Call, now: number): Promise<Decided> {
  const { request } = call;
  switch (request.kind) {
    case 'create':
      return decideNew(call, request, now);
    case 'transition':
    case 'answer':
      return decideChange(call, request, now);
    case 'lock':
      return decideLock(call, request, now);
    case 'unlock':
      return decideUnlock(call, request, now);
    default:
      return request satisfies never;
  }
}

function decideNew(call: Call, request: CreateCommand, now: number): Decided {
  const verdict = decideCreate(call.backend.registry, commandOf(call, request, 'create', now));
  if (verdict.kind === 'rejected') return verdict;
  // Before the first attempt nothing is read: the transaction itself refuses. Whoever had to wait looks first, since
  // a read is in nobody's way.
  for (const change of call.hasRead ? verdict.decision.blind : []) {
    const rejection = blindRejection(change, call.known.get(change.id), now);
    if (rejection) return rejected(rejection);
  }
  return accepted(call, request, verdict, now);
}

async function decideChange(
  call: Call,
  request: TransitionCommand | AnswerCommand,
  now: number,
): Promise<Decided> {
  const { backend, id, known } = call;
  const command = commandOf(call, request, request.name, now);
  const entity = known.get(id);
  if (entity?.collection !== request.domain.collection) return rejected(rejections.notFound);
  if (request.kind === 'answer' && isIgnored(request, entity)) return ignoredAnswer(call, request, entity);
  const moves = movesOf(command, entity);
  const unread = moves.map((move) => move.id).filter((other) => !known.has(other));
  if (unread.length > 0) {
    const { entities } = await readTogether(
      backend.store,
      request.tenant,
      unread,
      undefined,
      call.deadline.signal,
    );
    for (const [other, state] of entities) known.set(other, state);
  }
  const others = moves.map(({ id: other, collection }) => {
    const state = known.get(other);
    return state?.collection === collection ? state : undefined;
  });
  const verdict = decideTransition(backend.registry, command, entity, others);
  return verdict.kind === 'rejected' ? verdict : accepted(call, request, verdict, now);
}

const isIgnored = ({ domain, name }: AnswerCommand, { status }: EntityState): boolean =>
  domain.transitions[name]?.ignoredIn?.includes(status) === true;

/** The message ends, and the entity stays as it is: it must be in that state when this commits. */
function ignoredAnswer(
  { backend: { store } }: Call,
  { tenant, domain }: AnswerCommand,
  entity: EntityState,
): Decided {
  return {
    kind: 'accepted',
    result: { kind: 'changed', domain, entity },
    itemsOf: (guard) => [guard, unchangedItem(store.tables, tenant, entity)],
    unread: [],
  };
}

function commandOf(
  { id, random }: Call,
  request: CreateCommand | TransitionCommand | AnswerCommand,
  name: string,
  now: number,
): Command {
  const { tenant, domain, subject, roles, input } = request;
  const { ifMatch } = request.kind === 'answer' ? {} : request;
  const { lockToken, dueAt } = request.kind === 'transition' ? request : {};
  return {
    tenant,
    domain,
    name,
    id,
    input,
    actor: subject,
    now,
    random,
    ...(roles && { roles }),
    ...(ifMatch !== undefined && { ifMatch }),
    ...(lockToken !== undefined && { lockToken }),
    ...(dueAt !== undefined && { dueAt }),
  };
}

function accepted(
  { backend: { store } }: Call,
  request: CreateCommand | TransitionCommand | AnswerCommand,
  { decision }: Extract<Verdict, { readonly kind: 'accepted' }>,
  now: number,
): Decided {
  const { tenant, domain, requestId, traceparent } = request;
  const lockToken = request.kind === 'transition' ? request.lockToken : undefined;
  const context = { tenant, now, requestId, traceparent, lockToken };
  const { before, after } = decision.entities[0];
  return {
    kind: 'accepted',
    result: { kind: before ? 'changed' : 'created', domain, entity: after },
    itemsOf: (guard) => [guard, ...transactionItems(store.tables, context, decision)],
    unread: unreadIn(decision),
    ...(lockToken !== undefined && { lockedUntil: before?.lock?.expiresAt }),
  };
}

const unreadIn = ({ blind }: Decision): readonly string[] => blind.map(({ id }) => id);

function decideLock(call: Call, request: LockCommand, now: number): Decided {
  const entity = call.known.get(call.id);
  if (entity?.collection !== request.domain.collection) return rejected(rejections.notFound);
  // A version that is gone is gone for good: waiting would not bring it back.
  const stale = versionRejectionOf(entity, request.ifMatch);
  if (stale) return rejected(stale);
  if (isLocked(entity, now)) return request.wait === 'wait' ? { kind: 'held' } : rejected(rejections.locked);
  const lock: LockState = {
    token: randomBytes(16).toString('base64url'),
    fence: (entity.lock?.fence ?? 0) + 1,
    expiresAt: now + request.ttlSeconds * 1000,
  };
  return lockChange(call, request, entity, lock, { kind: 'locked', lock });
}

function decideUnlock(call: Call, request: UnlockCommand, now: number): Decided {
  const entity = call.known.get(call.id);
  if (entity?.collection !== request.domain.collection) return rejected(rejections.notFound);
  if (!isLocked(entity, now) || entity.lock?.token !== request.lockToken)
    return rejected(rejections.lockLost);
  const stale = versionRejectionOf(entity, request.ifMatch);
  if (stale) return rejected(stale);
  // The fence stays, so that the next holder's is higher.
  const free: LockState = { token: '', fence: entity.lock.fence, expiresAt: 0 };
  return lockChange(call, request, entity, free, { kind: 'unlocked' });
}

function lockChange(
  { backend: { store } }: Call,
  { tenant, ifMatch }: LockCommand | UnlockCommand,
  { id, lock: before }: EntityState,
  after: LockState,
  result: Result,
): Decided {
  const change = { tenant, id, before, after, ifMatch };
  return {
    kind: 'accepted',
    result,
    itemsOf: (guard) => [guard, lockItem(store.tables, change)],
    unread: [],
  };
}
