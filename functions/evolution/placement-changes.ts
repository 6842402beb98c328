/** Compares what two versions keep beside their entities: fixed attributes, statements, lists, and the items of accounts. */
import { beyond, refused, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import type { Snapshot } from './snapshot.ts';

export function* fixed({ fixed: before = [] }: Snapshot, { fixed: after = [] }: Snapshot): Iterable<Change> {
  for (const name of beyond(after, before)) {
    yield twoSteps(
      `fixed.${name}`,
      'Older entities keep it where it is. Of those that the newer version creates the older one reads it, but a rule on it of another entity’s command finds nothing.',
      'Where a rule looks at it, let no older version run beside the newer one.',
    );
  }
  for (const name of beyond(before, after)) {
    yield refused(
      `fixed.${name}`,
      'Entities that keep it apart would be refused by rules on it.',
      'Keep it among `fixed`.',
    );
  }
}

/** Names of what keeps a statement: keys of its own accounts, roles of named ones. */
const withStatement = ({ accounts: owned, statements: roles = [] }: Snapshot): readonly string[] => [
  ...Object.keys(owned)
    .filter((key) => owned[key]?.statement === true)
    .map((key) => `accounts.${key}`),
  ...roles.map((role) => `statements.${role}`),
];

export function* statements(before: Snapshot, after: Snapshot): Iterable<Change> {
  for (const path of beyond(withStatement(after), withStatement(before)))
    yield safe(path, 'Its statement is kept from now on; the nightly audit adds what was posted before.');
  for (const path of beyond(withStatement(before), withStatement(after)))
    yield refused(path, 'Callers that read its statement are answered 404.', 'Keep it.');
}

export function* lists(
  { listed: before = [] }: Snapshot,
  { listed: after = [] }: Snapshot,
): Iterable<Change> {
  for (const name of beyond(after, before))
    yield safe(`listed.${name}`, 'It is listed from now on; the nightly audit adds what is older.');
  for (const name of beyond(before, after))
    yield refused(`listed.${name}`, 'Callers that look for it are answered 400.', 'Keep it.');
}

export function* spread(
  { spread: before = {} }: Snapshot,
  { spread: after = {} }: Snapshot,
): Iterable<Change> {
  for (const [role, items] of Object.entries(after)) {
    const path = `spread.${role}`;
    const was = before[role];
    const missed =
      'While both versions run, the balance that the older one reads lacks what lies in the others.';
    if (was === undefined) {
      yield twoSteps(
        path,
        `What is there stays in the first of ${items} items. ${missed}`,
        'If the older version has a floor on it, release one without it first: it would refuse what the others cover.',
      );
    } else if (items > was) {
      yield twoSteps(
        path,
        `New postings go to ${items} items, and not to ${was}. ${missed}`,
        'Release it by itself, and trust balances and audits of the newer version alone until the older one is gone.',
      );
    } else if (items < was) {
      yield refused(
        path,
        `What lies in the last ${was - items} of ${was} items would be in no balance any more.`,
        `Keep ${was}.`,
      );
    }
  }
  for (const role of beyond(Object.keys(before), Object.keys(after))) {
    yield refused(
      `spread.${role}`,
      'What lies in all items but the first would be in no balance any more.',
      `Keep it at ${before[role] ?? ''}.`,
    );
  }
}
