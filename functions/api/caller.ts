/** Who calls: the claims that the gateway's authorizer has checked. */
import { subject as subjectLimits, tenant as tenantLimits } from '../runtime/limits.ts';
import { ProblemError } from './problem.ts';

export const scopes = ['commands', 'ops'] as const;
export type Scope = (typeof scopes)[number];

export interface Caller {
  readonly tenant: string;
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
}

/** Ledgers show what the backend does by itself under such names, so a token that claims one claims to be it. */
const reservedPrefix = 'system:';

const unauthorized = (detail: string): ProblemError =>
  new ProblemError({ status: 401, code: 'unauthorized', detail, headers: { 'www-authenticate': 'Bearer' } });

/**
 * @param requestContext of an API Gateway event: claims of the HTTP API's JWT authorizer, or the context of the
 *   REST API's Lambda authorizer
 * @throws ProblemError 401 where no authorizer has let this request through, or its token names nobody
 */
export function callerOf(requestContext: unknown): Caller {
  const authorizer = member(requestContext, 'authorizer');
  const claims = member(member(authorizer, 'jwt'), 'claims') ?? authorizer;
  const tenant = member(claims, 'tenant');
  const subject = member(claims, 'sub');
  const scope = member(claims, 'scope');
  if (!isTenant(tenant) || !isSubject(subject)) {
    throw unauthorized('A token with the claims "sub" and "tenant" is needed.');
  }
  if (subject.startsWith(reservedPrefix)) {
    throw unauthorized(`A subject that begins with "${reservedPrefix}" is the backend itself.`);
  }
  return { tenant, subject, scopes: new Set(typeof scope === 'string' ? scope.split(' ') : []) };
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

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.isWellFormed();

/** In UTF-16 units, since those are what takes room in a key once it is encoded. */
const isTenant = (value: unknown): value is string =>
  isName(value) && value.length <= tenantLimits.maxCharacters;

/** In code points, as an approver's name is counted. */
const isSubject = (value: unknown): value is string =>
  isName(value) && Array.from(value).length <= subjectLimits.maxCharacters;

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
