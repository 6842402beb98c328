import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { scopesOf } from '../../functions/api/claims.ts';
import { unavailable } from '../../functions/api/outcomes.ts';
import { problemBody, type Problem } from '../../functions/api/problem.ts';
import { buildHttpEvent, readTarget, type Claims } from './http-event.ts';
import { readAnswer, writeAnswer, type HttpAnswer } from './http-response.ts';
import type { JwtAuthorizer } from './jwt-authorizer.ts';
import type { Invocation } from './lambda-function.ts';
import type { Log } from './log.ts';
import { listen } from './ports.ts';
import { RouteTable } from './routes.ts';

export interface GatewayRoute {
  /** `METHOD /path` or `$default` */
  readonly key: string;
  /** Usually a function of the template. */
  readonly target: { readonly invoke: (event: unknown, party?: string) => Promise<Invocation> };
  readonly authorizer?: JwtAuthorizer;
  /** One of them must be in the token's `scope`. */
  readonly scopes: readonly string[];
}

export interface Gateway {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Accepts nothing new, waits for what runs, at most `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/**
 * How long an idle connection stays open, in milliseconds. Node's own five seconds end while a caller of a busy
 * machine is about to send its next request, which then looks like an answer that was lost.
 */
const keepAliveMs = 75_000;

/** API Gateway's limit for a request. */
const bodyMaxBytes = 10 * 1024 * 1024;

export interface GatewayOptions {
  readonly port: number;
  readonly accountId: string;
  readonly log: Log;
  /** Told when a request is answered that is no mere read. */
  readonly onCommand?: () => void;
}

/**
 * Serves the routes of an HTTP API on one machine.
 *
 * Its own refusals are problem documents, because the contract wants one kind of error everywhere. API Gateway
 * itself answers `{"message":"Unauthorized"}`, and so does the deployed stack where its authorizer refuses.
 * @throws StartError when the port is taken.
 */
export async function startGateway(
  routes: readonly GatewayRoute[],
  options: GatewayOptions,
): Promise<Gateway> {
  const table = new RouteTable(routes);
  const { log } = options;
  const pending = new PendingAnswers();
  const refuseRest = (error: ConnectionError, socket: Duplex): void => {
    // The rest of a connection is refused once; what is behind it says nothing new.
    if (pending.isRefused(socket)) return;
    void pending.before(socket).then(() => {
      refuseConnection(error, socket);
    });
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const requestId = randomUUID();
    pending.add(request, response);
    answer(request, response, table, requestId, options.accountId)
      .then((result) => {
        if (!response.writableEnded) writeAnswer(response, result, requestId);
        if (request.method !== 'GET') options.onCommand?.();
      })
      .catch((error: unknown) => {
        // A caller that went away hears nothing any more.
        if (response.destroyed || request.destroyed) return;
        log('gateway', `${requestId} ${String(error)}`);
        if (!response.headersSent) writeAnswer(response, refusal(500, 'internal', '', requestId), requestId);
        else response.destroy();
      });
  };
  const server = createServer({ requireHostHeader: false, keepAliveTimeout: keepAliveMs }, handle);
  // Expectations other than `100-continue` are none that a caller of this API can have; they are left unmet.
  server.on('checkExpectation', handle);
  server.on('clientError', refuseRest);
  // An upgrade or a tunnel is no request of this API.
  server.on('connect', (_request, socket) => {
    refuseRest(new Error('CONNECT'), socket);
  });
  const port = await listen(server, options.port);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async (graceMs) => {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => {
        server.closeAllConnections();
      }, graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  table: RouteTable<GatewayRoute>,
  requestId: string,
  accountId: string,
): Promise<HttpAnswer> {
  const { path } = readTarget(request.url ?? '/');
  if (path === undefined) return refuse(request, response, refusal(400, 'malformed_request', '/', requestId));
  const match = table.match(request.method ?? 'GET', path);
  if (match === undefined) return refuse(request, response, refusal(404, 'not_found', path, requestId));
  const { route, parameters } = match;
  let claims: Claims | undefined;
  if (route.authorizer !== undefined) {
    claims = await route.authorizer.authorize(request.headersDistinct['authorization']?.join(','));
    if (claims === undefined) return refuse(request, response, refusal(401, 'unauthorized', path, requestId));
    if (route.scopes.length > 0 && !route.scopes.some((scope) => hasScope(claims, scope))) {
      return refuse(request, response, refusal(403, 'forbidden', path, requestId));
    }
  }
  const body = await readAll(request);
  if (body === undefined) return refuse(request, response, refusal(413, 'body_too_large', path, requestId));
  const event = buildHttpEvent(request, {
    routeKey: route.key,
    parameters,
    path,
    body,
    requestId,
    accountId,
    now: new Date(),
    ...(claims !== undefined && { claims }),
  });
  const invocation = await route.target.invoke(event, claims?.['tenant']);
  if (!invocation.ok) {
    // What it did before its time was over, the same key tells.
    return invocation.error.errorType === 'Sandbox.Timedout'
      ? problemAnswer(unavailable, path, requestId)
      : refusal(500, 'internal', path, requestId);
  }
  return readAnswer(invocation.payload) ?? refusal(500, 'internal', path, requestId);
}

const hasScope = (claims: Claims | undefined, scope: string): boolean =>
  scopesOf(claims?.['scope']).has(scope);

/** Answers before the body was read: the connection cannot be used again, so it is not offered. */
function refuse(request: IncomingMessage, response: ServerResponse, refused: HttpAnswer): HttpAnswer {
  if (!request.complete) {
    response.setHeader('Connection', 'close');
    request.resume();
  }
  return refused;
}

/** @returns undefined when the body is larger than API Gateway takes. */
async function readAll(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > bodyMaxBytes) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  // The connection stays: the refusal has to be written to it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyMaxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const refusal = (status: number, code: string, instance: string, requestId: string): HttpAnswer =>
  problemAnswer({ status, code }, instance, requestId);

function problemAnswer(problem: Problem, instance: string, requestId: string): HttpAnswer {
  return {
    statusCode: problem.status,
    headers: {
      ...problem.headers,
      'Content-Type': 'application/problem+json',
      ...(problem.status === 401 && { 'WWW-Authenticate': 'Bearer' }),
    },
    cookies: [],
    body: Buffer.from(problemBody(problem, requestId, instance)),
  };
}

const connectionRefusals: Readonly<Record<string, readonly [status: number, code: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'headers_too_large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request_timeout'],
};

type ConnectionError = Error & { readonly code?: string };

/**
 * The answers that a connection still owes. Where something unreadable follows a whole request on the same
 * connection, the request is carried out, so its caller has to be told before the rest is refused.
 */
class PendingAnswers {
  readonly #pending = new WeakMap<Duplex, Map<IncomingMessage, Promise<void>>>();
  readonly #refused = new WeakSet<Duplex>();

  add(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const answers = this.#pending.get(socket) ?? new Map<IncomingMessage, Promise<void>>();
    this.#pending.set(socket, answers);
    const ended = new Promise<void>((resolve) => {
      // `close` comes after the answer was handed to the operating system, and also when the caller went away.
      response.once('close', () => {
        answers.delete(request);
        resolve();
      });
    });
    answers.set(request, ended);
  }

  /** Whether the rest of a connection was refused before; from now on it is. */
  isRefused(socket: Duplex): boolean {
    const refused = this.#refused.has(socket);
    this.#refused.add(socket);
    return refused;
  }

  /** Waits for the answers to requests that arrived whole. One that is cut off is not carried out. */
  async before(socket: Duplex): Promise<void> {
    const answers = [...(this.#pending.get(socket) ?? [])];
    await Promise.all(answers.filter(([request]) => request.complete).map(([, ended]) => ended));
  }
}

/** What arrived is no HTTP request: it is answered by hand, because there is no response object for it. */
function refuseConnection(error: ConnectionError, socket: Duplex): void {
  // An answer that said it is the last one ends the connection by itself, as soon as all of it is sent.
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code] = connectionRefusals[error.code ?? ''] ?? [400, 'malformed_request'];
  const requestId = randomUUID();
  const body = problemBody({ status, code }, requestId, '/');
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: application/problem+json\r\nX-Request-Id: ${requestId}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
