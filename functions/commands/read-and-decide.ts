/** Reads what a command needs and decides on it. What is decided is data; nothing is written here. */
import { randomBytes } from 'node:crypto';
import { roleRejectionOf } from '../core/authorize.ts';
import type { Command } from '../core/command.ts';
import { decide } from '../core/decide.ts';
import type { Decision } from '../core/decision.ts';
import { versionRejectionOf } from '../core/preconditions.ts';
import type { Known } from '../core/context.ts';
import type { Domain } from '../core/definition.ts';
import { isLocked } from '../core/entity.ts';
import type { EntityState, LockState } from '../core/entity.ts';
import { unreadRejection } from '../core/movements.ts';
import type { UnreadChange } from '../core/movements.ts';
import { withAmpleShares } from '../core/shares.ts';
import type { ItemOfAccount, Scattered } from '../core/shares.ts';
import { upgraded } from '../core/upgrade.ts';
import * as rejections from '../core/rejections.ts';
import type { Rejection } from '../core/rejections.ts';
import { readSnapshot } from '../store/entities/reads.ts';
import type { LabelledItem } from '../store/transaction/labelled-item.ts';
import { lockItems } from '../store/transaction/lock-items.ts';
import { transactionItems, unchangedItem } from '../store/transaction/transaction-items.ts';
import { chooseItems } from './choose-items.ts';
import { decideFixedRules } from './fixed-rules.ts';
import type { Execution } from './execution.ts';
import { learn, readAlso } from './known-states.ts';
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
      /** All that the command writes, with what makes it happen once. */
      readonly itemsOf: (guard: LabelledItem) => readonly LabelledItem[];
      /** The items of accounts that were chosen among several. */
      readonly chosen?: readonly ItemOfAccount[];
      /** Whether others of this process are at all of these already. */
      readonly isMet?: boolean;
      /** Other entities that it changes or checks without having read them. */
      readonly unread: readonly UnreadChange[];
      /** When the lock runs out under which it was decided, epoch milliseconds. */
      readonly lockedUntil?: number | undefined;
    }
  | Refused
  /** What it takes from an account lies in several of its items, and has to be gathered first. */
  | ({ readonly kind: 'scattered' } & Scattered)
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
  for (let look: Look | undefined; ;) {
    const decided = decide(backend.registry, command, known);
    if (decided.kind === 'incomplete') {
      // Names that only a state knows: each round reads, a moment later, what the one before has found.
      await readAlso(execution, decided.ids);
      continue;
    }
    let refused: Refusal | undefined;
    if (decided.kind === 'rejected') {
      refused = decided;
    } else {
      const short = shortOf(execution, decided.decision);
      if (short.length > 0) {
        await readAlso(execution, short);
        continue;
      }
      refused = refusedByUnread(decided.decision, known, now);
      if (!refused) {
        const of = await decideFixedRules(execution, decided.decision, now);
        return of.kind === 'rejected' ? of : accepted(execution, request, of.decision, now);
      }
    }
    // A refusal must rest on one moment in time. A commit needs no such look: its transaction asks for the versions of
    // all that was read.
    const resting = restingOnShares(execution, refused);
    const regardless = resting.length > 0 ? refusedRegardless(execution, command, now) : refused;
    const isOfOneMoment = regardless
      ? !execution.isMixed || regardless.looked.size <= 1
      : look?.isOf(resting) === true;
    if (isOfOneMoment) return rejected((regardless ?? refused).rejection);
    // Others go on changing it: it is waited for, like any race.
    if (look) return { kind: 'moving' };
    look = await lookAtOnce(execution, regardless ? [] : resting);
    if (!look) return { kind: 'moving' };
  }
}

/** A refusal, and the entities that it rests on. */
interface Refusal {
  readonly rejection: Rejection;
  readonly looked: ReadonlySet<string>;
}

/** A look at all that was read, at one moment. */
interface Look {
  /** Whether the items of these entities' accounts were among it. */
  readonly isOf: (ids: readonly string[]) => boolean;
}

/** @param resting entities whose accounts matter with all their items */
async function lookAtOnce(execution: Execution, resting: readonly string[]): Promise<Look | undefined> {
  const { backend, request, known, deadline } = execution;
  const asked = [...known].map(([id, state]) => {
    const spread = resting.includes(id) ? state?.spread : undefined;
    return { id, ...(spread && { spread }) };
  });
  const snapshot = await readSnapshot(backend.store, request.tenant, asked, deadline.signal);
  if (!snapshot) return undefined;
  learn(
    execution,
    asked.map(({ id }) => id),
    snapshot,
  );
  execution.isMixed = false;
  return { isOf: (ids) => ids.every((id) => resting.includes(id)) };
}

/** The entities that a refusal may rest on with the sum of several items, which were read at several moments. */
const restingOnShares = ({ known }: Execution, { looked }: Refusal): readonly string[] =>
  [...looked].filter((id) => known.get(id)?.spread);

/** What the command is refused for whatever the accounts hold that lie in several items. */
function refusedRegardless(
  { backend, known }: Execution,
  command: Command,
  now: number,
): Refusal | undefined {
  const ample = new Map([...known].map(([id, state]) => [id, state && withAmpleShares(state)] as const));
  const decided = decide(backend.registry, command, ample);
  if (decided.kind === 'rejected') return decided;
  return decided.kind === 'accepted' ? refusedByUnread(decided.decision, ample, now) : undefined;
}

/** Entities that are not read, and of whose accounts so little is left that a look is cheaper than a try. */
const shortOf = (
  { backend: { spreads }, request: { tenant }, known }: Execution,
  { unread }: Decision,
): readonly string[] =>
  unread.flatMap(({ id, deltas }) =>
    Object.keys(deltas).length > 0 && !known.has(id) && spreads.find(tenant, id)?.isShort === true
      ? [id]
      : [],
  );

/**
 * The entities in `unread` are not read before the first attempt: the transaction's conditions check them. After a wait they
 * have been read, so they are checked here.
 */
function refusedByUnread(
  { entities: [{ after }], unread }: Decision,
  known: Known,
  now: number,
): Refusal | undefined {
  for (const other of unread) {
    const isSeen = known.has(other.id) && other.version === undefined;
    const rejection = isSeen ? unreadRejection(other, known.get(other.id), now) : undefined;
    if (rejection) return { rejection, looked: new Set([after.id, other.id]) };
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
  execution: Execution,
  request: CreateCommand | TransitionCommand | AnswerCommand,
  decision: Decision,
  now: number,
): DecidedCommand {
  const { tenant, domain, requestId, traceparent } = request;
  const lockToken = request.kind === 'transition' ? request.lockToken : undefined;
  const { before, after } = decision.entities[0];
  const of = chooseItems(execution, decision);
  if (of.kind === 'scattered') return of;
  const { chosen, isMet } = of;
  const { meetings } = execution;
  const context = { tenant, now, requestId, traceparent, lockToken, meetings, placed: of.byEntity };
  const { tables } = execution.backend.store;
  return {
    kind: 'accepted',
    result: { kind: before ? 'changed' : 'created', domain, entity: after },
    itemsOf: (guard) => [guard, ...transactionItems(tables, context, decision)],
    unread: decision.unread,
    chosen,
    isMet,
    ...(lockToken !== undefined && { lockedUntil: before?.lock?.expiresAt }),
  };
}

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
  entity: EntityState,
  after: LockState,
  result: Result,
): DecidedCommand {
  const change = { tenant, entity, before: entity.lock, after, ifMatch };
  return {
    kind: 'accepted',
    result,
    itemsOf: (guard) => [guard, ...lockItems(store.tables, change)],
    unread: [],
  };
}
