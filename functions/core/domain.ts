/** A definition as the engine sees it, and what the compiler knows of it for others. */
import type { z } from 'zod';
import type { AnyAuthorization, TextPath } from './authorize.ts';
import type { AnyMessage } from './messages.ts';
import type { Floor, Movement, Open } from './postings.ts';
import type { Period } from './recurrence.ts';
import type { AnyRule } from './rules.ts';

/** What the compiler knows of a domain. */
export interface Subject {
  readonly state: string;
  readonly attributes: unknown;
  readonly account: string;
  /** By account, in what it is kept. */
  readonly units: unknown;
  /** The input of each transition, by name. */
  readonly transitions: unknown;
  /** Of its creation, before defaults. */
  readonly input: unknown;
}

/** The codes of a command's rules, with the `kind` of each: of its own, and by name of those on other entities. */
export interface CommandCodes {
  readonly rules: unknown;
  readonly references: unknown;
  readonly reads: unknown;
  readonly links: unknown;
}

/**
 * What the compiler knows of a domain for its callers (`functions/client/`): what they see, may ask for, and may be
 * refused. What differs by transition stands there by its name.
 */
export interface Facade {
  readonly state: string;
  /** What the entity shows. */
  readonly attributes: unknown;
  /** Of its optional attributes, the states in which they are always there. */
  readonly always: unknown;
  /** By account, `true` where it is shown. */
  readonly accountsShown: unknown;
  /** By account, the code of its floor. */
  readonly floors: unknown;
  /** By account, the code of a posting while it is not open. */
  readonly closed: unknown;
  /** The names of its unique values. */
  readonly unique: string;
  /** The attributes by which it is found. */
  readonly listed: string;
  readonly create: {
    /** Before defaults. */
    readonly input: unknown;
    /** `true` where there is no route. */
    readonly internal: unknown;
    readonly role: unknown;
    readonly codes: CommandCodes;
    /** By link, the one code for all that stands in its way. */
    readonly refused: unknown;
    /** By the code of the refusal, who may. */
    readonly actors: unknown;
    readonly others: NamedOthers;
  };
  readonly inputs: unknown;
  /** `true` where there is no route. */
  readonly internal: unknown;
  readonly roles: unknown;
  /** By the code of the refusal, who may. */
  readonly actors: unknown;
  readonly codes: CommandCodes;
  readonly refused: unknown;
  readonly others: NamedOthers;
}

/** The domains of the other entities that a command names. */
export interface NamedOthers {
  readonly references: unknown;
  readonly reads: unknown;
  readonly links: unknown;
  readonly creates: unknown;
}

/** Several entities of one domain. */
export interface Many<Of> {
  readonly many: Of;
  readonly atMost: number;
}
/** An entity that may be named or not. */
export interface Maybe<Of> {
  readonly maybe: Of;
}

/** What a rule may look at. */
export type PathsOf<Self extends Subject> = Self['attributes'] &
  Readonly<Record<Self['account'], number>> & { readonly status: Self['state'] };

/** A value only one entity may hold while it is in one of these states. */
export interface UniqueValue<State, Attributes, Name extends string = string> {
  /** The constraint's name, as `already_exists` shows it; one definition has each once. */
  readonly name: Name;
  readonly while: readonly State[];
  /** Where it is made up of attributes as they are: which. */
  readonly paths?: readonly string[];
  /** `undefined`: this entity holds none. */
  readonly of: (attributes: Attributes) => readonly string[] | undefined;
}

/** When a transition happens by itself. Its key in a definition is the transition. */
export type Deadline<State, Attributes> = {
  /** The states in which it is waited for. */
  readonly while: readonly State[];
  /** The attribute that holds the moment. One that is not there is waited for by nobody. */
  readonly at: TextPath<Attributes>;
} & (
  | { readonly every?: never; readonly since?: never }
  | {
      /** It comes again: each time it has come, `at` moves on to the next moment of the series. */
      readonly every: Period;
      /** The attribute that holds the first moment of the series. */
      readonly since: TextPath<Attributes>;
    }
);

/** As the engine sees it. */
export interface AnyDeadline {
  readonly while: readonly string[];
  readonly at: string;
  readonly every?: Period;
  readonly since?: string;
}

export interface AccountDefinition<State extends string = string, Attribute extends string = string> {
  /** In what it is kept: one unit for all entities, or what an attribute says, e.g. `{ from: 'currency' }`. */
  readonly unit: string | { readonly from: Attribute };
  /** The balance is never taken below `minimum`. */
  readonly floor?: Floor;
  /** Any posting in another state is refused; without it they are taken in all states. */
  readonly open?: Open<State>;
  /** Shown as an attribute of this name; the others are bookkeeping counterparts. */
  readonly shown?: boolean;
  /** Keeps a statement: `GET /v1/balances/{account}/entries` lists what was posted to it. */
  readonly statement?: boolean;
  /**
   * Over how many items the account of an entity is spread once many commands want it at the same time (`shares.ts`). No rule
   * can look at such an account. The number may change later, and stays a number.
   */
  readonly spread?: number;
}

/* oxlint-disable typescript/no-explicit-any -- as the engine sees them; each was checked where it was written */
export interface AnyOther {
  readonly of: Domain | 'self' | Many<Domain | 'self'> | Maybe<Domain | 'self'>;
  readonly id: (context: any) => string | readonly string[] | undefined;
  readonly rules?: Readonly<Record<string, AnyRule>>;
  readonly guarded?: boolean;
}

export interface AnyLink extends AnyOther {
  readonly transition: string;
  readonly input?: (context: any) => object;
  readonly refused?: { readonly code: string; readonly otherwise: string };
}

export interface AnyCreation extends Pick<AnyOther, 'of'> {
  readonly input: (context: any) => object | readonly object[] | undefined;
}
/* eslint-enable typescript/no-explicit-any */

/* oxlint-disable typescript/no-explicit-any -- a registry holds definitions of every shape; each was
   checked where it was written, and the engine only ever hands a definition what came through its own schemas. */
/** A command as the engine sees it. */
export interface AnyCommand {
  readonly summary: string;
  readonly role?: string;
  readonly input?: z.ZodObject;
  readonly example?: AnyExample;
  readonly authorize?: Readonly<Record<string, AnyAuthorization>>;
  readonly rules?: Readonly<Record<string, AnyRule>>;
  readonly references?: Readonly<Record<string, AnyOther>>;
  readonly reads?: Readonly<Record<string, AnyOther>>;
  readonly links?: Readonly<Record<string, AnyLink>>;
  readonly creates?: Readonly<Record<string, AnyCreation>>;
  readonly transfers?: (context: any) => readonly Movement[];
  readonly accountsAtMost?: number;
  readonly messages?: readonly AnyMessage[];
  /** No route: another command, a deadline or an answer brings it about. */
  readonly internal?: boolean;
}

export interface AnyExample {
  readonly input?: (context: any) => object;
  readonly actor?: (context: any) => string;
  readonly roles?: readonly string[];
  readonly after?: readonly string[];
}

export interface AnyCreate extends AnyCommand {
  readonly input: z.ZodObject;
  readonly set: (context: any) => object;
  /** Where it may begin; without it, in `initial`. */
  readonly to?: readonly string[];
  readonly next?: (context: any) => string;
}

export interface AnyTransition extends AnyCommand {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly next?: (context: any) => string;
  readonly leads?: Readonly<Partial<Record<string, string>>>;
  readonly ignoredIn?: readonly string[];
  readonly set?: (context: any) => object;
}

/** A definition as the engine sees it. */
export interface Domain {
  /** Path segment, plural: `payments`. */
  readonly collection: string;
  /** What one is called: `payment`. */
  readonly type: string;
  readonly idPrefix: string;
  /** 1 unless given. Raised with every change of the definition; each ledger entry carries it. */
  readonly version?: number;
  readonly summary: string;
  readonly states: readonly string[];
  /**
   * States of earlier versions. No command leads there, and entities may still be in one: they are listed and audited,
   * and transitions lead them out.
   */
  readonly formerStates?: readonly string[];
  /**
   * By version: how an entity that it wrote becomes one of the next. Pure. It returns all its attributes, and `status` where
   * that changes.
   */
  readonly upgrades?: Readonly<
    Record<number, (older: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>>
  >;
  /** Where it begins, or the first of the states where it may. */
  readonly initial: string;
  /** What the entity shows. */
  readonly attributes: z.ZodObject;
  /** Attributes that are kept and never shown. */
  readonly hidden?: z.ZodObject;
  /**
   * Attributes that never change once the entity is there. They lie in an item of their own, which no later command writes
   * or pays for: for what is large, such as a plan of seats.
   */
  readonly fixed?: readonly string[];
  /** Optional attributes that are always there in these states. */
  readonly always?: Readonly<Record<string, readonly string[]>>;
  readonly accounts?: Readonly<Record<string, AccountDefinition>>;
  /** Roles of named accounts that keep a statement, whichever domain posts to them: `['payer']` for `payer:alice:EUR`. */
  readonly statements?: readonly string[];
  /**
   * Roles of named accounts that everybody posts to, whichever domain does: over how many items each account is spread.
   * `{ holding: 32 }`: a posting to `holding:bookshop:EUR` goes to one of 32, and the balance is their sum. Such an account
   * has no floor. The number may grow later, and never falls.
   */
  readonly spread?: Readonly<Record<string, number>>;
  /** Attributes by which entities are found: `['payer']` for `GET /v1/payments?payer=alice`. */
  readonly listed?: readonly string[];
  readonly unique?: readonly UniqueValue<string, any>[];
  /** By transition. */
  readonly deadlines?: Readonly<Partial<Record<string, AnyDeadline>>>;
  readonly create: AnyCreate;
  readonly transitions: Readonly<Record<string, AnyTransition>>;
}
/* eslint-enable typescript/no-explicit-any */

/** Where a transition may lead from one of its states. */
export const endsFrom = (
  { to, next, leads = {} }: Pick<AnyTransition, 'to' | 'next' | 'leads'>,
  state: string,
): readonly string[] => {
  const end = leads[state];
  if (end !== undefined) return [end];
  return to.length > 1 && next === undefined ? [state] : to;
};

/** Where an entity may begin. */
export const startsOf = ({ initial, create }: Pick<Domain, 'initial' | 'create'>): readonly string[] =>
  create.to ?? [initial];

/**
 * Where a new entity begins.
 * @param context of its creation
 * @throws (a defect of the definition) where "next" chooses none of the states that "to" names
 */
export function startIn(domain: Pick<Domain, 'initial' | 'create'>, context: object): string {
  const start = domain.create.next?.(context) ?? domain.initial;
  const starts = startsOf(domain);
  if (!starts.includes(start))
    throw new Error(`"next" says "${start}", which is not one of ${starts.join(', ')}`);
  return start;
}

/** `create` and the transitions of a domain, by name. */
export const commandsOf = (domain: Domain): readonly [string, AnyCommand][] => [
  ['create', domain.create],
  ...Object.entries(domain.transitions),
];

/** A command as errors of a definition name it. */
export const placeOf = (command: string): string =>
  command === 'create' ? 'create' : `transition "${command}"`;

/** A definition, and for the compiler what others and callers may know of it. */
export interface DomainOf<Self extends Subject, Face extends Facade = Facade> extends Domain {
  /** Never there: it carries types. */
  readonly subject?: Self;
  /** Never there either. */
  readonly facade?: Face;
}

/** The schema of each attribute, of the hidden ones, too. */
export const schemasOf = ({
  attributes,
  hidden,
}: Pick<Domain, 'attributes' | 'hidden'>): Readonly<Record<string, z.ZodType>> => ({
  ...attributes.shape,
  ...hidden?.shape,
});
