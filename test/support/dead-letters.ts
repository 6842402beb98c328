/** Dead letters as their workers leave them, written many at once. */
import pMap from 'p-map';
import { ulid } from 'ulid';
import { putAll } from '../../functions/store/batches.ts';
import { indexedAs, messageItem } from '../../functions/store/outbox/message-items.ts';
import type { MessageItem, NewMessage } from '../../functions/store/outbox/message-items.ts';
import type { Store } from '../../functions/store/store.ts';

export interface DeadLetterOptions extends Partial<NewMessage> {
  /** Of its last error. */
  readonly code?: string;
  /** Epoch milliseconds: when it was created; it died a minute later. */
  readonly at?: number;
}

/** The beginning of the tests' year, epoch milliseconds. */
export const startOfYear = Date.parse('2026-01-01T00:00:00Z');
export const dyingMs = 60_000;

/** A dead letter, not written. */
export function deadLetter({ code = '503', at = startOfYear, ...message }: DeadLetterOptions): MessageItem {
  const diedAt = at + dyingMs;
  const item = messageItem({
    tenant: 'acme',
    entityId: `pay_${ulid()}`,
    collection: 'payments',
    seq: 2,
    n: 0,
    type: 'payment.receipt',
    topic: 'notification',
    payload: { to: 'alice@example.com' },
    createdAt: new Date(at).toISOString(),
    ...message,
  });
  const dead: MessageItem = {
    ...item,
    ...indexedAs(item, 'dead'),
    status: 'dead',
    attempts: 5,
    died: { code, at: diedAt },
    letter: { copy: 'copy', sqsMessageId: 'one', diedAt },
    lastError: { code, reason: `The receiver answered ${code}.`, at: new Date(diedAt).toISOString() },
  };
  // It has left the index of those that are open.
  return Object.fromEntries(
    Object.entries(dead).filter(([name]) => name !== 'openPk'),
  ) as unknown as MessageItem;
}

export async function putLetters(
  { client, tables }: Pick<Store, 'client' | 'tables'>,
  letters: readonly MessageItem[],
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(letters.length / 25) }, (_, at) =>
    letters.slice(at * 25, at * 25 + 25),
  );
  await pMap(
    batches,
    (batch) =>
      putAll(
        client,
        tables.outbox,
        batch.map((letter) => ({ ...letter })),
      ),
    // More at once than it has processors only makes each of them wait for longer.
    { concurrency: 2 },
  );
}

/** Puts so many, a millisecond apart. */
export async function putDeadLetters(
  store: Pick<Store, 'client' | 'tables'>,
  count: number,
  { at = startOfYear, ...options }: DeadLetterOptions = {},
): Promise<readonly MessageItem[]> {
  const letters = Array.from({ length: count }, (_, index) => deadLetter({ ...options, at: at + index }));
  await putLetters(store, letters);
  return letters;
}
