/**
 * No answer without a home: for every state an entity can be in while a message of its waits for its answer, the
 * transition of that answer must be allowed, or say that the state ignores it. Found from the state machine alone.
 */
import { endsFrom } from './definition.ts';
import type { Domain } from './definition.ts';
import type { MessageHead } from './messages.ts';

export interface AnswerGap {
  readonly message: string;
  /** The command that sends it. */
  readonly sentBy: string;
  readonly answer: 'done' | 'refused' | 'dead';
  readonly transition: string;
  readonly state: string;
  /** The shortest way there, from nothing: `create -> placed -cancel-> cancelling`. */
  readonly path: string;
}

/** A state while the message waits, and how it came there. */
interface Place {
  readonly state: string;
  /** Whether another message of this declaration may wait too, whose answer moves the entity. */
  readonly hasAnother: boolean;
  /** Whether it was given up: then its entity hears no second time that it was. */
  readonly isDead: boolean;
  readonly path: string;
}

/** The first gap of a definition. */
export function firstGap(domain: Domain): AnswerGap | undefined {
  const sent: readonly (readonly [string, readonly MessageHead[]])[] = [
    ['create', domain.create.messages ?? []],
    ...Object.entries(domain.transitions).map(
      ([name, { messages = [] }]) => [name, messages as readonly MessageHead[]] as const,
    ),
  ];
  for (const [command, messages] of sent) {
    for (const message of messages) {
      const gap = gapOf(domain, command, message);
      if (gap) return gap;
    }
  }
  return undefined;
}

function gapOf(domain: Domain, sentBy: string, message: MessageHead): AnswerGap | undefined {
  const named = (['done', 'refused', 'dead'] as const).flatMap((answer) => {
    const transition = message[answer];
    return transition === undefined ? [] : [{ answer, transition }];
  });
  if (named.length === 0) return undefined;
  for (const place of placesOf(domain, sentBy, message)) {
    for (const { answer, transition } of named) {
      if (answer === 'dead' && place.isDead) continue;
      const { from = [], ignoredIn = [] } = domain.transitions[transition] ?? {};
      if (from.includes(place.state) || ignoredIn.includes(place.state)) continue;
      return { message: message.type, sentBy, answer, transition, state: place.state, path: place.path };
    }
  }
  return undefined;
}

/**
 * Every place the entity can come to while the message waits: along any transition, since rules are not known here. Its
 * own answers end the wait and are left out, but for being given up, after which the receiver, or a person, may still
 * answer. Breadth first, so that the way to each is the shortest.
 */
function placesOf(domain: Domain, sentBy: string, message: MessageHead): readonly Place[] {
  const ends = new Set([message.done, message.refused].filter((name) => name !== undefined));
  const seen = new Map<string, Place>();
  const starts = startsOf(domain, sentBy).filter(({ state }) => message.sentIn?.includes(state) ?? true);
  const next: Place[] = starts.map((start) => ({
    ...start,
    hasAnother: (message.atMost ?? 1) > 1,
    isDead: false,
  }));
  for (let place = next.shift(); place !== undefined; place = next.shift()) {
    const name = `${place.state} ${place.hasAnother} ${place.isDead}`;
    if (seen.has(name)) continue;
    seen.set(name, place);
    for (const [transition, definition] of Object.entries(domain.transitions)) {
      if (!definition.from.includes(place.state)) continue;
      if (ends.has(transition) && !place.hasAnother) continue;
      for (const state of endsFrom(definition, place.state)) {
        next.push({
          state,
          hasAnother: place.hasAnother || transition === sentBy,
          isDead: place.isDead || transition === message.dead,
          path: `${place.path} -${transition}-> ${state}`,
        });
      }
    }
  }
  return [...seen.values()];
}

/** The states in which a message begins to wait, and the shortest way to each. */
function startsOf(domain: Domain, sentBy: string): readonly Pick<Place, 'state' | 'path'>[] {
  const first = { state: domain.initial, path: `create -> ${domain.initial}` };
  if (sentBy === 'create') return [first];
  const sender = domain.transitions[sentBy];
  const ways = new Map([[first.state, first.path]]);
  const next = [first];
  for (let place = next.shift(); place !== undefined; place = next.shift()) {
    for (const [transition, definition] of Object.entries(domain.transitions)) {
      if (!definition.from.includes(place.state)) continue;
      for (const state of endsFrom(definition, place.state)) {
        if (ways.has(state)) continue;
        const path = `${place.path} -${transition}-> ${state}`;
        ways.set(state, path);
        next.push({ state, path });
      }
    }
  }
  if (!sender) return [];
  return [...ways].flatMap(([before, path]) =>
    sender.from.includes(before)
      ? endsFrom(sender, before).map((state) => ({ state, path: `${path} -${sentBy}-> ${state}` }))
      : [],
  );
}

/** What to read, and what to do. */
export const gapText = ({ message, sentBy, answer, transition, state, path }: AnswerGap): string =>
  `the answer "${answer}" to "${message}", sent by "${sentBy}", may come in "${state}", where "${transition}" is not ` +
  `allowed (${path}). Let "${transition}" begin in "${state}" too, or name "${state}" in its "ignoredIn", where the ` +
  `answer changes nothing`;
