/** What a definition says of its creation and of each transition. */
import type { InputOf } from './as-read.ts';
import type { Authorization, TextPath } from './authorize.ts';
import type { After, CreateContext, ExampleContext, TransitionContextOf } from './command-context.ts';
import type { CommandCodes, PathsOf, Subject } from './domain.ts';
import type { Shown } from './entity-in-state.ts';
import type { MessageDeclaration } from './messages.ts';
import type { Created, Creates, Links, Others, References, Reads } from './others.ts';
import type { Transfers } from './postings.ts';
import type { Rules } from './rules.ts';

type OneOrMore<T> = T | readonly T[];

declare const nobodyHas: unique symbol;
/**
 * Nothing is of this type. It has the compiler keep `'held'` as it is written, where it looks at a function without
 * parameters before it knows the attributes: else that is a `string`, which is no choice of an enum.
 */
interface AsWritten {
  readonly [attribute: string]: 'a text' | boolean | readonly 'a text'[] | object | null | undefined;
  readonly [nobodyHas]: never;
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
  readonly rules?: Rules<Codes['rules'], Ctx, Paths, TextPath<Paths>>;
  /** Reference checks: what must hold of entities that are not read. The database decides when the command commits. */
  readonly references?: References<Reference, Ctx, Self, Codes['references']>;
  /** Entities to read: they are held to what was read, unless they are told to be only `guarded` by their rules. */
  readonly reads?: Reads<Read, Ctx, Self, Codes['reads']>;
  /** Linked transitions: other entities' transitions in the same transaction. */
  readonly links?: Links<Link, Ctx, Ctx & Created<New, Self>, Self, Codes['links']>;
  /** Other entities that it creates in the same transaction, each as its own definition says. */
  readonly creates?: Creates<New, Ctx, Self>;
  /** Double entry, one transfer or a list: each takes from one account what it gives to another. */
  readonly transfers?: (context: Ctx & Created<New, Self>) => Transfers<Account>;
  /** How many accounts that are not the entity's own it touches; 2 where none is said. */
  readonly accountsAtMost?: number;
  /** What follows: a message, or several. */
  readonly messages?: OneOrMore<
    MessageDeclaration<
      Ctx & Created<New, Self> & After<Self['attributes'] & { readonly status: State }>,
      keyof Self['transitions'] & string
    >
  >;
}

/** For a command that the examples of its fields alone would not get through, as they are the same every time. */
interface Example<Ctx, Input, Step extends string> {
  /** Fields whose values follow from what is there; what it leaves out has its field's own example. */
  readonly input?: (context: Ctx) => Partial<Input>;
  /** Who asks; where none is said, it is found by who may. */
  readonly actor?: (context: Ctx) => string;
  /** The roles of who asks; every one, where none is said. */
  readonly roles?: readonly string[];
  /**
   * What happens before it, in this order: transitions of the entity, and, as `collection/transition`, of another one that
   * it names or that names it. What leads to each of them is found as for any other.
   */
  readonly after?: readonly Step[];
}

/** A step of another entity. */
type StepOfOther = `${string}/${string}`;

export interface CreateDefinition<
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
  readonly example?: Example<
    ExampleContext<Others<Read, Self> & Others<Link, Self>>,
    Self['input'],
    StepOfOther
  >;
  /** Where it begins; without it, in the first of the domain's states. Of several, `next` says in which. */
  readonly to?: OneOrMore<Self['state']>;
  readonly next?: (context: CreateContext<Input, Others<Read, Self> & Others<Link, Self>>) => Self['state'];
  /** Not a route: only what another command `creates` begins. */
  readonly internal?: boolean;
  /** Which people may, by the code of the refusal and by what they send; checked before anything is read. */
  readonly authorize?: { readonly [Code in keyof Actors]: Authorization<Input> };
  /** What is kept; without it, what was sent. */
  readonly set?: (
    context: CreateContext<Input, Others<Read, Self> & Others<Link, Self>> & Created<New, Self>,
  ) => Self['attributes'] | AsWritten;
}

export interface TransitionDefinition<
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
  TransitionContextOf<Self, Always, InputOf<Input>, From, Read, Link>,
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
   * Where it may lead; without it the entity stays in the state that it is in. With more than one, `next` says which; or
   * the state it begins in does: the end for each of them.
   */
  readonly to?: readonly Self['state'][] | { readonly [State in From & string]: Self['state'] };
  readonly next?: (
    context: TransitionContextOf<Self, Always, InputOf<Input>, From, Read, Link>,
  ) => Self['state'];
  readonly input?: Input;
  readonly example?: Example<
    ExampleContext<Others<Read, Self> & Others<Link, Self>> & {
      readonly entity: Shown<Self, Always, From>;
    },
    InputOf<Input>,
    (keyof Self['transitions'] & string) | StepOfOther
  >;
  /** Not a route: only another entity's transaction, a deadline or an answer brings it about. */
  readonly internal?: boolean;
  /** Which people may, by the code of the refusal; checked before the state machine. */
  readonly authorize?: { readonly [Code in keyof Actors]: Authorization<Self['attributes']> };
  /** What changes; `undefined` takes an attribute away. */
  readonly set?: (
    context: TransitionContextOf<Self, Always, InputOf<Input>, From, Read, Link> & Created<New, Self>,
    // oxlint-disable-next-line typescript/no-generated-empty-object-type -- a subject may have no attributes
  ) => Partial<Self['attributes']> | AsWritten;
}
