/** The OpenAPI 3.1 document, made from the route table and the definitions. The same sources give the same bytes. */
import { createDocument } from 'zod-openapi';
import type { oas31, ZodOpenApiHeaderObject, ZodOpenApiObject, ZodOpenApiOperationObject } from 'zod-openapi';
import manifest from '../../package.json' with { type: 'json' };
import { routesOf } from '../api/routes.ts';
import type { Route } from '../api/routes.ts';
import type { Domain } from '../core/definition.ts';
import { publicTransitions } from '../core/registry.ts';
import type { Registry } from '../core/registry.ts';
import { createOperation, lockOperation, transitionOperation, unlockOperation } from './commands.ts';
import { domainDescription, introduction } from './descriptions.ts';
import { exampleOf } from './example-order.ts';
import type { Example } from './example-order.ts';
import { pascalCase, schemaName } from './names.ts';
import { openPaths } from './open-paths.ts';
import { parameters } from './parameters.ts';
import { connectionResponses, problemHeaders, problemResponses, problemSchemas } from './problems.ts';
import * as reads from './reads.ts';
import * as redrives from './redrives.ts';
import { knownRefusals } from './refusals.ts';
import * as schemas from './schemas.ts';

/** @throws (a defect) where a request's field has no example */
export function createOpenApi(registry: Registry): oas31.OpenAPIObject {
  const examples = examplesOf(registry);
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'commit-once',
        version: manifest.version,
        description: introduction,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'Where this document comes from.' }],
      tags: tagsOf(registry, examples),
      paths: { ...pathsOf(registry, examples), ...openPaths },
      components: {
        schemas: {
          ...Object.fromEntries(registry.domains.flatMap(schemasOf)),
          LedgerEntry: schemas.ledgerEntry,
          LedgerPage: schemas.page(schemas.ledgerEntry),
          Message: schemas.message,
          MessagePage: schemas.page(schemas.message),
          Timing: schemas.timing,
          Balance: schemas.balance,
          StatementPage: schemas.statementPage,
          ...problemSchemas,
        },
        parameters,
        headers: { ...problemHeaders, ...answerHeaders },
        responses: problemResponses,
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description:
              'Claims: `tenant` (a string of 1 to 64 characters), `sub` (a string of 1 to 256 characters, without ' +
              'control characters or white space around it, and not beginning with `system:` or `receiver:` in any ' +
              'case, as ledgers call the backend itself and what a receiver answered), and `scope` with `commands`, ' +
              '`ops` or both, as a list or separated by a space. Any other token is answered 401. `roles`, in the same ' +
              'forms, is for the commands that want one.',
          },
        },
      },
    },
    {
      // Times are described by their format; the pattern that zod adds is 300 characters of leap years.
      override: ({ jsonSchema }) => {
        if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
      },
    },
  );
}

const answerHeaders: Readonly<Record<string, ZodOpenApiHeaderObject>> = {
  ETag: { description: 'The version, quoted.', schema: { type: 'string' }, example: '"1"' },
  Location: { description: 'Path of the new entity.', schema: { type: 'string', format: 'uri-reference' } },
};

function schemasOf(domain: Domain): [string, Exclude<ReturnType<typeof schemas.page>, undefined>][] {
  const name = schemaName(domain);
  const entity = schemas.entitySchema(domain);
  const inputs = Object.entries(domain.transitions).flatMap(
    ([transition, { input, internal }]): [string, typeof entity][] =>
      input && internal !== true ? [[pascalCase(transition) + name, input]] : [],
  );
  return [
    [name, entity],
    [`${name}Page`, domain.listed ? schemas.listedPage(entity) : schemas.page(entity)],
    ...(domain.create.internal === true
      ? []
      : [[`Create${name}`, domain.create.input] as [string, typeof entity]]),
    ...inputs,
  ];
}

/** Every public command's example, by collection and command. */
type Examples = ReadonlyMap<Domain, ReadonlyMap<string, Example>>;

const examplesOf = (registry: Registry): Examples =>
  new Map(
    registry.domains.map((domain) => [
      domain,
      new Map(
        ['create', ...publicTransitions(domain)].map((name) => [name, exampleOf(registry, domain, name)]),
      ),
    ]),
  );

function exampleFor(examples: Examples, domain: Domain, name: string): Example {
  const example = examples.get(domain)?.get(name);
  if (!example) throw new Error(`"${name}" of ${domain.collection} is no public command`);
  return example;
}

/** The first example that causes a message. */
const senderOf = (examples: Examples): Example | undefined =>
  [...examples.values()]
    .flatMap((ofDomain) => [...ofDomain.values()])
    .find(({ messages = [] }) => messages.length > 0);

function tagsOf(registry: Registry, examples: Examples): NonNullable<ZodOpenApiObject['tags']> {
  return [
    ...registry.domains.map((domain) => ({
      name: domain.collection,
      description: domainDescription(
        domain,
        [...(examples.get(domain)?.values() ?? [])].flatMap((example) => knownRefusals(registry, example)),
      ),
    })),
    { name: 'balances', description: 'What stands on an account: the sum of its postings.' },
    { name: 'operations', description: 'Messages of all entities, redrives, and the audit. Scope `ops`.' },
    { name: 'service', description: 'Open to all.' },
  ];
}

function pathsOf(registry: Registry, examples: Examples): NonNullable<ZodOpenApiObject['paths']> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routesOf(registry)) {
    const described = operationOf(registry, examples, route);
    const operation = {
      ...described,
      responses: { ...described.responses, ...connectionResponses },
      security: [{ bearer: [route.scope] }],
    };
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  return paths;
}

function operationOf(registry: Registry, examples: Examples, route: Route): ZodOpenApiOperationObject {
  const { operation } = route;
  switch (operation.is) {
    case 'create':
      return createOperation(registry, route, exampleFor(examples, operation.domain, 'create'));
    case 'transition':
      return transitionOperation(registry, route, exampleFor(examples, operation.domain, operation.name));
    case 'lock':
      return lockOperation(route, exampleFor(examples, operation.domain, 'create'));
    case 'unlock':
      return unlockOperation(route, exampleFor(examples, operation.domain, 'create'));
    case 'get':
      return reads.getOperation(route, exampleFor(examples, operation.domain, 'create'));
    case 'list':
      return reads.listOperation(route, operation.domain);
    case 'ledger':
      return reads.ledgerOperation(route, exampleFor(examples, operation.domain, 'create'));
    case 'entityMessages':
      return reads.entityMessagesOperation(route, exampleFor(examples, operation.domain, 'create'));
    case 'timing':
      return reads.timingOperation(route, exampleFor(examples, operation.domain, 'create'));
    case 'balance':
      return reads.balanceOperation(route);
    case 'statement':
      return reads.statementOperation(route);
    case 'messages':
      return reads.messagesOperation(route);
    case 'messageGroups':
      return reads.messageGroupsOperation(route);
    case 'redriveMessage':
      return reads.redriveMessageOperation(route, senderOf(examples));
    case 'resolveMessage':
      return reads.resolveMessageOperation(route, senderOf(examples));
    case 'redriveMessages':
      return reads.redriveMessagesOperation(route);
    case 'operations':
      return redrives.listOperationsOperation(route);
    case 'redrives':
      return redrives.listRedrivesOperation(route);
    case 'beginRedrive':
      return redrives.beginRedriveOperation(route);
    case 'redriveRun':
      return redrives.getRedriveOperation(route);
    case 'stopRedrive':
      return redrives.stopRedriveOperation(route);
    case 'request':
      return reads.requestOperation(route);
    case 'audit':
      return reads.auditOperation(route);
    default:
      return operation satisfies never;
  }
}
