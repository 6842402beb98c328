/** Changes of the unique values of a definition. */
import { beyond, isUnchanged, quoted, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import type { Snapshot } from './snapshot.ts';

export function* unique(before: Snapshot, after: Snapshot): Iterable<Change> {
  for (const [name, value] of Object.entries(after.unique)) {
    const path = `unique.${name}`;
    const was = before.unique[name];
    if (!was) {
      yield twoSteps(
        path,
        'It binds entities that are created or changed from now on; a value of an older entity is free until then.',
        'Release it, and let `npm run migrate` take the values of older entities once the older version is gone.',
      );
      continue;
    }
    if (!isUnchanged(was.example, value.example)) {
      yield twoSteps(
        path,
        'Older entities hold the value as it was made before, and release it so; both forms may be held at once.',
        'Release it, and let `npm run migrate` take the new form once the older version is gone.',
      );
    }
    const added = beyond(value.while, was.while);
    if (added.length > 0) {
      yield twoSteps(
        path,
        `The older version releases it when it leads an entity into ${quoted(added)}.`,
        'Release it, and let `npm run migrate` take such values once the older version is gone.',
      );
    }
    const gone = beyond(was.while, value.while);
    if (gone.length > 0)
      yield safe(path, `Entities that hold it in ${quoted(gone)} keep it there, as it was written.`);
  }
  for (const name of beyond(Object.keys(before.unique), Object.keys(after.unique)))
    yield safe(`unique.${name}`, 'Those that hold it release it in time; nobody else takes it.');
}
