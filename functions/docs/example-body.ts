/** Examples of request bodies, made from the `examples` that the fields of a schema carry. */
import { z } from 'zod';
import type { Domain } from '../core/definition.ts';
import { secretFields } from '../core/fields.ts';

export type ExampleBody = Readonly<Record<string, unknown>>;

interface FieldSchema {
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
}

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
      const { examples, default: byDefault } = property as FieldSchema;
      const value = examples?.[0] ?? byDefault;
      if (value !== undefined) return [[name, value]];
      if (required.includes(name)) throw new Error(`the field "${name}" of a request has no example`);
      return [];
    }),
  );
}

/** The random part of every id in the examples; a second entity of one collection ends in another letter. */
const exampleUlid = '01JD2X5T9ZK4M8Q7W6V5B3N2H';

export const exampleId = ({ idPrefix }: Domain): string => `${idPrefix}_${exampleUlid}C`;
const secondExampleId = ({ idPrefix }: Domain): string => `${idPrefix}_${exampleUlid}D`;

/** The ids of entities that a body names, at any depth. */
export function idsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return /^[a-z]{2,5}_[0-9A-HJKMNP-TV-Z]{26}$/.test(value) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(idsIn);
}

/** The entity an example is about: not the one its body names, where it names another of the same collection. */
export const subjectId = (domain: Domain, body: ExampleBody | undefined): string =>
  idsIn(body).includes(exampleId(domain)) ? secondExampleId(domain) : exampleId(domain);

/** What the examples take for a secret that the server draws: the example of the field it is sent back in. */
export function exampleSecret({ transitions }: Domain): string {
  const secrets = Object.values(transitions).flatMap(({ input }) => {
    if (!input) return [];
    const body = exampleBody(input);
    return [...secretFields(input)].map((field) => body[field]);
  });
  return secrets.find((value) => typeof value === 'string') ?? 'AAECAwQFBgcICQoLDA0ODw';
}
