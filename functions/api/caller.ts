/** Who calls: the claims that the gateway's authorizer, or the function in its place, has checked. */
import { decodeJwt } from 'jose';
import { membersOf, readClaims } from './claims.ts';
import type { Claims } from './claims.ts';
import { ProblemError } from './problem.ts';

export const scopes = ['commands', 'ops'] as const;
export type Scope = (typeof scopes)[number];

export type Caller = Claims;

const unauthorized = (): ProblemError =>
  new ProblemError({
    status: 401,
    code: 'unauthorized',
    detail: 'A token with the claims "sub" and "tenant" is needed; a subject of the backend’s own is none.',
    headers: { 'www-authenticate': 'Bearer' },
  });

/**
 * An HTTP API makes a string of every claim: `null` becomes `"null"`, a list `"[a b]"`. So what the claims were is
 * read in the token itself, whose signature the gateway has checked. It hands that header on with the request.
 *
 * @param requestContext of an API Gateway event: the claims that the HTTP API's JWT authorizer has checked, or, behind a
 *   REST API, `token-check.ts`
 * @param authorization the request's header of that name
 * @throws ProblemError 401 where nobody has checked a token of this request, or its token names nobody
 */
export function callerOf(requestContext: unknown, authorization: string | undefined): Caller {
  const { authorizer } = membersOf(requestContext);
  const handedOver = membersOf(membersOf(authorizer)['jwt'])['claims'] ?? authorizer;
  const caller = readClaims(handedOver);
  const told = authorization === undefined ? caller : readClaims(claimsOf(authorization));
  if (!caller || !told) throw unauthorized();
  return { ...caller, roles: told.roles };
}

/** @returns `undefined` where the header holds no token, or more than one */
function claimsOf(authorization: string): unknown {
  const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(authorization)?.[1];
  try {
    return token === undefined ? undefined : decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** @throws ProblemError 403 */
export function requireScope({ scopes: granted }: Caller, scope: Scope): void {
  if (granted.has(scope)) return;
  throw new ProblemError({
    status: 403,
    code: 'insufficient_scope',
    detail: `The token lacks the scope "${scope}".`,
    headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
  });
}
