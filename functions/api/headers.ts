/** Request headers that commands understand, checked. */
import { request as limits } from '../runtime/limits.ts';
import { traceparentOfInvocation } from '../runtime/trace.ts';
import { ProblemError } from './problem.ts';

const bad = (code: string, detail: string): ProblemError => new ProblemError({ status: 400, code, detail });

/**
 * The key, bare or as a quoted structured-field string (RFC 8941, section 3.3.3); both name the same key.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function idempotencyKey(header: string | undefined): string {
  if (header === undefined || header === '') {
    throw bad('idempotency_key_missing', 'A command needs an Idempotency-Key.');
  }
  const isQuoted = /^"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/.test(header);
  const key = isQuoted ? header.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : header;
  const isVisible = /^[\x21-\x7e]+$/.test(key) && (isQuoted || !header.startsWith('"'));
  if (!isVisible || key.length > limits.idempotencyKeyMaxCharacters) {
    throw bad(
      'idempotency_key_malformed',
      `An Idempotency-Key is 1 to ${limits.idempotencyKeyMaxCharacters} visible ASCII characters.`,
    );
  }
  return key;
}

/** A version no entity has: a well-formed tag that is none of ours never matches. */
const noVersion = -1;

/** The version of `If-Match`; `undefined` where any will do. */
export function ifMatchVersion(header: string | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined;
  const version = /^"([1-9]\d{0,14})"$/.exec(header)?.[1];
  if (version !== undefined) return Number(version);
  // A weak tag never matches strongly (RFC 9110, section 13.1.1).
  if (/^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(header)) return noVersion;
  throw bad('if_match_malformed', 'If-Match is one entity tag, e.g. "3".');
}

/** A lock's token, as `lock` gave it. */
export function lockToken(header: string | undefined): string | undefined {
  return header === undefined || header === '' ? undefined : header;
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
