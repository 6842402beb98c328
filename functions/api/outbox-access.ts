import type { OutboxAccess } from '../store/outbox/message-writes.ts';
import type { ReadContext } from './queries.ts';

/** The outbox, for as long as a request has time. */
export const outboxOf = ({ backend: { store, clock }, deadline }: ReadContext): OutboxAccess => ({
  client: store.client,
  table: store.tables.outbox,
  clock,
  deadline,
});
