/** A transition that is due: a command like any other, on behalf of the clock. */
import type { RunScheduledTransition } from '../workers/timer-worker.ts';
import { executeTransition } from './execute.ts';
import type { Backend } from './execute.ts';
import { ProblemError } from './problem.ts';

/** The actor of such a command, as the ledger shows it. */
const actor = 'system:timer';

/** The key comes from the deadline itself, so any number of deliveries of one deadline is one command. */
export function createRunScheduledTransition(backend: Backend): RunScheduledTransition {
  return async ({ tenant, collection, entity, transition, dueAt }) => {
    const domain = backend.registry.find(collection);
    if (domain?.deadline?.transition !== transition) return 'not_needed';
    if (backend.clock.now() < dueAt) return 'not_due';
    // A clock that is set back from here on must not refuse for good, under the deadline's key, what is due.
    const clock = { now: () => Math.max(backend.clock.now(), dueAt) };
    try {
      const { status, replayed } = await executeTransition(
        { ...backend, clock },
        domain,
        transition,
        entity,
        {
          tenant,
          subject: actor,
          path: `/v1/${collection}/${entity}/${transition}`,
          idempotencyKey: `${transition}-${dueAt}`,
          requestId: `timer-${entity}-${dueAt}`,
          input: {},
        },
      );
      if (status === 200 && replayed !== true) backend.metrics?.add('ScheduledTransitions', 1);
      // Refused: the entity has moved on, and its deadline with it.
      return status === 200 ? 'done' : 'not_needed';
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      // Locked or crowded now; not so later. An entity that is not there will not come.
      return error.problem.status === 404 ? 'not_needed' : 'retry';
    }
  };
}
