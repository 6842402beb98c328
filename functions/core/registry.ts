/** Collects the definitions and refuses, by name, one that makes no sense. */
import type { z } from 'zod';
import { firstGap, gapText } from './answer-gaps.ts';
import { transaction } from '../runtime/limits.ts';
import { pathOf } from './authorize.ts';
import type { AnyTransition, Domain } from './definition.ts';
import { answers, messagesAtMost } from './messages.ts';
import type { Answer, MessageHead } from './messages.ts';

export interface Registry {
  readonly domains: readonly Domain[];
  /** Throws (a defect of a definition) where there is no such collection. */
  readonly byCollection: (collection: string) => Domain;
  readonly find: (collection: string) => Domain | undefined;
  /** The domain an id belongs to, by its prefix. */
  readonly ofId: (id: string) => Domain | undefined;
}

/** Throws an error that names definition and fault. */
export function registerDomains(domains: readonly Domain[]): Registry {
  for (const domain of domains) check(domain);
  const owners = <T>(names: (domain: Domain) => readonly T[]) =>
    domains.flatMap((domain) => names(domain).map((name) => ({ name, collection: domain.collection })));
  assertDistinct(
    'collection',
    owners(({ collection }) => [collection]),
  );
  assertDistinct(
    'id prefix',
    owners(({ idPrefix }) => [idPrefix]),
  );
  assertDistinct(
    'unique constraint',
    owners(({ unique = [] }) => unique.map(({ name }) => name)),
  );
  const byCollection = new Map(domains.map((domain) => [domain.collection, domain]));
  const byPrefix = new Map(domains.map((domain) => [domain.idPrefix, domain]));
  return {
    domains,
    find: (collection) => byCollection.get(collection),
    byCollection: (collection) => {
      const domain = byCollection.get(collection);
      if (!domain) throw new Error(`there is no collection "${collection}"`);
      return domain;
    },
    ofId: (id) => byPrefix.get(id.slice(0, id.indexOf('_'))),
  };
}

/** All states an entity may be in, those of earlier versions among them. */
export const statesOf = ({ states, formerStates = [] }: Domain): readonly string[] => [
  ...states,
  ...formerStates,
];

/** The version of a definition, which each of its ledger entries carries. */
export const versionOf = ({ version = 1 }: Domain): number => version;

/** Transitions a caller may ask for in a status. */
export function allowedTransitions(domain: Domain, status: string): string[] {
  return Object.entries(domain.transitions)
    .filter(([, { from, internal }]) => internal !== true && from.includes(status))
    .map(([name]) => name);
}

type AnyCommand = Pick<AnyTransition, 'role' | 'moves' | 'most' | 'messages'>;

const commandsOf = (domain: Domain): readonly [string, AnyCommand][] => [
  ['create', domain.create],
  ...Object.entries(domain.transitions),
];

/** The roles that the commands of these domains want, each once. */
export const rolesOf = (domains: readonly Domain[]): readonly string[] => [
  ...new Set(
    domains.flatMap((domain) =>
      commandsOf(domain).flatMap(([, { role }]) => (role === undefined ? [] : [role])),
    ),
  ),
];

export interface DeclaredMessage {
  /** `create`, or a transition's name. */
  readonly command: string;
  readonly message: MessageHead;
}

/** Every message that a domain may send, in the order of its definition. */
export const messagesOf = (domain: Domain): readonly DeclaredMessage[] =>
  commandsOf(domain).flatMap(([command, { messages = [] }]) =>
    messages.map((message) => ({ command, message })),
  );

export interface AnswerSource {
  /** The command that sends the message. */
  readonly command: string;
  readonly message: MessageHead;
  readonly answer: Answer;
}

/** The answers that bring a transition about. */
export const answersThatBring = (domain: Domain, transition: string): readonly AnswerSource[] =>
  messagesOf(domain).flatMap(({ command, message }) =>
    answers
      .filter((answer) => message[answer] === transition)
      .map((answer) => ({ command, message, answer })),
  );

function check(domain: Domain): void {
  const fail = (fault: string): never => {
    throw new Error(`definition "${domain.collection}": ${fault}`);
  };
  if (!isWord(domain.collection)) fail('a collection is lower-case letters and hyphens');
  if (otherRoutes.has(domain.collection)) fail('the route is taken');
  if (!/^[a-z]{2,5}$/.test(domain.idPrefix)) fail('an id prefix is 2 to 5 lower-case letters');
  const states = statesOf(domain);
  const isState = (state: string): boolean => states.includes(state);
  const odd =
    states.find((name) => !isStateName(name)) ??
    Object.keys(domain.transitions).find((name) => !isWord(name));
  if (odd !== undefined)
    fail(`"${odd}" cannot be a name: states and transitions are lower-case letters and hyphens`);
  if (new Set(states).size !== states.length) fail('a state stands twice');
  if (!domain.states.includes(domain.initial)) fail(`the initial state "${domain.initial}" is not a state`);
  if (!Number.isSafeInteger(versionOf(domain)) || versionOf(domain) < 1)
    fail('a version is a whole number from 1 on');
  checkTransitions(domain, isState, fail);
  checkReachable(domain, fail);
  checkNames(domain, fail);
  checkAttributes(domain, fail);
  for (const { name, while: states } of domain.unique ?? []) {
    if (states.length === 0) fail(`unique value "${name}" is held in no state`);
    const unknown = states.find((state) => !isState(state));
    if (unknown !== undefined) fail(`unique value "${name}" is held in "${unknown}", which is not a state`);
  }
  checkAccounts(domain, fail);
  checkDeadline(domain, fail);
  const gap = firstGap(domain);
  if (gap) fail(gapText(gap));
}

type Fail = (fault: string) => never;

/** What a path segment of ours may be. */
const isWord = (name: string): boolean => /^[a-z][a-z-]*$/.test(name);
/** A state is in no path, so that it may also be written as it is in other systems. */
const isStateName = (name: string): boolean => /^[a-z][a-z_-]*$/.test(name);
/** A list of roles may come as one string with spaces between. */
const isRole = (name: string): boolean => /^[^\s[\]]+$/.test(name);
/** Routes below /v1 that belong to no domain. */
const otherRoutes = new Set(['balances', 'messages', 'audit']);

function checkTransitions(domain: Domain, isState: (state: string) => boolean, fail: Fail): void {
  const reserved = new Set(['create', 'lock', 'unlock', 'ledger', 'messages']);
  for (const [name, transition] of Object.entries(domain.transitions)) {
    if (reserved.has(name)) fail(`"${name}" cannot be a transition: the route is taken`);
    if (transition.from.length === 0) fail(`transition "${name}" starts nowhere`);
    const twice = transition.ignoredIn?.find((state) => !isState(state) || transition.from.includes(state));
    if (twice !== undefined)
      fail(`transition "${name}" is ignored in "${twice}", which is no state or one where it begins`);
    if (transition.to.length === 0) fail(`transition "${name}" leads nowhere`);
    const unknown = [...transition.from, ...transition.to].find((state) => !isState(state));
    if (unknown !== undefined) fail(`transition "${name}" names "${unknown}", which is not a state`);
    const former = transition.to.find((state) => domain.formerStates?.includes(state) === true);
    if (former !== undefined) fail(`transition "${name}" leads to "${former}", which is a former state`);
    const { leads = {} } = transition;
    const isWholeWay =
      transition.from.every((state) => transition.to.includes(leads[state] ?? state)) &&
      (transition.leads !== undefined || transition.from.length === transition.to.length);
    if (transition.to.length > 1 && !transition.next && !isWholeWay) {
      fail(
        `transition "${name}" may lead to ${transition.to.join(' or ')} and has no "next" that says which`,
      );
    }
    // A moved entity is read before the decision, and so is all it would move itself: one level deep.
    if (transition.internal === true && transition.moves && domain.deadline?.transition !== name) {
      fail(`transition "${name}" is moved by others and moves others itself; moves do not nest`);
    }
    if (transition.internal === true && (transition.role !== undefined || transition.authorize))
      fail(`transition "${name}" is internal, so nobody asks for it; it cannot say who may`);
    checkAuthorize(domain, name, transition.authorize ?? {}, fail);
    if (transition.moveRefused && !transition.moves) {
      fail(`transition "${name}" says how its moves are refused, and moves nothing`);
    }
  }
  for (const [name, { role }] of commandsOf(domain)) {
    if (role !== undefined && !isRole(role))
      fail(`"${name}" wants the role "${role}"; a role has no spaces or brackets`);
  }
  for (const { command, message } of messagesOf(domain)) checkMessage(domain, command, message, fail);
  for (const [name, command] of commandsOf(domain)) {
    const items = itemsAtMost(domain, command);
    if (items > transaction.itemsMax) {
      fail(`"${name}" may write ${items} items; a transaction holds ${transaction.itemsMax}`);
    }
  }
}

function checkAuthorize(
  { attributes, hidden }: Domain,
  name: string,
  authorize: NonNullable<AnyTransition['authorize']>,
  fail: Fail,
): void {
  for (const [code, authorization] of Object.entries(authorize)) {
    const path = pathOf(authorization);
    if (!Object.hasOwn({ ...attributes.shape, ...hidden?.shape }, path))
      fail(`"${code}" of "${name}" looks at "${path}", which is not an attribute`);
  }
}

function checkMessage({ transitions }: Domain, name: string, message: MessageHead, fail: Fail): void {
  const { type, receiver, atMost = 1 } = message;
  const says = `message "${type}" of "${name}"`;
  if (!Number.isInteger(atMost) || atMost < 1) fail(`${says} is sent ${atMost} times at most`);
  if (receiver !== undefined && !isWord(receiver))
    fail(`${says} goes to "${receiver}"; the name of a receiver is lower-case letters and hyphens`);
  for (const answer of answers) {
    const to = message[answer];
    if (to === undefined) continue;
    if (!transitions[to])
      fail(`${says} brings about "${to}" when it is ${answer}, which is not a transition`);
    else if (transitions[to].internal !== true)
      fail(`${says} brings about "${to}" when it is ${answer}, which a caller may ask for; make it internal`);
  }
}

/** How many other entities a transition moves at most, unless its definition says otherwise. */
export const movesByDefault = 1;

/**
 * The items a command may write: idempotency record, entity, ledger entry and two balances; each unique value
 * released and taken; each moved entity with its ledger entry and up to two balances; each message.
 */
export function itemsAtMost(domain: Domain, { moves, most, messages }: AnyCommand): number {
  const own = 5 + 2 * (domain.unique?.length ?? 0);
  const moved = moves ? (most?.moves ?? movesByDefault) : 0;
  return own + moved * 4 + messagesAtMost(messages);
}

function checkReachable(domain: Domain, fail: Fail): void {
  // Of the states of earlier versions entities come, and no command.
  const reached = new Set([domain.initial, ...(domain.formerStates ?? [])]);
  for (let before = 0; before !== reached.size;) {
    before = reached.size;
    for (const { from, to } of Object.values(domain.transitions)) {
      if (from.some((state) => reached.has(state))) for (const state of to) reached.add(state);
    }
  }
  const unreachable = domain.states.find((state) => !reached.has(state));
  if (unreachable !== undefined) fail(`state "${unreachable}" cannot be reached from "${domain.initial}"`);
}

/** Names an entity has of its own; a definition's attributes may not hide them. */
const entityMembers = ['id', 'type', 'status', 'version', 'createdAt', 'updatedAt', 'allowedTransitions'];

function checkNames(domain: Domain, fail: Fail): void {
  const names = [
    ...entityMembers,
    ...Object.keys(domain.attributes.shape),
    ...Object.keys(domain.hidden?.shape ?? {}),
    ...Object.keys(domain.accounts ?? {}),
  ];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(`"${twice}" names two things of the entity`);
}

/** `null` stands in a ledger for an attribute that was taken away. */
function checkAttributes(domain: Domain, fail: Fail): void {
  for (const [name, schema] of Object.entries({ ...domain.attributes.shape, ...domain.hidden?.shape })) {
    const isNullable = (schema as z.ZodType).safeParse(null).success;
    if (isNullable) fail(`attribute "${name}" may be null; what may be missing is optional`);
  }
}

function checkAccounts(domain: Domain, fail: Fail): void {
  for (const [key, { floor }] of Object.entries(domain.accounts ?? {})) {
    // It stands behind the entity's id and a colon where balances are read.
    if (!/^[a-z][A-Za-z]*$/.test(key)) fail(`"${key}" cannot be an account: its name is letters only`);
    if (floor && floor.minimum > 0) fail(`account "${key}" begins at 0, below its floor`);
  }
}

function checkDeadline(domain: Domain, fail: Fail): void {
  if (!domain.deadline) return;
  const { transition: name, while: states } = domain.deadline;
  const transition = domain.transitions[name];
  if (!transition) return fail(`the deadline brings about "${name}", which is not a transition`);
  if (states.length === 0) fail(`the deadline waits in no state`);
  const outside = states.find((state) => !transition.from.includes(state));
  if (outside !== undefined) fail(`the deadline waits in "${outside}", where "${name}" is not allowed`);
  if (transition.input?.safeParse({}).success === false) {
    fail(`the deadline brings about "${name}", which needs input`);
  }
}

function assertDistinct(what: string, names: readonly { name: string; collection: string }[]): void {
  const twice = names.find(({ name }, index) => names.findIndex((other) => other.name === name) !== index);
  if (!twice) return;
  const first = names.find(({ name }) => name === twice.name)?.collection ?? '';
  const where =
    first === twice.collection ? `definition "${first}"` : `definitions "${first}" and "${twice.collection}"`;
  throw new Error(`${where}: ${what} "${twice.name}" stands twice`);
}
