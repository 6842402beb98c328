/**
 * Compares two versions of a definition and says of each change whether it may be released while entities of the older
 * version live, and while that version runs beside the newer one. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { beyond, refused, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import { fieldChange } from './field-changes.ts';
import { otherChanges } from './other-changes.ts';
import { fixed, lists, spread, statements } from './placement-changes.ts';
import type { AccountSnapshot, CommandSnapshot, Fields, Snapshot, TransitionSnapshot } from './snapshot.ts';

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
  isDeepStrictEqual(plain({ ...before, version: 0 }), plain({ ...asHeldBy(before, after), version: 0 }));

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

/** As a file has it: without what is undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

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

const quoted = (list: readonly string[]): string => list.map((name) => `"${name}"`).join(', ');

function* states(before: Snapshot, after: Snapshot): Iterable<Change> {
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
  if (before.initial !== after.initial)
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

function* attributes(before: Snapshot, after: Snapshot): Iterable<Change> {
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

function* fieldChanges(
  path: string,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  what: 'attribute' | 'input',
): Iterable<Change> {
  const change = fieldChange(before, after);
  if (change === 'wider') yield safe(path, 'It takes all that it took before, and more.');
  if (change !== 'narrower') return;
  yield what === 'attribute'
    ? refused(
        path,
        'Older entities may have values that it does not take any more.',
        'Keep what it takes, and bound `create.input` instead; or add another attribute beside it.',
      )
    : refused(
        path,
        'Callers that send what it took before are answered 400.',
        'Keep what it takes; refuse the rest with a rule.',
      );
}

const unitText = (unit: AccountSnapshot['unit']): string =>
  typeof unit === 'string' ? unit : `what "${unit.from}" says`;

function* accounts(before: Snapshot, after: Snapshot): Iterable<Change> {
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

function* unique(before: Snapshot, after: Snapshot): Iterable<Change> {
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
    if (!isDeepStrictEqual(plain(was.example ?? null), plain(value.example ?? null))) {
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

function* deadlines(
  { deadlines: before = {} }: Snapshot,
  { deadlines: after = {} }: Snapshot,
): Iterable<Change> {
  for (const [transition, deadline] of Object.entries(after)) {
    const path = `deadlines.${transition}`;
    const was = before[transition];
    if (!was) yield safe(path, 'Older entities wait for it after their next command.');
    else if (!isDeepStrictEqual(plain(was), plain(deadline)))
      yield safe(path, 'Entities that wait already go by what was written, until their next command.');
  }
  for (const transition of beyond(Object.keys(before), Object.keys(after)))
    yield safe(
      `deadlines.${transition}`,
      'Entities that wait for it already go on to wait, and it is brought about.',
    );
}

function* input(path: string, before: Fields, after: Fields): Iterable<Change> {
  for (const [name, field] of Object.entries(after)) {
    const was = before[name];
    const at = `${path}.${name}`;
    if (!was) {
      yield field.required
        ? refused(
            at,
            'Callers that do not send it are answered 400.',
            'Give it a `.default(...)`, or make it `.optional()`.',
          )
        : safe(at, 'Callers may leave it out; a key that was used without it gives its answer.');
      continue;
    }
    if (field.required && !was.required) {
      yield refused(
        at,
        'Callers that leave it out are answered 400.',
        'Keep it optional, and refuse what lacks it with a rule.',
      );
    }
    if (!field.required && was.required) yield safe(at, 'Callers may leave it out.');
    if (was.secret && !field.secret) {
      yield refused(at, 'What callers took for a secret would be kept in the ledger.', 'Keep it `secret`.');
    }
    yield* fieldChanges(at, was.schema, field.schema, 'input');
  }
  for (const name of beyond(Object.keys(before), Object.keys(after))) {
    yield refused(
      `${path}.${name}`,
      'Callers that send it are answered 400.',
      'Keep it as optional, and make nothing of it.',
    );
  }
}

function* command(path: string, was: CommandSnapshot, is: CommandSnapshot): Iterable<Change> {
  yield* input(`${path}.input`, was.input, is.input);
  if (is.role !== undefined && is.role !== was.role) {
    yield twoSteps(
      `${path}.role`,
      `Callers without the role "${is.role}" are answered 403.`,
      'Give the role to those who need it first.',
    );
  }
  if (is.role === undefined && was.role !== undefined)
    yield safe(`${path}.role`, 'Callers need no role for it any more.');
  if (!isDeepStrictEqual(plain(was.authorize ?? {}), plain(is.authorize ?? {}))) {
    yield twoSteps(
      `${path}.authorize`,
      'Other people may; those who may no more are answered 403.',
      path === 'create' ? 'Tell them first.' : 'Tell them first. Older entities must have what it looks at.',
    );
  }
  if (!isDeepStrictEqual(plain(was.messages), plain(is.messages)))
    yield safe(`${path}.messages`, 'What was sent stays as it was sent, in the outbox and in the ledger.');
  yield* otherChanges(path, was, is);
}

/** A message that is under way answers by the transition that was named when it was sent. */
function* answers(before: Snapshot, after: Snapshot): Iterable<Change> {
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

function* transitions(before: Snapshot, after: Snapshot): Iterable<Change> {
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
  if (is.internal && !was.internal) {
    yield refused(
      path,
      'Callers that ask for it are answered 404.',
      'Keep it open and refuse with a rule; or accept it with `--anyway`, once nobody asks for it.',
    );
  }
  if (was.internal && !is.internal) yield safe(path, 'Callers may ask for it.');
  const added = beyond(is.from, was.from);
  if (added.length > 0) yield safe(`${path}.from`, `It is allowed from ${quoted(added)} as well.`);
  const gone = beyond(was.from, is.from);
  if (gone.length > 0)
    yield safe(`${path}.from`, `Callers that ask for it in ${quoted(gone)} are answered 409.`);
  if (!isDeepStrictEqual(was.to, is.to)) yield safe(`${path}.to`, `It leads to ${quoted(is.to)}.`);
}
