/** Changes of the states of a definition. */
import { beyond, isUnchanged, refused, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import type { Snapshot } from './snapshot.ts';

const startsOf = ({ initial, starts = [initial] }: Snapshot): readonly string[] => starts;

export function* states(before: Snapshot, after: Snapshot): Iterable<Change> {
  const all = [...after.states, ...after.formerStates];
  for (const state of beyond(after.states, before.states)) {
    yield safe(
      `states.${state}`,
      'While both versions run, the older one refuses the transitions of entities in it with 409, and lists them only when asked for all.',
    );
  }
  for (const state of beyond(before.states, after.states)) {
    yield all.includes(state)
      ? safe(`states.${state}`, 'Entities in it stay in lists and in the audit; no command leads there.')
      : refused(
          `states.${state}`,
          'Entities in it would be stuck, in no list, and their balances unexplained to the audit.',
          `Name it in \`formerStates\`, and keep the transitions that lead out of it.`,
        );
  }
  for (const state of beyond(before.formerStates, all)) {
    yield twoSteps(
      `formerStates.${state}`,
      'Entities that are still in it would be in no list.',
      'Let `npm run evolve -- --data` say first that no entity is in it.',
    );
  }
  if (!isUnchanged(startsOf(before), startsOf(after)))
    yield safe('initial', 'New entities begin there; older ones have begun where they did.');
  for (const state of [...before.states, ...before.formerStates].filter((name) => all.includes(name))) {
    const leaves = ({ transitions: moves }: Snapshot): boolean =>
      Object.values(moves).some(({ from, to }) => from.includes(state) && to.some((name) => name !== state));
    if (leaves(before) && !leaves(after)) {
      yield refused(
        `states.${state}`,
        'No transition leads out of it any more: entities in it would stay there for ever.',
        'Keep a way out, or lead them out by a transition first.',
      );
    }
  }
}
