/** Waiting locks: whoever holds one works on an entity undisturbed, fenced off once the lock has run out. */
import { randomBytes } from 'node:crypto';
import { versionRejectionOf } from '../core/decide.ts';
import type { Domain } from '../core/definition.ts';
import { isLocked } from '../core/entity.ts';
import type { EntityState, LockState } from '../core/entity.ts';
import * as rejections from '../core/rejections.ts';
import { timestamp } from '../runtime/clock.ts';
import { send } from '../store/transaction/commit.ts';
import { isLive } from '../store/transaction/idempotency-record.ts';
import type { Answer } from '../store/transaction/idempotency-record.ts';
import { lockItems } from '../store/transaction/lock-items.ts';
import { readTogether } from '../store/entities/reads.ts';
import { tooLate, waitForTurn } from './attempts.ts';
import { execute } from './execute.ts';
import type { Backend, CommandRequest } from './execute.ts';
import type { KeyContext, ReplayableAnswer } from './idempotency.ts';
import { recordOf, refuse, settle, waitOrLook } from './key-answers.ts';
import { problemOf, ProblemError } from './problem.ts';

export interface LockInput {
  readonly ttlSeconds: number;
  readonly wait: 'wait' | 'nowait';
}

const lockedProblem = problemOf(rejections.locked);

/** Takes the lock, waiting for its holder until the deadline where asked to. */
export function executeLock(
  backend: Backend,
  domain: Domain,
  id: string,
  { ttlSeconds, wait }: LockInput,
  request: CommandRequest,
): Promise<ReplayableAnswer> {
  return execute(backend, request, [id], async (call, deadline) => {
    let entity = existing(domain, call.entities.get(id));
    let isUnknown = false;
    for (let defeats = 1; ; defeats += 1) {
      const now = backend.clock.now();
      // A version that is gone is gone for good: waiting would not bring it back.
      const stale = versionRejectionOf(entity, request.ifMatch);
      if (stale) return refuse(backend, request, call, deadline, stale, isUnknown);
      const held = isLocked(entity, now);
      let isKeyBusy = false;
      if (held && wait === 'nowait') {
        return refuse(backend, request, call, deadline, rejections.locked, isUnknown);
      }
      if (!held) {
        const token = randomBytes(16).toString('base64url');
        const lock = { token, fence: (entity.lock?.fence ?? 0) + 1, expiresAt: now + ttlSeconds * 1000 };
        const body = JSON.stringify({ token, fence: lock.fence, expiresAt: timestamp(lock.expiresAt) });
        const done = await writeLock(backend, request, call, entity, lock, { status: 200, body });
        if (done.is === 'answered') return done.answer;
        ({ isKeyBusy } = done);
        isUnknown ||= done.is === 'unknown';
      }
      const problem = held && !isUnknown ? lockedProblem : tooLate({ isUnknown, isKeyBusy });
      const told = await waitOrLook(
        backend,
        request,
        call,
        isUnknown,
        waitForTurn(defeats, deadline, problem),
      );
      if (told) return told;
      const again = await readAgain(backend, request, domain, id, call).catch((error: unknown) => {
        // Time ran out within the read: what was seen last is the answer.
        throw call.signal.aborted ? new ProblemError(problem) : error;
      });
      if (again.is === 'answered') return again.answer;
      entity = again.entity;
    }
  });
}

/** Gives the lock up; a token that does not hold it any more is told so. */
export function executeUnlock(
  backend: Backend,
  domain: Domain,
  id: string,
  token: string,
  request: CommandRequest,
): Promise<ReplayableAnswer> {
  return execute(backend, request, [id], async (call, deadline) => {
    let entity = existing(domain, call.entities.get(id));
    let isUnknown = false;
    for (let defeats = 1; ; defeats += 1) {
      if (!isLocked(entity, backend.clock.now()) || entity.lock?.token !== token) {
        return refuse(backend, request, call, deadline, rejections.lockLost, isUnknown);
      }
      const stale = versionRejectionOf(entity, request.ifMatch);
      if (stale) return refuse(backend, request, call, deadline, stale, isUnknown);
      // The fence stays, so that the next holder's is higher.
      const free = { token: '', fence: entity.lock.fence, expiresAt: 0 };
      const done = await writeLock(backend, request, call, entity, free, { status: 204, body: '' });
      if (done.is === 'answered') return done.answer;
      isUnknown ||= done.is === 'unknown';
      const problem = tooLate({ isUnknown, isKeyBusy: done.isKeyBusy });
      const told = await waitOrLook(
        backend,
        request,
        call,
        isUnknown,
        waitForTurn(defeats, deadline, problem),
      );
      if (told) return told;
      const again = await readAgain(backend, request, domain, id, call);
      if (again.is === 'answered') return again.answer;
      entity = again.entity;
    }
  });
}

interface Answered {
  readonly is: 'answered';
  readonly answer: Answer;
}

/** Writes the lock and the answer together. */
async function writeLock(
  { store, clock, metrics }: Backend,
  request: CommandRequest,
  call: KeyContext,
  { id, lock: before }: EntityState,
  after: LockState,
  answer: Answer,
): Promise<Answered | { readonly is: 'lost' | 'unknown'; readonly isKeyBusy: boolean }> {
  const { tenant, ifMatch } = request;
  const change = { tenant, id, before, after, ifMatch, now: clock.now() };
  const outcome = await send(store, lockItems(store.tables, change, recordOf(call)(answer)), call.signal);
  if (outcome.kind === 'committed') return { is: 'answered', answer };
  if (outcome.kind === 'duplicate') return { is: 'answered', answer: settle(request, outcome.record) };
  if (outcome.kind === 'unknown') return { is: 'unknown', isKeyBusy: false };
  metrics?.add('CommandAttemptsLost', 1);
  return { is: 'lost', isKeyBusy: outcome.kind === 'conflict' && outcome.isKeyBusy };
}

/**
 * Looks at the entity anew, and at the key: the lock that stands in the way may be this very key's, taken by an
 * attempt whose answer was lost, or by a duplicate of the request.
 */
async function readAgain(
  { store, clock }: Backend,
  request: CommandRequest,
  domain: Domain,
  id: string,
  { recordKey, signal }: KeyContext,
): Promise<Answered | { readonly is: 'open'; readonly entity: EntityState }> {
  const { record, entities } = await readTogether(store, request.tenant, [id], recordKey, signal);
  if (record && isLive(record, clock.now())) {
    return { is: 'answered', answer: settle(request, record) };
  }
  return { is: 'open', entity: existing(domain, entities.get(id)) };
}

function existing(domain: Domain, entity: EntityState | undefined): EntityState {
  if (entity?.collection !== domain.collection) throw new ProblemError(problemOf(rejections.notFound));
  return entity;
}
