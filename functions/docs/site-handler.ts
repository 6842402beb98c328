/** Hands the site's files out to API Gateway (HTTP and REST APIs), and says no to everything else. */
import { gunzipSync } from 'node:zlib';
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2 } from 'aws-lambda';
import { problemBody } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import type { Site, SiteFile } from './site-file.ts';

export type DocsEvent = APIGatewayProxyEvent | APIGatewayProxyEventV2;

export interface DocsAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export type DocsHandler = (event: DocsEvent) => DocsAnswer;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
  readonly header: (name: string) => string | undefined;
  /** A REST API turns base64 into bytes only for types it was told of, so it gets text. */
  readonly takesBytes: boolean;
}

/**
 * Everything on a page comes from its own origin; a console that signs in asks the issuer, too. The viewer's icons are
 * `data:` images, and it writes no style elements, so inline styles and scripts stay forbidden.
 */
const contentSecurityPolicy = (connectsTo: readonly string[] = []): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ["connect-src 'self'", ...connectsTo].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const alwaysHeaders = (connectsTo?: readonly string[]) =>
  ({
    'content-security-policy': contentSecurityPolicy(connectsTo),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  }) as const;

export function createDocsHandler(site: Site): DocsHandler {
  return (event) => {
    const request = requestOf(event);
    // Own members only: a path is whatever somebody sent.
    const file = Object.hasOwn(site, request.path) ? site[request.path] : undefined;
    if (!file) return refused(request, noSuchFile);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refused(request, methodNotAllowed);
    return answer(request, file);
  };
}

function answer(request: Request, { type, etag, maxAgeSeconds, gzip, connectsTo }: SiteFile): DocsAnswer {
  const headers = {
    ...alwaysHeaders(connectsTo),
    'x-request-id': request.requestId,
    etag,
    // A browser may keep every file; pages and documents are asked for again, and mostly not sent again.
    'cache-control': maxAgeSeconds === 0 ? 'no-cache' : `public, max-age=${maxAgeSeconds}`,
    vary: 'accept-encoding',
  };
  if (isFresh(request.header('if-none-match'), etag)) {
    return { statusCode: 304, headers, body: '', isBase64Encoded: false };
  }
  const isCompressed = request.takesBytes && takesGzip(request.header('accept-encoding'));
  const described = {
    ...headers,
    'content-type': type,
    ...(isCompressed && { 'content-encoding': 'gzip' }),
  };
  const body = isCompressed ? gzip : gunzipSync(Buffer.from(gzip, 'base64')).toString('utf8');
  if (request.method === 'HEAD') {
    const length = Buffer.byteLength(body, isCompressed ? 'base64' : 'utf8');
    const measured = { ...described, 'content-length': String(length) };
    return { statusCode: 200, headers: measured, body: '', isBase64Encoded: false };
  }
  return { statusCode: 200, headers: described, body, isBase64Encoded: isCompressed };
}

const noSuchFile: Problem = { status: 404, code: 'not_found', detail: 'There is no such route.' };
const methodNotAllowed: Problem = {
  status: 405,
  code: 'method_not_allowed',
  detail: 'This route answers GET, HEAD.',
  headers: { allow: 'GET, HEAD' },
};

const refused = ({ requestId, path }: Request, problem: Problem): DocsAnswer => ({
  statusCode: problem.status,
  headers: {
    ...alwaysHeaders(),
    ...problem.headers,
    'x-request-id': requestId,
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  },
  body: problemBody(problem, requestId, path),
  isBase64Encoded: false,
});

function requestOf(event: DocsEvent): Request {
  // The console's test of a REST API sends none, which the published types do not say.
  const given = event.headers as typeof event.headers | null;
  const headers = new Map(Object.entries(given ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const { requestId } = event.requestContext;
  const header = (name: string): string | undefined => headers.get(name);
  return 'rawPath' in event
    ? { method: event.requestContext.http.method, path: event.rawPath, requestId, header, takesBytes: true }
    : { method: event.httpMethod, path: event.path, requestId, header, takesBytes: false };
}

/** RFC 9110, section 13.1.2: weak comparison against a list of tags, or `*`. */
function isFresh(ifNoneMatch: string | undefined, etag: string): boolean {
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  return ifNoneMatch?.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag)) ?? false;
}

/** RFC 9110, section 12.5.3; `q=0` says no. */
function takesGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? '').split(',').some((entry) => {
    const [coding = '', ...parameters] = entry.toLowerCase().split(';');
    const isRefused = parameters.some((parameter) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/.test(parameter));
    return ['gzip', '*'].includes(coding.trim()) && !isRefused;
  });
}
