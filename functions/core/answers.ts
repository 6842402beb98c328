/**
 * What an answer tells the transition that it brings about: one shape a topic and outcome, so that a definition says
 * `input: answers.call.done` and is typed by its receiver.
 */
import * as z from 'zod';
import type { Topic } from '../runtime/topics.ts';

/** What a receiver said stays text: it is written as it came, and read by who knows the receiver. */
const callDone = z.object({
  /** The HTTP status; a callback, an inquiry and an operator have none. */
  status: z
    .int()
    .optional()
    .meta({ examples: [200] }),
  /** The body of the answer, or the `result` of a callback, an inquiry or an operator as JSON. Its beginning, if long. */
  body: z
    .string()
    .default('')
    .meta({ examples: ['{"reference":"ch_1"}'] }),
  truncated: z.boolean().optional(),
});

const mailDone = z.object({ messageId: z.string().optional(), response: z.string().optional() });

const reportDone = z.object({
  bucket: z.string().meta({ examples: ['reports'] }),
  key: z.string().meta({ examples: ['acme/settlements/stl_01JD2X5T9ZK4M8Q7W6V5B3N2HC/0000000002-00.csv'] }),
  rows: z.int().meta({ examples: [1] }),
});

const summaryDone = z.object({
  text: z.string().meta({ examples: ['It works, every time.'] }),
  inputTokens: z.int().optional(),
  outputTokens: z.int().optional(),
  stopReason: z.string().optional(),
  modelId: z.string().optional(),
  truncated: z.boolean().optional(),
});

const refused = z.object({
  /** Stable: an HTTP status (`402`) or a word. */
  code: z.string().meta({ examples: ['402'] }),
  /** For people. */
  reason: z.string().meta({ examples: ['The receiver answered 402.'] }),
  /** The beginning of what the receiver answered. */
  answer: z.string().optional(),
});

const dead = z.object({
  code: z.string().meta({ examples: ['503'] }),
  reason: z.string().meta({ examples: ['The receiver answered 503.'] }),
  /** Whether the receiver may have acted all the same. */
  uncertain: z.boolean().meta({ examples: [false] }),
});

export const answers = {
  call: { done: callDone, refused, dead },
  mail: { done: mailDone, refused, dead },
  report: { done: reportDone, refused, dead },
  summary: { done: summaryDone, refused, dead },
} as const;

/**
 * A result as it was given by a callback, an inquiry or an operator, in the shape of its topic: what answers a call is
 * text, the others have their fields.
 */
export const reportedResult = (topic: Topic, result: unknown): Readonly<Record<string, unknown>> =>
  topic === 'external-call'
    ? { body: result === undefined ? '' : typeof result === 'string' ? result : JSON.stringify(result) }
    : typeof result === 'object' && result !== null
      ? (result as Readonly<Record<string, unknown>>)
      : {};

/**
 * A text that a receiver's JSON holds under one of these names, whichever comes first; a whole number that is exact in
 * JavaScript is one, too.
 * @returns `undefined` where the answer is no JSON, or holds none of them
 */
export function textIn(body: string, ...names: readonly string[]): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const own = new Map<string, unknown>(Object.entries(parsed));
  return names
    .map((name) => own.get(name))
    .map((value) => (Number.isSafeInteger(value) ? String(value) : value))
    .find((value): value is string => typeof value === 'string' && value !== '');
}

/** Why a receiver said no: in its own words, where its answer has some. */
export const reasonOf = ({
  reason,
  answer = '',
}: {
  readonly reason: string;
  readonly answer?: string | undefined;
}): string => textIn(answer, 'reason', 'message', 'detail', 'error') ?? reason;
