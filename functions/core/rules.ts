/**
 * A rule is one test on an entity, as data: the server evaluates it to give a reason, and the store compiles the
 * same value into a condition expression, so that the database refuses whatever the rule would have refused.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** What a rule looks at: `status`, an attribute or an account of the entity, by name. */
export type Path = string;
export type Scalar = string | number | boolean;

export type Test =
  | { readonly op: 'is'; readonly path: Path; readonly value: Scalar }
  | { readonly op: 'isNot'; readonly path: Path; readonly value: Scalar }
  | { readonly op: 'atLeast'; readonly path: Path; readonly value: number }
  | { readonly op: 'atMost'; readonly path: Path; readonly value: number }
  | { readonly op: 'contains'; readonly path: Path; readonly value: string }
  | { readonly op: 'lacks'; readonly path: Path; readonly value: string }
  | { readonly op: 'missing'; readonly path: Path }
  | { readonly op: 'sameSecret'; readonly path: Path; readonly value: string }
  | { readonly op: 'given'; readonly value: boolean };

/** `conflict` is answered 409, `unprocessable` 422 and `forbidden` 403. */
export type RuleKind = 'conflict' | 'unprocessable' | 'forbidden';

export interface Rule {
  /** Stable and machine-readable, e.g. `sold_out`. */
  readonly code: string;
  readonly test: Test;
  /** One sentence for people. */
  readonly detail: string;
  readonly kind: RuleKind;
}

export const rule = (code: string, test: Test, detail: string): Rule => ({
  code,
  test,
  detail,
  kind: 'conflict',
});
/** A rule about what the request refers to. */
export const sensible = (test: Test, detail: string): Rule => ({
  code: 'unprocessable',
  test,
  detail,
  kind: 'unprocessable',
});
/** A rule about who may do this; it is checked before the state machine. */
export const permit = (code: string, test: Test, detail: string): Rule => ({
  code,
  test,
  detail,
  kind: 'forbidden',
});

export const is = (path: Path, value: Scalar) => ({ op: 'is', path, value }) as const satisfies Test;
export const isNot = (path: Path, value: Scalar) => ({ op: 'isNot', path, value }) as const satisfies Test;
export const atLeast = (path: Path, value: number): Test => ({ op: 'atLeast', path, value });
export const atMost = (path: Path, value: number): Test => ({ op: 'atMost', path, value });
export const contains = (path: Path, value: string) =>
  ({ op: 'contains', path, value }) as const satisfies Test;
export const lacks = (path: Path, value: string) => ({ op: 'lacks', path, value }) as const satisfies Test;
export const missing = (path: Path): Test => ({ op: 'missing', path });
/**
 * What an entity keeps of a secret. Secrets are random (128 bits), so a plain hash cannot be guessed backwards.
 */
export const fingerprint = (value: string): string => createHash('sha256').update(value).digest('base64url');

/** Whether a secret is the one whose fingerprint the entity keeps: hashes are compared, in constant time. */
export const sameSecret = (path: Path, value: string): Test => ({
  op: 'sameSecret',
  path,
  value: fingerprint(value),
});

/** A fact that the request and the clock decide alone. */
export const given = (value: boolean): Test => ({ op: 'given', value });

/** Answers a test from the values a reader finds by path (`undefined` where there is none). */
export function holds(test: Test, read: (path: Path) => unknown): boolean {
  switch (test.op) {
    case 'is':
      return read(test.path) === test.value;
    case 'isNot':
      return read(test.path) !== test.value;
    case 'atLeast': {
      const value = read(test.path);
      return typeof value === 'number' && value >= test.value;
    }
    case 'atMost': {
      const value = read(test.path);
      return typeof value === 'number' && value <= test.value;
    }
    case 'contains':
      return listAt(read, test.path).includes(test.value);
    case 'lacks':
      return !listAt(read, test.path).includes(test.value);
    case 'missing':
      return read(test.path) === undefined;
    case 'sameSecret':
      return isSame(read(test.path), test.value);
    case 'given':
      return test.value;
    default:
      return test satisfies never;
  }
}

function isSame(kept: unknown, given: string): boolean {
  if (typeof kept !== 'string' || kept.length !== given.length) return false;
  return timingSafeEqual(Buffer.from(kept), Buffer.from(given));
}

function listAt(read: (path: Path) => unknown, path: Path): unknown[] {
  const value = read(path);
  return Array.isArray(value) ? value : [];
}

/** The first rule that does not hold. */
export function firstBroken(rules: readonly Rule[], read: (path: Path) => unknown): Rule | undefined {
  return rules.find(({ test }) => !holds(test, read));
}
