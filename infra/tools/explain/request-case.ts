/** What is explained, in the format that `npm run explain -- --requests file.json` reads. */
import { z } from 'zod';

/**
 * A step is a request, or what no request asks for; the second half of the list below stands in `events.ts`.
 *
 *     GET /v1/payments/{it}                `POST` with a `body`, and a key of its own
 *     ANSWER done {it} payment.capture     a worker's delivery of a message, whose receiver says `done`, `refused` or
 *                                          `undeliverable`
 *     DEADLINE expire {it}                 time passes until a deadline has come; what follows in this run is later
 *     RELAY {it} payment.capture           a message goes to its queue
 *     LIST payments payer alice            the stream lists the newest payments by an attribute
 *     SWEEP messages                       the sweeper looks for open messages, or for due `timers`
 *
 * `{name}` stands for the id of what an earlier step saved as `name`, `{name.field}` for one of its fields, and
 * `{unique}` for a value that nobody has.
 */
const step = z.strictObject({
  as: z.string().optional(),
  request: z
    .string()
    .regex(
      /^(?:(?:GET|POST) \/\S*|(?:ANSWER|DEADLINE|RELAY|LIST|SWEEP)(?: \S+)+)$/,
      'is a method and a path, e.g. "GET /v1/payments", or an event',
    ),
  body: z.unknown().optional(),
  /** The token's subject. */
  subject: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  /** Sent before the first run alone. What all runs then share can be a hot key. */
  once: z.boolean().optional(),
});

/** The step that is measured, and what comes before it. */
const requestCase = step.extend({
  /** The route, and in parentheses what is special about the request. */
  name: z.string(),
  /** Each run has a tenant of its own, in which no unique value is taken yet. */
  isApart: z.boolean().optional(),
  /** Sent before each run. */
  before: z.array(step).readonly().optional(),
});

export const requestCases = z.array(requestCase);
export type Step = Readonly<z.infer<typeof step>>;
export type Case = Readonly<z.infer<typeof requestCase>>;

/** Without what is special about the request. */
export const routeOf = ({ name }: Pick<Case, 'name'>): string => name.replace(/ \(.*$/, '');

/** Names that the price list looks for. */
export const jobNames = {
  relay: 'relay: one message',
  plainDelivery: 'worker: one message',
  timer: 'timer: a hold that runs out',
} as const;

/** The case of an answer that brings a transition about. @param done e.g. `payments/captured` */
export const answerName = (done: string): string => `ANSWER /v1/${done.replace('/', '/{id}/')}`;

/** @returns the collection and the transition, where a case has such a name */
export const doneOf = (name: string): string | undefined =>
  /^ANSWER \/v1\/(.*)$/.exec(name)?.[1]?.replace('/{id}/', '/');
