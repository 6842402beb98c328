/** Changes of a command: of what it takes, of who may send it, and of what it sends. */
import { beyond, isUnchanged, refused, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import { fieldChanges } from './field-changes.ts';
import { otherChanges } from './other-changes.ts';
import type { CommandSnapshot, Fields } from './snapshot.ts';

export function* command(path: string, was: CommandSnapshot, is: CommandSnapshot): Iterable<Change> {
  if (is.internal === true && was.internal !== true) {
    yield refused(
      path,
      `Callers that ask for it are answered ${path === 'create' ? 405 : 404}.`,
      'Keep it open and refuse with a rule; or accept it with `--anyway`, once nobody asks for it.',
    );
  }
  if (was.internal === true && is.internal !== true) yield safe(path, 'Callers may ask for it.');
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
  if (!isUnchanged(was.authorize ?? {}, is.authorize ?? {})) {
    yield twoSteps(
      `${path}.authorize`,
      'Other people may; those who may no more are answered 403.',
      path === 'create' ? 'Tell them first.' : 'Tell them first. Older entities must have what it looks at.',
    );
  }
  if (!isUnchanged(was.messages, is.messages))
    yield safe(`${path}.messages`, 'What was sent stays as it was sent, in the outbox and in the ledger.');
  yield* otherChanges(path, was, is);
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
