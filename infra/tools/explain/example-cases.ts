/** Cases that follow from a definition: its commands and answers with the examples of its documentation, and its queries. */
import type { PlannedMessage } from '../../../functions/core/decision.ts';
import type { Domain } from '../../../functions/core/definition.ts';
import { secretFields } from '../../../functions/core/fields.ts';
import { messagesOf, publicCommands } from '../../../functions/core/registry.ts';
import type { Registry } from '../../../functions/core/registry.ts';
import { idsIn } from '../../../functions/docs/example-body.ts';
import { exampleOf } from '../../../functions/docs/example-order.ts';
import { outcomeOf } from '../../../functions/docs/example-world.ts';
import type { ExampleCommand } from '../../../functions/docs/example-world.ts';
import { answerName, routeOf, stepOfCase } from './request-case.ts';
import type { Case, Step, WrittenStep } from './request-case.ts';
import { standardNow } from './workbench.ts';

export const commandRoute = ({ collection }: Domain, name: string): string =>
  `POST /v1/${collection}${name === 'create' ? '' : `/{id}/${name}`}`;

/** The case of a command; none where no row of examples leads there. */
export const commandCase = (registry: Registry, domain: Domain, name: string): Case | undefined =>
  rowTo(registry, domain, name)?.command;

/** A case that is about the entity which another one leaves behind. */
const after = (creation: Case, then: Case): Case => ({
  ...then,
  isApart: creation.isApart,
  before: [...(creation.before ?? []), stepOfCase(creation), ...(then.before ?? [])],
});

/** What exists for every collection alike. */
export function commonCases({ collection, initial }: Domain, creation: Case): readonly Case[] {
  const list = `/v1/${collection}`;
  const lock = { as: 'lock', request: `POST ${list}/{id}/lock`, body: { ttlSeconds: 30, wait: 'nowait' } };
  return [
    { name: `GET ${list}` },
    { name: `GET ${list} (by status)`, request: `GET ${list}?status=${initial}` },
    after(creation, { name: `GET ${list}/{id}` }),
    after(creation, { name: `GET ${list}/{id}/ledger` }),
    after(creation, { name: `GET ${list}/{id}/messages` }),
    after(creation, { ...lock, name: lock.request }),
    after(creation, {
      name: `POST ${list}/{id}/unlock`,
      headers: { 'lock-token': '{lock.token}' },
      before: [lock],
    }),
  ];
}

/**
 * Messages whose answers move an entity: where the receiver says yes, the worker commits the transition. What that costs
 * depends on the transition, so each has a case of its own, named as routes are. There is none where no example of a
 * public command sends a message that asks for it.
 */
export const answerCases = (registry: Registry): readonly Case[] =>
  registry.domains.flatMap((domain) =>
    Object.keys(domain.transitions).flatMap((done) => answerCase(registry, domain, done) ?? []),
  );

function answerCase(registry: Registry, domain: Domain, done: string): Case | undefined {
  const commands = publicCommands(domain);
  for (const { command, message } of messagesOf(domain)) {
    if (message.done !== done || !commands.includes(command)) continue;
    const row = rowTo(registry, domain, command);
    if (!row?.messages.some(({ type }) => type === message.type)) continue;
    const name = answerName(`${domain.collection}/${done}`);
    return after(row.command, { name, request: `ANSWER done {id} ${message.type}` });
  }
  return undefined;
}

/** Deadlines of entities that were just created. @param all the cases of the same definitions */
export const deadlineCases = (registry: Registry, all: readonly Case[]): readonly Case[] =>
  registry.domains.flatMap((domain) => {
    const creation = all.find((one) => routeOf(one) === commandRoute(domain, 'create'));
    const { result } = exampleOf(registry, domain, 'create', standardNow);
    return Object.entries(domain.deadlines ?? {}).flatMap(([name, deadline]) =>
      creation && deadline?.while.includes(result?.status ?? domain.initial)
        ? [after(creation, { name: `${domain.collection}: ${name}`, request: `DEADLINE ${name} {id}` })]
        : [],
    );
  });

interface Row {
  readonly command: Case;
  /** What it sends. */
  readonly messages: readonly PlannedMessage[];
}

/** The example of a command after those that lead to it. */
function rowTo(registry: Registry, domain: Domain, name: string): Row | undefined {
  const { after: first, messages = [], ...example } = exampleOf(registry, domain, name, standardNow);
  if (!first) return undefined;
  const all = [...first, example];
  const made = all.flatMap((step) => (step.name === 'create' ? [step.id] : []));
  /** What the row creates has another id each time. */
  const placeholder = (id: string): string => (made.includes(id) ? `{${id === example.id ? 'id' : id}}` : id);
  const command: Case = {
    ...stepOf(example, placeholder),
    name: commandRoute(domain, name),
    // Examples take the same unique values each time.
    isApart: all.some((step) => step.domain.unique !== undefined),
    before: first.map((step): WrittenStep => stepOf(step, placeholder)),
  };
  return { command, messages };
}

/** A command, an answer or a deadline with placeholders for ids, and for the secret that only a message tells. */
function stepOf(command: ExampleCommand, placeholder: (id: string) => string): Step {
  const { domain, name, id, body = {}, actor, answers, dueAt } = command;
  const entity = placeholder(id);
  if (answers) return { request: `ANSWER ${outcomeOf(answers, name)} ${entity} ${answers.type}` };
  if (dueAt !== undefined) return { request: `DEADLINE ${name} ${entity}` };
  const { input } = name === 'create' ? domain.create : (domain.transitions[name] ?? {});
  const secrets = input ? [...secretFields(input)] : [];
  const secret = entity.replace('}', '.secret}');
  const sent = { ...body, ...Object.fromEntries(secrets.map((field) => [field, secret])) };
  const text = idsIn(body).reduce(
    (json, other) => json.replaceAll(other, placeholder(other)),
    JSON.stringify(sent),
  );
  return {
    ...(name === 'create' && { as: entity.slice(1, -1) }),
    request: commandRoute(domain, name).replace('{id}', entity),
    ...(input && { body: JSON.parse(text) as unknown }),
    ...(actor !== undefined && { subject: actor }),
  };
}
