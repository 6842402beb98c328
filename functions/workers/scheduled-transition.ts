/** A transition that is due: a command like any other, on behalf of the clock. */
import type { Backend } from '../commands/backend.ts';
import type { Result } from '../commands/command.ts';
import { execute } from '../commands/execute.ts';
import * as rejections from '../core/rejections.ts';
import type { TimerReference } from '../outbox/queue-messages.ts';

export type ScheduledOutcome =
  /** It is committed, now or by an earlier delivery. */
  | 'done'
  /** The entity went another way, waits for another time, or is not there. */
  | 'not_needed'
  /** By the entity's own record its time has not come. */
  | 'not_due'
  /** Nothing was changed; another attempt may. */
  | 'retry';

/**
 * Runs a scheduled transition as a command. Called any number of times for one timer, it commits once.
 * What it throws is tried again as `retry` is.
 */
export type RunScheduledTransition = (timer: TimerReference) => Promise<ScheduledOutcome>;

/** The actor of such a command, as the ledger shows it. No token names it: see `callerOf`. */
const actor = 'system:timer';

/** What is no command any more: the entity has gone on, waits for another deadline, or is not there. */
const passed: ReadonlySet<string> = new Set([rejections.notDue.code, rejections.notFound.code]);

/**
 * The key comes from the deadline itself, so any number of deliveries of one deadline is one command. Its path is no
 * route, so that no caller's key is ever this one.
 */
export function createRunScheduledTransition(backend: Backend): RunScheduledTransition {
  return async ({ tenant, collection, entity, transition, dueAt }) => {
    const domain = backend.registry.find(collection);
    // Another version of the definition wrote it, and runs it.
    if (!domain || !Object.hasOwn(domain.transitions, transition)) return 'retry';
    if (backend.clock.now() < dueAt) return 'not_due';
    // A clock that is set back from here on must not refuse what is due.
    const clock = { now: () => Math.max(backend.clock.now(), dueAt) };
    const outcome = await execute(
      { ...backend, clock },
      {
        kind: 'transition',
        tenant,
        subject: actor,
        path: `/scheduled/${collection}/${entity}/${transition}`,
        idempotencyKey: `${transition}-${dueAt}`,
        requestId: `timer-${entity}-${dueAt}`,
        domain,
        name: transition,
        id: entity,
        dueAt,
        payload: {},
        input: {},
        answerOf,
      },
    );
    switch (outcome.kind) {
      case 'committed':
        backend.metrics?.add('ScheduledTransitions', 1);
        return 'done';
      case 'replayed':
        return 'done';
      case 'refused_for_now':
        // Locked or refused while the entity still waits: that may pass, and is for people to see if not.
        return passed.has(outcome.rejection.code) ? 'not_needed' : 'retry';
      case 'refused':
      case 'key_reused':
      case 'contended':
      case 'in_progress':
      case 'unknown':
        return 'retry';
      case 'unavailable':
        // So that the log names what did not answer.
        if (outcome.cause) throw outcome.cause;
        return 'retry';
      default:
        return outcome satisfies never;
    }
  };
}

/** Nobody reads this answer but who looks into the table: which entry the deadline became. */
function answerOf(result: Result): object {
  if (result.kind !== 'changed') return { status: 409, body: '' };
  const { id, status, version } = result.entity;
  return { status: 200, body: JSON.stringify({ id, status, version }) };
}
