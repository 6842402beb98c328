/** Cases that follow from a definition: what every collection has, and its commands by their examples. */
import type { Domain } from '../../../functions/core/definition.ts';
import { secretFields } from '../../../functions/core/fields.ts';
import type { Registry } from '../../../functions/core/registry.ts';
import { idsIn } from '../../../functions/docs/example-body.ts';
import type { Example } from '../../../functions/docs/example-order.ts';
import { exampleOf } from '../../../functions/docs/example-order.ts';
import type { ExampleCommand } from '../../../functions/docs/example-world.ts';
import type { RequestCase, Step } from './request-case.ts';

/** What exists for every collection alike; `make` leaves an entity as `it`. */
export function commonCases(
  collection: string,
  status: string,
  make: readonly Step[],
  shared: readonly Step[] = [],
): RequestCase[] {
  const route = `/v1/${collection}`;
  const take: Step = {
    as: 'lock',
    request: `POST ${route}/{it}/lock`,
    body: { ttlSeconds: 30, wait: 'nowait' },
  };
  const onOne = (request: string): RequestCase => ({
    name: request.replace('{it}', '{id}'),
    shared,
    before: make,
    request: { request },
  });
  return [
    { name: `GET ${route}`, request: { request: `GET ${route}` } },
    {
      name: `GET ${route} (by status)`,
      request: { request: `GET ${route}?status=${status}` },
    },
    onOne(`GET ${route}/{it}`),
    onOne(`GET ${route}/{it}/ledger`),
    onOne(`GET ${route}/{it}/messages`),
    { name: `POST ${route}/{id}/lock`, shared, before: make, request: take },
    {
      name: `POST ${route}/{id}/unlock`,
      shared,
      before: [...make, take],
      request: { request: `POST ${route}/{it}/unlock`, headers: { 'lock-token': '{lock.token}' } },
    },
  ];
}

/**
 * The commands of a definition with the examples that its documentation shows, each after the examples that lead
 * there, and its queries.
 * @throws naming a command to which no row of examples leads: it needs a case that is written
 */
export function exampleCases(registry: Registry, domain: Domain): readonly RequestCase[] {
  const names = Object.entries(domain.transitions).flatMap(([name, { internal }]) =>
    internal === true ? [] : [name],
  );
  const create = exampleOf(registry, domain, 'create');
  const commands = [create, ...names.map((name) => exampleOf(registry, domain, name))];
  return [
    ...commands.map(commandCase),
    ...commonCases(domain.collection, domain.initial, [...stepsBefore(create), stepOf(create, create)]).map(
      (one) => (one.before ? { ...one, isApart: true } : one),
    ),
  ];
}

function commandCase(example: Example): RequestCase {
  const request = stepOf(example, example);
  return {
    name: request.request.replace('{it}', '{id}'),
    isApart: true,
    before: stepsBefore(example),
    request,
  };
}

function stepsBefore(example: Example): readonly Step[] {
  const { after, domain, name } = example;
  if (!after)
    throw new Error(`"${name}" of ${domain.collection} needs a written case: no examples lead there`);
  return after.map((command) => stepOf(command, example));
}

/** A command with placeholders for the ids of the examples, and for the secret that only a message tells. */
function stepOf({ domain, name, id, body }: ExampleCommand, subject: ExampleCommand): Step {
  const placeholder = (exampleId: string): string => `{${exampleId === subject.id ? 'it' : exampleId}}`;
  const input = name === 'create' ? domain.create.input : domain.transitions[name]?.input;
  const secrets = new Set(input && secretFields(input));
  const filled = Object.entries(body ?? {}).map(([field, value]) => [
    field,
    secrets.has(field) ? placeholder(id).replace('}', '.secret}') : withPlaceholders(value, placeholder),
  ]);
  const rest = body && { body: Object.fromEntries(filled) as unknown };
  const route = `POST /v1/${domain.collection}`;
  if (name === 'create') return { as: placeholder(id).slice(1, -1), request: route, ...rest };
  return { request: `${route}/${placeholder(id)}/${name}`, ...rest };
}

function withPlaceholders(value: unknown, placeholder: (exampleId: string) => string): unknown {
  const text = idsIn(value).reduce((json, id) => json.replaceAll(id, placeholder(id)), JSON.stringify(value));
  return JSON.parse(text) as unknown;
}
