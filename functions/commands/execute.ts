/**
 * The safe path of every command, whoever asks for it. Each outcome is returned; only a defect throws. Read it from top
 * to bottom: that is the order in which things happen.
 */
import { mayHaveHappened } from '../store/failures.ts';
import { commit } from '../store/transaction/commit.ts';
import { startDeadline } from '../runtime/deadline.ts';
import { announced } from '../runtime/waits.ts';
import type { Backend } from './backend.ts';
import { backOff } from './backoff.ts';
import { beginExecution } from './execution.ts';
import type { Execution } from './execution.ts';
import type { CommandRequest } from './command.ts';
import { committed, giveUp, refuse, resolveDuplicate } from './key-outcomes.ts';
import { onceItemOf, onceOf } from './once.ts';
import { decideOn, idsOf, learnChanged, readState, roleMissing } from './read-and-decide.ts';
import type { DecidedCommand } from './read-and-decide.ts';
import { countOutcome } from './metrics.ts';
import type { Outcome } from './outcome.ts';
import type { Place } from './waiting-room.ts';

/**
 * Runs a command once for its key, or for the message that it answers, however often it is asked for.
 * @param budgetMs within this time; by default that of a request
 */
export async function execute(
  backend: Backend,
  request: CommandRequest,
  budgetMs?: number,
): Promise<Outcome> {
  const outcome = await runSafePath(backend, request, budgetMs);
  countOutcome(backend.metrics, outcome);
  return outcome;
}

async function runSafePath(backend: Backend, request: CommandRequest, budgetMs?: number): Promise<Outcome> {
  // 1. Receive and check. The caller has checked who asks, and the input against the command's schema. Who lacks a
  // role is told so before anything is read, and so hears nothing of the entity.
  const missing = roleMissing(request);
  if (missing) return { kind: 'refused_for_now', rejection: missing };

  // 2. Begin. Everything below ends within this deadline.
  const deadline = startDeadline(backend.clock, budgetMs);

  // 3. Check the idempotency key. Powertools hashes it, and knows what this process has answered under it. What other
  // processes have answered is found by the read in step 4, or by the commit. The answer of a receiver has no key: its
  // message ends in the same transaction, and ends once.
  const once = await onceOf(backend, request);
  if ('kind' in once) return once;

  const execution = beginExecution(backend, once, deadline);
  const isNews = request.kind === 'answer' && request.news !== undefined;
  let place: Place | undefined;
  try {
    // 4. Read the state, and the key with it, in one request. What is read is guarded below: its version becomes a
    // condition of the commit. A creation reads neither: the conditions of its transaction find a duplicate.
    const ids = idsOf(execution);
    const record = await readState(execution, ids);
    if (record) return await resolveDuplicate(execution, record);

    for (let attempt = 1, defeats = 1; ; attempt += 1, defeats += 1) {
      // Each attempt looks at the clock anew: a lock may have run out while the command waited.
      const now = backend.clock.now();
      const began = performance.now();

      // 5. Make the transition: check lock, version and rules, then make the next state. Only entities that the
      // state itself names are still read here.
      const decided = await decideOn(execution, now);
      if (decided.kind === 'rejected') return await refuse(execution, decided.rejection);

      // What it reads before it decides again, and waits for: a creation looks at what it found taken.
      const again = request.kind === 'create' && decided.kind === 'accepted' ? decided.unread : ids;
      const scarce = again[0] ?? execution.id;
      // Commands of this process that lost a race take turns at an entity. One that comes later lets them.
      const mayTry = isNews || place !== undefined || !backend.waitingRoom.isBusy(request.tenant, scarce);
      let isHandedBack = false;

      if (decided.kind === 'accepted' && mayTry) {
        // 6. Write the ledger entry and 7. the messages: `itemsOf` puts them, the postings, the new state and the answer
        // under its key into one transaction (`store/transaction/transaction-items.ts`).
        const answer = request.kind === 'answer' ? {} : request.answerOf(decided.result);
        const items = decided.itemsOf(onceItemOf(execution, answer, now), attempt);

        // 8. Commit: all of it, or nothing.
        const sent = await commit(backend.store, items, signalFor(execution, decided, now));

        // 9. Answer at once. A command that lost a race goes on below and decides again.
        switch (sent.kind) {
          case 'committed':
            return await committed(execution, answer);
          case 'duplicate':
            return await resolveDuplicate(execution, sent.record);
          case 'ended':
            return { kind: 'replayed', answer };
          case 'rejected':
            return await refuse(execution, sent.rejection);
          case 'stale': {
            lost(execution, 'race');
            learnChanged(execution, sent.states);
            // The database handed us the winner's state. That may refuse at once, whoever's turn it is.
            const next = await decideOn(execution, now);
            if (next.kind === 'rejected') return await refuse(execution, next.rejection);
            isHandedBack = true;
            break;
          }
          case 'conflict':
            lost(execution, sent.isKeyBusy ? 'key' : 'race');
            break;
          case 'unknown':
            execution.isUnknown = true;
            break;
          default:
            return sent satisfies never;
        }
      } else if (decided.kind === 'moving') {
        lost(execution, 'race');
      } else {
        execution.lastObstacle = decided.kind === 'blocked' ? 'lock' : 'race';
      }

      // An answer that its message does not have yet is kept before anything waits.
      if (isNews) {
        if (attempt === 1 && isHandedBack) continue;
        return execution.isUnknown ? await giveUp(execution) : { kind: 'contended' };
      }

      // Wait, where there is room to wait and time for another attempt: for a turn, or for a lock. Whoever gives the lock
      // back may need the turn.
      place ??= backend.waitingRoom.enter(request.tenant, scarce);
      if (!place) return execution.isUnknown ? await giveUp(execution) : { kind: 'contended' };
      if (decided.kind === 'blocked') place.passOn();
      const turn = decided.kind === 'blocked' ? 'own' : await place.turn(deadline);
      if (turn === 'late') return await giveUp(execution);
      // Who lost once, and has the turn, decides at once on what it was handed.
      if (turn === 'own' && attempt === 1 && isHandedBack) continue;
      if (turn === 'own') {
        const pause = backOff(deadline, { defeats, attemptMs: performance.now() - began });
        if (!(await (decided.kind === 'blocked' ? announced(request.tenant, pause) : pause)))
          return await giveUp(execution);
      } else {
        // It lost to those who had the turn before. From now on it can lose to other processes only.
        defeats = 0;
      }

      // After a wait what the winner left is old, and a read costs less than a cancelled transaction.
      const since = await readState(execution, again);
      if (since) return await resolveDuplicate(execution, since);
    }
  } catch (error) {
    // A read or write of ours had no answer. What is no such failure is a defect.
    if (!mayHaveHappened(error)) throw error;
    // Before the deadline it is the database that stands in the way, and no other command.
    if (!deadline.signal.aborted) execution.lastObstacle = undefined;
    return await giveUp(execution, error as Error);
  } finally {
    place?.leave();
  }
}

/** Notes that another command was faster. */
function lost(execution: Execution, obstacle: 'race' | 'key'): void {
  execution.lastObstacle = obstacle;
  execution.backend.metrics?.add('CommandAttemptsLost', 1);
}

/**
 * When to abort a commit. One that arrived after its lock ran out would still find the lock as it was judged here. So
 * it is aborted when the lock expires. The next attempt stores `lock_lost` under the key, and a late commit meets it.
 */
function signalFor(
  { deadline: { signal } }: Execution,
  { lockedUntil }: Extract<DecidedCommand, { readonly kind: 'accepted' }>,
  now: number,
): AbortSignal {
  if (lockedUntil === undefined) return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(lockedUntil - now, 0))]);
}
