/**
 * One case for every command, query and job. Those of a definition follow from it: its commands and answers with the
 * examples of its documentation, and its queries. `test/integration/cost.integration.test.ts` asserts that no route is
 * missing.
 */
import { domains } from '../../../functions/application.ts';
import type { PlannedMessage } from '../../../functions/core/decision.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { secretFields } from '../../../functions/core/fields.ts';
import { messagesOf, publicCommands, registerDomains } from '../../../functions/core/registry.ts';
import type { Registry } from '../../../functions/core/registry.ts';
import { idsIn } from '../../../functions/docs/example-body.ts';
import { exampleOf } from '../../../functions/docs/example-order.ts';
import { outcomeOf } from '../../../functions/docs/example-world.ts';
import type { ExampleCommand } from '../../../functions/docs/example-world.ts';
import { answerName, routeOf, stepOfCase } from './request-case.ts';
import type { Case, Step } from './request-case.ts';
import { standardNow } from './workbench.ts';
import { jobs, operations, writtenCommands } from './written-cases.ts';

const routeTo = ({ collection }: Domain, command: string): string =>
  `POST /v1/${collection}${command === 'create' ? '' : `/{id}/${command}`}`;

const creationOf = (domain: Domain, all: readonly Case[]): Case | undefined =>
  all.find((one) => routeOf(one) === routeTo(domain, 'create'));

/** The cases of these definitions: the commands of each, then its queries. A command to which no examples lead has none. */
export const casesOf = (registry: Registry): readonly Case[] =>
  registry.domains.flatMap((domain) => {
    const commands = publicCommands(domain).flatMap((name) => {
      const written = writtenCommands.filter((one) => routeOf(one) === routeTo(domain, name));
      return written.length > 0 ? written : (rowTo(registry, domain, name)?.command ?? []);
    });
    const creation = creationOf(domain, commands);
    return creation ? [...commands, ...commonCases(domain, creation)] : commands;
  });

/** Routes of commands to which no row of examples leads: each needs a case that is written. */
export const routesNotLedTo = (registry: Registry, all = casesOf(registry)): readonly string[] =>
  registry.domains
    .flatMap((domain) => publicCommands(domain).map((name) => routeTo(domain, name)))
    .filter((route) => !all.some((one) => routeOf(one) === route));

/** A case that is about the entity which another one leaves behind. */
const after = (creation: Case, then: Case): Case => ({
  ...then,
  isApart: creation.isApart,
  before: [...(creation.before ?? []), stepOfCase(creation), ...(then.before ?? [])],
});

/** What exists for every collection alike. */
function commonCases({ collection, initial }: Domain, creation: Case): readonly Case[] {
  const list = `/v1/${collection}`;
  const lock = { as: 'lock', request: `POST ${list}/{id}/lock`, body: { ttlSeconds: 30, wait: 'nowait' } };
  const unlock = {
    name: `POST ${list}/{id}/unlock`,
    headers: { 'lock-token': '{lock.token}' },
    before: [lock],
  };
  return [
    { name: `GET ${list}` },
    { name: `GET ${list} (by status)`, request: `GET ${list}?status=${initial}` },
    after(creation, { name: `GET ${list}/{id}` }),
    after(creation, { name: `GET ${list}/{id}/ledger` }),
    after(creation, { name: `GET ${list}/{id}/messages` }),
    after(creation, { ...lock, name: lock.request }),
    after(creation, unlock),
  ];
}

/**
 * Messages whose answers move an entity: where the receiver says yes, the worker commits the transition. What that costs
 * depends on the transition, so each has a case of its own, named as routes are. There is none where no example of a
 * public command sends a message that asks for it.
 */
export const answerCases = (registry: Registry): readonly Case[] =>
  registry.domains.flatMap((domain) =>
    Object.keys(domain.transitions).flatMap((done) => {
      const [first] = messagesOf(domain).flatMap(({ command, message: { type, done: then } }) => {
        if (then !== done || !publicCommands(domain).includes(command)) return [];
        const row = rowTo(registry, domain, command);
        const name = answerName(`${domain.collection}/${done}`);
        const isSent = row?.messages.some((sent) => sent.type === type) === true;
        return isSent ? [after(row.command, { name, request: `ANSWER done {id} ${type}` })] : [];
      });
      return first ?? [];
    }),
  );

/** Deadlines of entities that were just created. @param all the cases of the same definitions */
export const deadlineCases = (registry: Registry, all: readonly Case[]): readonly Case[] =>
  registry.domains.flatMap((domain) => {
    const creation = creationOf(domain, all);
    const { result } = exampleOf(registry, domain, 'create', standardNow);
    return Object.entries(domain.deadlines ?? {}).flatMap(([name, deadline]) =>
      creation && deadline?.while.includes(result?.status ?? domain.initial)
        ? [after(creation, { name: `${domain.collection}: ${name}`, request: `DEADLINE ${name} {id}` })]
        : [],
    );
  });

/** The example of a command after those that lead to it, and what it sends; nothing where no row of examples leads there. */
function rowTo(
  registry: Registry,
  domain: Domain,
  name: string,
): { readonly command: Case; readonly messages: readonly PlannedMessage[] } | undefined {
  const { after: first, messages = [], ...example } = exampleOf(registry, domain, name, standardNow);
  if (!first) return undefined;
  const all = [...first, example];
  const made = all.flatMap((step) => (step.name === 'create' ? [step.id] : []));
  /** What the row creates has another id each time. */
  const placeholder = (id: string): string => (made.includes(id) ? `{${id === example.id ? 'id' : id}}` : id);
  const command: Case = {
    ...stepOf(example, placeholder),
    name: routeTo(domain, name),
    // Examples take the same unique values each time.
    isApart: all.some((step) => step.domain.unique !== undefined),
    before: first.map((step) => stepOf(step, placeholder)),
  };
  return { command, messages };
}

/** A command, an answer or a deadline with placeholders for ids, and for the secret that only a message tells. */
function stepOf(
  { domain, name, id, body = {}, actor, answers, dueAt }: ExampleCommand,
  placeholder: (id: string) => string,
): Step {
  const entity = placeholder(id);
  if (answers) return { request: `ANSWER ${outcomeOf(answers, name)} ${entity} ${answers.type}` };
  if (dueAt !== undefined) return { request: `DEADLINE ${name} ${entity}` };
  const { input } = name === 'create' ? domain.create : (domain.transitions[name] ?? {});
  const secret = entity.replace('}', '.secret}');
  const secrets = [...(input ? secretFields(input) : [])].map((field) => [field, secret]);
  const text = idsIn(body).reduce(
    (json, other) => json.replaceAll(other, placeholder(other)),
    JSON.stringify({ ...body, ...Object.fromEntries(secrets) }),
  );
  return {
    ...(name === 'create' && { as: entity.slice(1, -1) }),
    request: routeTo(domain, name).replace('{id}', entity),
    ...(input && { body: JSON.parse(text) as unknown }),
    ...(actor !== undefined && { subject: actor }),
  };
}

const registered = registerDomains(domains);
/** All of the application. */
export const cases: readonly Case[] = [
  ...casesOf(registered),
  ...operations,
  ...answerCases(registered),
  ...jobs,
];
export const routesToBeWritten: readonly string[] = routesNotLedTo(registered, cases);
