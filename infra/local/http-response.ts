import type { ServerResponse } from 'node:http';

/** What a function answers, in payload format 2.0. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: Buffer;
}

/**
 * Reads a function's answer. Without a status code API Gateway takes the whole answer for a JSON body.
 * @returns undefined where API Gateway would answer 500.
 */
export function readAnswer(payload: unknown): HttpAnswer | undefined {
  if (typeof payload !== 'object' || payload === null || !('statusCode' in payload)) {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      cookies: [],
      body: Buffer.from(text),
    };
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = payload as Record<string, unknown>;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined;
  if (body !== undefined && body !== null && typeof body !== 'string') return undefined;
  return {
    statusCode: status,
    headers: Object.fromEntries(
      Object.entries((headers ?? {}) as Record<string, unknown>).map(([name, value]) => [
        name,
        String(value),
      ]),
    ),
    cookies: Array.isArray(cookies) ? cookies.map(String) : [],
    body: Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

/** Writes the answer; every answer carries the id of its request. */
export function writeAnswer(response: ServerResponse, answer: HttpAnswer, requestId: string): void {
  response.statusCode = answer.statusCode;
  response.setHeader('X-Request-Id', requestId);
  for (const [name, value] of Object.entries(answer.headers)) {
    // The length is counted here, and the connection is this server's own matter.
    if (!/^(content-length|connection|transfer-encoding)$/i.test(name)) response.setHeader(name, value);
  }
  if (answer.cookies.length > 0) response.setHeader('Set-Cookie', answer.cookies);
  if (response.req.method === 'HEAD') {
    // What a GET would be answered with, which only the function knows.
    const length = Object.entries(answer.headers).find(([name]) => /^content-length$/i.test(name))?.[1];
    if (length !== undefined) response.setHeader('Content-Length', length);
    response.end();
  } else if (answer.statusCode !== 204 && answer.statusCode !== 304) {
    response.setHeader('Content-Length', answer.body.length);
    response.end(answer.body);
  } else {
    response.end();
  }
}
