/** Time that passes until a deadline has come, and what happens then, as the worker of timers does it. */
import { request } from '../../../functions/runtime/limits.ts';
import { readEntity } from '../../../functions/store/entities/reads.ts';
import { createRunScheduledTransition } from '../../../functions/workers/scheduled-transition.ts';
import type { Workbench } from './workbench.ts';

export interface EntityTimer {
  readonly tenant: string;
  readonly entity: string;
  readonly transition: string;
}

/** Runs a timer at its time, which is over afterwards. */
export async function runTimer(
  { backend, clock }: Workbench,
  { entity, ...timer }: EntityTimer,
  dueAt: number,
): Promise<void> {
  const waitMs = Math.max(0, dueAt - clock.now());
  const collection = backend.registry.ofId(entity)?.collection ?? '';
  clock.advance(waitMs);
  await createRunScheduledTransition(backend)({ ...timer, collection, entity, dueAt });
  clock.advance(-waitMs);
}

/**
 * Runs the timer that an entity waits for.
 * @returns how far off it was, in milliseconds
 * @throws where it waits for another, or for none
 */
export async function passDeadline(bench: Workbench, timer: EntityTimer): Promise<number> {
  const { backend, clock } = bench;
  const patience = AbortSignal.timeout(request.deadlineMs);
  const { due } = (await readEntity(backend.store, timer.tenant, timer.entity, patience)) ?? {};
  if (due?.transition !== timer.transition)
    throw new Error(`${timer.entity} waits for ${due?.transition ?? 'nothing'}, not for ${timer.transition}`);
  await runTimer(bench, timer, due.at);
  return Math.max(0, due.at - clock.now());
}
