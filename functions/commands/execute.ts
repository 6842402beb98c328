/**
 * The safe path of every command, whoever asks for it. Each outcome is returned; only a defect throws. Read it from top
 * to bottom: that is the order in which things happen.
 */
import { mayHaveHappened } from '../store/failures.ts';
import { send } from '../store/transaction/commit.ts';
import { startDeadline } from '../runtime/deadline.ts';
import type { Backend } from './backend.ts';
import { backOff } from './backoff.ts';
import { beginCall } from './call.ts';
import type { Call } from './call.ts';
import type { CommandRequest } from './command.ts';
import { committed, outOfTime, recordOf, refuse, resolveDuplicate } from './key-outcomes.ts';
import { idsOf, load, loadAndDecide } from './load-and-decide.ts';
import type { Decided } from './load-and-decide.ts';
import { countOutcome } from './metrics.ts';
import type { Outcome } from './outcome.ts';

/** Runs a command once for its key, however often it is asked for. Within the deadline of a request. */
export async function execute(backend: Backend, request: CommandRequest): Promise<Outcome> {
  const outcome = await carryOut(backend, request);
  countOutcome(backend.metrics, outcome);
  return outcome;
}

async function carryOut(backend: Backend, request: CommandRequest): Promise<Outcome> {
  // 1. Receive and check. The caller has checked who asks, and the input against the command's schema.

  // 2. Begin. Everything below ends within this deadline.
  const deadline = startDeadline(backend.clock);

  // 3. Check the idempotency key. Powertools hashes it, and knows the answers that this process gave.
  const key = await backend.keys.begin(request);
  if (key.kind !== 'taken') return key;

  const call = beginCall(backend, request, key, deadline);
  let leaveWaitingRoom: (() => void) | undefined;
  try {
    // 4. Read the state, and the key with it: one request. A creation has nothing to read and asks for neither.
    const record = await load(call, idsOf(call));
    if (record) return backend.keys.replay(request, record);

    for (let defeats = 1; ; defeats += 1) {
      // Each attempt looks at the clock anew: a lock may have run out while the command waited.
      const now = backend.clock.now();
      const began = performance.now();

      // 4. Guard and 5. transition: the lock, the version, the rules; then the next state. All pure, on what was read.
      const decided = await loadAndDecide(call, now);
      if (decided.kind === 'rejected') return await refuse(call, decided.rejection);

      if (decided.kind === 'accepted') {
        // 6. Ledger and 7. outbox: the decision has the entries, postings and messages. `itemsOf` makes all of them
        // items of one transaction, with the key's record and the answer in it.
        const answer = request.answerOf(decided.result);
        const items = decided.itemsOf(recordOf(call, answer));

        // 8. Commit: all of it or nothing.
        const sent = await send(backend.store, items, signalFor(call, decided, now));

        // 9. Answer. Who lost a race decides again, below.
        switch (sent.kind) {
          case 'committed':
            return await committed(call, answer);
          case 'duplicate':
            return await resolveDuplicate(call, sent.record);
          case 'rejected':
            return await refuse(call, sent.rejection);
          case 'stale': {
            lost(call, 'race');
            for (const [id, state] of sent.states) call.known.set(id, state);
            // The first loser goes on at once with the state it was handed.
            if (defeats === 1) continue;
            // Later ones spread out and read again, unless that state has said no already.
            const again = await loadAndDecide(call, now);
            if (again.kind === 'rejected') return await refuse(call, again.rejection);
            break;
          }
          case 'conflict':
            lost(call, sent.isKeyBusy ? 'key' : 'race');
            break;
          case 'unknown':
            call.isUnknown = true;
            break;
          default:
            return sent satisfies never;
        }
      } else {
        call.lastObstacle = 'lock';
      }

      // Wait, where there is room to wait and time for another attempt.
      leaveWaitingRoom ??= backend.waitingRoom.enter(request.tenant, scarceOf(call, decided));
      if (!leaveWaitingRoom) return call.isUnknown ? await outOfTime(call) : { kind: 'contended' };
      if (!(await backOff(deadline, { defeats, attemptMs: performance.now() - began })))
        return await outOfTime(call);

      // After a wait what the winner left is old, and a read costs less than a cancelled transaction.
      const since = await load(call, idsAgain(call, decided));
      if (since) return await resolveDuplicate(call, since);
    }
  } catch (error) {
    // A read or write of ours had no answer. What is no such failure is a defect.
    if (!mayHaveHappened(error)) throw error;
    if (!deadline.signal.aborted) call.lastObstacle = undefined;
    return await outOfTime(call, error as Error);
  } finally {
    leaveWaitingRoom?.();
  }
}

/** Notes that another command was faster. */
function lost(call: Call, obstacle: 'race' | 'key'): void {
  call.lastObstacle = obstacle;
  call.backend.metrics?.add('CommandAttemptsLost', 1);
}

/**
 * How long a transaction may be on its way. Sent late, it would find the lock as it was judged here, so it is given up
 * with the lock. The next attempt then keeps `lock_lost` under the key, and whatever is still on its way meets that.
 */
function signalFor(
  { deadline: { signal } }: Call,
  { lockedUntil }: Extract<Decided, { readonly kind: 'accepted' }>,
  now: number,
): AbortSignal {
  if (lockedUntil === undefined) return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(Math.max(lockedUntil - now, 0))]);
}

/** What a waiting command reads before it decides again: a creation looks at what it found taken. */
const idsAgain = (call: Call, decided: Decided): readonly string[] =>
  call.request.kind === 'create' && decided.kind === 'accepted' ? decided.unread : idsOf(call);

/** The entity that a waiting command waits for; of a creation it is one that it takes something from. */
const scarceOf = (call: Call, decided: Decided): string => idsAgain(call, decided)[0] ?? call.id;
