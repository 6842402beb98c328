/** From the bytes of a body to checked values. Any byte sequence ends in a value or in a 4xx (guarantee G14). */
import { isSafeNumber, parse } from 'lossless-json';
import type { z } from 'zod';
import { request as limits } from '../runtime/limits.ts';
import { ProblemError } from './problem.ts';
import type { Problem } from './problem.ts';

export interface FieldError {
  /** JSON Pointer (RFC 6901) into the body, or the name of a query parameter. */
  readonly path: string;
  readonly message: string;
}

const malformed = (detail: string): ProblemError =>
  new ProblemError({
    status: 400,
    code: 'malformed_json',
    detail,
    members: { errors: [{ path: '', message: 'is not well-formed JSON' }] },
  });

export interface Body {
  /** What was sent, parsed. */
  readonly payload: unknown;
  /** The same as its schema has it. */
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * @param schema absent where the command takes no input. The body may be empty where nothing has to be in it
 * @throws ProblemError 413, 415 or 400
 */
export function readBody(
  bytes: Uint8Array,
  headers: Readonly<Record<string, string | undefined>>,
  schema: z.ZodObject | undefined,
): Body {
  if (bytes.length > limits.bodyMaxBytes) {
    throw new ProblemError({
      status: 413,
      code: 'body_too_large',
      detail: `A body holds at most ${limits.bodyMaxBytes} bytes.`,
    });
  }
  // One that has nothing to say may be left out.
  const ofNothing = bytes.length === 0 ? (schema?.safeParse({}) ?? { data: {} }) : {};
  if (ofNothing.data !== undefined) return { payload: {}, input: ofNothing.data };
  // Compressed, a body of 64 KiB would hold many times that.
  if (!/^(?:identity)?$/i.test(headers['content-encoding'] ?? '')) {
    throw unsupported('A body is sent as it is, without a Content-Encoding.', {
      'accept-encoding': 'identity',
    });
  }
  if (!isJson(headers['content-type'])) throw unsupported('The body must be application/json in UTF-8.');
  const payload = parseJson(bytes);
  if (schema) return { payload, input: checked(schema, payload, fields) };
  if (isObject(payload) && Object.keys(payload).length === 0) return { payload, input: {} };
  throw invalid([{ path: '', message: 'must be an empty object: this command takes no input' }]);
}

const unsupported = (detail: string, headers: Problem['headers'] = {}): ProblemError =>
  new ProblemError({ status: 415, code: 'unsupported_media_type', detail, headers });

/** How a place in what was sent is named, and what one is called that the schema does not know. */
interface Naming {
  readonly nameOf: (segments: readonly PropertyKey[]) => string;
  readonly unknown: string;
}
const fields: Naming = {
  nameOf: (segments) => segments.map((segment) => `/${pointer(String(segment))}`).join(''),
  unknown: 'is not a known field',
};
/** Parameters do not nest. */
const parameters: Naming = {
  nameOf: ([name = '']) => shown(String(name)),
  unknown: 'is not a known parameter',
};

/** @throws ProblemError 400 with the places that break the schema */
function checked(
  schema: z.ZodObject,
  value: unknown,
  { nameOf, unknown }: Naming,
): Readonly<Record<string, unknown>> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.flatMap((issue) => {
      if (issue.code !== 'unrecognized_keys') return [{ path: nameOf(issue.path), message: issue.message }];
      return issue.keys.map((key) => ({ path: nameOf([...issue.path, key]), message: unknown }));
    }),
  );
}

/**
 * @param query every value of every parameter; one that is given twice says two things, so it is refused
 * @throws ProblemError 400 with the parameters that break the schema
 */
export function checkedQuery(
  schema: z.ZodObject,
  query: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, unknown>> {
  const parametersSent = Object.entries(query);
  const repeated = parametersSent.filter(([, values]) => values.length > 1);
  if (repeated.length > 0) {
    throw invalid(repeated.map(([name]) => ({ path: shown(name), message: 'is given more than once' })));
  }
  return checked(
    schema,
    Object.fromEntries(parametersSent.map(([name, [value]]) => [name, value])),
    parameters,
  );
}

/** The first places by name, and how many there are beyond them. */
function invalid(all: readonly FieldError[]): ProblemError {
  const errors = all.slice(0, limits.errorsMax);
  const moreErrors = all.length - errors.length;
  return new ProblemError({
    status: 400,
    code: 'invalid_request',
    detail: 'The request breaks its schema.',
    members: { errors, ...(moreErrors > 0 && { moreErrors }) },
  });
}

/** A name may be hostile; what is echoed of it is well-formed and short. */
const shown = (name: string): string => name.toWellFormed().slice(0, 100);
const pointer = (segment: string): string => shown(segment).replaceAll('~', '~0').replaceAll('/', '~1');

function isJson(contentType: string | undefined): boolean {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const charset = parameters
    .map((parameter) => parameter.trim())
    .find((parameter) => parameter.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  return type.trim() === 'application/json' && isUtf8;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return parse(text, undefined, { parseNumber: exactNumber });
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    // Bytes that are no UTF-8, bad syntax, a field twice with two values, or nesting deeper than the stack.
    throw malformed('The body is not well-formed JSON.');
  }
}

/** A number that JavaScript would round is refused, not rounded. */
function exactNumber(text: string): number {
  if (!isSafeNumber(text)) throw malformed('A number of the body is too large or too precise.');
  return Number(text);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
