/** A transition that is due: a command like any other, on behalf of the clock. */
import * as rejections from '../core/rejections.ts';
import type { RunScheduledTransition } from './timer-worker.ts';
import { executeTransition } from '../api/execute.ts';
import type { Backend } from '../api/execute.ts';
import { ProblemError } from '../api/problem.ts';

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
    if (domain?.deadline?.transition !== transition) return 'not_needed';
    if (backend.clock.now() < dueAt) return 'not_due';
    // A clock that is set back from here on must not refuse what is due.
    const clock = { now: () => Math.max(backend.clock.now(), dueAt) };
    try {
      const { replayed } = await executeTransition({ ...backend, clock }, domain, transition, entity, {
        tenant,
        subject: actor,
        path: `/scheduled/${collection}/${entity}/${transition}`,
        idempotencyKey: `${transition}-${dueAt}`,
        requestId: `timer-${entity}-${dueAt}`,
        dueAt,
        input: {},
      });
      if (replayed !== true) backend.metrics?.add('ScheduledTransitions', 1);
      return 'done';
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      // Locked, crowded or refused while the entity still waits: that may pass, and is for people to see if not.
      return passed.has(error.problem.code) ? 'not_needed' : 'retry';
    }
  };
}
