/** Each operation of the route table: checks what its request says, carries it out and answers. */
import type { Context } from 'hono';
import * as z from 'zod';
import type { Backend } from '../commands/backend.ts';
import type { CommandRequest, LockCommand } from '../commands/command.ts';
import { execute } from '../commands/execute.ts';
import { roleMissing } from '../commands/read-and-decide.ts';
import { inTime, startDeadline } from '../runtime/deadline.ts';
import type { Domain } from '../core/definition.ts';
import { operationItem, putOperation } from '../store/operations/log.ts';
import { redriveMessages } from '../store/outbox/bulk-redrive.ts';
import { listEntityMessages, listMessages } from '../store/outbox/message-lists.ts';
import { isExpired, statePosition } from '../store/outbox/message-items.ts';
import { messageView } from '../store/outbox/message-view.ts';
import type { MessageStatus } from '../store/outbox/message-items.ts';
import { redriveMessage } from '../store/outbox/messages.ts';
import type { Topic } from '../runtime/topics.ts';
import type { Audit } from './audit.ts';
import type { Environment } from './bindings.ts';
import type { Caller } from './caller.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { idempotencyKey, ifMatchVersion, lockToken, traceparent } from './headers.ts';
import { answerOf, responseOf, unavailable } from './outcomes.ts';
import { messageGroups } from './message-groups.ts';
import { listOperatorLog, operationOf } from './operator-log.ts';
import type { Operator } from './operator-log.ts';
import { outboxOf } from './outbox-access.ts';
import { problemOf, ProblemError } from './problem.ts';
import {
  getBalance,
  getEntity,
  listByAttribute,
  listEntities,
  listLedger,
  listStatement,
} from './queries.ts';
import type { PageRequest, ReadContext } from './queries.ts';
import {
  getRedrive,
  listRedrives,
  previewRedrive,
  redriveToBegin,
  redriveView,
  stopRedrive,
} from './redrives.ts';
import { getRequest } from './requests.ts';
import type { RequestName } from './requests.ts';
import { checkedQuery, readBody } from './request-body.ts';
import type { Body } from './request-body.ts';
import type { beginRedriveBody, resolveBody, Route, stopRedriveBody } from './routes.ts';
import { resolveMessage } from './resolve-message.ts';
import * as rejections from '../core/rejections.ts';
import { entityView, etagOf, timingView } from './view.ts';

export interface OperationContext {
  readonly backend: Backend;
  readonly audit: Audit;
  readonly route: Route;
  readonly caller: Caller;
  readonly requestId: string;
}

/** Unknown query parameters are refused, not ignored: whoever sends one expects something of it. */
const noParameters = z.strictObject({});

const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  Response.json(value, { status, headers });

/** @throws ProblemError for each 4xx and 503 that no key keeps; a refusal that is kept is returned */
export async function operate(c: Context<Environment>, context: OperationContext): Promise<Response> {
  const { backend, route, caller, audit } = context;
  const { tenant } = caller;
  const { operation } = route;
  const id = (domain: Domain): string => wellFormedId(domain, c.req.param('id') ?? '');
  const query = checkedQuery(route.query ?? noParameters, c.req.queries());
  const page = query as unknown as PageRequest;
  const operator = { subject: caller.subject, requestId: context.requestId };
  const reading = (): ReadContext => ({ backend, tenant, deadline: startDeadline(backend.clock) });
  switch (operation.is) {
    case 'create':
    case 'transition':
    case 'lock':
    case 'unlock':
      return responseOf(await execute(backend, commandRequest(c, context, operation)));
    case 'get': {
      const entity = await getEntity(reading(), operation.domain, id(operation.domain));
      return json(entityView(operation.domain, entity), 200, { etag: etagOf(entity) });
    }
    case 'list': {
      const { domain } = operation;
      const { status } = query as { status?: string };
      const attribute = domain.listed?.find((name) => query[name] !== undefined);
      return json(
        attribute === undefined
          ? await listEntities(reading(), domain, { ...page, status })
          : await listByAttribute(reading(), domain, {
              ...page,
              ...{ status, attribute, value: String(query[attribute]) },
            }),
      );
    }
    case 'ledger':
      return json(await listLedger(reading(), operation.domain, id(operation.domain), page));
    case 'entityMessages':
      return json(await entityMessages(reading(), operation.domain, id(operation.domain), page));
    case 'timing': {
      const entity = await getEntity(reading(), operation.domain, id(operation.domain));
      return json(timingView(operation.domain, entity, backend.clock.now()));
    }
    case 'balance':
      return json(await getBalance(reading(), c.req.param('account') ?? ''));
    case 'statement':
      return json(await listStatement(reading(), c.req.param('account') ?? '', page));
    case 'messages':
      return json(await tenantMessages(reading(), { ...page, ...query }));
    case 'messageGroups':
      return json(await messageGroups(reading(), query as Parameters<typeof messageGroups>[1]));
    case 'redriveMessage':
      bodyOf(c, route);
      return redrive(reading(), c.req.param('id') ?? '', operator);
    case 'resolveMessage': {
      const { input } = bodyOf(c, route);
      const said = input as z.output<typeof resolveBody>;
      return json(await resolveMessage(reading(), c.req.param('id') ?? '', { ...said, operator }));
    }
    case 'redriveMessages': {
      const { input } = bodyOf(c, route);
      const asked = input as { readonly topic: Topic; readonly limit: number };
      return json(await redriveInBulk(reading(), asked, operator), 202);
    }
    case 'operations':
      return json(await listOperatorLog(reading(), page));
    case 'redrives':
      return json(await listRedrives(reading(), page));
    case 'beginRedrive':
      return begin(c, context);
    case 'redriveRun':
      return json(redriveView(await getRedrive(reading(), c.req.param('id') ?? '')));
    case 'stopRedrive': {
      const { input } = bodyOf(c, route);
      const { note } = input as z.output<typeof stopRedriveBody>;
      return json(await stopRedrive(reading(), c.req.param('id') ?? '', operator, note));
    }
    case 'request': {
      const {
        key,
        path,
        subject = caller.subject,
      } = query as Partial<RequestName> & Pick<RequestName, 'key' | 'path'>;
      return json(await getRequest(reading(), caller, { key, path, subject }));
    }
    case 'audit':
      return json(await inTime(startDeadline(backend.clock), audit(tenant, page.cursor)));
    default:
      return operation satisfies never;
  }
}

const lockTokenMissing = new ProblemError({
  status: 400,
  code: 'lock_token_missing',
  detail: 'Unlocking needs the Lock-Token.',
});

const notFound = (): ProblemError => new ProblemError(problemOf(rejections.notFound));

function wellFormedId(domain: Domain, id: string): string {
  if (new RegExp(`^${domain.idPrefix}_[0-9A-HJKMNP-TV-Z]{26}$`).test(id)) return id;
  throw notFound();
}

function bodyOf(c: Context<Environment>, route: Route): Body {
  const { bytes, headers } = c.env.event;
  return readBody(bytes, headers, route.body);
}

/** Begins a redrive run, once for its key; a preview says what it would do. */
async function begin(c: Context<Environment>, context: OperationContext): Promise<Response> {
  const { backend, route, caller, requestId } = context;
  const { tenant, subject } = caller;
  const { headers } = c.env.event;
  const key = idempotencyKey(headers['idempotency-key']);
  const { payload, input } = bodyOf(c, route);
  const request = input as z.output<typeof beginRedriveBody>;
  const reading: ReadContext = { backend, tenant, deadline: startDeadline(backend.clock) };
  if (request.dryRun) return json(await previewRedrive(reading, request), 202);
  const { path } = c.req;
  const command = {
    ...(await redriveToBegin(reading, { subject, requestId }, request)),
    ...{ tenant, subject, path, requestId, payload, idempotencyKey: key },
    traceparent: traceparent(headers['traceparent']),
    answerOf: answerOf({ requestId, path }),
  };
  return responseOf(await execute(backend, command, reading.deadline.remainingMs()));
}

type CommandOperation = Extract<
  Route['operation'],
  { readonly is: 'create' | 'transition' | 'lock' | 'unlock' }
>;

/** The command that a request asks for. @throws ProblemError 4xx */
function commandRequest(
  c: Context<Environment>,
  { route, caller, requestId }: OperationContext,
  operation: CommandOperation,
): CommandRequest {
  const { headers } = c.env.event;
  const { domain } = operation;
  // Who lacks a role hears nothing of the entity, not even that there can be none.
  const missing = roleMissing({ ...operation, kind: operation.is, roles: caller.roles });
  if (missing) throw new ProblemError(problemOf(missing));
  // Nobody reads a body for an entity that cannot be.
  const id = operation.is === 'create' ? '' : wellFormedId(domain, c.req.param('id') ?? '');
  const idempotency = idempotencyKey(headers['idempotency-key']);
  const { payload, input } = bodyOf(c, route);
  const common = {
    tenant: caller.tenant,
    subject: caller.subject,
    roles: caller.roles,
    path: c.req.path,
    idempotencyKey: idempotency,
    requestId,
    traceparent: traceparent(headers['traceparent']),
    ifMatch: ifMatchVersion(headers['if-match']),
    payload,
    input,
    domain,
    answerOf: answerOf({ requestId, path: c.req.path }),
  };
  const token = lockToken(headers['lock-token']);
  switch (operation.is) {
    case 'create':
      return { ...common, kind: 'create' };
    case 'transition':
      return { ...common, kind: 'transition', name: operation.name, id, lockToken: token };
    case 'lock': {
      const { ttlSeconds, wait } = input as unknown as Pick<LockCommand, 'ttlSeconds' | 'wait'>;
      return { ...common, kind: 'lock', id, ttlSeconds, wait };
    }
    case 'unlock':
      if (token === undefined) throw lockTokenMissing;
      return { ...common, kind: 'unlock', id, lockToken: token };
    default:
      return operation satisfies never;
  }
}

async function entityMessages(
  context: ReadContext,
  domain: Domain,
  id: string,
  { limit, cursor }: PageRequest,
): Promise<unknown> {
  const { tenant } = context;
  const list = [tenant, id, 'messages'];
  const page = await listEntityMessages(outboxOf(context), {
    tenant,
    entityId: id,
    limit,
    ...(cursor !== undefined && { cursor: { after: decodeCursor(list, cursor) } }),
  });
  // An entity without messages and one that does not exist look alike in the outbox.
  if (page.items.length === 0) await getEntity(context, domain, id);
  return messagePage(list, page, context);
}

interface MessageFilterQuery {
  readonly status?: MessageStatus;
  readonly topic?: Topic;
  readonly type?: string;
  readonly code?: string;
  readonly uncertain?: 'true' | 'false';
}

async function tenantMessages(
  context: ReadContext,
  { limit, cursor, ...filter }: PageRequest & MessageFilterQuery,
): Promise<unknown> {
  const { tenant } = context;
  const { status, topic, type, code, uncertain } = filter;
  const list = [tenant, 'messages', status, topic, type, code, uncertain];
  const page = await listMessages(outboxOf(context), {
    tenant,
    filter: { status, topic, type, code, uncertain: uncertain && uncertain === 'true' },
    limit,
    ...(cursor !== undefined && { cursor: { after: decodeCursor(list, cursor, statePosition) } }),
  });
  return messagePage(list, page, context);
}

/** A message that is expired is shown no more, whether or not the table has taken it away. */
function messagePage(
  list: readonly (string | undefined)[],
  { items, cursor }: Awaited<ReturnType<typeof listMessages>>,
  { backend: { clock } }: ReadContext,
): unknown {
  const kept = items.filter((item) => !isExpired(item, clock.now()));
  return {
    items: kept.map(messageView),
    ...(cursor && { nextCursor: encodeCursor(list, cursor.after) }),
  };
}

/** Safe to repeat: a message that is not dead is on its way already, or done, and is left alone. */
async function redrive(context: ReadContext, id: string, operator: Operator): Promise<Response> {
  const operation = operationOf(context, operator, { operation: 'redriveMessage', message: id });
  const { item } = operationItem(context.backend.store.tables.data, operation);
  const name = { tenant: context.tenant, id };
  const redriven = await redriveMessage(outboxOf(context), name, { beside: [item] });
  if (redriven === 'not_found') throw notFound();
  if (redriven === 'held') throw new ProblemError(mayNotBeCalledAgain);
  return json({ id, redriven: redriven === 'redriven' }, 202);
}

const mayNotBeCalledAgain = {
  status: 409,
  code: 'message_uncertain',
  detail: 'Its receiver may have acted, and would act again. Find out what it did, and resolve the message.',
} as const;

/** @throws ProblemError 503 where the time is over before the first dead message of the topic was found */
async function redriveInBulk(
  context: ReadContext,
  { topic, limit }: { readonly topic: Topic; readonly limit: number },
  operator: Operator,
): Promise<{ readonly count: number }> {
  const { tenant, backend, deadline } = context;
  // Before it begins: it is many writes, and one that is cut short was asked for all the same.
  const operation = operationOf(context, operator, { operation: 'redriveMessages', match: { topic } });
  await putOperation(backend.store, operation, deadline.signal);
  const { count, isComplete } = await redriveMessages(outboxOf(context), { tenant, topic, limit });
  if (count === 0 && !isComplete) throw new ProblemError(unavailable);
  return { count };
}
