/** Between API Gateway's events and the router: hono's adapter, and an answer where an event is no valid request. */
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import type { Bindings, Environment } from './bindings.ts';
import { problemBody } from './problem.ts';

export type GatewayEvent = APIGatewayProxyEvent | APIGatewayProxyEventV2;

export interface GatewayResult {
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export function createHandler(
  app: Hono<Environment>,
): (event: GatewayEvent, context: Context) => Promise<GatewayResult> {
  // The adapter moves to a package of its own with hono 5; until that is published, this is where it lives.
  // oxlint-disable-next-line typescript/no-deprecated
  const adapted = handle(app);
  return async (event, context) => {
    const { requestId } = event.requestContext;
    const sent = sendable(event);
    if (!sent) return malformed(requestId);
    const result = (await adapted(sent as never, context as never)) as unknown as GatewayResult;
    // The router marks whatever it answers, so an unmarked answer is the adapter's own, to a path, a header or a
    // method that no HTTP request can have.
    if (result.headers?.['x-request-id'] === undefined) return malformed(requestId);
    return methodOf(event) === 'HEAD' ? headOnly(result) : result;
  };
}

const methodOf = (event: GatewayEvent): string =>
  'rawPath' in event ? event.requestContext.http.method : event.httpMethod;

/**
 * The method that the adapter is told. A HEAD is asked as a GET, so that the length of what is left out is known, and
 * the methods that the adapter's request cannot hold (https://fetch.spec.whatwg.org/#forbidden-method) stand for one
 * that no route answers, either.
 */
const toldMethod = (method: string): string =>
  method === 'HEAD' ? 'GET' : /^(?:trace|track|connect)$/i.test(method) ? 'OPTIONS' : method;

/** RFC 9110, section 8.6: the length that the answer to a GET would have. */
const headOnly = ({ body, headers, ...rest }: GatewayResult): GatewayResult => ({
  ...rest,
  headers: {
    ...headers,
    'content-length': String(Buffer.byteLength(body, rest.isBase64Encoded ? 'base64' : 'utf8')),
  },
  body: '',
});

/** A body has no meaning in these (RFC 9110, section 9.3.1). */
const readsOnly: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** The body as it was sent. */
function bytesOf(event: GatewayEvent): Uint8Array {
  const { body, isBase64Encoded } = event;
  if (body === undefined || body === null || readsOnly.has(methodOf(event))) return new Uint8Array();
  return Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
}

/** The adapter builds a URL with the caller's `Host`, which may hold anything; nothing here asks for it. */
const anyHost = 'localhost';

/**
 * What the adapter makes a request of. It puts the path through `URL`, which resolves `..` and takes `\` for `/`, and
 * would so answer for something else than was asked for; the router reads `path` instead.
 * @returns `undefined` for a path that is not Unicode
 */
function sendable(event: GatewayEvent): (GatewayEvent & Bindings['event']) | undefined {
  const isHttpApi = 'rawPath' in event;
  const decodedPath = isHttpApi ? event.rawPath : decoded(event.path);
  if (!decodedPath.isWellFormed()) return undefined;
  const path = oneSpelling(decodedPath);
  if (isHttpApi) {
    const { http } = event.requestContext;
    const requestContext = {
      ...event.requestContext,
      http: { ...http, method: toldMethod(http.method) },
      domainName: anyHost,
    };
    return {
      ...event,
      body: '',
      bytes: bytesOf(event),
      headers: asciiHeaders(joined(event.headers)),
      requestContext,
      rawPath: '/',
      path,
    };
  }
  // To an event with multi-value headers the adapter would give an answer with them, which is not one of ours.
  const { multiValueHeaders, headers, ...rest } = event as RestEvent;
  return {
    ...rest,
    httpMethod: toldMethod(rest.httpMethod),
    body: null,
    bytes: bytesOf(event),
    requestContext: { ...rest.requestContext, domainName: anyHost },
    headers: asciiHeaders(joined(multiValueHeaders ?? headers ?? {})),
    path,
  } as never;
}

/**
 * An HTTP API hands the path over decoded, a REST API as it was sent (seen in captures of both services:
 * https://github.com/hotsock/voker/pull/8). What cannot be decoded stands for itself.
 */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** One path has one spelling, since a command's path belongs to the scope of its key: RFC 3986, section 3.3. */
const oneSpelling = (decodedPath: string): string =>
  decodedPath.replaceAll(/[^\w\-.~!$&'()*+,;=:@/]+/gu, encodeURIComponent);

/** The console's test of a REST API sends no headers at all, which the published types do not say. */
type RestEvent = Omit<APIGatewayProxyEvent, 'headers' | 'multiValueHeaders'> & {
  readonly headers: Readonly<Record<string, string | undefined>> | null;
  readonly multiValueHeaders: Readonly<Record<string, readonly string[] | undefined>> | null;
};

/** A REST API keeps the caller's spelling and repetitions; here they become what an HTTP API makes of them. */
function joined(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string> {
  const all = new Map<string, string[]>();
  for (const [spelling, values = []] of Object.entries(headers)) {
    const name = spelling.toLowerCase();
    all.set(name, [...(all.get(name) ?? []), ...[values].flat()] as string[]);
  }
  return Object.fromEntries([...all].map(([name, values]) => [name, values.join(',')]));
}

/**
 * The adapter percent-encodes a header that is not ASCII, which would make another, valid key of a malformed one.
 * What has no place in a header becomes DEL, which none of ours allows.
 */
function asciiHeaders(
  headers: Readonly<Record<string, string | undefined>> | undefined,
): Record<string, string | undefined> {
  const entries = Object.entries(headers ?? {}).map(([name, value]) => [
    name,
    value?.replaceAll(/[^\t -~]/gu, '\x7f'),
  ]);
  return Object.fromEntries(entries) as Record<string, string | undefined>;
}

function malformed(requestId: string): GatewayResult {
  const problem = { status: 400, code: 'malformed_request', detail: 'This is not a valid HTTP request.' };
  return {
    statusCode: 400,
    headers: {
      'content-type': 'application/problem+json',
      'x-request-id': requestId,
      'cache-control': 'no-store',
    },
    body: problemBody(problem, requestId, '/'),
    isBase64Encoded: false,
  };
}
