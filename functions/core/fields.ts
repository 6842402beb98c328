/**
 * The field types of definitions: each is a zod schema that carries its limits, its JSON Schema and an example,
 * so that request checking, OpenAPI and conformance tests read the same source.
 */
import * as z from 'zod';
import { field } from '../runtime/limits.ts';
import { monthsLater } from './recurrence.ts';

/** What fields hold that stand by their names in a definition. */
export type Values<Fields extends z.ZodRawShape> = z.output<z.ZodObject<Fields, z.core.$strict>>;

// JSON.parse lets lone surrogates through; DynamoDB and UTF-8 cannot carry them.
const isWellFormed = (value: string): boolean => value.isWellFormed();
// C0 controls, DEL and C1 controls.
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;
// The same without line feed and carriage return.
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const controlCharacterInProse = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

function boundedString(maxCharacters: number, forbidden: RegExp): z.ZodString {
  return z
    .string()
    .refine(isWellFormed, { error: 'must be well-formed Unicode', abort: true })
    .refine((value) => !forbidden.test(value), { error: 'must not contain control characters', abort: true })
    .refine((value) => value.length > 0 && codePoints(value) <= maxCharacters, {
      error: `must be 1 to ${maxCharacters} characters`,
    })
    .meta({ minLength: 1, maxLength: maxCharacters });
}

/** Characters are counted as code points, as JSON Schema's `maxLength` counts them (RFC 8259). */
const codePoints = (value: string): number => Array.from(value).length;

/** One line of text, 1 to 256 characters unless told. */
export const text = (example: string, maxCharacters: number = field.textMaxCharacters) =>
  boundedString(maxCharacters, controlCharacter).meta({
    examples: [example],
    minLength: 1,
    maxLength: maxCharacters,
    pattern: String.raw`^[^\u0000-\u001f\u007f-\u009f]*$`,
  });

/** Text that is there once something has said it, e.g. why a charge was refused; any length and form. */
export const remark = (description: string) => z.string().optional().meta({ description });

/** A title, 1 to 500 characters. */
export const title = (example: string) => text(example, field.titleMaxCharacters);

/** Prose with line breaks, 1 to 20,000 characters. */
export const prose = (example: string) =>
  boundedString(field.longTextMaxCharacters, controlCharacterInProse).meta({
    examples: [example],
    minLength: 1,
    maxLength: field.longTextMaxCharacters,
    pattern: String.raw`^[^\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]*$`,
  });

/** A whole number between bounds, both included. */
export const integer = (minimum: number, maximum: number, example: number) =>
  z
    .int()
    .min(minimum)
    .max(maximum)
    .meta({ examples: [example] });

/** An amount in minor units (cents, points), 1 to 1,000,000,000,000. */
export const amount = (example = 1_250) => integer(1, field.amountMax, example);

/** A counter an entity shows: any exact integer that is not negative. */
export const count = (example = 0) => integer(0, Number.MAX_SAFE_INTEGER, example);

// ISO 4217 codes as the runtime's CLDR data knows them, so that the list is kept by Unicode and not by us.
const currencies = Intl.supportedValuesOf('currency');

/** Metadata key of fields whose values somebody else lists: another runtime knows a few more, or fewer. */
export const listedElsewhere = 'x-listed-by';

/** An ISO 4217 currency code in capitals. */
export const currency = (example = 'EUR') =>
  z
    .enum(currencies, { error: 'must be an ISO 4217 currency code in capitals' })
    .meta({ examples: [example], description: 'ISO 4217, in capitals.', [listedElsewhere]: 'ISO 4217' });

// RFC 5321 bounds an address at 254 characters; zod's own pattern checks the form.
/** An e-mail address. */
export const email = (example = 'ada@example.com') =>
  z
    .email()
    .max(254)
    .meta({ examples: [example] });

/** A list without duplicates. */
export const list = <T extends z.ZodType>(
  entry: T,
  minimum: number,
  maximum: number,
  example: z.infer<T>[],
) =>
  z
    .array(entry)
    .min(minimum)
    .max(maximum)
    .refine((values) => new Set(values).size === values.length, { error: 'must not contain duplicates' })
    .meta({ examples: [example], uniqueItems: true });

/** A moment, RFC 3339 in UTC. It is stored with milliseconds, however it was written, so that one moment is one text. */
export const moment = () =>
  z.iso
    .datetime()
    // It is called for what is no moment, too, which has been refused by then.
    .overwrite((text) => (Number.isNaN(Date.parse(text)) ? text : new Date(text).toISOString()))
    .meta({ examples: ['2026-01-01T12:00:00.000Z'] });

/** How much later; years and months by the UTC calendar, whose short months end with their last day. */
interface Span {
  readonly years?: number;
  readonly months?: number;
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
}

/**
 * A moment as such a field holds it.
 * @param from epoch milliseconds, or what such a field holds
 */
export const later = (
  from: number | string,
  { years = 0, months = 0, days = 0, hours = 0, minutes = 0, seconds = 0 }: Span = {},
): string => {
  const start = monthsLater(typeof from === 'string' ? Date.parse(from) : from, years * 12 + months);
  return new Date(start + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000).toISOString();
};

/** The id of an entity of another collection; whether it exists is for the command's rules to say. */
export const reference = (collection: string, idPrefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${idPrefix}_[0-9A-HJKMNP-TV-Z]{26}$`), { error: `must be an id of ${collection}` })
    .meta({ examples: [`${idPrefix}_01JD2X5T9ZK4M8Q7W6V5B3N2HC`] });

/** Metadata key of fields that never reach a ledger, a log or a response. */
const secretKey = 'x-secret';

/** Marks a field that is used and then forgotten: it never reaches a ledger, a log or a response. */
export const secret = <T extends z.ZodType>(schema: T): T =>
  schema.meta({ ...schema.meta(), [secretKey]: true });

/** The names of an input's secret fields. */
export function secretFields(input: z.ZodObject): ReadonlySet<string> {
  const names = Object.entries(input.shape).filter(([, schema]) => isSecret(schema));
  return new Set(names.map(([name]) => name));
}

function isSecret(schema: unknown): boolean {
  return schema instanceof z.ZodType && schema.meta()?.[secretKey] === true;
}
