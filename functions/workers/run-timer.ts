/** What is due: a transition of an entity, or a redrive run that goes on. */
import type { Backend } from '../commands/backend.ts';
import type { Log } from '../runtime/logger.ts';
import { redriveCollection } from '../store/redrives/runs.ts';
import { createCarryOnRedrive } from './redrive-run.ts';
import { createRunScheduledTransition } from './scheduled-transition.ts';
import type { RunScheduledTransition } from './scheduled-transition.ts';

export function createRunTimer(backend: Backend, log: Log): RunScheduledTransition {
  const runTransition = createRunScheduledTransition(backend);
  const carryOnRedrive = createCarryOnRedrive({ ...backend, log });
  return (timer) => (timer.collection === redriveCollection ? carryOnRedrive : runTransition)(timer);
}
