/** What a client's types are made of: entities, results and the codes of refusals, all from the definitions. */
import type { DomainOf, Facade, Many, Maybe, NamedOthers, Subject } from '../core/domain.ts';

/** A definition that was written with `defineDomain`. */
export type AnyDomain = DomainOf<Subject>;

export type FacadeOf<Of> = Of extends { readonly facade?: infer Face } ? Extract<Face, Facade> : never;

/** Transitions that a caller may ask for. */
export type TransitionOf<Face extends Facade> = {
  readonly [Name in keyof Face['inputs']]: Name extends keyof Face['internal']
    ? Face['internal'][Name] extends true
      ? never
      : Name
    : Name;
}[keyof Face['inputs']] &
  string;

type ShownAccounts<Shown> = {
  readonly [Key in keyof Shown as Shown[Key] extends true ? Key : never]: number;
};

/** What is always there in a state is not optional there. */
type AlwaysIn<Face extends Facade, State> = {
  readonly [
    Name in keyof Face['always'] & keyof Face['attributes'] as State extends Element<Face['always'][Name]>
      ? Name
      : never
  ]-?: Exclude<Face['attributes'][Name], undefined>;
};

type Element<List> = List extends readonly (infer Entry)[] ? Entry : never;

/** An entity as the API shows it: `status` tells which of its attributes are there. */
export type Entity<Face extends Facade> = {
  readonly [State in Face['state']]: EntityIn<Face, State>;
}[Face['state']];

type EntityIn<Face extends Facade, State> = {
  readonly id: string;
  readonly type: string;
  readonly status: State;
  readonly version: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly allowedTransitions: readonly TransitionOf<Face>[];
} & Readonly<Face['attributes']> &
  AlwaysIn<Face, State> &
  ShownAccounts<Face['accountsShown']>;

/** A problem document (RFC 9457), with what the refusal adds to it. */
export interface Problem {
  readonly code: string;
  readonly detail?: string;
  readonly [member: string]: unknown;
}

/** The command was refused; `code` says why. */
export interface Refused<Code extends string> {
  readonly kind: 'refused';
  readonly code: Code;
  /** Of the HTTP answer. */
  readonly status: number;
  readonly problem: Problem;
}

/** One member a code, so that a `switch` on it can be checked to be complete. */
type RefusedBy<Code extends string> = Code extends string ? Refused<Code> : never;

/**
 * It is not known to be done, and was not refused by a rule: a request that no backend of these definitions takes, a
 * token that is not valid, or nobody answered in time. `code` is the problem's, or `unanswered`. What was unanswered may
 * have happened: the same call with this `idempotencyKey` says so.
 */
export interface Failed {
  readonly kind: 'failed';
  readonly code: string;
  /** Of the last HTTP answer, where there was one. */
  readonly status?: number;
  readonly idempotencyKey: string;
}

export interface Done<Of> {
  readonly kind: 'done';
  readonly entity: Of;
  /** An earlier request with the same key had done it. */
  readonly isReplay: boolean;
}

/**
 * What becomes of a command. `other_refusal` is a code that the definition does not tell by itself: a floor of a named
 * account, a rule of a linked transition, a newer backend's; `problem.code` has it.
 */
export type Result<Of, Code extends string> = Done<Of> | RefusedBy<Code | 'other_refusal'> | Failed;

/** Where the entity is there already: who else was at work on it. */
type EntityCode = 'not_found' | 'transition_not_allowed' | 'version_mismatch' | 'locked' | 'lock_lost';

type RuleCode<Rules> = {
  readonly [Code in keyof Rules]: Rules[Code] extends 'unprocessable' ? 'unprocessable' : Code;
}[keyof Rules] &
  string;
type RuleCodeOfOthers<Named> = { readonly [Name in keyof Named]: RuleCode<Named[Name]> }[keyof Named];
type Texts<Values> = {
  readonly [Key in keyof Values]: Values[Key] extends string ? Values[Key] : never;
}[keyof Values];

type DomainIn<Of, Self> = Of extends 'self'
  ? Self
  : Of extends Many<infer One>
    ? DomainIn<One, Self>
    : Of extends Maybe<infer One>
      ? DomainIn<One, Self>
      : Of;
/** Another entity may not be there, be locked, or not hold what is taken from it. */
type CodeOfOthers<Named, Self> = {
  readonly [Name in keyof Named]:
    | 'unprocessable'
    | 'locked'
    | Texts<FacadeOf<DomainIn<Named[Name], Self>>['floors']>
    | Texts<FacadeOf<DomainIn<Named[Name], Self>>['closed']>;
}[keyof Named];

/** And what is created is refused what its own creation is. */
type CodeOfCreated<Named, Self> = {
  readonly [Name in keyof Named]:
    | RuleCode<FacadeOf<DomainIn<Named[Name], Self>>['create']['codes']['rules']>
    | RuleCodeOfOthers<FacadeOf<DomainIn<Named[Name], Self>>['create']['codes']['references']>
    | RuleCodeOfOthers<FacadeOf<DomainIn<Named[Name], Self>>['create']['codes']['reads']>
    | ([FacadeOf<DomainIn<Named[Name], Self>>['unique']] extends [never] ? never : 'already_exists');
}[keyof Named];

type CodeOf<Codes extends Facade['codes'], Refused, Others extends NamedOthers, Face extends Facade> =
  | RuleCode<Codes['rules']>
  | RuleCodeOfOthers<Codes['references']>
  | RuleCodeOfOthers<Codes['reads']>
  | RuleCodeOfOthers<Codes['links']>
  | Texts<Refused>
  | CodeOfOthers<
      Others['references'] & Others['reads'] & Others['links'] & Others['creates'],
      { readonly facade?: Face }
    >
  | CodeOfCreated<Others['creates'], { readonly facade?: Face }>
  | ([Face['unique']] extends [never] ? never : 'already_exists');

export type CreateCode<Face extends Facade> =
  | (Face['create']['role'] extends string ? 'role_missing' : never)
  | (keyof Face['create']['actors'] & string)
  | CodeOf<Face['create']['codes'], Face['create']['refused'], Face['create']['others'], Face>;

type At<Record, Name> = Record[Name & keyof Record];

export type TransitionCode<Face extends Facade, Name> =
  | EntityCode
  | (At<Face['roles'], Name> extends string ? 'role_missing' : never)
  | (keyof At<Face['actors'], Name> & string)
  | Texts<Face['floors']>
  | Texts<Face['closed']>
  | CodeOf<
      {
        readonly rules: At<Face['codes']['rules'], Name>;
        readonly references: At<Face['codes']['references'], Name>;
        readonly reads: At<Face['codes']['reads'], Name>;
        readonly links: At<Face['codes']['links'], Name>;
      },
      At<Face['refused'], Name>,
      {
        readonly references: At<Face['others']['references'], Name>;
        readonly reads: At<Face['others']['reads'], Name>;
        readonly links: At<Face['others']['links'], Name>;
        readonly creates: At<Face['others']['creates'], Name>;
      },
      Face
    >;
