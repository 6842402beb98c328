import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyEventV2WithJWTAuthorizer } from 'aws-lambda';

/** Claims as API Gateway hands them on: every value a string. */
export type Claims = Readonly<Record<string, string>>;

export interface EventParts {
  readonly routeKey: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly path: string;
  readonly body: Buffer;
  readonly requestId: string;
  readonly claims?: Claims;
  readonly accountId: string;
  readonly now: Date;
}

/** A request line's target, taken apart. */
export interface Target {
  /** Percent-decoded, as HTTP APIs pass it on; undefined where it cannot be decoded. */
  readonly path: string | undefined;
  /** As it was sent, without the question mark. */
  readonly query: string;
}

/** Reads a request target without `URL`, which would quietly resolve `..` and turn `//a` into a host. */
export function readTarget(url: string): Target {
  const [beforeFragment = ''] = url.split('#');
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i.exec(beforeFragment);
  const rest = origin === null ? beforeFragment : beforeFragment.slice(origin[0].length);
  const mark = rest.indexOf('?');
  const raw = mark === -1 ? rest : rest.slice(0, mark);
  const query = mark === -1 ? '' : rest.slice(mark + 1);
  return { path: decode(raw.startsWith('/') ? raw : `/${raw}`), query };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * The event of payload format 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function buildHttpEvent(
  request: IncomingMessage,
  parts: EventParts,
): APIGatewayProxyEventV2 | APIGatewayProxyEventV2WithJWTAuthorizer {
  const { headers, cookies } = readHeaders(request.rawHeaders);
  const { query } = readTarget(request.url ?? '/');
  const parameters = readQuery(query);
  const body = readBody(parts.body, headers['content-type']);
  const host = headers['host'] ?? 'localhost';
  return {
    version: '2.0',
    routeKey: parts.routeKey,
    rawPath: parts.path,
    rawQueryString: query,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...(Object.keys(parameters).length > 0 && { queryStringParameters: parameters }),
    ...(Object.keys(parts.parameters).length > 0 && { pathParameters: { ...parts.parameters } }),
    requestContext: {
      accountId: parts.accountId,
      apiId: 'local',
      ...(parts.claims !== undefined && { authorizer: { jwt: { claims: parts.claims, scopes: null } } }),
      domainName: host,
      domainPrefix: host.split('.')[0] ?? host,
      http: {
        method: request.method ?? 'GET',
        path: parts.path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: parts.requestId,
      routeKey: parts.routeKey,
      stage: '$default',
      time: commonLogTime(parts.now),
      timeEpoch: parts.now.getTime(),
    },
    ...body,
  };
}

/** Names in lower case, repeated headers joined with commas; cookies stand in a list of their own. */
function readHeaders(raw: readonly string[]): { headers: Record<string, string>; cookies: string[] } {
  const headers = new Map<string, string>();
  const cookies: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    const value = raw[at + 1] ?? '';
    if (name === 'cookie') {
      cookies.push(...value.split(/; ?/).filter((cookie) => cookie !== ''));
    } else {
      const before = headers.get(name);
      headers.set(name, before === undefined ? value : `${before},${value}`);
    }
  }
  return { headers: Object.fromEntries(headers), cookies };
}

function readQuery(query: string): Record<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(values);
}

/** Text as it is, anything else as base64: what is not text by its type, or not text at all. */
function readBody(
  body: Buffer,
  contentType: string | undefined,
): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const isText = /^(text\/|application\/([\w.-]+\+)?(json|xml)\b|application\/javascript\b)/i.test(
    contentType ?? '',
  );
  return isText && isUtf8(body)
    ? { body: body.toString('utf8'), isBase64Encoded: false }
    : { body: body.toString('base64'), isBase64Encoded: true };
}

/** `22/Nov/2026:14:10:15 +0000` */
function commonLogTime(now: Date): string {
  const [, day = '', month = '', year = '', time = ''] = now.toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}
