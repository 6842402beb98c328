/** What lies in the queues: references to records, never their contents. Sender and worker share these shapes. */
import { createHash, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { topics } from '../runtime/topics.ts';
import type { Outgoing } from './send.ts';

/** Names reach keys by percent-encoding, which only takes well-formed text. */
const wellFormed = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.isWellFormed());

const count = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const traceparent = z.string().regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);

/** A message of the outbox that is to be worked off. */
export const messageReference = z.object({
  id: wellFormed,
  tenant: wellFormed,
  topic: z.enum(topics),
  run: count,
  /**
   * Made anew for each send, so that a dead letter that is moved back is told from a copy that was sent late. The
   * version before has sent none, and what is malformed is none.
   */
  copy: z.string().min(1).max(64).optional().catch(undefined),
  // A trace that is malformed is not worth a dead letter.
  traceparent: traceparent.optional().catch(undefined),
});
export type MessageReference = z.output<typeof messageReference>;

/** A transition that happens by itself. */
export const timerReference = z.object({
  entity: wellFormed,
  collection: wellFormed,
  tenant: wellFormed,
  transition: wellFormed,
  /** Epoch milliseconds. */
  dueAt: z.number().int().nonnegative().max(8.64e15),
});
export type TimerReference = z.output<typeof timerReference>;

/** @returns the reference, or `undefined` where the body is anything else. Never throws. */
export function parseBody<T>(schema: z.ZodType<T>, body: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/**
 * Fair queues: a group that fills a queue delays the others least. A group id is 1 to 128 printable ASCII
 * characters, which a tenant's name need not be.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export const messageGroup = (tenant: string): string =>
  /^[!-~]{1,128}$/.test(tenant) ? tenant : createHash('sha256').update(tenant).digest('hex');

/** A reference as it is sent: each try is a copy of its own. */
export const referenceMessage = (reference: MessageReference): Outgoing => ({
  body: () => JSON.stringify({ ...reference, copy: randomUUID() }),
  group: messageGroup(reference.tenant),
  traceparent: reference.traceparent,
});
