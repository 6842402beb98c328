/** The HTTP surface: the route table on a router, every outcome an answer, every answer with its request's id. */
import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { Backend } from '../commands/backend.ts';
import type { Log } from '../runtime/logger.ts';
import { receiverSettings } from '../runtime/receivers.ts';
import type { ReceiverSettings } from '../runtime/receivers.ts';
import { mayHaveHappened } from '../store/failures.ts';
import type { Audit } from './audit.ts';
import { takeCallback } from './callbacks.ts';
import type { Environment } from './bindings.ts';
import { callerOf, requireScope } from './caller.ts';
import { traceparent } from './headers.ts';
import { operate } from './operations.ts';
import { unavailable } from './outcomes.ts';
import { problemBody, ProblemError } from './problem.ts';
import type { Problem } from './problem.ts';
import { routesOf } from './routes.ts';
import type { Route } from './routes.ts';

export function createApp(
  backend: Backend,
  audit: Audit,
  log: Log,
  settingsOf: (receiver: string) => ReceiverSettings = receiverSettings,
): Hono<Environment> {
  const app = new Hono<Environment>({ getPath: (_request, options) => options?.env?.event.path ?? '/' });

  app.get('/health', (c) => finish(c, Response.json({ status: 'ok' })));
  app.all('/health', (c) => problemResponse(c, methodNotAllowed(['GET', 'HEAD'])));

  app.post('/callbacks/:receiver', async (c) => {
    const { requestId } = c.env.requestContext;
    try {
      const response = await takeCallback(c, { backend, log, settingsOf });
      log.info('callback', { requestId, status: response.status });
      return finish(c, response);
    } catch (error) {
      if (error instanceof ProblemError) log.info('callback', { requestId, ...error.problem });
      throw error;
    }
  });
  app.all('/callbacks/:receiver', (c) => problemResponse(c, methodNotAllowed(['POST'])));

  for (const [path, routes] of byPath(routesOf(backend.registry))) {
    for (const route of routes) {
      app.on(route.method, pattern(path), async (c) => {
        const caller = callerOf(c.env.requestContext, c.env.event.headers['authorization']);
        requireScope(caller, route.scope);
        const { requestId } = c.env.requestContext;
        const request = { requestId, tenant: caller.tenant, ...named(c, route) };
        try {
          const response = await operate(c, { backend, audit, route, caller, requestId });
          const isReplay = response.headers.has('idempotent-replayed');
          const entity = response.headers.get('location')?.split('/').at(-1);
          log.info('request', { ...request, ...(entity && { entity }), status: response.status, isReplay });
          return finish(c, response);
        } catch (error) {
          // Errors that are not the caller's fault are logged in `problemFor`.
          if (error instanceof ProblemError) {
            const { status, code } = error.problem;
            const { cause } = error;
            log[status < 500 ? 'info' : 'warn']('request', {
              ...request,
              ...{ status, code, isReplay: false },
              ...(cause instanceof Error && { cause: cause.name }),
            });
          }
          throw error;
        }
      });
    }
    app.all(pattern(path), (c) => problemResponse(c, methodNotAllowed(methodsOf(routes))));
  }

  app.notFound((c) => problemResponse(c, noSuchRoute));
  app.onError((error, c) => problemResponse(c, problemFor(error, c, log)));
  return app;
}

/**
 * By what the log finds a request: route, trace, and what the path names. Never by the path itself: whoever calls may
 * write anything there, and an account is called what its parties are.
 */
function named(c: Context<Environment>, { method, path }: Route): Record<string, string> {
  const { id = '', account } = c.req.param() as { readonly id?: string; readonly account?: string };
  const trace = traceparent(c.req.header('traceparent'));
  return {
    method,
    route: path,
    ...(madeHere.test(id) && { [path.startsWith('/v1/messages/') ? 'messageId' : 'entity']: id }),
    ...(account !== undefined && { accountHash: nameHash(account) }),
    ...(trace !== undefined && { traceparent: trace }),
  };
}

/** Ids of entities and messages say nothing of anybody. */
const madeHere = /^(?:msg_)?[a-z]{2,5}_[0-9A-HJKMNP-TV-Z]{26}(?:_\d+_\d+)?$/;

/** Finds the requests of an account whose name one knows; the runbook says how. */
const nameHash = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 16);

const noSuchRoute: Problem = { status: 404, code: 'not_found', detail: 'There is no such route.' };

const methodNotAllowed = (methods: readonly string[]): Problem => ({
  status: 405,
  code: 'method_not_allowed',
  detail: `This route answers ${methods.join(', ')}.`,
  headers: { allow: methods.join(', ') },
});

const methodsOf = (routes: readonly Route[]): string[] =>
  routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));

function byPath(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  const map = new Map<string, Route[]>();
  for (const route of routes) map.set(route.path, [...(map.get(route.path) ?? []), route]);
  return map;
}

/** An account's name may hold anything, slashes too. */
const pattern = (path: string): string => path.replace('{account}', ':account{.+}').replace('{id}', ':id');

function problemFor(error: Error, c: Context<Environment>, log: Log): Problem {
  if (error instanceof ProblemError) return error.problem;
  const { requestId } = c.env.requestContext;
  if (mayHaveHappened(error)) {
    log.warn('a service did not answer', { requestId, error });
    return unavailable;
  }
  log.error('a request failed', { requestId, error });
  return { status: 500, code: 'internal' };
}

function problemResponse(c: Context<Environment>, problem: Problem): Response {
  const body = problemBody(problem, c.env.requestContext.requestId, c.req.path);
  const headers = { ...problem.headers, 'content-type': 'application/problem+json' };
  return finish(c, new Response(body, { status: problem.status, headers }));
}

function finish(c: Context<Environment>, response: Response): Response {
  response.headers.set('x-request-id', c.env.requestContext.requestId);
  // What is answered here belongs to one caller and one moment.
  response.headers.set('cache-control', 'no-store');
  return response;
}
