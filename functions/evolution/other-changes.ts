/** Compares what two versions of a command do to other entities: those that it takes along, and those that it creates. */
import { beyond, refused, safe, twoSteps } from './changes.ts';
import type { Change } from './changes.ts';
import type { CommandSnapshot, LinkSnapshot, OtherSnapshot } from './snapshot.ts';

/** Nothing is said of what an older snapshot does not hold. */
export function* otherChanges(path: string, was: CommandSnapshot, is: CommandSnapshot): Iterable<Change> {
  if (was.links && is.links) yield* links(`${path}.links`, was.links, is.links);
  if (was.creates && is.creates) yield* creates(`${path}.creates`, was.creates, is.creates);
}

type Named<Other> = Readonly<Record<string, Other>>;
const gone = (before: Named<unknown>, after: Named<unknown>): readonly string[] =>
  beyond(Object.keys(before), Object.keys(after));

function* links(path: string, before: Named<LinkSnapshot>, after: Named<LinkSnapshot>): Iterable<Change> {
  for (const [name, link] of Object.entries(after)) {
    const at = `${path}.${name}`;
    const was = before[name];
    const step = `"${link.transition}" of ${link.collection}`;
    if (!was) {
      yield twoSteps(
        at,
        `It takes ${link.collection} along by "${link.transition}", and is refused where that is; the older version leaves them where they are.`,
        `See that the ${link.collection} that it will name are where ${step} starts from.`,
      );
      continue;
    }
    if (was.collection !== link.collection) {
      yield refused(
        at,
        `Entities that live name ${was.collection}: in the place of ${link.collection} none of those would be found, and the command is refused with 422.`,
        `Keep it for ${was.collection}, and add a link of another name to ${link.collection}.`,
      );
      continue;
    }
    if (was.transition !== link.transition) {
      yield twoSteps(
        at,
        `It takes ${link.collection} along by "${link.transition}" and no more by "${was.transition}"; the older version still does that.`,
        `See that the ${link.collection} that it will name are where ${step} starts from, and that something else leads on from where "${was.transition}" led.`,
      );
    }
    if (was.refused !== link.refused) {
      yield twoSteps(
        at,
        `Where it cannot take them along, callers are told ${codeText(link.refused)} and no more ${codeText(was.refused)}.`,
        'Tell them first.',
      );
    }
    yield* bound(at, was, link);
  }
  for (const name of gone(before, after)) {
    const { collection = '', transition = '' } = before[name] ?? {};
    yield twoSteps(
      `${path}.${name}`,
      `It takes ${collection} along no more: they stay where they are, and wait for "${transition}" for ever where nothing else brings it about.`,
      `See that another command leads them on; and that none is left where only "${transition}" leads out.`,
    );
  }
}

const codeText = (code: string | undefined): string =>
  code === undefined ? 'what stood in the way of each' : `"${code}"`;

function* creates(path: string, before: Named<OtherSnapshot>, after: Named<OtherSnapshot>): Iterable<Change> {
  for (const [name, creation] of Object.entries(after)) {
    const at = `${path}.${name}`;
    const was = before[name];
    if (!was) {
      yield safe(
        at,
        `It creates ${creation.collection} as well from now on; what was done before, and what the older version still does, has none.`,
      );
      continue;
    }
    if (was.collection !== creation.collection) {
      yield twoSteps(
        at,
        `It creates ${creation.collection} in the place of ${was.collection}, which stay; the older version still creates those.`,
        'See that whatever goes on with what it has created knows both.',
      );
      continue;
    }
    yield* bound(at, was, creation);
  }
  for (const name of gone(before, after)) {
    const { collection = '' } = before[name] ?? {};
    yield twoSteps(
      `${path}.${name}`,
      `It creates ${collection} no more; those that it has created stay.`,
      'See that no command looks for one that is not there.',
    );
  }
}

/** The engine answers 500 where there are more than a definition says. */
function* bound(path: string, was: OtherSnapshot, is: OtherSnapshot): Iterable<Change> {
  if (is.atMost < was.atMost)
    yield refused(
      path,
      `A command on more than ${is.atMost} ${is.collection} is answered 500, where ${was.atMost} were taken before.`,
      `Keep ${was.atMost}; refuse more with a rule, once no entity that lives has more.`,
    );
  if (is.atMost > was.atMost) yield safe(path, `It takes up to ${is.atMost} ${is.collection}.`);
}
