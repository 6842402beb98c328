/** Inputs made from a schema alone: the example its fields carry, and values on both sides of each bound. */
import { z } from 'zod';
import { exampleOfField } from '../../functions/core/examples.ts';

/** A field as JSON Schema tells it; what a definition's field types use of it. */
export interface FieldSchema {
  readonly type?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly items?: FieldSchema;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
}

export interface Field {
  readonly name: string;
  readonly isRequired: boolean;
  readonly schema: FieldSchema;
}

export type Input = Readonly<Record<string, unknown>>;

/** Which fields an example has: every one, or only those it cannot do without. */
export type Extent = 'every field' | 'required fields';

export function fieldsOf(schema: z.ZodObject | undefined): readonly Field[] {
  if (!schema) return [];
  const json = z.toJSONSchema(schema, { io: 'input' });
  const required = new Set(json.required ?? []);
  return Object.entries(json.properties ?? {}).map(([name, field]) => {
    const example = exampleOfField(field as FieldSchema);
    const schema = { ...(field as FieldSchema), ...(example !== undefined && { examples: [example] }) };
    return { name, isRequired: required.has(name), schema };
  });
}

/** @throws where a field carries no example: documentation would have none either */
export function exampleOf(schema: z.ZodObject | undefined, extent: Extent = 'every field'): Input {
  const fields = fieldsOf(schema).filter(({ isRequired }) => isRequired || extent === 'every field');
  return Object.fromEntries(
    fields.map(({ name, schema: { examples } }) => {
      if (examples?.[0] === undefined) throw new Error(`field "${name}" has no example`);
      return [name, examples[0]];
    }),
  );
}

export interface Variant {
  /** What is unusual about it, for the name of a failure. */
  readonly what: string;
  readonly field: string;
  readonly value: unknown;
}

const padded = (example: unknown, length: number): string =>
  String(example).padEnd(length, 'x').slice(0, length);

/** Values just inside each bound of a field. */
export function insideBounds({ name: field, schema }: Field): readonly Variant[] {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, examples, items } = schema;
  const variants: Variant[] = [];
  const add = (what: string, value: unknown): number => variants.push({ what, field, value });
  if (minimum !== undefined) add('the minimum', minimum);
  if (maximum !== undefined) add('the maximum', maximum);
  if (schema.type === 'string' && minLength !== undefined && maxLength !== undefined) {
    add('the shortest', padded(examples?.[0], minLength));
    add('the longest', padded(examples?.[0], maxLength));
    add('the longest in characters of four bytes', '😀'.repeat(maxLength));
  }
  if (minItems !== undefined) add('the fewest', listOf(items, minItems, examples));
  if (maxItems !== undefined) add('the most', listOf(items, maxItems, examples));
  for (const value of fewOf(schema.enum ?? [])) add(`"${String(value)}"`, value);
  return variants;
}

/** Of a list as long as that of the currencies, its ends. */
const fewOf = (values: readonly unknown[]): readonly unknown[] =>
  values.length > 10 ? [values[0], values.at(-1)] : values;

/** Values just outside each bound of a field, and of other kinds altogether. */
export function outsideBounds({ name: field, schema, isRequired }: Field): readonly Variant[] {
  const { minimum, maximum, maxLength, minItems, maxItems, examples, items, type } = schema;
  const variants: Variant[] = [];
  const add = (what: string, value: unknown): number => variants.push({ what, field, value });
  if (isRequired) add('nothing', undefined);
  add('null', null);
  add('an object', { a: 1 });
  add('a boolean', true);
  if (type === 'integer') {
    if (minimum !== undefined) add('below the minimum', minimum - 1);
    // What is above all exact numbers is no number of a body.
    if (maximum !== undefined && Number.isSafeInteger(maximum + 1)) add('above the maximum', maximum + 1);
    add('a fraction', (minimum ?? 0) + 0.5);
    add('its digits as a string', String(examples?.[0]));
  }
  if (type === 'string') {
    add('a number', 1);
    add('empty', '');
    if (maxLength !== undefined) add('too long', padded(examples?.[0], maxLength + 1));
    add('a control character', `${String(examples?.[0])}\u0000`);
    add('an escape character', `${String(examples?.[0])}\u001b`);
    add('a lone surrogate', `${String(examples?.[0])}\ud800`);
  }
  if (type === 'array') {
    const example = examples?.[0] as unknown[];
    if (minItems !== undefined && minItems > 0) add('too few', []);
    if (maxItems !== undefined) add('too many', listOf(items, maxItems + 1, examples));
    if (schema.uniqueItems === true) add('a duplicate', [...example, example[0]]);
    add('an entry of another kind', [...example, 1]);
  }
  return variants;
}

/** Distinct entries in the form of the example: ids count up in their last digits. Objects are all the same. */
function listOf(
  items: FieldSchema | undefined,
  length: number,
  examples: FieldSchema['examples'],
): unknown[] {
  const [first] = (examples?.[0] ?? items?.examples ?? []) as unknown[];
  if (typeof first !== 'string') return Array.from({ length }, () => first);
  return Array.from({ length }, (_, index) => {
    const digits = String(index).padStart(4, '0');
    return /^[a-z]+_[0-9A-Z]{26}$/.test(first) ? first.slice(0, -4) + digits : `${first}${index}`;
  });
}
