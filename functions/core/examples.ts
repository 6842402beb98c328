/** Examples of commands, from the fields of their inputs and from what the definition says: for documentation and tests. */
import * as z from 'zod';
import { peopleOf } from './authorize.ts';
import { Absent, contextOf, Unread } from './context.ts';
import type { Known } from './context.ts';
import type { Command } from './command.ts';
import type { Domain } from './domain.ts';
import type { EntityState } from './entity.ts';

/** Who sends examples, best prospects first, where the definition does not say. */
export const exampleActors = ['alice', 'bob', 'carol'] as const;

/** Who may send the example of a creation, where the definition does not say: whom it names itself, and the others. */
export function exampleCreators({ create }: Domain, body: ExampleBody): readonly string[] {
  const named = Object.values(create.authorize ?? {}).flatMap((each) => peopleOf(each, (path) => body[path]));
  return [...new Set([...named, ...exampleActors])];
}

/** When examples are sent, where no clock says it: a document is the same whenever it is made. Epoch milliseconds. */
export const exampleNow = Date.parse('2026-01-01T12:00:00.000Z');

export type ExampleBody = Readonly<Record<string, unknown>>;

interface FieldSchema {
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
}

/** What is sent for a field, as JSON Schema tells it; `undefined` where nothing says it. */
export const exampleOfField = ({ examples, default: byDefault, enum: choices }: FieldSchema): unknown =>
  examples?.[0] ?? byDefault ?? choices?.[0];

/**
 * One body with every field, the optional ones too.
 * @throws (a defect of the definition) naming a required field that has no example
 */
export function exampleBody(schema: z.ZodObject): ExampleBody {
  const known = bodies.get(schema);
  if (known) return known;
  const body = bodyFrom(schema);
  bodies.set(schema, body);
  return body;
}

/** The search for an order of the examples asks for the same few bodies again and again. */
const bodies = new WeakMap<z.ZodObject, ExampleBody>();

function bodyFrom(schema: z.ZodObject): ExampleBody {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' });
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, property]): [string, unknown][] => {
      const value = exampleOfField(property as FieldSchema);
      if (value !== undefined) return [[name, value]];
      if (required.includes(name)) throw new Error(`the field "${name}" of a request has no example`);
      return [];
    }),
  );
}

/** The names of the fields that it would leave out, or miss. */
export function fieldsWithoutExample(schema: z.ZodObject): readonly string[] {
  const fields = Object.entries(z.toJSONSchema(schema, { io: 'input' }).properties ?? {});
  return fields
    .filter(([, field]) => exampleOfField(field as FieldSchema) === undefined)
    .map(([name]) => name);
}

export interface SaidExample {
  /** In the place of what the fields say. */
  readonly input: ExampleBody;
  readonly actor?: string;
  readonly roles?: readonly string[];
}

/**
 * @param command with the examples of its fields as its input
 * @param entity absent where it is created
 * @returns `undefined` where it follows from an entity that has not been read or is not there
 */
export function saidExample(
  command: Command,
  entity: EntityState | undefined,
  known: Known,
): SaidExample | undefined {
  const { domain, name } = command;
  const { example = {} } = domain.transitions[name] ?? domain.create;
  const { input, actor, roles } = example;
  const context = contextOf(command, entity, known);
  if (entity) Object.defineProperty(context, 'entity', { value: shown(entity) });
  try {
    return {
      input: { ...input?.(context) },
      ...(actor && { actor: actor(context) }),
      ...(roles && { roles }),
    };
  } catch (error) {
    if (error instanceof Unread || error instanceof Absent) return undefined;
    throw error;
  }
}

/** With its balances, on which a decision cannot rely. */
const shown = ({ attributes, balances, status }: EntityState): object => ({
  ...attributes,
  ...balances,
  status,
});

/** Collection and transition of a step before an example: its own, where it names no other. */
export function partsOfStep({ collection }: Pick<Domain, 'collection'>, step: string): [string, string] {
  const slash = step.indexOf('/');
  return slash < 0 ? [collection, step] : [step.slice(0, slash), step.slice(slash + 1)];
}
