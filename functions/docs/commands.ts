/** The commands of a domain as OpenAPI operations: create, transitions, lock and unlock. */
import type {
  oas31,
  ZodOpenApiLinksObject,
  ZodOpenApiOperationObject,
  ZodOpenApiResponseObject,
} from 'zod-openapi';
import type { Route } from '../api/routes.ts';
import { entityView } from '../api/view.ts';
import { startsOf } from '../core/definition.ts';
import type { Domain } from '../core/definition.ts';
import { exampleActors } from '../core/examples.ts';
import type { Registry } from '../core/registry.ts';
import { publicTransitions } from '../core/registry.ts';
import { commandDescription } from './descriptions.ts';
import { exampleBody } from '../core/examples.ts';
import { exampleId } from './example-body.ts';
import type { Example } from './example-order.ts';
import { outcomeOf } from './example-world.ts';
import type { ExampleCommand } from './example-world.ts';
import { commandId, operationId, schemaName } from './names.ts';
import { parameterRef } from './parameters.ts';
import { badRequest, bodyResponses, refusalResponses, requestIdHeader, responseRef } from './problems.ts';
import { knownRefusals } from './refusals.ts';
import type { KnownRefusal } from './refusals.ts';
import { heldLock, idPattern } from './schemas.ts';

const ref = (path: string): { readonly $ref: string } => ({ $ref: `#/components/${path}` });

const bodyCodes = ['malformed_request', 'malformed_json', 'invalid_request'];
const headerCodes = [
  'idempotency_key_missing',
  'idempotency_key_malformed',
  'if_match_malformed',
  'lock_token_malformed',
];

export function createOperation(
  registry: Registry,
  route: Route,
  example: Example,
): ZodOpenApiOperationObject {
  const { domain } = example;
  return {
    ...documented(domain, domain.create.summary, example),
    ...body(route, example),
    parameters: [parameterRef('IdempotencyKey'), parameterRef('Traceparent')],
    responses: {
      '201': {
        ...entityAnswer(domain, 'Created.', example, { Location: ref('headers/Location') }),
        links: linksOf(domain),
      },
      '400': badRequest([...bodyCodes, ...headerCodes]),
      ...problems(knownRefusals(registry, example), { precondition: [] }),
      ...bodyResponses,
      ...((domain.create.transfers ?? domain.create.links ?? domain.create.creates) && {
        '423': responseRef('Locked'),
      }),
    },
  };
}

export function transitionOperation(
  registry: Registry,
  route: Route,
  example: Example,
): ZodOpenApiOperationObject {
  const { domain, name } = example;
  return {
    ...documented(domain, domain.transitions[name]?.summary ?? name, example),
    ...body(route, example),
    parameters: [
      idParameter(domain, example.id),
      parameterRef('IdempotencyKey'),
      parameterRef('IfMatch'),
      parameterRef('LockToken'),
      parameterRef('Traceparent'),
    ],
    responses: {
      '200': entityAnswer(domain, 'Done.', example),
      '400': badRequest([...bodyCodes, ...headerCodes]),
      ...problems(knownRefusals(registry, example), { precondition: ['version_mismatch', 'lock_lost'] }),
      '404': responseRef('NotFound'),
      ...bodyResponses,
      '423': responseRef('Locked'),
    },
  };
}

export function lockOperation(route: Route, created: Example): ZodOpenApiOperationObject {
  const { domain } = created;
  return {
    operationId: operationId(route),
    tags: [domain.collection],
    summary: 'Keep others out',
    description:
      'Waits for the holder before, up to the deadline, or answers 423 at once with `nowait`. Until it is unlocked ' +
      'or expires, every command on this entity needs the `Lock-Token`. The same key gives the same token again.',
    ...exampleStepsThrough(created),
    ...body(route),
    parameters: [idParameter(domain), parameterRef('IdempotencyKey'), parameterRef('IfMatch')],
    responses: {
      '200': {
        description: 'Locked.',
        headers: { ...requestIdHeader, 'Idempotent-Replayed': ref('headers/IdempotentReplayed') },
        content: { 'application/json': { schema: heldLock } },
        links: {
          unlock: {
            operationId: commandId(domain, 'unlock'),
            parameters: { id: '$request.path.id', 'header.Lock-Token': '$response.body#/token' },
          },
        },
      },
      '400': badRequest([...bodyCodes, ...headerCodes]),
      ...problems([], { precondition: ['version_mismatch'] }),
      '404': responseRef('NotFound'),
      ...bodyResponses,
      '423': responseRef('Locked'),
    },
  };
}

export function unlockOperation(route: Route, created: Example): ZodOpenApiOperationObject {
  const { domain } = created;
  return {
    operationId: operationId(route),
    tags: [domain.collection],
    summary: 'Let others in again',
    ...exampleStepsThrough(created, 'lock'),
    parameters: [
      idParameter(domain),
      parameterRef('IdempotencyKey'),
      parameterRef('IfMatch'),
      parameterRef('HeldLockToken'),
    ],
    responses: {
      '204': {
        description: 'Unlocked.',
        headers: { ...requestIdHeader, 'Idempotent-Replayed': ref('headers/IdempotentReplayed') },
      },
      '400': badRequest([...bodyCodes, ...headerCodes, 'lock_token_missing']),
      ...problems([], { precondition: ['version_mismatch', 'lock_lost'] }),
      '404': responseRef('NotFound'),
      ...bodyResponses,
    },
  };
}

export const idParameter = (domain: Domain, example = exampleId(domain)): oas31.ParameterObject => ({
  name: 'id',
  in: 'path',
  required: true,
  description: `Id of the ${domain.type}.`,
  schema: { type: 'string', pattern: idPattern(domain) },
  example,
});

function documented(domain: Domain, summary: string, example: Example): ZodOpenApiOperationObject {
  const { role } = domain.transitions[example.name] ?? domain.create;
  return {
    operationId: commandId(domain, example.name),
    tags: [domain.collection],
    summary,
    description: commandDescription(example),
    ...(role !== undefined && { 'x-role': role }),
    ...(isAnothers(example) && { 'x-example-as': example.actor }),
    ...exampleSteps(example.after),
    responses: {},
  };
}

/** Which examples to send before, each with the id it makes or acts on. */
const exampleSteps = (steps: readonly ExampleCommand[] | undefined) =>
  steps && {
    'x-example-after': steps.map((step) => {
      const { domain, name, id, actor, answers, dueAt } = step;
      if (answers) return { answer: outcomeOf(answers, name), to: answers.type, id };
      if (dueAt !== undefined) return { deadline: name, id };
      return { operationId: commandId(domain, name), id, ...(isAnothers(step) && { as: actor }) };
    }),
  };

/** Whether somebody else than who sends most examples sends it. */
const isAnothers = ({ actor = exampleActors[0] }: ExampleCommand): boolean => actor !== exampleActors[0];

/** For what needs no more than that an example was sent. */
export const exampleStepsThrough = (example: Example, ...more: readonly string[]) =>
  exampleSteps(example.after && [...example.after, example, ...more.map((name) => ({ ...example, name }))]);

function body(route: Route, example?: Example): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  if (!route.body) return {};
  const content = { schema: route.body, example: example?.body ?? exampleBody(route.body) };
  return { requestBody: { required: true, content: { 'application/json': content } } };
}

function entityAnswer(
  domain: Domain,
  description: string,
  { result }: Example,
  headers: Readonly<Record<string, { $ref: string }>> = {},
): ZodOpenApiResponseObject {
  return {
    description,
    headers: {
      ...requestIdHeader,
      ETag: ref('headers/ETag'),
      ...headers,
      'Idempotent-Replayed': ref('headers/IdempotentReplayed'),
    },
    content: {
      'application/json': {
        schema: ref(`schemas/${schemaName(domain)}`),
        ...(result && { example: entityView(domain, result) }),
      },
    },
  };
}

function problems(
  refusals: readonly KnownRefusal[],
  { precondition }: { readonly precondition: readonly string[] },
): ZodOpenApiOperationObject['responses'] {
  const base = {
    forbidden: ['insufficient_scope'],
    conflict: ['request_in_progress'],
    precondition,
    unprocessable: ['idempotency_key_reused'],
  };
  return {
    '401': responseRef('Unauthorized'),
    ...refusalResponses(base, refusals),
    '429': responseRef('TooManyRequests'),
    '500': responseRef('InternalError'),
    '503': responseRef('CommandUnavailable'),
  };
}

/** What can be done with an entity that was just created. */
function linksOf(domain: Domain): ZodOpenApiLinksObject {
  const parameters = { id: '$response.body#/id' };
  const isAllowed = (name: string): boolean =>
    startsOf(domain).some((state) => domain.transitions[name]?.from.includes(state));
  return Object.fromEntries(
    ['get', ...publicTransitions(domain).filter(isAllowed), 'lock'].map((name) => [
      name,
      { operationId: commandId(domain, name), parameters },
    ]),
  );
}
