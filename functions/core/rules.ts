/**
 * Rules, as named entries. What a rule looks at, its code and its text are data; only the value it compares with may be
 * a function. The server evaluates a rule to give a reason, and the store compiles the same test into a condition, so
 * that the database refuses whatever the rule would have refused.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export type Scalar = string | number | boolean;

/** A value, or how to find it; a rule whose value is `undefined` is not asked. */
type Value<Context, T> = T | ((context: Context) => T | undefined);

type PathTo<Paths, T> = {
  readonly [Name in keyof Paths]-?: NonNullable<Paths[Name]> extends T ? Name : never;
}[keyof Paths] &
  string;

type Compared<Context, Paths, Op extends string> = {
  readonly [Name in PathTo<Paths, Scalar>]: { readonly path: Name } & {
    readonly [Each in Op]: Value<Context, NonNullable<Paths[Name]> & Scalar>;
  };
}[PathTo<Paths, Scalar>];

/** A test on a path: `status`, an attribute, or an account of the entity. It is a condition of the database, too. */
type PathTest<Context, Paths> =
  | Compared<Context, Paths, 'is'>
  | Compared<Context, Paths, 'isNot'>
  | { readonly path: PathTo<Paths, number>; readonly atLeast: Value<Context, number> }
  | { readonly path: PathTo<Paths, number>; readonly atMost: Value<Context, number> }
  | { readonly path: PathTo<Paths, readonly string[]>; readonly contains: Value<Context, string> }
  | { readonly path: PathTo<Paths, readonly string[]>; readonly lacks: Value<Context, string> }
  /** True: the attribute is not there. False or `undefined`: not asked. */
  | { readonly path: keyof Paths & string; readonly missing: Value<Context, boolean> }
  /** The attribute keeps the fingerprint of this secret. */
  | { readonly path: PathTo<Paths, string>; readonly secret: Value<Context, string> };

/** What input, clock and what was read decide. Prefer a path: it is also a condition. */
interface Fact<Context> {
  readonly holds: (context: Context) => boolean;
}

/** What an attribute of the entity and the clock decide. */
type MomentTest<Moment> =
  /** Before the moment that the attribute holds; where it holds none, it is not asked. */
  | { readonly until: Moment }
  /** From that moment on. */
  | { readonly since: Moment };

/** Its key in a definition is the code of the refusal. */
export type RuleDeclaration<Context, Paths, Moment = never> = (
  Fact<Context> | PathTest<Context, Paths> | MomentTest<Moment>
) & {
  /** Why it is refused, in one sentence for people. */
  readonly otherwise: string;
  /** 409, where none is said; `unprocessable`: the request makes no sense, 422 with that word as its code. */
  readonly kind?: 'unprocessable';
  /** Of a transition's own rule: the steps after which it says no, as in the `after` of an example; for the tests. */
  readonly refusedAfter?: readonly string[];
};

/** Rules by their codes. */
export type Rules<Codes, Context, Paths, Moment = never> = {
  readonly [Code in keyof Codes]: RuleDeclaration<Context, Paths, Moment>;
};

/** As the engine sees it. */
export interface AnyRule {
  readonly otherwise: string;
  readonly kind?: 'unprocessable';
  readonly refusedAfter?: readonly string[];
  readonly path?: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- each was checked where it was written
  readonly holds?: (context: any) => boolean;
  readonly until?: string;
  readonly since?: string;
}

/** The attribute whose moment it looks at, and on which side of it the rule holds. */
export const momentOf = ({
  until,
  since,
}: AnyRule): { readonly at: string; readonly isAhead: boolean } | undefined =>
  until !== undefined
    ? { at: until, isAhead: true }
    : since !== undefined
      ? { at: since, isAhead: false }
      : undefined;

/** What a rule looks at: `status`, an attribute or an account of the entity, by name. */
export type Path = string;

export type Test =
  | { readonly op: 'is'; readonly path: Path; readonly value: Scalar }
  | { readonly op: 'isNot'; readonly path: Path; readonly value: Scalar }
  | { readonly op: 'atLeast'; readonly path: Path; readonly value: number }
  | { readonly op: 'atMost'; readonly path: Path; readonly value: number }
  | { readonly op: 'contains'; readonly path: Path; readonly value: string }
  | { readonly op: 'lacks'; readonly path: Path; readonly value: string }
  | { readonly op: 'missing'; readonly path: Path }
  | { readonly op: 'secret'; readonly path: Path; readonly value: string }
  | { readonly op: 'isIn'; readonly path: Path; readonly values: readonly Scalar[] }
  /** What is decided already, and no matter of the database. */
  | { readonly op: 'fact'; readonly holds: boolean };

/** The words of a test on a path. */
export const ops = ['is', 'isNot', 'atLeast', 'atMost', 'contains', 'lacks', 'missing', 'secret'] as const;
export type Op = (typeof ops)[number];

/** `conflict` is answered 409, `unprocessable` 422 and `forbidden` 403. */
export type RuleKind = 'conflict' | 'unprocessable' | 'forbidden';

/** A rule in a given context. */
export interface Rule {
  /** Stable and machine-readable, e.g. `sold_out`. */
  readonly code: string;
  readonly test: Test;
  /** One sentence for people. */
  readonly detail: string;
  readonly kind: RuleKind;
}

/** What can be said of a rule without a context. */
export type RuleHead = Omit<Rule, 'test'> & {
  readonly name: string;
  /** Absent where it looks at no path. */
  readonly test?: { readonly op: Op; readonly path: Path };
};

export const conflict = (code: string, test: Test, detail: string): Rule => ({
  code,
  test,
  detail,
  kind: 'conflict',
});

export const is = (path: Path, value: Scalar) => ({ op: 'is', path, value }) as const;
export const isIn = (path: Path, values: readonly Scalar[]) => ({ op: 'isIn', path, values }) as const;
export const atLeast = (path: Path, value: number) => ({ op: 'atLeast', path, value }) as const;
export const atMost = (path: Path, value: number) => ({ op: 'atMost', path, value }) as const;

const kindOf = ({ kind }: AnyRule): RuleKind => kind ?? 'conflict';
const codeOf = (name: string, { kind }: AnyRule): string => kind ?? name;

/** The words of a test on a path that a declaration has; one, unless it makes no sense. */
export const opsOf = (rule: AnyRule): readonly Op[] => ops.filter((op) => Object.hasOwn(rule, op));

/** The rules as they can be listed. */
export const ruleHeads = (rules: Readonly<Record<string, AnyRule>> = {}): readonly RuleHead[] =>
  Object.entries(rules).map(([name, rule]) => {
    const [op] = opsOf(rule);
    return {
      name,
      code: codeOf(name, rule),
      kind: kindOf(rule),
      detail: rule.otherwise,
      ...(op && rule.path !== undefined && { test: { op, path: rule.path } }),
    };
  });

/** The rules that are asked in a context, in their order. */
export const rulesIn = (rules: Readonly<Record<string, AnyRule>> = {}, context: object): readonly Rule[] =>
  Object.entries(rules).flatMap(([name, rule]) => {
    const test = testIn(rule, context);
    return test ? [{ code: codeOf(name, rule), kind: kindOf(rule), detail: rule.otherwise, test }] : [];
  });

interface MomentContext {
  readonly entity: Readonly<Record<string, unknown>>;
  readonly now: number;
}

/** @returns `undefined` where it is not asked */
function testIn(rule: AnyRule, context: object): Test | undefined {
  if (rule.holds) return { op: 'fact', holds: rule.holds(context) };
  const moment = momentOf(rule);
  if (moment) {
    const { entity, now } = context as MomentContext;
    const kept = entity[moment.at];
    if (typeof kept !== 'string') return undefined;
    return { op: 'fact', holds: now < Date.parse(kept) === moment.isAhead };
  }
  const [op] = opsOf(rule);
  const { path } = rule;
  if (op === undefined || path === undefined)
    throw new Error(`a rule tests nothing: ${JSON.stringify(rule)}`);
  const declared = (rule as Readonly<Partial<Record<Op, unknown>>>)[op];
  const value: unknown =
    typeof declared === 'function' ? (declared as (of: object) => unknown)(context) : declared;
  if (value === undefined) return undefined;
  if (op === 'missing') return value === true ? { op, path } : undefined;
  return { op, path, value: op === 'secret' ? fingerprint(value as string) : value } as Test;
}

/**
 * What an entity keeps of a secret. Secrets are random (128 bits), so a plain hash cannot be guessed backwards.
 */
export const fingerprint = (value: string): string => createHash('sha256').update(value).digest('base64url');

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
    case 'isIn':
      return test.values.some((value) => value === read(test.path));
    case 'secret':
      return isSame(read(test.path), test.value);
    case 'fact':
      return test.holds;
    default:
      return test satisfies never;
  }
}

/** Hashes are compared, in constant time. */
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
