/** What clients are told of a definition, gathered from it by the compiler. */
import type { CommandCodes } from './domain.ts';

export interface OthersBy<References, Reads, Links, Creates> {
  readonly references: References;
  readonly reads: Reads;
  readonly links: Links;
  readonly creates: Creates;
}

export interface CodesBy<Own, References, Reads, Links> {
  readonly rules: Own;
  readonly references: References;
  readonly reads: Reads;
  readonly links: Links;
}

/** Those of one transition. */
export interface CodesOf<Codes extends CommandCodes, Name> {
  readonly rules: Codes['rules'][Name & keyof Codes['rules']];
  readonly references: Codes['references'][Name & keyof Codes['references']];
  readonly reads: Codes['reads'][Name & keyof Codes['reads']];
  readonly links: Codes['links'][Name & keyof Codes['links']];
}

/** Rules by their codes, and in the place of each its `kind`. */
type Coded<Codes> = { readonly [Code in keyof Codes]: { readonly kind?: Codes[Code] } };
type CodedOthers<Named> = { readonly [Name in keyof Named]: { readonly rules?: Coded<Named[Name]> } };
type Refused<Links> = {
  readonly [Name in keyof Links]: { readonly refused?: { readonly code: Links[Name] } };
};

/** What a client needs to know of a definition, gathered from it piece by piece: what it refuses, shows and keeps. */
export interface Faced<
  CreateInternal,
  CreateRole,
  CreateCodes extends CommandCodes,
  CreateRefused,
  CreateActors,
  Codes extends CommandCodes,
  LinksRefused,
  Actors,
  Roles,
  Internal,
  AccountsShown,
  Units,
  Floors,
  Closed,
> {
  readonly create: {
    readonly internal?: CreateInternal;
    readonly role?: CreateRole;
    readonly authorize?: { readonly [Code in keyof CreateActors]: { readonly otherwise: string } };
    readonly rules?: Coded<CreateCodes['rules']>;
    readonly references?: CodedOthers<CreateCodes['references']>;
    readonly reads?: CodedOthers<CreateCodes['reads']>;
    readonly links?: CodedOthers<CreateCodes['links']> & Refused<CreateRefused>;
  };
  readonly transitions: {
    readonly [Name in keyof Codes['rules']]: { readonly rules?: Coded<Codes['rules'][Name]> };
  } & {
    readonly [Name in keyof Codes['references']]: {
      readonly references?: CodedOthers<Codes['references'][Name]>;
    };
  } & { readonly [Name in keyof Codes['reads']]: { readonly reads?: CodedOthers<Codes['reads'][Name]> } } & {
    readonly [Name in keyof Codes['links']]: { readonly links?: CodedOthers<Codes['links'][Name]> };
  } & { readonly [Name in keyof LinksRefused]: { readonly links?: Refused<LinksRefused[Name]> } } & {
    readonly [Name in keyof Actors]: {
      readonly authorize?: { readonly [Code in keyof Actors[Name]]: { readonly otherwise: string } };
    };
  } & { readonly [Name in keyof Roles]: { readonly role?: Roles[Name] } } & {
    readonly [Name in keyof Internal]: { readonly internal?: Internal[Name] };
  };
  readonly accounts?: { readonly [Key in keyof AccountsShown]: { readonly shown?: AccountsShown[Key] } } & {
    readonly [Key in keyof Units]: { readonly unit: Units[Key] };
  } & {
    readonly [Key in keyof Floors]: { readonly floor?: { readonly code: Floors[Key] } };
  } & { readonly [Key in keyof Closed]: { readonly open?: { readonly code: Closed[Key] } } };
}
