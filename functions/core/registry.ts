/** Collects the definitions and refuses, by name, one that makes no sense. */
import { checkDefinition } from './check-definition.ts';
import { checkOthers } from './check-others.ts';
import { commandsOf } from './domain.ts';
import type { Domain } from './domain.ts';
import { answers } from './messages.ts';
import type { Answer, MessageHead } from './messages.ts';
import { roleOf, spreadByRole } from './spread-accounts.ts';

export interface Registry {
  readonly domains: readonly Domain[];
  /** Throws (a defect of a definition) where there is no such collection. */
  readonly byCollection: (collection: string) => Domain;
  readonly find: (collection: string) => Domain | undefined;
  /** The domain an id belongs to, by its prefix. */
  readonly ofId: (id: string) => Domain | undefined;
  /** Over how many items a named account is spread; 1 where it is not. */
  readonly spreadOf: (account: string) => number;
}

/** Throws an error that names definition and fault. */
export function registerDomains(domains: readonly Domain[]): Registry {
  for (const domain of domains) checkDefinition(domain);
  for (const domain of domains) checkOthers(domain, domains);
  const owners = <T>(names: (domain: Domain) => readonly T[]) =>
    domains.flatMap((domain) => names(domain).map((name) => ({ name, collection: domain.collection })));
  assertDistinct(
    owners(({ collection }) => [collection]),
    (name) => `are called "${name}"; give one another collection`,
  );
  assertDistinct(
    owners(({ idPrefix }) => [idPrefix]),
    (name) => `begin their ids with "${name}"; give one another idPrefix`,
  );
  assertDistinct(
    owners(({ spread = {} }) => Object.keys(spread)),
    (name) => `spread "${name}", which is one for all domains; say it in one of them, or use another role`,
  );
  assertDistinct(
    owners(({ unique = [] }) => unique.map(({ name }) => name)),
    (name) => `have a unique value "${name}"; give one another name`,
  );
  const byCollection = new Map(domains.map((domain) => [domain.collection, domain]));
  const spread = spreadByRole(domains);
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
    spreadOf: (account) => spread.get(roleOf(account)) ?? 1,
  };
}

/** All states an entity may be in, those of earlier versions among them. */
export const statesOf = ({ states, formerStates = [] }: Domain): readonly string[] => [
  ...states,
  ...formerStates,
];

/** The version of a definition, which each of its ledger entries carries. */
export const versionOf = ({ version = 1 }: Domain): number => version;

/** Transitions a caller may ask for. */
export const publicTransitions = ({ transitions }: Pick<Domain, 'transitions'>): string[] =>
  Object.keys(transitions).filter((name) => transitions[name]?.internal !== true);

/** Commands a caller may ask for: `create`, unless only others create it, and those. */
export const publicCommands = (domain: Pick<Domain, 'create' | 'transitions'>): readonly string[] => [
  ...(domain.create.internal === true ? [] : ['create']),
  ...publicTransitions(domain),
];

/** Those of a status. */
export const allowedTransitions = (domain: Domain, status: string): string[] =>
  publicTransitions(domain).filter((name) => domain.transitions[name]?.from.includes(status));

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

function assertDistinct(
  names: readonly { name: string; collection: string }[],
  fault: (name: string) => string,
): void {
  const twice = names.find(({ name }, index) => names.findIndex((other) => other.name === name) !== index);
  if (!twice) return;
  const first = names.find(({ name }) => name === twice.name)?.collection ?? '';
  throw new Error(`definitions "${first}" and "${twice.collection}" both ${fault(twice.name)}`);
}
