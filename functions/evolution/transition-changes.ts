/** Changes of the transitions of a definition, and of what brings them about: callers, deadlines, answers. */
import { isDeepStrictEqual } from 'node:util';
import { beyond, isUnchanged, quoted, refused, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import { command } from './command-changes.ts';
import type { Snapshot, TransitionSnapshot } from './snapshot.ts';

export function* transitions(before: Snapshot, after: Snapshot): Iterable<Change> {
  for (const [name, transition] of Object.entries(after.transitions)) {
    const path = `transitions.${name}`;
    const was = before.transitions[name];
    if (!was) {
      yield safe(path, 'The older version has no route to it.');
      continue;
    }
    yield* steps(path, was, transition);
    yield* command(path, was, transition);
  }
  for (const name of beyond(Object.keys(before.transitions), Object.keys(after.transitions))) {
    const path = `transitions.${name}`;
    const was = before.transitions[name];
    if (before.deadlines?.[name]) {
      yield refused(
        path,
        'Entities that wait for it would wait for ever.',
        'Keep it, as `internal`, until no entity waits for it.',
      );
    } else if (was?.internal === true) {
      yield twoSteps(
        path,
        'While both versions run, the older one still makes the step. The ledger keeps what was done.',
        'See that no entity waits for it, and that no other definition moves it.',
      );
    } else {
      yield refused(
        path,
        'Callers that ask for it are answered 404.',
        'Keep it and refuse with a rule; or accept it with `--anyway`, once nobody asks for it.',
      );
    }
  }
}

function* steps(path: string, was: TransitionSnapshot, is: TransitionSnapshot): Iterable<Change> {
  const added = beyond(is.from, was.from);
  if (added.length > 0) yield safe(`${path}.from`, `It is allowed from ${quoted(added)} as well.`);
  const gone = beyond(was.from, is.from);
  if (gone.length > 0)
    yield safe(`${path}.from`, `Callers that ask for it in ${quoted(gone)} are answered 409.`);
  if (!isDeepStrictEqual(was.to, is.to)) yield safe(`${path}.to`, `It leads to ${quoted(is.to)}.`);
}

export function* deadlines(
  { deadlines: before = {} }: Snapshot,
  { deadlines: after = {} }: Snapshot,
): Iterable<Change> {
  for (const [transition, deadline] of Object.entries(after)) {
    const path = `deadlines.${transition}`;
    const was = before[transition];
    if (!was) yield safe(path, 'Older entities wait for it after their next command.');
    else if (!isUnchanged(was, deadline))
      yield safe(path, 'Entities that wait already go by what was written, until their next command.');
  }
  for (const transition of beyond(Object.keys(before), Object.keys(after)))
    yield safe(
      `deadlines.${transition}`,
      'Entities that wait for it already go on to wait, and it is brought about.',
    );
}

/** A message that is under way answers by the transition that was named when it was sent. */
export function* answers(before: Snapshot, after: Snapshot): Iterable<Change> {
  const sent = [before.create, ...Object.values(before.transitions)].flatMap(({ messages }) => messages);
  const named = new Set(
    sent.flatMap(({ done, refused: refusedBy, dead }) =>
      [done, refusedBy, dead].filter((name) => name !== undefined),
    ),
  );
  for (const name of named) {
    if (!before.transitions[name] || after.transitions[name]) continue;
    yield refused(
      `transitions.${name}`,
      'Messages that are under way are answered by it: their answers would find no transition.',
      'Keep it until no message waits for an answer.',
    );
  }
}
