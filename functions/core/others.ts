/**
 * The other entities of a command: those it only checks, those it reads, those it takes along (linked transitions), and
 * those it creates.
 */
import type { AnyOther, Domain, DomainOf, Many, Maybe, PathsOf, Subject } from './domain.ts';
import type { Rules } from './rules.ts';

/** Several of them: `id` tells a list. */
export const many = <Of extends Domain | 'self'>(of: Of, atMost: number): Many<Of> => ({ many: of, atMost });
/** None or one of them: `id` may tell none. */
export const maybe = <Of extends Domain | 'self'>(of: Of): Maybe<Of> => ({ maybe: of });

type SubjectOf<Of, Self extends Subject> = Of extends 'self'
  ? Self
  : Of extends Many<infer One>
    ? SubjectOf<One, Self>
    : Of extends Maybe<infer One>
      ? SubjectOf<One, Self>
      : Of extends DomainOf<infer Other>
        ? Other
        : never;

/** Another entity as a definition sees it: without its accounts, which may move until the command commits. */
export type OtherEntity<Other extends Subject> = Other['attributes'] & {
  readonly id: string;
  readonly status: Other['state'];
};

export type Others<Of, Self extends Subject> = {
  readonly [Name in keyof Of]: Of[Name] extends Many<infer One>
    ? readonly OtherEntity<SubjectOf<One, Self>>[]
    : Of[Name] extends Maybe<infer One>
      ? OtherEntity<SubjectOf<One, Self>> | undefined
      : OtherEntity<SubjectOf<Of[Name], Self>>;
};

type IdOf<Of> =
  Of extends Many<unknown> ? readonly string[] : Of extends Maybe<unknown> ? string | undefined : string;

interface OtherDefinition<Of, Context, Self extends Subject, Codes> {
  /** Its domain, or `'self'` for another entity of this one; `many(...)` and `maybe(...)` of them. */
  readonly of: Of;
  /** Which: by the input, by the entity, or by what was read of others. */
  readonly id: (context: Context) => IdOf<Of>;
  /** What must hold of it, by the code of the refusal. */
  readonly rules?: Rules<Codes, Context, PathsOf<SubjectOf<Of, Self>>>;
}

/** @typeParam Codes by name of the other entity, the codes of the rules on it */
export type References<Of, Context, Self extends Subject, Codes> = {
  readonly [Name in keyof Of]: OtherDefinition<Of[Name], Context, Self, Codes[Name & keyof Codes]>;
};

export type Reads<Of, Context, Self extends Subject, Codes> = {
  readonly [Name in keyof Of]: OtherDefinition<Of[Name], Context, Self, Codes[Name & keyof Codes]> & {
    /** Only its rules must still hold when the command commits, not all that was read. */
    readonly guarded?: boolean;
  };
};

/** @typeParam Given what the inputs are made from */
export type Links<Of, Context, Given, Self extends Subject, Codes> = {
  readonly [Name in keyof Of]: OtherDefinition<Of[Name], Context, Self, Codes[Name & keyof Codes]> &
    Linked<SubjectOf<Of[Name], Self>['transitions'], Given> & {
      /** One refusal for whatever stands in the way of any of them; `inTheWay` names each. */
      readonly refused?: { readonly code: string; readonly otherwise: string };
    };
};

type Linked<Inputs, Context> = {
  readonly [Name in keyof Inputs]: { readonly transition: Name } & (unknown extends Inputs[Name]
    ? { readonly input?: never }
    : { readonly input: (context: Context) => Inputs[Name] });
}[keyof Inputs];

type InputOf<Of, Input> =
  Of extends Many<unknown> ? readonly Input[] : Of extends Maybe<unknown> ? Input | undefined : Input;

export type Creates<Of, Context, Self extends Subject> = {
  readonly [Name in keyof Of]: {
    /** Its domain, or `'self'` for another entity of this one; `many(...)` and `maybe(...)` of them. */
    readonly of: Of[Name];
    /** What its creation is given: a list for `many(...)`, `undefined` where there is none to create. */
    readonly input: (context: Context) => InputOf<Of[Name], SubjectOf<Of[Name], Self>['input']>;
  };
};

/** What a command creates besides its own entity. */
export interface Created<Of, Self extends Subject> {
  /** The entities of `creates`, by name and in the order of their inputs, as they begin. */
  readonly created: Others<Of, Self>;
}

/** The domain that another entity belongs to, as the definition that names it knows it. */
export function domainOf<Self extends Pick<Domain, 'collection'>>(
  self: Self,
  { of }: Pick<AnyOther, 'of'>,
): Self | Domain {
  const one = of === 'self' ? of : 'many' in of ? of.many : 'maybe' in of ? of.maybe : of;
  return one === 'self' ? self : one;
}

export const collectionOf = (self: Pick<Domain, 'collection'>, other: Pick<AnyOther, 'of'>): string =>
  domainOf(self, other).collection;

/** How many entities it may be. */
export const othersAtMost = ({ of }: Pick<AnyOther, 'of'>): number =>
  of !== 'self' && 'many' in of ? of.atMost : 1;
