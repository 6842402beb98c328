/** The payload of each topic, as its worker accepts it. What does not fit is dead at once. */
import * as z from 'zod';
import type { MessageItem } from '../store/outbox/message-items.ts';

export const notificationPayload = z.object({
  /** An address, or a name that becomes a mailbox at the sender's domain. */
  to: z.string().min(1),
  subject: z.string(),
  text: z.string(),
});
export type NotificationPayload = z.output<typeof notificationPayload>;

export const externalCallPayload = z.object({
  type: z.string().min(1),
  data: z.record(z.string(), z.unknown()),
});

export const reportPayload = z.object({
  title: z.string(),
  columns: z.array(z.string()).min(1),
  rows: z.array(z.array(z.union([z.string(), z.number()]))),
});

export const llmPayload = z.object({ task: z.literal('summary'), title: z.string(), text: z.string() });

/** @returns `undefined` where the payload is missing, no JSON, or of another shape. */
export function readPayload<T>(schema: z.ZodType<T>, { payload }: MessageItem): T | undefined {
  if (payload === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}
