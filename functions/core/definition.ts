/**
 * The vocabulary in which a domain is written: states, transitions with typed input, rules, postings, unique
 * values, deadlines and messages. Everything else (routes, schemas, conditions, documentation, tests) follows
 * from a definition. Its functions are pure: time, actor and randomness are handed in.
 */
import type { z } from 'zod';
import type { AnyAuthorization, Authorization } from './authorize.ts';
import type { EntityState } from './entity.ts';
import type { AnyMessage, MessageDeclaration } from './messages.ts';
import type { Movement } from './postings.ts';
import type { Rule } from './rules.ts';

/** What every function of a definition may look at. */
export interface Situation<Input> {
  readonly id: string;
  readonly input: Input;
  /** The token's subject. */
  readonly actor: string;
  /** Of the token; none where the backend itself acts. */
  readonly roles: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface CreateSituation<Input> extends Situation<Input> {
  /** 128 random bits, base64url: for codes. */
  readonly random: string;
}

export interface TransitionSituation<Attributes, Input> extends Situation<Input> {
  /**
   * With its accounts by name. An account that is read here is held to what was read when the command commits, since
   * commands of other entities may move it meanwhile; a rule on it (`atLeast('remaining', 1)`) costs no such race.
   */
  readonly entity: Attributes & { readonly status: string };
  /** The entities this command moves, in the order of `moves`, as they were before. */
  readonly others: readonly OtherEntity[];
}

/** Without its accounts, which may move until the command commits. */
export type OtherEntity = Omit<EntityState, 'balances'>;

/** The entity after the command, without its accounts. */
export interface Outcome<Attributes> {
  readonly after: Attributes & { readonly status: string };
}

/** Another entity's transition, in the same transaction. */
export interface Move {
  readonly collection: string;
  readonly id: string;
  readonly transition: string;
  readonly input?: Readonly<Record<string, unknown>>;
}

/** What must hold on another entity when the transaction commits, decided by the database without a read. */
export interface Requirement {
  readonly collection: string;
  readonly id: string;
  readonly rules: readonly Rule[];
}

/** A value only one entity may hold while it is in one of these states. */
export interface UniqueValue<State, Attributes> {
  /** The constraint's name, as `already_exists` shows it; one definition has each once. */
  readonly name: string;
  readonly while: readonly State[];
  /** `undefined`: this entity holds none. */
  readonly of: (attributes: Attributes) => readonly string[] | undefined;
}

/** A transition that happens by itself when the time comes. */
export interface Deadline<State, Attributes, Transition extends string = string> {
  readonly while: readonly State[];
  readonly transition: Transition;
  /** Epoch milliseconds. What is no time (`NaN`, of an entity that lacks the attribute) is waited for by nobody. */
  readonly at: (attributes: Attributes) => number;
}

export interface AccountDefinition {
  readonly unit: string;
  /** The balance is never taken below `minimum`. */
  readonly floor?: { readonly minimum: number; readonly code: string; readonly detail: string };
  /** Shown as an attribute of this name; the others are bookkeeping counterparts. */
  readonly shown?: boolean;
}

export interface CreateDefinition<Attributes, Input, Transition extends string> {
  readonly summary: string;
  /** A role that the token must have. */
  readonly role?: string;
  readonly input: z.ZodObject;
  readonly set: (situation: CreateSituation<Input>) => Attributes;
  /** Checked before anything is written; `given` tests only, since there is no entity yet. */
  readonly rules?: (situation: CreateSituation<Input>) => readonly Rule[];
  readonly requires?: (situation: CreateSituation<Input>) => readonly Requirement[];
  readonly postings?: (situation: CreateSituation<Input>) => readonly Movement[];
  readonly messages?: readonly MessageDeclaration<CreateSituation<Input> & Outcome<Attributes>, Transition>[];
}

export interface TransitionDefinition<State, Attributes, Input, Transition extends string> {
  readonly summary: string;
  readonly from: readonly State[];
  /** Of one that an answer brings about: states in which the answer changes nothing. Its message ends all the same. */
  readonly ignoredIn?: readonly State[];
  /**
   * Where it may lead. With more than one, `next` says which; without it they are those of `from`, and the entity stays
   * in the state that it is in.
   */
  readonly to: readonly State[];
  readonly next?: (situation: TransitionSituation<Attributes, Input>) => State;
  /** In the place of `next`, where the state it begins in says it all: the end for each of them. */
  readonly leads?: Readonly<Partial<Record<State & string, State>>>;
  readonly input?: z.ZodObject;
  /** Not a route: only another entity's transaction or a deadline brings it about. */
  readonly internal?: boolean;
  /** A role that the token must have; asked for before anything is told about the entity. */
  readonly role?: string;
  /** Which people may, by the code of the refusal; checked before the state machine. */
  readonly authorize?: Readonly<Record<string, Authorization<Attributes>>>;
  readonly rules?: (situation: TransitionSituation<Attributes, Input>) => readonly Rule[];
  /** What changes; `undefined` takes an attribute away. */
  readonly set?: (situation: TransitionSituation<Attributes, Input>) => Partial<Attributes>;
  readonly postings?: (situation: TransitionSituation<Attributes, Input>) => readonly Movement[];
  /** Other entities named by the input, so that they are read along with the command's own. */
  readonly reads?: (input: Input) => readonly { readonly collection: string; readonly id: string }[];
  readonly moves?: (situation: Omit<TransitionSituation<Attributes, Input>, 'others'>) => readonly Move[];
  /** How many it moves at most, so that a transaction's size is known when the definition is loaded. */
  readonly most?: { readonly moves: number };
  /** How the command refuses when one of its `moves` is not allowed. */
  readonly moveRefused?: { readonly code: string; readonly detail: string };
  readonly messages?: readonly MessageDeclaration<
    TransitionSituation<Attributes, Input> & Outcome<Attributes>,
    Transition
  >[];
}

export interface DomainDefinition<
  State extends string,
  Attributes,
  CreateInput,
  Inputs extends Record<string, unknown>,
> {
  /** Path segment, plural: `payments`. */
  readonly collection: string;
  /** What one is called: `payment`. */
  readonly type: string;
  readonly idPrefix: string;
  /** 1 unless given. Raised with every change of the definition; each ledger entry carries it. */
  readonly version?: number;
  readonly summary: string;
  readonly states: readonly State[];
  /**
   * States of earlier versions. No command leads there, and entities may still be in one: they are listed and audited,
   * and transitions lead them out.
   */
  readonly formerStates?: readonly State[];
  readonly initial: State;
  /** What the entity shows. */
  readonly attributes: z.ZodObject;
  /** Attributes that are kept and never shown. */
  readonly hidden?: z.ZodObject;
  readonly accounts?: Readonly<Record<string, AccountDefinition>>;
  readonly unique?: readonly UniqueValue<State, Attributes>[];
  readonly deadline?: Deadline<State, Attributes, keyof Inputs & string>;
  readonly create: CreateDefinition<Attributes, CreateInput, keyof Inputs & string>;
  readonly transitions: {
    readonly [Name in keyof Inputs]: TransitionDefinition<
      State,
      Attributes,
      Inputs[Name],
      keyof Inputs & string
    >;
  };
}

/** Where a transition may lead from one of its states. */
export const endsFrom = (
  { to, next, leads = {} }: Pick<AnyTransition, 'to' | 'next' | 'leads'>,
  state: string,
): readonly string[] => {
  const end = leads[state];
  if (end !== undefined) return [end];
  return to.length > 1 && next === undefined ? [state] : to;
};

/* eslint-disable @typescript-eslint/no-explicit-any -- a registry holds definitions of every shape; each was
   checked where it was written, and the engine only ever hands a definition what came through its own schemas. */
export type AnyTransition = Omit<TransitionDefinition<string, any, any, string>, 'messages' | 'authorize'> & {
  readonly authorize?: Readonly<Record<string, AnyAuthorization>>;
  readonly messages?: readonly AnyMessage[];
};
export type Domain = Omit<
  DomainDefinition<string, any, any, Record<string, any>>,
  'create' | 'transitions'
> & {
  readonly create: Omit<CreateDefinition<any, any, string>, 'messages'> & {
    readonly messages?: readonly AnyMessage[];
  };
  readonly transitions: Readonly<Record<string, AnyTransition>>;
};
/* eslint-enable @typescript-eslint/no-explicit-any */

type Known<Shown extends z.ZodObject, Hidden> = z.output<Shown> &
  (Hidden extends z.ZodObject ? z.output<Hidden> : unknown);

interface WrittenTransition<State, Attributes, Input, Transition extends string> extends Omit<
  TransitionDefinition<State, Attributes, Input, Transition>,
  'input'
> {
  readonly input?: z.ZodType<Input>;
}

interface WrittenDomain<
  State extends string,
  Shown extends z.ZodObject,
  CreateSchema extends z.ZodObject,
  Inputs extends Record<string, unknown>,
  Hidden,
> extends Omit<
  DomainDefinition<State, Known<Shown, Hidden>, z.output<CreateSchema>, Record<string, unknown>>,
  'attributes' | 'hidden' | 'create' | 'transitions' | 'deadline'
> {
  readonly attributes: Shown;
  readonly hidden?: Hidden;
  readonly create: Omit<
    CreateDefinition<Known<Shown, Hidden>, z.output<CreateSchema>, NoInfer<keyof Inputs & string>>,
    'input'
  > & {
    readonly input: CreateSchema;
  };
  readonly deadline?: Deadline<State, Known<Shown, Hidden>>;
  readonly transitions: {
    readonly [Name in keyof Inputs]: WrittenTransition<
      State,
      Known<Shown, Hidden>,
      Inputs[Name],
      NoInfer<keyof Inputs & string>
    >;
  };
}

/**
 * Writes a domain down. Types flow from the schemas into every function; what types cannot see is checked when
 * the definition is registered (see `registry.ts`).
 */
export function defineDomain<
  const State extends string,
  Shown extends z.ZodObject,
  CreateSchema extends z.ZodObject,
  Inputs extends Record<string, unknown>,
  Hidden extends z.ZodObject | undefined = undefined,
>(definition: WrittenDomain<State, Shown, CreateSchema, Inputs, Hidden>): Domain {
  return definition as unknown as Domain;
}
