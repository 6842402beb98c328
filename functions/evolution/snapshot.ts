/**
 * All that is data in a definition, as one readable record: what a later version of the code is compared with. Functions
 * are seen by what they say of an example, so that a value that is normalised in another way shows.
 */
import * as z from 'zod';
import type {
  AccountDefinition,
  AnyCommand,
  AnyTransition,
  Domain,
  UniqueValue,
} from '../core/definition.ts';
import { startsOf } from '../core/domain.ts';
import type { AnyOther } from '../core/domain.ts';
import { listedElsewhere, secretFields } from '../core/fields.ts';
import type { AnyMessage, MessageHead } from '../core/messages.ts';
import { collectionOf, othersAtMost } from '../core/others.ts';

/** JSON Schema of one field. */
export type FieldSchema = Readonly<Record<string, unknown>>;

export interface FieldSnapshot {
  readonly required: boolean;
  readonly schema: FieldSchema;
  readonly secret?: true;
}
export type Fields = Readonly<Record<string, FieldSnapshot>>;

export interface AccountSnapshot {
  readonly unit: AccountDefinition['unit'];
  readonly shown: boolean;
  readonly minimum?: number;
  /** States in which it takes postings; all, where none is said. */
  readonly open?: readonly string[];
  readonly statement?: true;
  /** Over how many items it is spread where it is wanted. */
  readonly spread?: number;
}

export interface UniqueSnapshot {
  readonly while: readonly string[];
  /** What the example of the attributes holds. */
  readonly example?: unknown;
}

/** Other entities that a command takes along or creates. */
export interface OtherSnapshot {
  readonly collection: string;
  readonly atMost: number;
}
export interface LinkSnapshot extends OtherSnapshot {
  readonly transition: string;
  /** The one code for whatever stands in the way, where there is one. */
  readonly refused?: string;
}

/** What is asked for, sent and done to others, of a creation and of a transition. */
export interface CommandSnapshot {
  readonly input: Fields;
  /** No caller may ask for it. */
  readonly internal?: boolean;
  readonly role?: string;
  /** Who may, by what the entity says, or by what is sent for a creation. */
  readonly authorize?: Readonly<Record<string, unknown>>;
  readonly messages: readonly MessageHead[];
  /** By name; absent in snapshots of before they were kept. */
  readonly links?: Readonly<Record<string, LinkSnapshot>>;
  /** The same. */
  readonly creates?: Readonly<Record<string, OtherSnapshot>>;
}

export interface TransitionSnapshot extends CommandSnapshot {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly internal: boolean;
  /** States in which an answer that brings it about changes nothing. */
  readonly ignoredIn: readonly string[];
}

export interface Snapshot {
  readonly collection: string;
  readonly version: number;
  readonly type: string;
  readonly idPrefix: string;
  readonly states: readonly string[];
  readonly formerStates: readonly string[];
  /** Versions whose entities it says how to upgrade. */
  readonly upgrades?: readonly number[];
  readonly initial: string;
  /** Where they may begin, where that is more than one state. */
  readonly starts?: readonly string[];
  readonly attributes: Fields;
  readonly hidden: Fields;
  /** Attributes that never change, and lie in an item of their own. */
  readonly fixed?: readonly string[];
  readonly accounts: Readonly<Record<string, AccountSnapshot>>;
  /** Roles of named accounts that keep a statement. */
  readonly statements?: readonly string[];
  /** Attributes by which entities are found. */
  readonly listed?: readonly string[];
  /** Over how many items accounts of a role are spread. */
  readonly spread?: Readonly<Record<string, number>>;
  readonly unique: Readonly<Record<string, UniqueSnapshot>>;
  /** By transition. */
  readonly deadlines?: Domain['deadlines'];
  readonly create: CommandSnapshot;
  readonly transitions: Readonly<Record<string, TransitionSnapshot>>;
}

export function snapshotOf(domain: Domain): Snapshot {
  const { deadlines, attributes, hidden } = domain;
  const all = hidden ? attributes.extend(hidden.shape) : attributes;
  const example = exampleOf(all);
  return {
    collection: domain.collection,
    version: domain.version ?? 1,
    type: domain.type,
    idPrefix: domain.idPrefix,
    states: domain.states,
    formerStates: domain.formerStates ?? [],
    ...(domain.upgrades && { upgrades: Object.keys(domain.upgrades).map(Number) }),
    initial: domain.initial,
    ...(startsOf(domain).length > 1 && { starts: startsOf(domain) }),
    attributes: fieldsOf(attributes, 'output'),
    hidden: fieldsOf(hidden, 'output'),
    ...(domain.fixed && { fixed: domain.fixed }),
    accounts: mapped(domain.accounts ?? {}, ({ unit, shown, floor, open, statement, spread }) => ({
      unit,
      shown: shown === true,
      ...(floor && { minimum: floor.minimum }),
      ...(open && { open: open.while }),
      ...(statement === true && { statement }),
      ...(spread !== undefined && { spread }),
    })),
    ...(domain.statements && { statements: domain.statements }),
    ...(domain.listed && { listed: domain.listed }),
    ...(domain.spread && { spread: domain.spread }),
    unique: Object.fromEntries(
      ((domain.unique ?? []) as readonly UniqueValue<string, unknown>[]).map(
        ({ name, while: states, of }) => [name, { while: states, ...said(() => of(example)) }],
      ),
    ),
    ...(deadlines && { deadlines }),
    create: {
      ...commandOf(domain, domain.create),
      ...(domain.create.internal === true && { internal: true }),
      ...(domain.create.authorize && { authorize: domain.create.authorize }),
    },
    transitions: mapped(domain.transitions, (transition) => transitionOf(domain, transition)),
  };
}

const transitionOf = (domain: Domain, transition: AnyTransition): TransitionSnapshot => ({
  from: transition.from,
  to: transition.to,
  internal: transition.internal === true,
  ignoredIn: transition.ignoredIn ?? [],
  ...commandOf(domain, transition),
  authorize: transition.authorize ?? {},
});

const commandOf = (
  domain: Domain,
  { input, role, messages = [], links = {}, creates = {} }: AnyCommand,
): CommandSnapshot => ({
  input: fieldsOf(input, 'input'),
  ...(role !== undefined && { role }),
  messages: messages.map(headOf),
  links: mapped(links, (link) => ({
    ...otherOf(domain, link),
    transition: link.transition,
    ...(link.refused && { refused: link.refused.code }),
  })),
  creates: mapped(creates, (creation) => otherOf(domain, creation)),
});

const otherOf = (domain: Domain, other: Pick<AnyOther, 'of'>): OtherSnapshot => ({
  collection: collectionOf(domain, other),
  atMost: othersAtMost(other),
});

const headOf = (message: AnyMessage): MessageHead =>
  Object.fromEntries(
    Object.entries(message).filter(([name]) => name !== 'payload'),
  ) as unknown as MessageHead;

const mapped = <T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));

/** What a function says of the example; nothing where it can make nothing of it. */
function said(ask: () => unknown): { readonly example?: unknown } {
  try {
    const example = ask();
    return example === undefined || Number.isNaN(example) ? {} : { example };
  } catch {
    return {};
  }
}

/** @param io a field with a default is required of what is stored, and not of what is sent */
function fieldsOf(object: z.ZodObject | undefined, io: 'input' | 'output'): Fields {
  if (!object) return {};
  const secrets = secretFields(object);
  const { properties = {}, required = [] } = jsonSchema(object, io);
  return Object.fromEntries(
    Object.entries(properties as Record<string, FieldSchema>).map(([name, schema]) => [
      name,
      {
        required: (required as string[]).includes(name),
        schema: withoutProse(schema),
        ...(secrets.has(name) && { secret: true as const }),
      },
    ]),
  );
}

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' });

/** Words for people bind nobody. */
function withoutProse(schema: FieldSchema): FieldSchema {
  const prose = new Set(['$schema', 'description', 'examples', 'title', 'x-secret']);
  if (listedElsewhere in schema) prose.add('enum');
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => !prose.has(name))
      .map(([name, value]) => [name, name === 'items' ? withoutProse(value as FieldSchema) : value]),
  );
}

/** The examples that the fields carry. */
function exampleOf(object: z.ZodObject): Record<string, unknown> {
  const { properties = {} } = jsonSchema(object, 'output');
  return Object.fromEntries(
    Object.entries(properties as Record<string, { readonly examples?: readonly unknown[] }>).flatMap(
      ([name, { examples }]) => (examples?.[0] === undefined ? [] : [[name, examples[0]]]),
    ),
  );
}
