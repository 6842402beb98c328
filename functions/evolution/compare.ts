/**
 * Compares two versions of a definition and says of each change whether it may be released while entities of the older
 * version live, and while that version runs beside the newer one. Pure.
 */
import { accounts } from './account-changes.ts';
import { attributes } from './attribute-changes.ts';
import { isUnchanged, refused, safe } from './changes.ts';
import type { Change } from './changes.ts';
import { command } from './command-changes.ts';
import { fixed, lists, spread, statements } from './placement-changes.ts';
import type { CommandSnapshot, Snapshot } from './snapshot.ts';
import { states } from './state-changes.ts';
import { answers, deadlines, transitions } from './transition-changes.ts';
import { unique } from './unique-changes.ts';

/** All changes between what is live and what is to be released, by their place in the definition. */
export function changesBetween(before: Snapshot, after: Snapshot): readonly Change[] {
  return [
    ...names(before, after),
    ...states(before, after),
    ...attributes(before, after),
    ...fixed(before, after),
    ...accounts(before, after),
    ...statements(before, after),
    ...lists(before, after),
    ...spread(before, after),
    ...unique(before, after),
    ...deadlines(before, after),
    ...command('create', before.create, after.create),
    ...answers(before, after),
    ...transitions(before, after),
  ];
}

/** Whether two versions differ in anything but the number. */
export const isSame = (before: Snapshot, after: Snapshot): boolean =>
  isUnchanged({ ...before, version: 0 }, { ...asHeldBy(before, after), version: 0 });

/** Without what snapshots did not hold when the older one was written. */
function asHeldBy(before: Snapshot, after: Snapshot): Snapshot {
  const held = <T extends CommandSnapshot>(was: CommandSnapshot | undefined, is: T): T => ({
    ...is,
    ...(was && !was.links && { links: undefined }),
    ...(was && !was.creates && { creates: undefined }),
  });
  return {
    ...after,
    create: held(before.create, after.create),
    transitions: Object.fromEntries(
      Object.entries(after.transitions).map(([name, is]) => [name, held(before.transitions[name], is)]),
    ),
  };
}

export const collectionAdded = ({ collection }: Snapshot): Change =>
  safe(collection, 'It is new; the older version knows no route to it.');
export const collectionRemoved = ({ collection }: Snapshot): Change =>
  refused(
    collection,
    'All its entities would be in no list, out of reach of the audit, and their balances unexplained.',
    'Keep the definition. To end it, make its transitions internal, and let `create` refuse with a rule.',
  );

function* names(before: Snapshot, after: Snapshot): Iterable<Change> {
  if (before.idPrefix !== after.idPrefix) {
    yield refused(
      'idPrefix',
      `Ids that begin with "${before.idPrefix}_" would be found no more.`,
      `Keep "${before.idPrefix}".`,
    );
  }
  if (before.type !== after.type) {
    yield refused(
      'type',
      `Callers tell entities by "${before.type}".`,
      `Keep "${before.type}"; another name needs a collection of its own.`,
    );
  }
}
