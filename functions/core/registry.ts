/** Collects the definitions and refuses, by name, one that makes no sense. */
import { transaction } from '../runtime/limits.ts';
import type { AnyTransition, Domain } from './definition.ts';

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
  assertDistinct(
    'a collection',
    domains.map(({ collection }) => collection),
  );
  assertDistinct(
    'an id prefix',
    domains.map(({ idPrefix }) => idPrefix),
  );
  assertDistinct(
    'a unique constraint',
    domains.flatMap(({ unique = [] }) => unique.map(({ name }) => name)),
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

/** Transitions a caller may ask for in a status. */
export function allowedTransitions(domain: Domain, status: string): string[] {
  return Object.entries(domain.transitions)
    .filter(([, { from, internal }]) => internal !== true && from.includes(status))
    .map(([name]) => name);
}

function check(domain: Domain): void {
  const fail = (fault: string): never => {
    throw new Error(`definition "${domain.collection}": ${fault}`);
  };
  if (!/^[a-z][a-z-]*$/.test(domain.collection)) fail('a collection is lower-case letters and hyphens');
  if (!/^[a-z]{2,5}$/.test(domain.idPrefix)) fail('an id prefix is 2 to 5 lower-case letters');
  const isState = (state: string): boolean => domain.states.includes(state);
  if (new Set(domain.states).size !== domain.states.length) fail('a state stands twice');
  if (!isState(domain.initial)) fail(`the initial state "${domain.initial}" is not a state`);
  checkTransitions(domain, isState, fail);
  checkReachable(domain, fail);
  checkNames(domain, fail);
  for (const { name, while: states } of domain.unique ?? []) {
    const unknown = states.find((state) => !isState(state));
    if (unknown !== undefined) fail(`unique value "${name}" is held in "${unknown}", which is not a state`);
  }
  checkDeadline(domain, fail);
}

type Fail = (fault: string) => never;

function checkTransitions(domain: Domain, isState: (state: string) => boolean, fail: Fail): void {
  const reserved = new Set(['create', 'lock', 'unlock', 'ledger', 'messages']);
  for (const [name, transition] of Object.entries(domain.transitions)) {
    if (reserved.has(name)) fail(`"${name}" cannot be a transition: the route is taken`);
    if (transition.from.length === 0) fail(`transition "${name}" starts nowhere`);
    if (transition.to.length === 0) fail(`transition "${name}" leads nowhere`);
    const unknown = [...transition.from, ...transition.to].find((state) => !isState(state));
    if (unknown !== undefined) fail(`transition "${name}" names "${unknown}", which is not a state`);
    if (transition.to.length > 1 && !transition.next) {
      fail(
        `transition "${name}" may lead to ${transition.to.join(' or ')} and has no "next" that says which`,
      );
    }
    const items = itemsAtMost(domain, transition);
    if (items > transaction.itemsMax) {
      fail(`transition "${name}" may write ${items} items; a transaction holds ${transaction.itemsMax}`);
    }
  }
}

/** Each moved entity: its item, its ledger entry and up to two balances; each message and unique value: an item. */
function itemsAtMost(domain: Domain, { most }: AnyTransition): number {
  const own = 3 + (domain.unique?.length ?? 0) + 2;
  return own + (most?.moves ?? 1) * 4 + (most?.messages ?? 2);
}

function checkReachable(domain: Domain, fail: Fail): void {
  const reached = new Set([domain.initial]);
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

function checkDeadline(domain: Domain, fail: Fail): void {
  if (!domain.deadline) return;
  const { transition: name, while: states } = domain.deadline;
  const transition = domain.transitions[name];
  if (!transition) return fail(`the deadline brings about "${name}", which is not a transition`);
  const outside = states.find((state) => !transition.from.includes(state));
  if (outside !== undefined) fail(`the deadline waits in "${outside}", where "${name}" is not allowed`);
}

function assertDistinct(what: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${what} stands twice among the definitions: "${twice}"`);
}
