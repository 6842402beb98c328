/** What is explained, in the format that `npm run explain -- --requests file.json` reads. */
import { z } from 'zod';

/**
 * A request, or what no request asks for; the second half of the list below stands in `events.ts`.
 *
 *     GET /v1/payments/{id}                `POST` with a `body`, and a key of its own
 *     ANSWER done {id} payment.capture     a worker's delivery of a message, whose receiver says `done`, `refused` or
 *                                          `undeliverable`
 *     DEADLINE expire {id}                 time passes until a deadline has come; what follows in this run is later
 *     RELAY {id} payment.capture           a message goes to its queue
 *     LIST payments payer alice            the stream lists the newest payments by an attribute
 *     SWEEP messages                       the sweeper looks for open messages, or for due `timers`
 *
 * `{id}` stands for the entity created last, `{name}` for the id of what an earlier step saved as `name`, and
 * `{name.field}` for one of its fields.
 */
const request = z
  .string()
  .regex(
    /^(?:(?:GET|POST) \/\S*|(?:ANSWER|DEADLINE|RELAY|LIST|SWEEP)(?: \S+)+)$/,
    'is a method and a path, e.g. "GET /v1/payments", or an event',
  );

const step = z.strictObject({
  request,
  as: z.string().optional(),
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
  /** The route of its name, where it is not given. */
  request: request.optional(),
  /** Each run has a tenant of its own, in which no unique value is taken yet. */
  isApart: z.boolean().optional(),
  /** Sent before each run. A step that is no more than its request is written as that. */
  before: z
    .array(z.union([request, step]))
    .readonly()
    .optional(),
});

export const requestCases = z.array(requestCase);
export type Step = Readonly<z.infer<typeof step>>;
export type Case = Readonly<z.infer<typeof requestCase>>;
/** As `before` has it. */
export type WrittenStep = Step | string;

/** Without what is special about the request. */
export const routeOf = ({ name }: Pick<Case, 'name'>): string => name.replace(/ \(.*$/, '');

/** What is measured of it. */
export const stepOfCase = (one: Case): Step => ({ ...one, request: one.request ?? routeOf(one) });

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
