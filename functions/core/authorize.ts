/** Who may, as data, so that it can be listed: a role of the token, and what the entity says of people. */
import * as rejections from './rejections.ts';
import type { Rejection } from './rejections.ts';
import type { Rule, Test } from './rules.ts';

/** An attribute that is a text. */
export type TextPath<Attributes> = {
  readonly [K in keyof Attributes]-?: NonNullable<Attributes[K]> extends string ? K : never;
}[keyof Attributes] &
  string;
type ListPath<Attributes> = {
  readonly [K in keyof Attributes]-?: NonNullable<Attributes[K]> extends readonly string[] ? K : never;
}[keyof Attributes] &
  string;

/** What must hold between the token's subject and an attribute, or what is sent for a creation; its key in a definition is the code of the refusal. */
export type Authorization<Attributes> = {
  /** Why it is refused, in one sentence for people. */
  readonly otherwise: string;
} & (
  | { readonly actorIs: TextPath<Attributes> }
  | { readonly actorIsNot: TextPath<Attributes> }
  | { readonly actorIn: ListPath<Attributes> }
  | { readonly actorNotIn: ListPath<Attributes> }
);

/** As the engine sees it. */
export type AnyAuthorization = Authorization<Record<string, never>>;

interface Command {
  /** A role that the token must have. */
  readonly role?: string;
  readonly authorize?: Readonly<Record<string, AnyAuthorization>>;
}

/**
 * Whether the caller lacks the role that a command wants. It needs no entity, so that nobody is told of one first.
 * @param roles of the token; absent where the backend itself acts (a deadline, an answer), which needs none
 */
export function roleRejectionOf(
  { role }: Command,
  roles: readonly string[] | undefined,
): Rejection | undefined {
  return role === undefined || roles === undefined || roles.includes(role)
    ? undefined
    : rejections.roleMissing(role);
}

/** The tests on the entity, or on the input of its creation, in the order of the definition. */
export function authorizationRules(
  authorize: Readonly<Record<string, AnyAuthorization>> = {},
  actor: string,
): readonly Rule[] {
  return Object.entries(authorize).map(([code, authorization]) => ({
    code,
    kind: 'forbidden',
    detail: authorization.otherwise,
    test: testOf(authorization, actor),
  }));
}

type PathTest = Extract<Test, { readonly path: string }>;

function testOf(authorization: AnyAuthorization, actor: string): PathTest {
  if ('actorIs' in authorization) return { op: 'is', path: authorization.actorIs, value: actor };
  if ('actorIsNot' in authorization) return { op: 'isNot', path: authorization.actorIsNot, value: actor };
  return 'actorIn' in authorization
    ? { op: 'contains', path: authorization.actorIn, value: actor }
    : { op: 'lacks', path: authorization.actorNotIn, value: actor };
}

/** The attribute that an authorization looks at. */
export function pathOf(authorization: AnyAuthorization): string {
  return testOf(authorization, '').path;
}

/** For people: who may do what wants this. */
export function whoMay({ role, authorize = {} }: Command): string {
  const people = Object.values(authorize).map((authorization) => {
    const path = `\`${pathOf(authorization)}\``;
    if ('actorIs' in authorization) return `who is its ${path}`;
    if ('actorIsNot' in authorization) return `anybody but its ${path}`;
    return 'actorIn' in authorization ? `one of its ${path}` : `nobody of its ${path}`;
  });
  const all = [...(role === undefined ? [] : [`the role \`${role}\``]), ...people];
  return all.length === 0 ? 'anybody' : all.join(', and ');
}
