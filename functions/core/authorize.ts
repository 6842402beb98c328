/** Who may, as data, so that it can be listed: a role of the token, and what the entity says of people. */
import * as rejections from './rejections.ts';
import type { Rejection } from './rejections.ts';
import type { Rule } from './rules.ts';

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
} &
  /** Of several attributes, that one of them is the subject. */
  (
    | { readonly actorIs: TextPath<Attributes> | readonly TextPath<Attributes>[] }
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

/** Finds what an attribute, or a field of what is sent, says. */
type Read = (path: string) => unknown;

/** A refusal, as those of rules are. */
type Forbidden = Omit<Rule, 'test'>;
const asRefusal = ([code, { otherwise }]: readonly [string, AnyAuthorization]): Forbidden => ({
  code,
  kind: 'forbidden',
  detail: otherwise,
});

/** In the order of the definition. */
export const refusalsOfPeople = (
  authorize: Readonly<Record<string, AnyAuthorization>> = {},
): readonly Forbidden[] => Object.entries(authorize).map(asRefusal);

/** What keeps somebody from it first, by what the entity says, or the input of its creation. */
export function forbiddenTo(
  actor: string,
  authorize: Readonly<Record<string, AnyAuthorization>> = {},
  read: Read,
): Forbidden | undefined {
  const broken = Object.entries(authorize).find(([, authorization]) => {
    const isAgainst = 'actorIsNot' in authorization || 'actorNotIn' in authorization;
    return peopleOf(authorization, read).includes(actor) === isAgainst;
  });
  return broken && asRefusal(broken);
}

/** Whom an authorization names, for or against it. */
export const peopleOf = (authorization: AnyAuthorization, read: Read): readonly string[] =>
  peoplePathsOf(authorization).flatMap((path) => (read(path) ?? []) as string | readonly string[]);

/** The attributes that an authorization looks at. */
export function peoplePathsOf(authorization: AnyAuthorization): readonly string[] {
  if ('actorIs' in authorization) return [authorization.actorIs].flat();
  if ('actorIsNot' in authorization) return [authorization.actorIsNot];
  return ['actorIn' in authorization ? authorization.actorIn : authorization.actorNotIn];
}

/** For people: who may do what wants this. */
export function whoMay({ role, authorize = {} }: Command): string {
  const people = Object.values(authorize).map((authorization) => {
    const path = peoplePathsOf(authorization)
      .map((each) => `\`${each}\``)
      .join(' or ');
    if ('actorIs' in authorization) return `who is its ${path}`;
    if ('actorIsNot' in authorization) return `anybody but its ${path}`;
    return 'actorIn' in authorization ? `one of its ${path}` : `nobody of its ${path}`;
  });
  const all = [...(role === undefined ? [] : [`the role \`${role}\``]), ...people];
  return all.length === 0 ? 'anybody' : all.join(', and ');
}
