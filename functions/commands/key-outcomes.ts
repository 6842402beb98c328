/** Outcomes that the key decides: refusals that are kept, duplicates, and what to say when time is over. */
import { isDeepStrictEqual } from 'node:util';
import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { upgradeCommand } from '../core/upgrade.ts';
import * as rejections from '../core/rejections.ts';
import type { Rejection } from '../core/rejections.ts';
import { request as requestLimits } from '../runtime/limits.ts';
import { mayHaveHappened } from '../store/failures.ts';
import type { IdempotencyItem, StoredAnswer } from '../store/transaction/idempotency-record.ts';
import { putRecord } from '../store/transaction/put-record.ts';
import { readRecord } from '../store/transaction/read-record.ts';
import { backOff } from './backoff.ts';
import type { Execution, KeyedExecution } from './execution.ts';
import { recordOf } from './once.ts';
import type { Outcome } from './outcome.ts';

/** This execution has committed; its record, where it has a key, was written with it. */
export async function committed(execution: Execution, answer: StoredAnswer): Promise<Outcome> {
  if (execution.key) await execution.backend.keys.remember(execution.request, answer);
  return { kind: 'committed', answer };
}

/**
 * The key has an answer. Where this very request wrote it, in an attempt whose answer was lost, it has committed;
 * otherwise it gets the other execution's answer, if it asked for the same.
 */
export async function resolveDuplicate(execution: Execution, record: IdempotencyItem): Promise<Outcome> {
  if (!execution.key) throw new Error('an answer takes no key');
  const { backend, request } = execution;
  return record.requestId === request.requestId
    ? committed(execution, record.answer)
    : backend.keys.replay(request, record);
}

/**
 * Refuses. A final refusal is kept under the key, so that a late duplicate of a declined request never succeeds
 * (guarantee G4). If another execution of the key was faster, its answer is the answer. A refusal that is not final (such as
 * a lock in the way) is told only if the key has no answer yet. The key's first execution may have committed before that lock
 * was taken, or may have taken it.
 */
export async function refuse(execution: Execution, rejection: Rejection): Promise<Outcome> {
  // What a receiver said stays said: its answer waits until the entity takes it.
  if (!execution.key) return execution.isUnknown ? giveUp(execution) : { kind: 'refused_for_now', rejection };
  const { backend, request, key, deadline } = execution;
  const isScheduled =
    request.kind === 'transition' && (request.dueAt !== undefined || request.name === upgradeCommand);
  // Nobody repeats a declined scheduled transition in the hope of another answer, and what is due may go through later.
  if (isScheduled) return execution.isUnknown ? giveUp(execution) : { kind: 'refused_for_now', rejection };
  if (rejections.isFinal(rejection)) return keepRefusal(execution, rejection);
  const told: Outcome = execution.isUnknown ? { kind: 'unknown' } : { kind: 'refused_for_now', rejection };
  // What is not there was never changed under any key, so that this common answer needs no further read.
  if (rejection.kind === 'not_found') return told;
  for (let looks = 1; ; looks += 1) {
    const read = await readRecord(backend.store, key.pk, backend.clock.now(), deadline.signal);
    if (read.kind === 'found') return resolveDuplicate(execution, read.record);
    if (read.kind === 'none') return told;
    execution.lastObstacle = 'key';
    if (!(await backOff(deadline, { defeats: looks, attemptMs: 0 }))) return giveUp(execution);
  }
}

async function keepRefusal(execution: KeyedExecution, rejection: Rejection): Promise<Outcome> {
  const { backend, request, deadline } = execution;
  const answer = request.answerOf({ kind: 'refused', rejection });
  const record = recordOf(execution, answer);
  for (let defeats = 1; ; defeats += 1) {
    let cause: Error;
    try {
      const winner = await putRecord(backend.store, record, backend.clock.now(), deadline.signal);
      // The record that was there may be this very refusal, put by a try whose answer was lost.
      const isOwn =
        !winner || (winner.requestId === request.requestId && isDeepStrictEqual(winner.answer, answer));
      if (!isOwn) return await resolveDuplicate(execution, winner);
      await backend.keys.remember(request, answer);
      return { kind: 'refused', rejection, answer };
    } catch (error) {
      // A transaction of a duplicate is at the record, or no answer came: the next try finds what became of it.
      if (!mayHaveHappened(error)) throw error;
      execution.lastObstacle = error instanceof TransactionConflictException ? 'key' : undefined;
      cause = error as Error;
    }
    if (!(await backOff(deadline, { defeats, attemptMs: 0 }))) return giveUp(execution, cause);
  }
}

/** What is told when there is no time left, in the order in which it matters to the caller. */
export async function giveUp(execution: Execution, cause?: Error): Promise<Outcome> {
  if (execution.isUnknown) return lastLook(execution);
  switch (execution.lastObstacle) {
    case 'key':
      return { kind: 'in_progress' };
    case 'lock':
      return { kind: 'refused_for_now', rejection: rejections.locked };
    case 'race':
      return { kind: 'contended' };
    case undefined:
      return { kind: 'unavailable', ...(cause && { cause }) };
    default:
      return execution.lastObstacle satisfies never;
  }
}

/** An attempt's answer never came: one read, in the time kept back, may still tell what became of it. */
async function lastLook(execution: Execution): Promise<Outcome> {
  // Its message tells, whenever the answer comes again.
  if (!execution.key) return { kind: 'unknown' };
  const { store, clock } = execution.backend;
  try {
    const signal = AbortSignal.timeout(requestLimits.deadlineReserveMs / 2);
    const read = await readRecord(store, execution.key.pk, clock.now(), signal);
    return read.kind === 'found' ? await resolveDuplicate(execution, read.record) : { kind: 'unknown' };
  } catch (error) {
    if (!mayHaveHappened(error)) throw error;
    // The database still does not answer; the caller is told that the outcome is not known.
    return { kind: 'unknown' };
  }
}
