/**
 * The vocabulary in which a domain is written: states, transitions with typed input, rules, other entities, transfers,
 * unique values, deadlines and messages. Everything else (routes, schemas, conditions, documentation, tests) follows
 * from a definition. What can be data is data; the functions that are left are pure: time, actor and randomness are
 * handed in.
 */
import type { z } from 'zod';
import type { Authorization } from './authorize.ts';
import type {
  AccountDefinition,
  Deadline,
  Domain,
  DomainOf,
  PathsOf,
  Subject,
  UniqueValue,
} from './domain.ts';
import type { MessageDeclaration } from './messages.ts';
import type { Links, Others, References, Reads } from './others.ts';
import type { Movement } from './postings.ts';
import type { RuleDeclaration } from './rules.ts';

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
  Account extends string,
  State,
> {
  readonly summary: string;
  /** A role that the token must have; asked for before anything is told about the entity. */
  readonly role?: string;
  /** What must hold, by the code of the refusal, in the order in which a caller hears of it. */
  readonly rules?: Readonly<Record<string, RuleDeclaration<Ctx, Paths>>>;
  /** Reference checks: what must hold of entities that are not read. The database decides when the command commits. */
  readonly references?: References<Reference, Ctx, Self>;
  /** Entities to read: they are held to what was read, unless they are told to be only `guarded` by their rules. */
  readonly reads?: Reads<Read, Ctx, Self>;
  /** Linked transitions: other entities' transitions in the same transaction. */
  readonly links?: Links<Link, Ctx, Self>;
  /** Double entry: each transfer takes from one account what it gives to another. */
  readonly transfers?: (context: Ctx) => readonly Movement<Account>[];
  /** How many accounts that are not the entity's own it touches; 2 where none is said. */
  readonly accountsAtMost?: number;
  readonly messages?: readonly MessageDeclaration<
    Ctx & After<Self['attributes'] & { readonly status: State }>,
    keyof Self['transitions'] & string
  >[];
}

interface CreateDefinition<Self extends Subject, Input, Read, Link, Reference> extends CommandDefinition<
  Self,
  CreateContext<Input, Others<Read, Self> & Others<Link, Self>>,
  unknown,
  Read,
  Link,
  Reference,
  Self['account'],
  Self['state']
> {
  readonly set: (
    context: CreateContext<Input, Others<Read, Self> & Others<Link, Self>>,
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
> extends CommandDefinition<
  Self,
  TransitionContextOf<Self, Always, Input, From, Read, Link>,
  PathsOf<Self>,
  Read,
  Link,
  Reference,
  Self['account'],
  Self['state']
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
  /** Not a route: only another entity's transaction, a deadline or an answer brings it about. */
  readonly internal?: boolean;
  /** Which people may, by the code of the refusal; checked before the state machine. */
  readonly authorize?: Readonly<Record<string, Authorization<Self['attributes']>>>;
  /** What changes; `undefined` takes an attribute away. */
  readonly set?: (
    context: TransitionContextOf<Self, Always, Input, From, Read, Link>,
    // eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- a subject may have no attributes
  ) => Partial<Self['attributes']>;
}

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
  Inputs,
  Froms,
  Read,
  Link,
  Reference,
  Self extends Subject,
> extends Pick<Domain, 'collection' | 'type' | 'idPrefix' | 'version' | 'summary' | 'statements'> {
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
  readonly accounts?: Readonly<Record<Account, AccountDefinition>>;
  readonly unique?: readonly UniqueValue<NoInfer<State>, Self['attributes']>[];
  readonly deadline?: Deadline<NoInfer<State>, Self['attributes'], NoInfer<keyof Inputs & string>>;
  readonly create: { readonly input: CreateSchema } & CreateDefinition<
    Self,
    z.output<CreateSchema>,
    CreateRead,
    CreateLink,
    CreateReference
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
      Reference[Name & keyof Reference]
    >;
  } & { readonly [Name in keyof Froms]: { readonly from: readonly Froms[Name][] } } & {
    readonly [Name in keyof Read]: { readonly reads?: Named<Read[Name]> };
  } & { readonly [Name in keyof Link]: { readonly links?: Named<Link[Name]> } } & {
    readonly [Name in keyof Reference]: { readonly references?: Named<Reference[Name]> };
  };
}

type Named<Other> = { readonly [Name in keyof Other]: { readonly of: Other[Name] } };

interface SubjectOf<State extends string, Attributes, Account extends string, Inputs, Input> {
  readonly state: State;
  readonly attributes: Attributes;
  readonly account: Account;
  readonly transitions: Inputs;
  readonly input: Input;
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
  CreateRead = unknown,
  CreateLink = unknown,
  CreateReference = unknown,
  Hidden extends z.ZodObject | undefined = undefined,
  const Always = unknown,
  Account extends string = never,
>(
  definition: Written<
    State,
    Shown,
    Hidden,
    Always,
    Account,
    CreateSchema,
    CreateRead,
    CreateLink,
    CreateReference,
    Inputs,
    Froms,
    Read,
    Link,
    Reference,
    SubjectOf<
      NoInfer<State>,
      Known<NoInfer<Shown>, NoInfer<Hidden>>,
      NoInfer<Account>,
      NoInfer<Inputs>,
      z.input<NoInfer<CreateSchema>>
    >
  >,
): DomainOf<SubjectOf<State, Known<Shown, Hidden>, Account, Inputs, z.input<CreateSchema>>> {
  return definition as never;
}
