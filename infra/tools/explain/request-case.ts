/** Requests to be explained, in the format that `npm run explain -- --requests file.json` reads. */
import { z } from 'zod';

/**
 * `{name}` stands for the id of what an earlier step saved as `name`, `{name.field}` for one of its fields. A step may
 * also be what a receiver says of a message of an entity, `ANSWER done {it} payment.capture`, or time that passes until a
 * deadline has come, `DEADLINE expire {it}`: what comes after it in this run is later by that.
 */
const step = z.strictObject({
  as: z.string().optional(),
  request: z
    .string()
    .regex(
      /^(?:(?:GET|POST) \/\S*|ANSWER (?:done|refused) \S+ \S+|DEADLINE \S+ \S+)$/,
      'is a method and a path, e.g. "GET /v1/payments"',
    ),
  body: z.unknown().optional(),
  /** The token's subject. */
  subject: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  /** Sent before the first run alone. What all runs then share can be a hot key. */
  once: z.boolean().optional(),
});

const requestCase = z.strictObject({
  /** The route, and in parentheses what is special about the request. */
  name: z.string(),
  /** Each run has a tenant of its own, in which no unique value is taken yet. */
  isApart: z.boolean().optional(),
  /** Sent before each run. */
  before: z.array(step).readonly().optional(),
  request: step,
});

export const requestCases = z.array(requestCase);
export type Step = Readonly<z.infer<typeof step>>;
export type RequestCase = Readonly<z.infer<typeof requestCase>>;
