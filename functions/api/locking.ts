/** Waiting locks: whoever holds one works on an entity undisturbed, fenced off once the lock has run out. */
import { randomBytes } from 'node:crypto';
import type { Domain } from '../core/definition.ts';
import type { EntityState, LockState } from '../core/entity.ts';
import * as rejections from '../core/rejections.ts';
import { timestamp } from '../runtime/clock.ts';
import { send } from '../store/commit.ts';
import type { Answer } from '../store/idempotency-record.ts';
import { lockItems } from '../store/lock-items.ts';
import { readTogether } from '../store/reads.ts';
import { waitForTurn } from './attempts.ts';
import type { Deadline } from './attempts.ts';
import { execute, recordOf, refuse, settle } from './execute.ts';
import type { Backend, CommandRequest } from './execute.ts';
import type { KeyContext, ReplayableAnswer } from './idempotency.ts';
import { problemOf, ProblemError } from './problem.ts';

export interface LockInput {
  readonly ttlSeconds: number;
  readonly wait: 'wait' | 'nowait';
}

const isHeld = ({ lock }: EntityState, now: number): boolean => lock !== undefined && lock.expiresAt > now;
const lockedProblem = { ...problemOf(rejections.locked), headers: { 'retry-after': '1' } };

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
    for (let defeats = 1; ; defeats += 1) {
      const now = backend.clock.now();
      if (isHeld(entity, now)) {
        if (wait === 'nowait') throw new ProblemError(lockedProblem);
      } else {
        const token = randomBytes(16).toString('base64url');
        const lock = { token, fence: (entity.lock?.fence ?? 0) + 1, expiresAt: now + ttlSeconds * 1000 };
        const body = JSON.stringify({ token, fence: lock.fence, expiresAt: timestamp(lock.expiresAt) });
        const done = await writeLock(backend, request, call, entity, lock, { status: 200, body });
        if (done) return done;
      }
      entity = await readAgain(backend, request, domain, id, defeats, deadline);
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
    for (let defeats = 1; ; defeats += 1) {
      if (!isHeld(entity, backend.clock.now()) || entity.lock?.token !== token) {
        return refuse(backend, request, call, rejections.lockLost);
      }
      // The fence stays, so that the next holder's is higher.
      const free = { token: '', fence: entity.lock.fence, expiresAt: 0 };
      const done = await writeLock(backend, request, call, entity, free, { status: 204, body: '' });
      if (done) return done;
      entity = await readAgain(backend, request, domain, id, defeats, deadline);
    }
  });
}

/** Writes the lock and the answer together. @returns `undefined` where somebody else was faster. */
async function writeLock(
  { store, clock }: Backend,
  request: CommandRequest,
  call: KeyContext,
  { id, lock: before }: EntityState,
  after: LockState,
  answer: Answer,
): Promise<Answer | undefined> {
  const change = { tenant: request.tenant, id, before, after, now: clock.now() };
  const outcome = await send(store, lockItems(store.tables, change, recordOf(call)(answer)), call.signal);
  if (outcome.kind === 'committed') return answer;
  return outcome.kind === 'duplicate' ? settle(request, outcome.record) : undefined;
}

async function readAgain(
  { store }: Backend,
  { tenant }: CommandRequest,
  domain: Domain,
  id: string,
  defeats: number,
  deadline: Deadline,
): Promise<EntityState> {
  await waitForTurn(defeats, deadline, lockedProblem);
  const { entities } = await readTogether(store, tenant, [id], undefined, deadline.signal);
  return existing(domain, entities.get(id));
}

function existing(domain: Domain, entity: EntityState | undefined): EntityState {
  if (entity?.collection !== domain.collection) throw new ProblemError(problemOf(rejections.notFound));
  return entity;
}
