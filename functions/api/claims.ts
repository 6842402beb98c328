/** What a token says of its bearer, read in one place whoever has checked it. */
import { subject as subjectLimits, tenant as tenantLimits } from '../runtime/limits.ts';

export interface Claims {
  readonly tenant: string;
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  readonly roles: readonly string[];
}

/**
 * Names that no token may take, in any case. Ledgers show as `system:...` what the backend does by itself;
 * `receiver:...` is kept for answers of receivers.
 */
const reservedPrefix = /^(?:system|receiver):/iu;

/**
 * @param claims of a token, or what a gateway has made of them
 * @returns `undefined` where they name no tenant or nobody who may act: the token is refused, 401
 */
export function readClaims(claims: unknown): Claims | undefined {
  const { tenant, sub: subject, scope, roles } = membersOf(claims);
  if (!isTenant(tenant) || !isSubject(subject)) return undefined;
  return { tenant, subject, scopes: scopesOf(scope), roles: rolesOf(roles) };
}

/**
 * Scopes are one string with spaces between (RFC 8693, section 4.2), or a list. An HTTP API hands a list over as
 * `[a b]`.
 */
export function scopesOf(scope: unknown): ReadonlySet<string> {
  const names = Array.isArray(scope) ? (scope as readonly unknown[]) : [scope];
  const words = names.flatMap((name) =>
    typeof name === 'string' ? name.replace(/^\[(.*)\]$/, '$1').split(' ') : [],
  );
  return new Set(words.filter((word) => word !== ''));
}

/**
 * Roles are one string with spaces between, or a list, whose entries are taken whole: "store manager" is not "manager".
 * A gateway that makes a string of a list hides the difference, so roles are read in the token where it is there
 * (see `caller.ts`).
 */
export function rolesOf(roles: unknown): readonly string[] {
  if (Array.isArray(roles)) return roles.filter((role) => typeof role === 'string');
  return [...scopesOf(roles)];
}

/** In UTF-16 units, since those are what takes room in a key once it is encoded. */
const isTenant = (value: unknown): value is string =>
  isName(value) && value.length <= tenantLimits.maxCharacters;

/**
 * In code points, as an approver's name is counted. A control character or white space around it would make two
 * names of one that look alike in a ledger.
 */
const isSubject = (value: unknown): value is string =>
  isName(value) &&
  Array.from(value).length <= subjectLimits.maxCharacters &&
  !/\p{Cc}/u.test(value) &&
  value.trim() === value &&
  !reservedPrefix.test(value);

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.isWellFormed();

export const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
