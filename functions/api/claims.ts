/** What a token says of its bearer, read in one place whoever has checked it. */
import { subject as subjectLimits, tenant as tenantLimits } from '../runtime/limits.ts';

export interface Claims {
  readonly tenant: string;
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
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
  const { tenant, sub: subject, scope } = membersOf(claims);
  if (!isTenant(tenant) || !isSubject(subject)) return undefined;
  return { tenant, subject, scopes: scopesOf(scope) };
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
