/**
 * The safe path of every command, whoever asks for it. Each outcome is returned; only a defect throws. Read it from top
 * to bottom: that is the order in which things happen.
 */
import { mayHaveHappened } from '../store/failures.ts';
import { commit } from '../store/transaction/commit.ts';
import { startDeadline } from '../runtime/deadline.ts';
import type { Backend } from './backend.ts';
import { BetweenAttempts } from './between-attempts.ts';
import { beginExecution } from './execution.ts';
import type { Execution } from './execution.ts';
import type { CommandRequest } from './command.ts';
import { committed, giveUp, refuse, resolveDuplicate } from './key-outcomes.ts';
import { gather, levelMet } from './level-shares.ts';
import { onceItemOf, onceOf } from './once.ts';
import { forgetSpread, learnChanged, readState } from './known-states.ts';
import { decideOn, idsOf, roleMissing } from './read-and-decide.ts';
import type { DecidedCommand } from './read-and-decide.ts';
import { countOutcome } from './metrics.ts';
import type { Outcome } from './outcome.ts';

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

  // 3. Check the idempotency key. Powertools hashes it, and knows what this process has answered under it; what this
  // process has under way is waited for. What other processes have answered is found by the read in step 4, or by the
  // commit. The answer of a receiver has no key: its message ends in the same transaction, and ends once.
  const { known, once } = await onceOf(backend, request, deadline);
  if (known) return known;

  const execution = beginExecution(backend, once, deadline);
  const between = new BetweenAttempts(execution);
  try {
    // 4. Read the state, and the key with it, in one request. What is read is guarded below: its version becomes a
    // condition of the commit. A creation that names no others reads nothing: its transaction finds a duplicate.
    const ids = idsOf(execution);
    const record = await readState(execution, ids);
    if (record) return await resolveDuplicate(execution, record);

    for (let attempt = 1; ; attempt += 1) {
      // Each attempt looks at the clock anew: a lock may have run out while the command waited.
      const now = backend.clock.now();
      const began = performance.now();

      // 5. Make the transition: check lock, version and rules, then make the next state. Only entities whose ids the
      // state tells are still read here.
      const decided = await decideOn(execution, now);
      if (decided.kind === 'rejected') return await refuse(execution, decided.rejection);

      // What a wait makes old: the ids that are read here, and others that it changes without a read.
      const { unread, chosen = [] } = decided.kind === 'accepted' ? decided : { unread: [] };
      const wanted = idsToReadAgain(request, ids, decided);
      const entity = chosen[0]?.account ?? wanted[0] ?? execution.id;
      const at = { entity, isSpread: chosen.length > 0 };
      let isHandedOver = false;

      if (
        decided.kind === 'accepted' &&
        (mustNotWait(request) || (decided.isMet !== true && between.mayTry(at)))
      ) {
        // 6. Write the ledger entry and 7. the messages: `itemsOf` puts them, the postings, the new state and the answer
        // under its key into one transaction (`store/transaction/transaction-items.ts`). A receiver waits for no answer.
        const answer = request.kind === 'answer' ? {} : request.answerOf(decided.result);
        const items = decided.itemsOf(onceItemOf(execution, answer, now));

        // 8. Commit: all of it, or nothing.
        const sent = await commit(backend.store, items, signalFor(execution, decided));
        execution.leaveItems();

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
            await learnChanged(execution, sent.states);
            // The database handed us the winner's state. That may refuse at once, no matter whose turn it is.
            const next = await decideOn(execution, now);
            if (next.kind === 'rejected') return await refuse(execution, next.rejection);
            isHandedOver = true;
            break;
          }
          case 'conflict':
            lost(execution, sent.isKeyBusy ? 'key' : 'race');
            if (!sent.isKeyBusy) execution.meetings += 1;
            break;
          case 'throttled':
            execution.lastObstacle = undefined;
            break;
          case 'unknown':
            execution.isUnknown = true;
            break;
          default:
            return sent satisfies never;
        }
      } else if (decided.kind === 'moving') {
        lost(execution, 'race');
      } else if (decided.kind === 'scattered') {
        await gather(execution, decided);
        lost(execution, 'race');
      } else {
        execution.lastObstacle = decided.kind === 'blocked' ? 'lock' : 'race';
      }

      if (mustNotWait(request)) {
        if (attempt === 1 && isHandedOver) continue;
        return await turnedAway(execution);
      }

      const next = await between.wait({
        ...at,
        attempt,
        isBlocked: decided.kind === 'blocked',
        isHandedOver,
        tookMs: performance.now() - began,
      });
      switch (next) {
        case 'decide':
          break;
        case 'read': {
          if (between.hasQueued && forgetSpread(execution, wanted, unread)) continue;
          const since = await readState(execution, wanted);
          if (since) return await resolveDuplicate(execution, since);
          break;
        }
        case 'crowded':
          return await turnedAway(execution);
        case 'late':
          return await giveUp(execution);
        default:
          return next satisfies never;
      }
      // Who finds a crowd there makes room, where the definition lets it.
      const isCrowded = execution.meetings > 1 || between.hasQueued;
      if (isCrowded && (await levelMet(execution, unread))) await readState(execution, wanted);
    }
  } catch (error) {
    // A read or write of ours had no answer. What is no such failure is a defect.
    if (!mayHaveHappened(error)) throw error;
    // Before the deadline it is the database that stands in the way, and no other command.
    if (!deadline.signal.aborted) execution.lastObstacle = undefined;
    return await giveUp(execution, error as Error);
  } finally {
    execution.leaveItems();
    between.leave();
    if (once.key) backend.keys.letGo(once.key);
  }
}

/** A creation that names no others reads nothing at first, and a transition does not read where it only posts to. */
function idsToReadAgain(
  { kind }: CommandRequest,
  ids: readonly string[],
  decided: DecidedCommand,
): readonly string[] {
  if (decided.kind === 'scattered') return [...new Set([...ids, decided.id])];
  if (decided.kind !== 'accepted') return ids;
  const others = decided.unread.filter(({ domain, deltas }) =>
    kind === 'create' ? true : Object.keys(deltas).some((key) => domain.accounts?.[key]?.spread),
  );
  return [...new Set([...ids, ...others.map(({ id }) => id)])];
}

/** What is told at once to one that may not wait: where others are known to be in the way, that nothing was written. */
const turnedAway = (execution: Execution): Outcome | Promise<Outcome> =>
  !execution.isUnknown && execution.lastObstacle !== undefined ? { kind: 'contended' } : giveUp(execution);

/** Whether it is a receiver's answer that is not stored yet. The worker stores it before anything waits. */
const mustNotWait = (request: CommandRequest): boolean =>
  request.kind === 'answer' && request.news !== undefined;

/** Notes that another command was faster. */
function lost(execution: Execution, obstacle: 'race' | 'key'): void {
  execution.lastObstacle = obstacle;
  execution.backend.metrics?.add('CommandAttemptsLost', 1);
}

/**
 * When to abort a commit. A late one would still pass the lock's condition, although the lock has run out. So it is aborted
 * when the lock expires. The next attempt stores `lock_lost` under the key, and a late commit meets it.
 */
function signalFor(
  { backend: { clock }, deadline: { signal } }: Execution,
  { lockedUntil }: Extract<DecidedCommand, { readonly kind: 'accepted' }>,
): AbortSignal {
  if (lockedUntil === undefined) return signal;
  // To decide may have taken a read.
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(lockedUntil - clock.now(), 0))]);
}
