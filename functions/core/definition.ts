/**
 * The vocabulary in which a domain is written: states, transitions with typed input, rules, other entities, transfers,
 * unique values, deadlines and messages. Everything else (routes, schemas, conditions, documentation, tests) follows
 * from a definition. What can be data is data; the functions that are left are pure: time, actor and randomness are
 * handed in.
 */
import type { z } from 'zod';
import type { TextPath } from './authorize.ts';
import type { CreateDefinition, TransitionDefinition } from './command-definition.ts';
import type { CodesBy, CodesOf, Faced, OthersBy } from './definition-face.ts';
import type {
  AccountDefinition,
  CommandCodes,
  Deadline,
  Domain,
  DomainOf,
  Subject,
  UniqueValue,
} from './domain.ts';
import type { Known, OptionalKeys, Shape, ValuesOf } from './entity-in-state.ts';
import { asRead } from './as-read.ts';
import type { InputOf, SchemaOf } from './as-read.ts';

export { endsFrom, startsOf } from './domain.ts';
export type { AccountDefinition, AnyCommand, AnyTransition, Domain, UniqueValue } from './domain.ts';

interface Written<
  State extends string,
  Shown extends Shape,
  Hidden,
  Always,
  Account extends string,
  CreateInput extends Shape | z.ZodObject,
  CreateRead,
  CreateLink,
  CreateReference,
  CreateNew,
  Inputs,
  Froms,
  Read,
  Link,
  Reference,
  New,
  Self extends Subject,
  CreateCodes extends CommandCodes,
  CreateActors,
  Codes extends CommandCodes,
  Actors,
  Unique extends string,
  Listed extends string,
> extends Pick<
  Domain,
  'collection' | 'type' | 'idPrefix' | 'version' | 'summary' | 'statements' | 'spread' | 'fixed'
> {
  /** Each begins in the first of them, unless `create.to` says otherwise. */
  readonly states: readonly State[];
  /** States of earlier versions, out of which transitions still lead. */
  readonly formerStates?: readonly State[];
  /** By version: how an entity that it wrote becomes one of the next: all its attributes, and `status` where that changes. */
  readonly upgrades?: Readonly<
    Record<number, (older: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>>
  >;
  readonly attributes: Shown;
  readonly hidden?: Hidden;
  readonly always?: Always & {
    readonly [K in keyof Always]: K extends OptionalKeys<Self['attributes']>
      ? readonly NoInfer<State>[]
      : 'This is no optional attribute.';
  };
  readonly accounts?: Readonly<
    Record<Account, AccountDefinition<NoInfer<State>, TextPath<Self['attributes']>>>
  >;
  /** Attributes by which entities are found; texts that are shown. */
  readonly listed?: readonly (Listed & TextPath<ValuesOf<NoInfer<Shown>>>)[];
  /** By name. */
  readonly unique?: {
    readonly [Name in Unique]: {
      readonly while: readonly NoInfer<State>[];
      /** The attributes that make it up, or what is made of them. One that lacks a part holds none. */
      readonly of: readonly TextPath<Self['attributes']>[] | UniqueValue<State, Self['attributes']>['of'];
    };
  };
  /** By transition: when it happens by itself. */
  readonly deadlines?: {
    readonly [Name in NoInfer<keyof Inputs & string>]?: Deadline<NoInfer<State>, Self['attributes']>;
  };
  readonly create: { readonly input: CreateInput } & CreateDefinition<
    Self,
    z.output<SchemaOf<NoInfer<CreateInput>>>,
    CreateRead,
    CreateLink,
    CreateReference,
    CreateNew,
    CreateCodes,
    CreateActors
  > &
    SetWhereNeeded<SentOf<NoInfer<CreateInput>, Self['attributes']>, Self['attributes']>;
  // One type a transition, gathered from each: its input, where it starts, and the entities that it names.
  readonly transitions: {
    readonly [Name in keyof Inputs]: TransitionDefinition<
      Self,
      Always,
      Inputs[Name],
      Froms[Name & keyof Froms],
      Read[Name & keyof Read],
      Link[Name & keyof Link],
      Reference[Name & keyof Reference],
      New[Name & keyof New],
      CodesOf<Codes, Name>,
      Actors[Name & keyof Actors]
    >;
  } & { readonly [Name in keyof Froms]: { readonly from: readonly Froms[Name][] } } & {
    readonly [Name in keyof Read]: { readonly reads?: Named<Read[Name]> };
  } & { readonly [Name in keyof Link]: { readonly links?: Named<Link[Name]> } } & {
    readonly [Name in keyof Reference]: { readonly references?: Named<Reference[Name]> };
  } & { readonly [Name in keyof New]: { readonly creates?: Named<New[Name]> } };
}

/** Of an object without fields, whatever an entity may do without. */
type SentOf<Of, Attributes> = Of extends Shape
  ? [keyof Of] extends [never]
    ? Partial<Attributes>
    : z.output<SchemaOf<Of>>
  : z.output<Of>;

/** What is sent is what is kept, unless `set` says otherwise. */
type SetWhereNeeded<Input, Attributes> = Input extends Attributes
  ? keyof Input extends keyof Attributes
    ? unknown
    : { readonly set: unknown }
  : { readonly set: unknown };

type Named<Other> = { readonly [Name in keyof Other]: { readonly of: Other[Name] } };

/** By transition, what it is given. */
type InputsOf<Inputs> = { readonly [Name in keyof Inputs]: InputOf<Inputs[Name]> };

interface SubjectOf<State extends string, Attributes, Account extends string, Units, Inputs, Input> {
  readonly state: State;
  readonly attributes: Attributes;
  readonly account: Account;
  readonly units: Units;
  readonly transitions: Inputs;
  readonly input: Input;
}

/**
 * Writes a domain down. Types flow from the schemas into every function; what types cannot see is checked when
 * the definition is registered (see `registry.ts`).
 */
export function defineDomain<
  const State extends string,
  Shown extends Shape,
  CreateInput extends Shape | z.ZodObject,
  Inputs extends Readonly<Record<string, unknown>>,
  Froms extends Readonly<Record<string, State>>,
  const Read extends Readonly<Record<string, unknown>>,
  const Link extends Readonly<Record<string, unknown>>,
  const Reference extends Readonly<Record<string, unknown>>,
  const New extends Readonly<Record<string, unknown>>,
  CreateRead = unknown,
  CreateLink = unknown,
  CreateReference = unknown,
  CreateNew = unknown,
  Hidden extends Shape | undefined = undefined,
  const Always = unknown,
  Account extends string = never,
  const CreateInternal = unknown,
  const CreateRole = unknown,
  const CreateRules = unknown,
  const CreateReferenceRules = unknown,
  const CreateReadRules = unknown,
  const CreateLinkRules = unknown,
  const CreateRefused = unknown,
  const CreateActors = unknown,
  const OwnRules = unknown,
  const ReferenceRules = unknown,
  const ReadRules = unknown,
  const LinkRules = unknown,
  const LinksRefused = unknown,
  const Actors = unknown,
  const Roles = unknown,
  const Internal = unknown,
  const AccountsShown = unknown,
  const Units = unknown,
  const Floors = unknown,
  const Closed = unknown,
  Unique extends string = never,
  Listed extends string = never,
>(
  definition: Faced<
    CreateInternal,
    CreateRole,
    CodesBy<CreateRules, CreateReferenceRules, CreateReadRules, CreateLinkRules>,
    CreateRefused,
    CreateActors,
    CodesBy<OwnRules, ReferenceRules, ReadRules, LinkRules>,
    LinksRefused,
    Actors,
    Roles,
    Internal,
    AccountsShown,
    Units,
    Floors,
    Closed
  > &
    Written<
      State,
      Shown,
      Hidden,
      Always,
      Account,
      CreateInput,
      CreateRead,
      CreateLink,
      CreateReference,
      CreateNew,
      Inputs,
      Froms,
      Read,
      Link,
      Reference,
      New,
      SubjectOf<
        NoInfer<State>,
        Known<NoInfer<Shown>, NoInfer<Hidden>>,
        NoInfer<Account>,
        NoInfer<Units>,
        InputsOf<NoInfer<Inputs>>,
        z.input<SchemaOf<NoInfer<CreateInput>>>
      >,
      CodesBy<
        NoInfer<CreateRules>,
        NoInfer<CreateReferenceRules>,
        NoInfer<CreateReadRules>,
        NoInfer<CreateLinkRules>
      >,
      NoInfer<CreateActors>,
      CodesBy<NoInfer<OwnRules>, NoInfer<ReferenceRules>, NoInfer<ReadRules>, NoInfer<LinkRules>>,
      NoInfer<Actors>,
      Unique,
      Listed
    >,
): DomainOf<
  SubjectOf<State, Known<Shown, Hidden>, Account, Units, InputsOf<Inputs>, z.input<SchemaOf<CreateInput>>>,
  {
    readonly state: State;
    readonly attributes: z.output<SchemaOf<Shown>>;
    readonly always: Always;
    readonly accountsShown: AccountsShown;
    readonly floors: Floors;
    readonly closed: Closed;
    readonly unique: Unique;
    readonly listed: Listed;
    readonly create: {
      readonly input: z.input<SchemaOf<CreateInput>>;
      readonly internal: CreateInternal;
      readonly role: CreateRole;
      readonly codes: CodesBy<CreateRules, CreateReferenceRules, CreateReadRules, CreateLinkRules>;
      readonly refused: CreateRefused;
      readonly actors: CreateActors;
      readonly others: OthersBy<CreateReference, CreateRead, CreateLink, CreateNew>;
    };
    readonly inputs: InputsOf<Inputs>;
    readonly internal: Internal;
    readonly roles: Roles;
    readonly actors: Actors;
    readonly codes: CodesBy<OwnRules, ReferenceRules, ReadRules, LinkRules>;
    readonly refused: LinksRefused;
    readonly others: OthersBy<Reference, Read, Link, New>;
  }
> {
  return asRead(definition);
}
