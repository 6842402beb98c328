/** What is told and kept under a request's key where no commit of its own says it: refusals, and answers of others. */
import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
import * as rejections from '../core/rejections.ts';
import type { Rejection } from '../core/rejections.ts';
import type { Deadline } from '../runtime/clock.ts';
import { request as limits } from '../runtime/limits.ts';
import { mayHaveHappened } from '../store/failures.ts';
import { isLive } from '../store/transaction/idempotency-record.ts';
import type { Answer, IdempotencyItem } from '../store/transaction/idempotency-record.ts';
import { readRecord } from '../store/transaction/read-record.ts';
import { putRecord } from '../store/transaction/put-record.ts';
import { readTogether } from '../store/entities/reads.ts';
import { outcomeUnknown, requestInProgress, unavailable, waitForTurn } from './attempts.ts';
import type { Backend, CommandRequest } from './execute.ts';
import { lostTo } from './idempotency.ts';
import type { KeyContext } from './idempotency.ts';
import { problemBody, problemOf, ProblemError } from './problem.ts';

/** The maker of this call's idempotency record; every commit carries one. */
export function recordOf(call: KeyContext): NonNullable<KeyContext['record']> {
  if (!call.record)
    throw new Error('the key was not taken: a command must not run without its idempotency record');
  return call.record;
}

/**
 * Answers a refusal. A final one is kept under the key, so that a late duplicate of a declined request never
 * succeeds (guarantee G4); should another call of the key have been faster, its answer is the answer. One that is
 * not final is only told where the key has no answer: a lock may have been taken after the command committed.
 * @param isUnknown whether an attempt of this request may have committed, or may still
 */
export async function refuse(
  { store, clock }: Backend,
  { requestId, path, dueAt }: Pick<CommandRequest, 'requestId' | 'path' | 'dueAt'>,
  call: KeyContext,
  deadline: Deadline,
  rejection: Rejection,
  isUnknown: boolean,
): Promise<Answer> {
  const problem = problemOf(rejection);
  // Nobody repeats a declined scheduled transition in the hope of another answer, and what is due may go through later.
  if (dueAt !== undefined) throw new ProblemError(isUnknown ? outcomeUnknown : problem);
  if (!rejections.isFinal(rejection)) {
    // What is not there was never changed under any key, so that this common answer needs no further read.
    for (let looks = 1; rejection.kind !== 'not_found' && call.recordKey !== undefined; looks += 1) {
      const read = await readRecord(store, call.recordKey, clock.now(), call.signal);
      if (read.kind === 'found') return settle({ requestId }, read.record);
      if (read.kind === 'none') break;
      await waitForTurn(looks, deadline, isUnknown ? outcomeUnknown : requestInProgress);
    }
    throw new ProblemError(isUnknown ? outcomeUnknown : problem);
  }
  const answer: Answer = { status: problem.status, body: problemBody(problem, requestId, path) };
  for (let defeats = 1; ; defeats += 1) {
    let winner: IdempotencyItem | undefined;
    try {
      winner = await putRecord(store, recordOf(call)(answer), clock.now(), call.signal);
    } catch (error) {
      // A transaction of a duplicate is at the record, or no answer came: the next try finds what became of it.
      if (!mayHaveHappened(error)) throw error;
      const isKeyBusy = error instanceof TransactionConflictException;
      await waitForTurn(defeats, deadline, isKeyBusy ? requestInProgress : unavailable, 0, error);
      continue;
    }
    return winner ? settle({ requestId }, winner) : answer;
  }
}

/**
 * The key has an answer. Where this very request wrote it, in an attempt whose answer was lost, it is simply the
 * answer; where another call did, Powertools checks the payload and replays.
 */
export function settle({ requestId }: Pick<CommandRequest, 'requestId'>, record: IdempotencyItem): Answer {
  return record.requestId === requestId ? record.answer : lostTo(record);
}

/** Waits for another attempt. Where there is no time for one, and an attempt may have committed, its key may tell. */
export async function waitOrLook(
  backend: Backend,
  request: Pick<CommandRequest, 'requestId'>,
  call: KeyContext,
  isUnknown: boolean,
  wait: Promise<void>,
): Promise<Answer | undefined> {
  try {
    await wait;
    return undefined;
  } catch (error) {
    const record = isUnknown ? await lastLook(backend, call) : undefined;
    if (!record) throw error;
    return settle(request, record);
  }
}

/** Time is up with an attempt whose answer never came: one read, in the time kept back, may still tell the truth. */
async function lastLook(
  { store, clock }: Backend,
  { tenant, recordKey }: KeyContext,
): Promise<IdempotencyItem | undefined> {
  try {
    const signal = AbortSignal.timeout(limits.deadlineReserveMs / 2);
    const { record } = await readTogether(store, tenant, [], recordKey, signal);
    return record && isLive(record, clock.now()) ? record : undefined;
  } catch {
    // The database still does not answer; the caller is told that the outcome is not known.
    return undefined;
  }
}
