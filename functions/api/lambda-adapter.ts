/** Between API Gateway's events and the router: hono's adapter, and an answer where an event is no valid request. */
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import type { Bindings } from './app.ts';
import { problemBody } from './problem.ts';

type GatewayEvent = APIGatewayProxyEvent | APIGatewayProxyEventV2;

export interface GatewayResult {
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export function createHandler(
  app: Hono<{ Bindings: Bindings }>,
): (event: GatewayEvent, context: Context) => Promise<GatewayResult> {
  // The adapter moves to a package of its own with hono 5; until that is published, this is where it lives.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const adapted = handle(app);
  return async (event, context) => {
    const { requestId } = event.requestContext;
    const sent = sendable(event);
    if (!sent) return malformed(requestId);
    const result = (await adapted(sent as never, context as never)) as unknown as GatewayResult;
    // The router marks whatever it answers, so an unmarked answer is the adapter's own, to a path, a header or a
    // method that no HTTP request can have.
    return result.headers?.['x-request-id'] === undefined ? malformed(requestId) : result;
  };
}

/**
 * An HTTP API hands the path over decoded, a REST API as it was sent (seen in captures of both services:
 * https://github.com/hotsock/voker/pull/8). What has no literal place in a URL is encoded again.
 * @returns `undefined` for a path that is not Unicode
 */
function sendable(event: GatewayEvent): GatewayEvent | undefined {
  const isHttpApi = 'rawPath' in event;
  const path = isHttpApi ? event.rawPath : event.path;
  if (!path.isWellFormed()) return undefined;
  // In a decoded path a percent sign is one that the caller had encoded.
  const encoded = path.replace(
    isHttpApi ? /[^\x21-\x7e]+|[?#%]/g : /[^\x21-\x7e]+|[?#]/g,
    encodeURIComponent,
  );
  const headers = asciiHeaders(event.headers);
  return isHttpApi
    ? { ...event, headers, rawPath: encoded }
    : { ...event, headers, multiValueHeaders: asciiHeaders(event.multiValueHeaders), path: encoded };
}

/**
 * The adapter percent-encodes a header that is not ASCII, which would make another, valid key of a malformed one.
 * What has no place in a header becomes DEL, which none of ours allows.
 */
function asciiHeaders<Values extends object | null>(headers: Values): Values {
  const ascii = (value: unknown): unknown =>
    typeof value === 'string' ? value.replaceAll(/[^\t -~]/gu, '\x7f') : value;
  const entries = Object.entries(headers ?? {}).map(([name, value]: [string, unknown]) => [
    name,
    Array.isArray(value) ? value.map(ascii) : ascii(value),
  ]);
  return Object.fromEntries(entries) as Values;
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
