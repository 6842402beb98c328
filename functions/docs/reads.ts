/** Reads, and the operations routes, as OpenAPI operations. */
import type { z } from 'zod';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { Route } from '../api/routes.ts';
import type { Domain } from '../core/definition.ts';
import { messageId } from '../store/outbox/message-items.ts';
import { exampleStepsThrough, idParameter } from './commands.ts';
import { exampleBody } from '../core/examples.ts';
import type { Example } from './example-order.ts';
import { operationId, schemaName } from './names.ts';
import {
  badRequest,
  bodyResponses,
  conflictWith,
  refusalResponses,
  requestIdHeader,
  responseRef,
} from './problems.ts';
import * as schemas from './schemas.ts';

const ref = (path: string): { readonly $ref: string } => ({ $ref: `#/components/${path}` });

interface Read {
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly answer: z.ZodType | { readonly $ref: string };
  /** 200 unless told. */
  readonly status?: '200' | '202';
  /** Which 404 it may answer. */
  readonly missing?: 'NotFound' | 'NoStatement';
  /** Codes of its 400, beside those of every other. */
  readonly malformed?: readonly string[];
  /** Codes of its 409. */
  readonly conflicts?: readonly string[];
  readonly parameters?: ZodOpenApiOperationObject['parameters'];
  readonly headers?: Readonly<Record<string, { $ref: string }>>;
  readonly steps?: ReturnType<typeof exampleStepsThrough> | { readonly 'x-example-after': readonly object[] };
}

/** One operation that is no command of a domain. */
export function operation(route: Route, read: Read): ZodOpenApiOperationObject {
  const { tag, summary, description, answer, status = '200', missing, headers = {} } = read;
  const readsBody = route.method === 'POST';
  return {
    operationId: operationId(route),
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...read.steps,
    ...(read.parameters && { parameters: read.parameters }),
    ...(route.query && { requestParams: { query: route.query } }),
    ...(route.body && {
      requestBody: {
        required: !route.body.safeParse({}).success,
        content: { 'application/json': { schema: route.body, example: exampleBody(route.body) } },
      },
    }),
    responses: {
      [status]: {
        description: status === '202' ? 'Accepted.' : 'Found.',
        headers: { ...requestIdHeader, ...headers },
        content: { 'application/json': { schema: answer } },
      },
      '400': badRequest([
        'malformed_request',
        ...(readsBody ? ['malformed_json'] : []),
        'invalid_request',
        ...(read.malformed ?? []),
      ]),
      '401': responseRef('Unauthorized'),
      ...refusalResponses(
        { forbidden: ['insufficient_scope'], conflict: [], precondition: [], unprocessable: [] },
        [],
      ),
      ...(missing !== undefined && { '404': responseRef(missing) }),
      ...(read.conflicts && { '409': conflictWith(read.conflicts) }),
      ...(readsBody && bodyResponses),
      '429': responseRef('TooManyRequests'),
      '500': responseRef('InternalError'),
      '503': responseRef('Unavailable'),
    },
  };
}

export const getOperation = (route: Route, created: Example): ZodOpenApiOperationObject =>
  operation(route, {
    tag: created.domain.collection,
    summary: `Read one ${created.domain.type}`,
    answer: ref(`schemas/${schemaName(created.domain)}`),
    missing: 'NotFound',
    parameters: [idParameter(created.domain)],
    steps: exampleStepsThrough(created),
    headers: { ETag: ref('headers/ETag') },
  });

export const listOperation = (route: Route, domain: Domain): ZodOpenApiOperationObject =>
  operation(route, {
    tag: domain.collection,
    summary: 'List, newest first',
    ...(domain.listed && {
      description:
        `By \`status\`, or by ${domain.listed.map((name) => `\`${name}\``).join(' or ')}, too. By an attribute, \`asOf\` says ` +
        'how far the list is: it is written a moment after the command. Each entity is shown as it is now.',
    }),
    answer: ref(`schemas/${schemaName(domain)}Page`),
  });

export const ledgerOperation = (route: Route, created: Example): ZodOpenApiOperationObject =>
  operation(route, {
    tag: created.domain.collection,
    summary: 'Read its ledger, oldest entry first',
    description: 'One entry a command, chained by hashes.',
    answer: ref('schemas/LedgerPage'),
    missing: 'NotFound',
    parameters: [idParameter(created.domain)],
    steps: exampleStepsThrough(created),
  });

export const entityMessagesOperation = (route: Route, created: Example): ZodOpenApiOperationObject =>
  operation(route, {
    tag: created.domain.collection,
    summary: 'List the messages it caused',
    answer: ref('schemas/MessagePage'),
    missing: 'NotFound',
    parameters: [idParameter(created.domain)],
    steps: exampleStepsThrough(created),
  });

export const timingOperation = (route: Route, created: Example): ZodOpenApiOperationObject =>
  operation(route, {
    tag: created.domain.collection,
    summary: 'Read what time does to it: its lock, and its next deadline',
    description: 'Who holds its lock and until when, and which transition happens by itself, and when.',
    answer: ref('schemas/Timing'),
    missing: 'NotFound',
    parameters: [idParameter(created.domain)],
    steps: exampleStepsThrough(created),
  });

const accountParameter = {
  name: 'account',
  in: 'path' as const,
  required: true,
  schema: { type: 'string' as const, minLength: 1 },
  example: 'holding:bookshop:EUR',
};

export const balanceOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'balances',
    summary: 'Read a balance',
    description:
      'An account is named in the `postings` of a ledger entry, and holds what its parties are called: percent-encode ' +
      'all of its name. One that was never used has balance 0.',
    answer: ref('schemas/Balance'),
    parameters: [accountParameter],
  });

export const statementOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'balances',
    summary: 'Read what was posted to an account, newest first',
    description:
      'For accounts whose definition keeps a statement; any other is answered 404 `no_statement`. It is written a moment ' +
      'after the command, and `asOf` says how far it is.',
    answer: ref('schemas/StatementPage'),
    missing: 'NoStatement',
    parameters: [accountParameter],
  });

export const messagesOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'operations',
    summary: 'List the tenant’s messages, newest first',
    description:
      'Each message is shown as it is now; one that has just come to fit the filter may be missing for a moment.',
    answer: ref('schemas/MessagePage'),
  });

export const messageGroupsOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'operations',
    summary: 'Count dead messages by topic, type, code and receiver',
    description:
      'The largest group first. One request counts a bounded number of messages. With a `nextCursor` there are more, and ' +
      'each count is one of at least so many: follow it and add the counts up. A count is of a moment ago: a message that ' +
      'has just died, or was just run again, may be missing or still be in it.',
    answer: schemas.messageGroups,
  });

/** The id of a message in a path. */
function messageParameter(sender: Example | undefined) {
  const [message] = sender?.messages ?? [];
  return {
    name: 'id',
    in: 'path' as const,
    required: true,
    schema: { type: 'string' as const, pattern: schemas.messageIdPattern },
    ...(message && { example: messageId(message.entity, message.seq, message.n) }),
  };
}

/** @param sender the first of the examples that causes a message */
export function redriveMessageOperation(
  route: Route,
  sender: Example | undefined,
): ZodOpenApiOperationObject {
  return operation(route, {
    tag: 'operations',
    summary: 'Run a dead message again',
    description:
      'Its retry policy starts anew. Safe to repeat: a message that is not dead is left alone. One whose receiver may ' +
      'have acted, and would act again, is not run but resolved.',
    conflicts: ['message_uncertain'],
    answer: schemas.redriven,
    status: '202',
    missing: 'NotFound',
    parameters: [messageParameter(sender)],
    ...(sender && { steps: exampleStepsThrough(sender) }),
  });
}

export const resolveMessageOperation = (
  route: Route,
  sender: Example | undefined,
): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'operations',
    summary: 'Say what became of a message',
    description:
      'For a dead message, and for one whose answer waits as `answer_not_understood`: with the outcome that its receiver ' +
      'gave, and a result that is understood. Its entity is moved as by the answer of its receiver, with the operator as ' +
      'actor. Safe to repeat; the other outcome is refused then.',
    answer: schemas.message,
    missing: 'NotFound',
    conflicts: ['answer_conflict', 'message_not_dead'],
    parameters: [messageParameter(sender)],
    ...(sender && { steps: exampleStepsThrough(sender) }),
  });

export const redriveMessagesOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'operations',
    summary: 'Run the dead messages of a topic again',
    description:
      'The oldest first, at most `limit` of them, and as many as there is time for; repeat until `count` is 0. Safe to ' +
      'repeat, at the same time too.',
    answer: schemas.redrivenCount,
    status: '202',
  });

export const requestOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'operations',
    summary: 'Read what an Idempotency-Key was answered',
    description:
      'For as long as its answer is kept. A key belongs to who sent it and to the path it was sent to. What the entity ' +
      'holds (`body`, `entry`) is shown to a token that has the scope `commands`, too; the token of a lock to nobody. ' +
      'Replays are not counted here: the log has a line for each.',
    answer: schemas.request,
    missing: 'NotFound',
    malformed: ['idempotency_key_missing', 'idempotency_key_malformed'],
    conflicts: ['request_in_progress'],
  });

export const auditOperation = (route: Route): ZodOpenApiOperationObject =>
  operation(route, {
    tag: 'operations',
    summary: 'Check a part of the tenant’s data',
    description:
      'Ledger chains intact, balances equal to the sum of postings, every history a path of its state machine, no ' +
      'message lost. Follow `nextCursor` for the rest.',
    answer: schemas.auditPage,
  });
