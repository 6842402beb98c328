/**
 * No answer without a home: for every state an entity can be in while a message of its waits for its answer, the
 * transition of that answer must be allowed, or say that the state ignores it. Found from the state machine alone.
 */
import { commandsOf, endsFrom, startsOf } from './domain.ts';
import type { Domain } from './domain.ts';
import { answers } from './messages.ts';
import type { Answer, MessageHead } from './messages.ts';

/** A command, and the state it leads to. */
export interface Step {
  /** `create`, or a transition's name. */
  readonly command: string;
  readonly state: string;
}

/** An answer to a message, and a state that its entity may be in when it comes. */
export interface AnswerPlace {
  readonly message: MessageHead;
  /** The command that sends it. */
  readonly sentBy: string;
  readonly answer: Answer;
  /** What the answer brings about. */
  readonly transition: string;
  readonly state: string;
  /** The shortest way there, from its creation on. */
  readonly way: readonly Step[];
}

/** A state while the message waits, and how it came there. */
interface Place {
  readonly state: string;
  /** Whether another message of this declaration may wait too, whose answer moves the entity. */
  readonly hasAnother: boolean;
  /** Whether it was given up: then its entity hears no second time that it was. */
  readonly isDead: boolean;
  readonly way: readonly Step[];
}

/** The first place of a definition in which an answer is neither allowed nor ignored. */
export const firstGap = (domain: Domain): AnswerPlace | undefined =>
  answerPlacesOf(domain).find(({ transition, state }) => {
    const { from = [], ignoredIn = [] } = domain.transitions[transition] ?? {};
    return !from.includes(state) && !ignoredIn.includes(state);
  });

/**
 * Every answer in every state in which it may come, by the state machine alone: what rules keep from happening is among
 * them.
 */
export const answerPlacesOf = (domain: Domain): readonly AnswerPlace[] =>
  commandsOf(domain).flatMap(([sentBy, { messages = [] }]) =>
    messages.flatMap((message) => placesOfAnswers(domain, sentBy, message)),
  );

function placesOfAnswers(domain: Domain, sentBy: string, message: MessageHead): readonly AnswerPlace[] {
  const named = answers.flatMap((answer) => {
    const transition = message[answer];
    return transition === undefined ? [] : [{ answer, transition }];
  });
  if (named.length === 0) return [];
  return placesOf(domain, sentBy, message).flatMap(({ state, isDead, way }) =>
    named
      .filter(({ answer }) => answer !== 'dead' || !isDead)
      .map((each) => ({ message, sentBy, ...each, state, way })),
  );
}

/**
 * Every place the entity can come to while the message waits: along any transition, since rules are not known here. Its
 * own answers end the wait and are left out, but for being given up, after which the receiver, or a person, may still
 * answer. Breadth first, so that the way to each is the shortest.
 */
function placesOf(domain: Domain, sentBy: string, message: MessageHead): readonly Place[] {
  const ends = new Set([message.done, message.refused].filter((name) => name !== undefined));
  const seen = new Map<string, Place>();
  const starts = waitsOf(domain, sentBy).filter(({ state }) => message.sentIn?.includes(state) ?? true);
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
          way: [...place.way, { command: transition, state }],
        });
      }
    }
  }
  return [...seen.values()];
}

/** The states in which a message begins to wait, and the shortest way to each. */
function waitsOf(domain: Domain, sentBy: string): readonly Pick<Place, 'state' | 'way'>[] {
  const first = startsOf(domain).map((state): Pick<Place, 'state' | 'way'> => ({
    state,
    way: [{ command: 'create', state }],
  }));
  if (sentBy === 'create') return first;
  const sender = domain.transitions[sentBy];
  const ways = new Map(first.map(({ state, way }) => [state, way]));
  const next = [...first];
  for (let place = next.shift(); place !== undefined; place = next.shift()) {
    for (const [transition, definition] of Object.entries(domain.transitions)) {
      if (!definition.from.includes(place.state)) continue;
      for (const state of endsFrom(definition, place.state)) {
        if (ways.has(state)) continue;
        const way = [...place.way, { command: transition, state }];
        ways.set(state, way);
        next.push({ state, way });
      }
    }
  }
  if (!sender) return [];
  return [...ways].flatMap(([before, way]) =>
    sender.from.includes(before)
      ? endsFrom(sender, before).map((state) => ({ state, way: [...way, { command: sentBy, state }] }))
      : [],
  );
}

/** `create -> placed -cancel-> cancelling` */
const wayText = (way: readonly Step[]): string =>
  way
    .map(({ command, state }) => (command === 'create' ? `create -> ${state}` : `-${command}-> ${state}`))
    .join(' ');

/** What to read, and what to do. */
export const gapText = ({ message, sentBy, answer, transition, state, way }: AnswerPlace): string =>
  `the answer "${answer}" to "${message.type}", sent by "${sentBy}", may come in "${state}", where "${transition}" is not ` +
  `allowed (${wayText(way)}). Let "${transition}" begin in "${state}" too, or name "${state}" in its "ignoredIn", where the ` +
  `answer changes nothing`;
