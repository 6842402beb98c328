/** Changes of the accounts of a definition. */
import { isDeepStrictEqual } from 'node:util';
import { beyond, quoted, refused, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import type { AccountSnapshot, Snapshot } from './snapshot.ts';

const unitText = (unit: AccountSnapshot['unit']): string =>
  typeof unit === 'string' ? unit : `what "${unit.from}" says`;

/** The entity itself keeps over how many items an account of its is spread, so every version finds them all. */
function* spread(path: string, was: AccountSnapshot, account: AccountSnapshot): Iterable<Change> {
  if (was.spread === account.spread) return;
  if (account.spread === undefined) {
    yield refused(
      `${path}.spread`,
      'A later rule on it would see one of the items in which older entities keep it.',
      'Keep it.',
    );
  } else if (was.spread === undefined) {
    yield twoSteps(
      `${path}.spread`,
      `Where many want it, it comes to lie in ${account.spread} items.`,
      'Release it by itself, when every function knows the word. A rule of the older version that looks at it would see one item: release one without that rule first.',
    );
  } else {
    yield safe(`${path}.spread`, 'Entities that are spread already keep their items, or get more.');
  }
}

export function* accounts(before: Snapshot, after: Snapshot): Iterable<Change> {
  for (const [key, account] of Object.entries(after.accounts)) {
    const path = `accounts.${key}`;
    const was = before.accounts[key];
    if (!was) {
      yield safe(path, 'It counts as 0 on older entities, and the older version leaves it alone.');
      continue;
    }
    if (!isDeepStrictEqual(was.unit, account.unit)) {
      yield refused(
        path,
        `Older entities keep it in ${unitText(was.unit)}: what moves it is refused with 409 \`unit_differs\`.`,
        `Keep ${unitText(was.unit)}, and add an account of another name in ${unitText(account.unit)}.`,
      );
    }
    if (was.shown && !account.shown) {
      yield refused(path, 'Callers that read it would find it no more.', 'Keep `shown: true`.');
    }
    if (!was.shown && account.shown) yield safe(path, 'What was kept is shown.');
    const [floor, lower] = [account.minimum ?? -Infinity, was.minimum ?? -Infinity];
    if (floor > lower) {
      yield refused(
        path,
        `An older entity may hold less than ${floor}, and could then be taken from no more.`,
        'Keep the floor, and refuse the transition with a rule.',
      );
    }
    if (floor < lower) yield safe(path, 'All that was allowed is allowed.');
    yield* spread(path, was, account);
    const all = [...after.states, ...after.formerStates];
    const [open, wasOpen] = [account.open ?? all, was.open ?? all];
    const closed = beyond(wasOpen, open).filter((state) => all.includes(state));
    if (closed.length > 0) {
      yield twoSteps(
        path,
        `Postings to entities in ${quoted(closed)} are refused; what they hold there could be moved no more.`,
        'See that nothing is held there, and that no definition posts to them.',
      );
    }
    if (beyond(open, wasOpen).length > 0) yield safe(path, 'It takes postings in more states.');
  }
  for (const key of beyond(Object.keys(before.accounts), Object.keys(after.accounts))) {
    yield refused(
      `accounts.${key}`,
      'What older entities hold there could be moved no more.',
      'Keep it. Once every balance is 0 it may stay without postings.',
    );
  }
}
