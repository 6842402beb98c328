/** Messages of a command, and their deliveries, where a test has no command. */
import { ulid } from 'ulid';
import { timestamp } from '../../functions/runtime/clock.ts';
import { messageItem } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem, NewMessage } from '../../functions/store/outbox/message-items.ts';
import type { Delivery } from '../../functions/store/outbox/messages.ts';

/** A message of a payment, not written. @param now epoch milliseconds */
export const madeMessage = (now: number, message: Partial<NewMessage> = {}): MessageItem =>
  messageItem({
    tenant: 'acme',
    entityId: `pay_${ulid()}`,
    collection: 'payments',
    seq: 2,
    n: 0,
    type: 'payment.confirmed',
    topic: 'external-call',
    payload: { type: 'payment.confirmed', data: { amount: 1250 } },
    createdAt: timestamp(now),
    ...message,
  });

/** The first delivery of a message's run. */
export const deliveryOf = ({ id, tenant, run }: MessageItem): Delivery => ({
  id,
  tenant,
  run,
  copy: 'copy',
  sqsMessageId: 'one',
  wasDeadLetter: false,
});
