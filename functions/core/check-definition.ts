/**
 * What must be right in a definition before anything is started with it. Each refusal names the domain, the command,
 * the field, what was found there and what would be right.
 */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { account as accountLimits, transaction } from '../runtime/limits.ts';
import { firstGap, gapText } from './answer-gaps.ts';
import { peoplePathsOf } from './authorize.ts';
import { bytesAtMost, entityBytesAtMost, itemsAtMost } from './bounds.ts';
import { faultOfExample } from './check-example.ts';
import { checkWords } from './check-words.ts';
import { commandsOf, placeOf, schemasOf, startsOf } from './domain.ts';
import type { AccountDefinition, AnyCommand, AnyDeadline, AnyTransition, Domain } from './domain.ts';
import { answers } from './messages.ts';
import type { AnyMessage } from './messages.ts';
import { periods } from './recurrence.ts';
import { momentOf, opsOf } from './rules.ts';
import type { AnyRule } from './rules.ts';

/** Throws. `place`: the field, after its command where it belongs to one. */
export type Fail = (place: string, fault: string) => never;

export const failOf =
  ({ collection }: Domain): Fail =>
  (place, fault) => {
    throw new Error(`definition "${collection}"${place === '' ? '' : `, ${place}`}: ${fault}`);
  };

export const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

/** What a path segment of ours may be. */
const isWord = (name: string): boolean => /^[a-z][a-z-]*$/.test(name);
/** A state is in no path, so that it may also be written as it is in other systems. */
const isStateName = (name: string): boolean => /^[a-z][a-z_-]*$/.test(name);
/** A list of roles may come as one string with spaces between. */
const isRole = (name: string): boolean => /^[^\s[\]]+$/.test(name);
/** Routes below /v1 that belong to no domain. */
const otherRoutes = ['balances', 'messages', 'redrives', 'requests', 'operations', 'audit'];
/** Routes below an entity that belong to no transition. */
const entityRoutes = ['create', 'lock', 'unlock', 'ledger', 'messages', 'timing', 'upgrade'];

/** @throws naming what is wrong in one definition by itself */
export function checkDefinition(domain: Domain): void {
  const fail = failOf(domain);
  const { collection, idPrefix, initial, version = 1 } = domain;
  checkWords(domain, fail);
  const states = [...domain.states, ...(domain.formerStates ?? [])];
  if (!isWord(collection))
    fail('collection', `"${collection}" cannot be a path; use lower-case letters and hyphens`);
  if (otherRoutes.includes(collection)) fail('collection', `the route /v1/${collection} is taken`);
  if (!/^[a-z]{2,5}$/.test(idPrefix))
    fail('idPrefix', `"${idPrefix}" cannot begin an id; use 2 to 5 lower-case letters`);
  const odd = states.find((name) => !isStateName(name));
  if (odd !== undefined)
    fail('states', `"${odd}" cannot be a state; use lower-case letters, hyphens and underscores`);
  const twice = states.find((state, index) => states.indexOf(state) !== index);
  if (twice !== undefined) fail('states', `"${twice}" stands twice`);
  if (states.length === 0) fail('states', 'none is named; each entity begins in the first');
  if (domain.create.to) checkStarts(domain, domain.create.to, fail);
  else checkStates({ states: domain.states }, 'initial', [initial], fail);
  if (!Number.isSafeInteger(version) || version < 1)
    fail('version', `${version} is no version; use a whole number from 1 on`);
  for (const [name, transition] of Object.entries(domain.transitions)) {
    checkTransition(domain, name, transition, fail);
  }
  for (const [name, command] of commandsOf(domain)) checkCommand(domain, name, command, fail);
  const bytes = entityBytesAtMost(domain);
  if (bytes > transaction.itemMaxBytes)
    fail(
      'attributes',
      `they may take ${bytes} bytes, and an item holds ${transaction.itemMaxBytes}; bound them lower`,
    );
  checkReachable(domain, fail);
  checkNames(domain, fail);
  checkAttributes(domain, fail);
  for (const { name, while: held, paths } of domain.unique ?? []) {
    checkStates(domain, `unique "${name}", while`, held, fail);
    checkChosen(`unique "${name}", of`, paths, 'an attribute', attributesOf(domain), fail);
  }
  checkAccounts(domain, fail);
  checkListed(domain, fail);
  checkDeadlines(domain, fail);
  const fault = faultOfExample(domain);
  if (fault !== undefined) fail('create, example', fault);
  const gap = firstGap(domain);
  if (gap) fail('', gapText(gap));
}

function checkStates(
  { states: own, formerStates = [] }: Pick<Domain, 'states' | 'formerStates'>,
  place: string,
  named: readonly string[],
  fail: Fail,
): void {
  const states = [...own, ...formerStates];
  if (named.length === 0) fail(place, `no state is named; states are ${listed(states)}`);
  const unknown = named.find((state) => !states.includes(state));
  if (unknown !== undefined) fail(place, `"${unknown}" is not a state; states are ${listed(states)}`);
}

/** Where it may begin are states of this version, and of several `next` chooses one. */
function checkStarts({ states, formerStates = [], create }: Domain, to: readonly string[], fail: Fail): void {
  const at = 'create, to';
  if (to.length === 0 && create.next)
    fail(at, 'it is left out, and "next" chooses; name the states it chooses among');
  const former = to.find((state) => formerStates.includes(state));
  if (former !== undefined)
    fail(at, `"${former}" is a former state, and nothing begins there; states are ${listed(states)}`);
  checkStates({ states }, at, to, fail);
  if (to.length > 1 && !create.next)
    fail(at, `it may begin in ${to.join(' or ')}; choose with "next", or name one of them`);
}

function checkTransition(domain: Domain, name: string, transition: AnyTransition, fail: Fail): void {
  const place = placeOf(name);
  const { from, ignoredIn = [], internal, role } = transition;
  if (!isWord(name)) fail(place, 'it cannot be a path; use lower-case letters and hyphens');
  if (entityRoutes.includes(name))
    fail(place, `the name is taken: ${listed(entityRoutes)} are none of a transition; give it another one`);
  checkStates(domain, `${place}, from`, from, fail);
  checkEnds(domain, place, transition, fail);
  if (ignoredIn.length > 0) checkStates(domain, `${place}, ignoredIn`, ignoredIn, fail);
  const both = ignoredIn.find((state) => from.includes(state));
  if (both !== undefined)
    fail(`${place}, ignoredIn`, `"${both}" stands in "from" too; leave it out in one of them`);
  const isAsked = Object.keys(transition.example ?? {}).some((word) => word !== 'after');
  if (internal === true && (role !== undefined || transition.authorize || isAsked))
    fail(
      place,
      'it is internal, so nobody asks for it; leave "role", "authorize" and an "example" out, but for its "after"',
    );
}

/** Each state that it starts from has its end, or `next` chooses one; none is a state of earlier versions. */
function checkEnds(
  { states, formerStates = [] }: Domain,
  place: string,
  transition: AnyTransition,
  fail: Fail,
): void {
  const { from, to, next, leads } = transition;
  const at = `${place}, to`;
  if (to.length === 0 && next)
    fail(at, 'it is left out, and "next" chooses; name the states it chooses among');
  const former = to.find((state) => formerStates.includes(state));
  if (former !== undefined)
    fail(
      at,
      from.includes(former)
        ? `it would stay in "${former}", a former state; say where it leads from there`
        : `"${former}" is a former state, and no command leads there; states are ${listed(states)}`,
    );
  checkStates({ states }, at, to, fail);
  if (leads) {
    if (next) fail(at, 'it says the end for each state, and "next" chooses; leave one of them out');
    const without = from.find((state) => leads[state] === undefined);
    if (without !== undefined) fail(at, `it does not say where it leads from "${without}"`);
    const beyond = Object.keys(leads).find((state) => !from.includes(state));
    if (beyond !== undefined) fail(at, `it does not start from "${beyond}"; it starts from ${listed(from)}`);
  } else if (to.length > 1 && !next && !isDeepStrictEqual(to, from))
    fail(
      at,
      `it may lead to ${to.join(' or ')}; choose with "next", or say the end for each state: { ${from[0] ?? ''}: ... }`,
    );
}

function checkCommand(domain: Domain, name: string, command: AnyCommand, fail: Fail): void {
  const place = placeOf(name);
  const { role, authorize = {}, rules, input, messages = [] } = command;
  if (role !== undefined && !isRole(role))
    fail(`${place}, role`, `"${role}" cannot be a role; use a word without spaces and brackets`);
  for (const [code, authorization] of Object.entries(authorize)) {
    const [what, known] =
      name === 'create'
        ? ['a field of its input', Object.keys(domain.create.input.shape)]
        : ['an attribute', attributesOf(domain)];
    for (const path of peoplePathsOf(authorization))
      if (!known.includes(path))
        fail(`${place}, authorize "${code}"`, `"${path}" is not ${what}; they are ${listed(known)}`);
  }
  if (name === 'create' && domain.create.internal === true && (role !== undefined || command.authorize))
    fail(place, 'it is internal, so nobody asks for it; leave "role" and "authorize" out');
  if (name === 'create') checkRules(domain, [], place, rules, fail);
  else checkRules(domain, pathsOf(domain), place, rules, fail, momentsOf(domain));
  if ((command as AnyTransition).internal !== true && input && !isStrict(input))
    fail(`${place}, input`, 'it lets unknown fields pass; give the fields by name, or use z.strictObject');
  for (const message of messages) checkMessage(domain, place, message, fail);
  const items = itemsAtMost(domain, command);
  if (items > transaction.itemsMax)
    fail(place, `it may write ${items} items, and a transaction holds ${transaction.itemsMax}`);
  const bytes = bytesAtMost(domain, command);
  if (bytes > transaction.maxBytes)
    fail(place, `it may write ${bytes} bytes, and a transaction holds ${transaction.maxBytes}`);
}

const isStrict = ({ def }: z.ZodObject): boolean => def.catchall instanceof z.ZodNever;

const attributesOf = (domain: Domain): readonly string[] => Object.keys(schemasOf(domain));

/** What a rule on an entity may look at. */
export const pathsOf = (domain: Domain): readonly string[] => [
  'status',
  ...attributesOf(domain),
  ...Object.keys(domain.accounts ?? {}),
];

export function checkRules(
  { states, formerStates = [], accounts = {} }: Domain,
  paths: readonly string[],
  place: string,
  rules: Readonly<Record<string, AnyRule>> = {},
  fail: Fail,
  moments: readonly string[] = [],
): void {
  for (const [code, rule] of Object.entries(rules)) {
    const at = `${place}, rule "${code}"`;
    const tests = [
      ...(['holds', 'until', 'since'] as const).filter((word) => rule[word] !== undefined),
      ...opsOf(rule),
    ];
    if (tests.length !== 1)
      fail(at, `it has ${tests.length === 0 ? 'no test' : `the tests ${tests.join(' and ')}`}; give it one`);
    if (rule.holds) continue;
    const moment = momentOf(rule);
    if (moment) checkMoment(moments, at, moment.at, fail);
    if (moment) continue;
    const { path = '' } = rule;
    if (!paths.includes(path))
      fail(
        at,
        paths.length === 0
          ? `there is no entity yet; use "holds"`
          : `"${path}" is not there; paths are ${listed(paths)}`,
      );
    if (accounts[path]?.spread !== undefined)
      fail(
        at,
        `"${path}" is spread, and none of its items knows the balance; give it a floor, or leave "spread" out`,
      );
    const { is, isNot } = rule as { readonly is?: unknown; readonly isNot?: unknown };
    const state = is ?? isNot;
    if (path === 'status' && typeof state === 'string' && ![...states, ...formerStates].includes(state))
      fail(at, `"${state}" is not a state; states are ${listed(states)}`);
  }
}

function checkMessage({ transitions }: Domain, place: string, message: AnyMessage, fail: Fail): void {
  const { type, receiver, atMost = 1 } = message;
  const at = `${place}, message "${type}"`;
  if (!Number.isInteger(atMost) || atMost < 1)
    fail(`${at}, atMost`, `${atMost} is no number of messages; use 1 or more`);
  if (receiver !== undefined && !isWord(receiver))
    fail(`${at}, receiver`, `"${receiver}" cannot be a name; use lower-case letters and hyphens`);
  const internal = Object.keys(transitions).filter((name) => transitions[name]?.internal === true);
  for (const answer of answers) {
    const to = message[answer];
    if (to === undefined || internal.includes(to)) continue;
    fail(
      `${at}, ${answer}`,
      transitions[to]
        ? `a caller may ask for "${to}"; make it internal`
        : `"${to}" is not a transition; internal ones are ${listed(internal)}`,
    );
  }
}

function checkReachable(domain: Domain, fail: Fail): void {
  const { states, formerStates = [], transitions } = domain;
  const starts = startsOf(domain);
  // Of the states of earlier versions entities come, and no command.
  const reached = new Set([...starts, ...formerStates]);
  for (let before = 0; before !== reached.size;) {
    before = reached.size;
    for (const { from, to } of Object.values(transitions)) {
      if (from.some((state) => reached.has(state))) for (const state of to) reached.add(state);
    }
  }
  const unreachable = states.find((state) => !reached.has(state));
  if (unreachable !== undefined)
    fail(
      'states',
      `"${unreachable}" cannot be reached from "${starts.join('" or "')}"; no transition leads there`,
    );
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
  if (twice !== undefined)
    fail(
      'attributes',
      `"${twice}" names two things of the entity, which has ${listed(entityMembers)} of its own; give one another name`,
    );
}

function checkAttributes(domain: Domain, fail: Fail): void {
  const schemas = schemasOf(domain);
  for (const [name, schema] of Object.entries(schemas)) {
    // `null` stands in a ledger for an attribute that was taken away.
    if (schema.safeParse(null).success)
      fail(`attribute "${name}"`, 'it may be null; what may be missing is optional');
  }
  checkChosen('fixed', domain.fixed, 'an attribute', attributesOf(domain), fail);
  for (const [name, states] of Object.entries(domain.always ?? {})) {
    const schema = schemas[name];
    if (!(schema instanceof z.ZodOptional))
      fail(
        `always "${name}"`,
        schema
          ? 'it is not optional, so it is there anyway'
          : `it is not an attribute; they are ${listed(attributesOf(domain))}`,
      );
    checkStates(domain, `always "${name}"`, states, fail);
  }
}

function checkAccounts(domain: Domain, fail: Fail): void {
  for (const [key, account] of Object.entries(domain.accounts ?? {})) {
    const { unit, floor, open } = account;
    // It stands behind the entity's id and a colon where balances are read.
    if (!/^[a-z][A-Za-z]*$/.test(key)) fail(`account "${key}"`, 'its name is letters only');
    if (floor && floor.minimum > 0)
      fail(`account "${key}", floor`, `it begins at 0, below ${floor.minimum}; use 0 or less`);
    if (open) checkStates(domain, `account "${key}", open`, open.while, fail);
    if (typeof unit !== 'string') checkUnit(domain, key, unit.from, fail);
    checkShares(key, account, fail);
  }
  for (const role of domain.statements ?? []) {
    // What stands before the first colon of a named account; the accounts of entities say `statement: true`.
    if (!/^[^:]+$/.test(role))
      fail('statements', `"${role}" is no role of named accounts; take what is first in \`named(...)\``);
  }
}

/** An account of an entity that may lie in several items. */
function checkShares(key: string, { spread, unit }: AccountDefinition, fail: Fail): void {
  if (spread === undefined) return;
  const { spreadMin, sharesMax } = accountLimits;
  const place = `account "${key}", spread`;
  if (!Number.isInteger(spread) || spread < spreadMin || spread > sharesMax)
    fail(place, `${spread} is no number of items; use ${spreadMin} to ${sharesMax}`);
  if (typeof unit !== 'string')
    fail(place, 'an attribute says its unit, which its items do not see; give it one unit');
}

/** Of the query of a list, besides attributes. */
const listParameters = ['status', 'limit', 'cursor'];

function checkListed({ attributes, listed: names }: Domain, fail: Fail): void {
  const texts = Object.entries(attributes.shape).flatMap(([name, schema]) => {
    const inner: unknown = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
    const isText = inner instanceof z.ZodType && ['string', 'enum'].includes(inner.def.type);
    return isText && !listParameters.includes(name) ? [name] : [];
  });
  checkChosen('listed', names, 'an attribute that is shown and a text', texts, fail);
}

/** Each name is one of these, and stands there once. */
function checkChosen(
  place: string,
  names: readonly string[] | undefined = [],
  what: string,
  known: readonly string[],
  fail: Fail,
): void {
  const odd = names.find((name) => !known.includes(name));
  if (odd !== undefined) fail(place, `"${odd}" is not ${what}; they are ${listed(known)}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(place, `"${twice}" stands twice`);
}

function checkUnit(domain: Domain, key: string, name: string, fail: Fail): void {
  const schemas = schemasOf(domain);
  const fit = Object.entries(schemas).flatMap(([each, schema]) =>
    schema.safeParse(undefined).error ? [each] : [],
  );
  if (!fit.includes(name))
    fail(
      `account "${key}", unit`,
      `"${name}" is not an attribute that is always there; they are ${listed(fit)}`,
    );
}

function checkDeadlines(domain: Domain, fail: Fail): void {
  for (const [name, deadline] of Object.entries(domain.deadlines ?? {}))
    if (deadline) checkDeadline(domain, name, deadline, fail);
}

function checkDeadline(
  domain: Domain,
  name: string,
  { while: states, at, every, since }: AnyDeadline,
  fail: Fail,
): void {
  const place = `deadline "${name}"`;
  const transition = domain.transitions[name];
  if (!transition)
    return fail(place, `it is not a transition; they are ${listed(Object.keys(domain.transitions))}`);
  checkStates(domain, `${place}, while`, states, fail);
  const outside = states.find((state) => !transition.from.includes(state));
  if (outside !== undefined)
    fail(
      `${place}, while`,
      `in "${outside}" there is no "${name}"; it starts from ${listed(transition.from)}`,
    );
  if (transition.input?.safeParse({}).success === false)
    fail(place, 'its transition needs input, and nobody sends any');
  const moments = momentsOf(domain);
  checkMoment(moments, `${place}, at`, at, fail);
  if ((every === undefined) !== (since === undefined))
    fail(
      place,
      every === undefined
        ? 'it has "since" and no "every"; say how often it comes, or leave both out'
        : 'it has "every" and no "since"; name the attribute that holds the first moment',
    );
  if (every === undefined || since === undefined) return;
  if (!periods.includes(every))
    fail(`${place}, every`, `"${every}" is no period; they are ${listed(periods)}`);
  checkMoment(moments, `${place}, since`, since, fail);
}

const momentsOf = (domain: Domain): readonly string[] =>
  Object.entries(schemasOf(domain)).flatMap(([name, schema]) => (isMoment(schema) ? [name] : []));

function checkMoment(moments: readonly string[], place: string, name: string, fail: Fail): void {
  if (!moments.includes(name))
    fail(place, `"${name}" is not an attribute that holds a moment; they are ${listed(moments)}`);
}

/** Every transition of a domain asks for the same schemas. */
const knownMoments = new WeakMap<z.ZodType, boolean>();

function isMoment(schema: z.ZodType): boolean {
  const known = knownMoments.get(schema);
  if (known !== undefined) return known;
  const is = z.toJSONSchema(schema, { unrepresentable: 'any' })['format'] === 'date-time';
  knownMoments.set(schema, is);
  return is;
}
