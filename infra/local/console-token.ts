/**
 * One click signs in to the console of a stack on one machine: this route makes the token that `npm run token` prints.
 * It is a part of the local gateway alone. No template names it, so no deployment has it.
 */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { JWK } from 'jose';
import { z } from 'zod';
import { problemBody } from '../../functions/api/problem.ts';
import { subject, tenant } from '../../functions/runtime/limits.ts';
import type { GatewayRoute } from './gateway.ts';
import type { Invocation } from './lambda-function.ts';
import { signToken } from './token-key.ts';

const path = '/console/token';
const lifetime = '12h';

const wanted = z.strictObject({
  tenant: z.string().min(1).max(tenant.maxCharacters),
  subject: z.string().min(1).max(subject.maxCharacters),
  /** Scopes separated by spaces. */
  scope: z.string(),
  /** Roles separated by spaces. */
  roles: z.string(),
});

/** `POST /console/token` with tenant, subject, scope and roles answers `{ "token" }`. */
export const consoleTokenRoute = (key: JWK): GatewayRoute => ({
  key: `POST ${path}`,
  scopes: [],
  target: {
    invoke: async (event) => {
      const { headers, body = '', requestContext } = event as APIGatewayProxyEventV2;
      const { requestId } = requestContext;
      const answer = (statusCode: number, type: string, text: string): Invocation => ({
        ok: true,
        requestId,
        payload: {
          statusCode,
          headers: { 'content-type': type, 'cache-control': 'no-store' },
          body: text,
        },
      });
      const refuse = (status: number, code: string): Invocation =>
        answer(status, 'application/problem+json', problemBody({ status, code }, requestId, path));
      if (!isOwnPage(headers)) return refuse(403, 'forbidden');
      const request = wanted.safeParse(parsed(body));
      if (!request.success) return refuse(400, 'invalid_request');
      const token = await signToken({ ...request.data, expiresIn: lifetime }, key);
      return answer(200, 'application/json', JSON.stringify({ token }));
    },
  },
});

/**
 * Whether the page that asks came from this server. Any page in the browser can send a request here; it cannot send
 * JSON without asking first, which nobody answers, and a name of its own that leads here stands in `Host`.
 */
function isOwnPage(headers: APIGatewayProxyEventV2['headers']): boolean {
  const { host = '', origin } = headers;
  const isLoopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(host);
  const isJson = /^application\/json\b/i.test(headers['content-type'] ?? '');
  return isLoopback && isJson && (origin === undefined || origin === `http://${host}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
