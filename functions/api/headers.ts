/**
 * Request headers that commands understand, checked.
 *
 * A header that was sent twice comes with its values joined by a comma, for that is all an HTTP API tells of it. So
 * none of the forms below takes a comma, but for one within quotes, which joining cannot make.
 */
import { lock, request as limits } from '../runtime/limits.ts';
import { traceparentOfInvocation } from '../runtime/trace.ts';
import { ProblemError } from './problem.ts';

const bad = (code: string, detail: string): ProblemError => new ProblemError({ status: 400, code, detail });

const keyMax = limits.idempotencyKeyMaxCharacters;

/**
 * Visible ASCII, bare or as a quoted structured-field string (RFC 8941, section 3.3.3), in which `"` and `\` are
 * escaped. A bare one has no comma and does not begin with a quote.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export const idempotencyKeyForm = new RegExp(
  String.raw`^(?:[!#-+\--~][!-+\--~]{0,${keyMax - 1}}|"(?:[!#-\[\]-~]|\\["\\]){1,${keyMax}}")$`,
);

/** One entity tag, weak or strong, or any (RFC 9110, section 13.1.1). */
export const ifMatchForm = /^(?:\*|(?:W\/)?"[!#-~]*")$/;

/** As `lock` makes them: base64url. */
export const lockTokenForm = new RegExp(`^[\\w-]{1,${lock.tokenMaxCharacters}}$`);

/** @returns the key without its quotes: bare and quoted name the same one */
export function idempotencyKey(header: string | undefined): string {
  if (header === undefined || header === '') {
    throw bad('idempotency_key_missing', 'A command needs an Idempotency-Key.');
  }
  if (!idempotencyKeyForm.test(header)) {
    throw bad(
      'idempotency_key_malformed',
      `An Idempotency-Key is 1 to ${keyMax} visible ASCII characters, sent once; with a comma it is quoted.`,
    );
  }
  return header.startsWith('"') ? header.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : header;
}

/** A version no entity has: a well-formed tag that is none of ours never matches, and a weak one never does. */
const noVersion = -1;

/** The version of `If-Match`; `undefined` where any will do. */
export function ifMatchVersion(header: string | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined;
  if (!ifMatchForm.test(header)) throw bad('if_match_malformed', 'If-Match is one entity tag, e.g. "3".');
  return Number(/^"([1-9]\d{0,14})"$/.exec(header)?.[1] ?? noVersion);
}

/** A lock's token, as `lock` gave it. */
export function lockToken(header: string | undefined): string | undefined {
  if (header === undefined || lockTokenForm.test(header)) return header;
  throw bad('lock_token_malformed', 'Lock-Token is one token, as `lock` gave it.');
}

/**
 * A valid W3C trace context (https://www.w3.org/TR/trace-context/) is carried on; a bad one is ignored. Where none
 * came, it is the one that Lambda has begun.
 */
export function traceparent(header: string | undefined): string | undefined {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(header ?? '');
  return match && !/^0+$/.test(match[1] ?? '') && !/^0+$/.test(match[2] ?? '')
    ? match[0]
    : traceparentOfInvocation();
}
