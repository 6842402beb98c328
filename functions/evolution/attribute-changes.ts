/** Changes of the attributes of a definition, and of those that it keeps hidden. */
import { beyond, refused, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import { fieldChanges } from './field-changes.ts';
import type { Snapshot } from './snapshot.ts';

export function* attributes(before: Snapshot, after: Snapshot): Iterable<Change> {
  const hasUpgrade = after.upgrades?.includes(before.version) === true;
  for (const group of ['attributes', 'hidden'] as const) {
    const other = group === 'attributes' ? 'hidden' : 'attributes';
    for (const [name, { required }] of Object.entries(after[group])) {
      const path = `${group}.${name}`;
      const was = before[group][name];
      if (!was && before[other][name]) {
        yield group === 'attributes'
          ? safe(path, 'What was kept is shown.')
          : refused(
              path,
              'Callers that read it would find it no more.',
              'Keep it among `attributes`, or keep a copy under another name in `hidden`.',
            );
        continue;
      }
      if (!was && !required)
        yield safe(path, 'Older entities lack it, and the older version leaves it alone.');
      if (!was && required && hasUpgrade) yield safe(path, 'Older entities get it by their upgrade.');
      if (!was && required && !hasUpgrade) {
        yield refused(
          path,
          'Older entities lack it, and so do those that the older version still creates.',
          'Make it `.optional()`, or say in `upgrades` how older entities get it.',
        );
      }
      if (!was) continue;
      if (!was.required && required) {
        yield twoSteps(
          path,
          'Older entities may lack it.',
          'Let `npm run evolve -- --data` say first that none does.',
        );
      }
      if (was.required && !required) {
        yield twoSteps(
          path,
          'The older version expects it of what the newer one writes.',
          'Release it; leave it out of what is written only in the release after.',
        );
      }
      yield* fieldChanges(path, was.schema, after[group][name]?.schema ?? {}, 'attribute');
    }
    for (const name of beyond(Object.keys(before[group]), Object.keys(after[group]))) {
      if (after[other][name]) continue;
      if (hasUpgrade) {
        yield twoSteps(
          `${group}.${name}`,
          'Older entities lose it by their upgrade; the older version would miss it.',
          'Release it once no version runs that reads it.',
        );
        continue;
      }
      yield refused(
        `${group}.${name}`,
        'What older entities keep there would vanish from reads and from the definition.',
        'Keep it as optional. To rename it, add the new name beside it, and let `upgrades` drop the old one in a later release.',
      );
    }
  }
}
