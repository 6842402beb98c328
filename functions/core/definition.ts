/**
 * The vocabulary in which a domain is written: states, transitions with typed input, rules, other entities, transfers,
 * unique values, deadlines and messages. Everything else (routes, schemas, conditions, documentation, tests) follows
 * from a definition. What can be data is data; the functions that are left are pure: time, actor and randomness are
 * handed in.
 */
import type { z } from 'zod';
import type { Authorization, TextPath } from './authorize.ts';
import type {
  AccountDefinition,
  CommandCodes,
  Deadline,
  Domain,
  DomainOf,
  PathsOf,
  Subject,
  UniqueValue,
} from './domain.ts';
import type { MessageDeclaration } from './messages.ts';
import type { Created, Creates, Links, Others, References, Reads } from './others.ts';
import type { Movement } from './postings.ts';
import type { Rules } from './rules.ts';

export { endsFrom } from './domain.ts';
export type { AccountDefinition, AnyCommand, AnyTransition, Domain, UniqueValue } from './domain.ts';

/** What every function of a definition is handed. */
export interface Context<Input> {
  readonly id: string;
  readonly input: Input;
  /** The token's subject. */
  readonly actor: string;
  /** Of the token; none where the backend itself acts. */
  readonly roles: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface CreateContext<Input, Read> extends Context<Input> {
  /** 128 random bits, base64url: for codes. */
  readonly random: string;
  /** The entities of `reads` and `links`, by name, as they were before. */
  readonly others: Read;
}

export interface TransitionContext<Entity, Input, Read, Account extends string> extends Context<Input> {
  /** As it was before. */
  readonly entity: Entity;
  /** The entities of `reads` and `links`, by name, as they were before. */
  readonly others: Read;
  /**
   * The balance of an account of the entity, held to what was read: other commands may move it until this one commits,
   * and then it is decided again. A rule on it (`{ path: 'remaining', atLeast: 1 }`) costs no such race.
   */
  readonly relyOn: (account: Account) => number;
}

/** For messages: the entity after the command, without its accounts. */
export interface After<Entity> {
  readonly after: Entity;
}

/** What create and transitions have in common. */
interface CommandDefinition<
  Self extends Subject,
  Ctx,
  Paths,
  Read,
  Link,
  Reference,
  New,
  Account extends string,
  State,
  Codes extends CommandCodes,
> {
  readonly summary: string;
  /** A role that the token must have; asked for before anything is told about the entity. */
  readonly role?: string;
  /** What must hold, by the code of the refusal, in the order in which a caller hears of it. */
  readonly rules?: Rules<Codes['rules'], Ctx, Paths>;
  /** Reference checks: what must hold of entities that are not read. The database decides when the command commits. */
  readonly references?: References<Reference, Ctx, Self, Codes['references']>;
  /** Entities to read: they are held to what was read, unless they are told to be only `guarded` by their rules. */
  readonly reads?: Reads<Read, Ctx, Self, Codes['reads']>;
  /** Linked transitions: other entities' transitions in the same transaction. */
  readonly links?: Links<Link, Ctx, Ctx & Created<New, Self>, Self, Codes['links']>;
  /** Other entities that it creates in the same transaction, each as its own definition says. */
  readonly creates?: Creates<New, Ctx, Self>;
  /** Double entry: each transfer takes from one account what it gives to another. */
  readonly transfers?: (context: Ctx & Created<New, Self>) => readonly Movement<Account>[];
  /** How many accounts that are not the entity's own it touches; 2 where none is said. */
  readonly accountsAtMost?: number;
  readonly messages?: readonly MessageDeclaration<
    Ctx & Created<New, Self> & After<Self['attributes'] & { readonly status: State }>,
    keyof Self['transitions'] & string
  >[];
}

/** What an example may follow from. */
interface ExampleContext<Read> {
  /** Epoch milliseconds, when it is sent. */
  readonly now: number;
  /** The entities of `reads` and `links`, by name, as they are then. */
  readonly others: Read;
}

/** For a command that the examples of its fields alone would not get through, as they are the same every time. */
interface Example<Ctx, Input> {
  /** Fields whose values follow from what is there; what it leaves out has its field's own example. */
  readonly input?: (context: Ctx) => Partial<Input>;
  /** Who asks; where none is said, it is found by who may. */
  readonly actor?: (context: Ctx) => string;
  /** The roles of who asks; every one, where none is said. */
  readonly roles?: readonly string[];
}

interface CreateDefinition<
  Self extends Subject,
  Input,
  Read,
  Link,
  Reference,
  New,
  Codes extends CommandCodes,
  Actors,
> extends CommandDefinition<
  Self,
  CreateContext<Input, Others<Read, Self> & Others<Link, Self>>,
  unknown,
  Read,
  Link,
  Reference,
  New,
  Self['account'],
  Self['state'],
  Codes
> {
  readonly example?: Example<ExampleContext<Others<Read, Self> & Others<Link, Self>>, Self['input']>;
  /** Which people may, by the code of the refusal and by what they send; checked before anything is read. */
  readonly authorize?: { readonly [Code in keyof Actors]: Authorization<Input> };
  readonly set: (
    context: CreateContext<Input, Others<Read, Self> & Others<Link, Self>> & Created<New, Self>,
  ) => Self['attributes'];
}

type TransitionContextOf<Self extends Subject, Always, Input, From, Read, Link> = TransitionContext<
  EntityIn<Self, Always, From>,
  Input,
  Others<Read, Self> & Others<Link, Self>,
  Self['account']
>;

interface TransitionDefinition<
  Self extends Subject,
  Always,
  Input,
  From,
  Read,
  Link,
  Reference,
  New,
  Codes extends CommandCodes,
  Actors,
> extends CommandDefinition<
  Self,
  TransitionContextOf<Self, Always, Input, From, Read, Link>,
  PathsOf<Self>,
  Read,
  Link,
  Reference,
  New,
  Self['account'],
  Self['state'],
  Codes
> {
  readonly from: readonly From[];
  /** Of one that an answer brings about: states in which the answer changes nothing. Its message ends all the same. */
  readonly ignoredIn?: readonly Self['state'][];
  /**
   * Where it may lead. With more than one, `next` says which; without it they are those of `from`, and the entity stays
   * in the state that it is in.
   */
  readonly to: readonly Self['state'][];
  /** In the place of `next`, where the state it begins in says it all: the end for each of them. */
  readonly leads?: Readonly<Partial<Record<Self['state'], Self['state']>>>;
  readonly next?: (context: TransitionContextOf<Self, Always, Input, From, Read, Link>) => Self['state'];
  readonly input?: z.ZodType<Input>;
  readonly example?: Example<
    ExampleContext<Others<Read, Self> & Others<Link, Self>> & {
      readonly entity: Shown<Self, Always, From>;
    },
    Input
  >;
  /** Not a route: only another entity's transaction, a deadline or an answer brings it about. */
  readonly internal?: boolean;
  /** Which people may, by the code of the refusal; checked before the state machine. */
  readonly authorize?: { readonly [Code in keyof Actors]: Authorization<Self['attributes']> };
  /** What changes; `undefined` takes an attribute away. */
  readonly set?: (
    context: TransitionContextOf<Self, Always, Input, From, Read, Link> & Created<New, Self>,
    // eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- a subject may have no attributes
  ) => Partial<Self['attributes']>;
}

/** With its balances, too: for examples alone, since a decision cannot rely on them. */
type Shown<Self extends Subject, Always, From> = EntityIn<Self, Always, From> &
  Readonly<Record<Self['account'], number>>;

/** An entity in one of these states: what is always there then is not optional. */
type EntityIn<Self extends Subject, Always, From> = Self['attributes'] & {
  readonly [
    K in keyof Always & keyof Self['attributes'] as [From] extends [Element<Always[K]>] ? K : never
  ]-?: Exclude<Self['attributes'][K], undefined>;
} & { readonly status: From };

type Element<List> = List extends readonly (infer Entry)[] ? Entry : never;

type Known<Shown extends z.ZodObject, Hidden> = Fields<Shown> &
  (Hidden extends z.ZodObject ? Fields<Hidden> : unknown);

/** An object without fields allows nothing at all; of an entity it says nothing. */
type Fields<Schema extends z.ZodObject> = string extends keyof z.output<Schema> ? unknown : z.output<Schema>;

type OptionalKeys<Attributes> = {
  readonly [K in keyof Attributes]-?: undefined extends Attributes[K] ? K : never;
}[keyof Attributes];

interface Written<
  State extends string,
  Shown extends z.ZodObject,
  Hidden,
  Always,
  Account extends string,
  CreateSchema extends z.ZodObject,
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
> extends Pick<Domain, 'collection' | 'type' | 'idPrefix' | 'version' | 'summary' | 'statements' | 'spread'> {
  readonly states: readonly State[];
  /** States of earlier versions, out of which transitions still lead. */
  readonly formerStates?: readonly State[];
  /** By version: how an entity that it wrote becomes one of the next: all its attributes, and `status` where that changes. */
  readonly upgrades?: Readonly<
    Record<number, (older: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>>
  >;
  readonly initial: NoInfer<State>;
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
  readonly listed?: readonly (Listed & TextPath<Fields<NoInfer<Shown>>>)[];
  readonly unique?: readonly UniqueValue<NoInfer<State>, Self['attributes'], Unique>[];
  /** By transition: when it happens by itself. */
  readonly deadlines?: {
    readonly [Name in NoInfer<keyof Inputs & string>]?: Deadline<NoInfer<State>, Self['attributes']>;
  };
  readonly create: { readonly input: CreateSchema } & CreateDefinition<
    Self,
    z.output<CreateSchema>,
    CreateRead,
    CreateLink,
    CreateReference,
    CreateNew,
    CreateCodes,
    CreateActors
  >;
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

type Named<Other> = { readonly [Name in keyof Other]: { readonly of: Other[Name] } };

interface SubjectOf<State extends string, Attributes, Account extends string, Units, Inputs, Input> {
  readonly state: State;
  readonly attributes: Attributes;
  readonly account: Account;
  readonly units: Units;
  readonly transitions: Inputs;
  readonly input: Input;
}

interface OthersBy<References, Reads, Links, Creates> {
  readonly references: References;
  readonly reads: Reads;
  readonly links: Links;
  readonly creates: Creates;
}

interface CodesBy<Own, References, Reads, Links> {
  readonly rules: Own;
  readonly references: References;
  readonly reads: Reads;
  readonly links: Links;
}

/** Those of one transition. */
interface CodesOf<Codes extends CommandCodes, Name> {
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
interface Faced<
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

/**
 * Writes a domain down. Types flow from the schemas into every function; what types cannot see is checked when
 * the definition is registered (see `registry.ts`).
 */
export function defineDomain<
  const State extends string,
  Shown extends z.ZodObject,
  CreateSchema extends z.ZodObject,
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
  Hidden extends z.ZodObject | undefined = undefined,
  const Always = unknown,
  Account extends string = never,
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
      CreateSchema,
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
        NoInfer<Inputs>,
        z.input<NoInfer<CreateSchema>>
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
  SubjectOf<State, Known<Shown, Hidden>, Account, Units, Inputs, z.input<CreateSchema>>,
  {
    readonly state: State;
    readonly attributes: z.output<Shown>;
    readonly always: Always;
    readonly accountsShown: AccountsShown;
    readonly floors: Floors;
    readonly closed: Closed;
    readonly unique: Unique;
    readonly listed: Listed;
    readonly create: {
      readonly input: z.input<CreateSchema>;
      readonly role: CreateRole;
      readonly codes: CodesBy<CreateRules, CreateReferenceRules, CreateReadRules, CreateLinkRules>;
      readonly refused: CreateRefused;
      readonly actors: CreateActors;
      readonly others: OthersBy<CreateReference, CreateRead, CreateLink, CreateNew>;
    };
    readonly inputs: Inputs;
    readonly internal: Internal;
    readonly roles: Roles;
    readonly actors: Actors;
    readonly codes: CodesBy<OwnRules, ReferenceRules, ReadRules, LinkRules>;
    readonly refused: LinksRefused;
    readonly others: OthersBy<Reference, Read, Link, New>;
  }
> {
  return definition as never;
}
