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
 * API Gateway decodes an HTTP API's path; what has no place in a URL is encoded again.
 * @returns `undefined` for a path that is not Unicode
 */
function sendable(event: GatewayEvent): GatewayEvent | undefined {
  const path = 'rawPath' in event ? event.rawPath : event.path;
  if (!path.isWellFormed()) return undefined;
  const encoded = path.replace(/[^\x21-\x7e]+|[?#]/g, encodeURIComponent);
  return 'rawPath' in event ? { ...event, rawPath: encoded } : { ...event, path: encoded };
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
