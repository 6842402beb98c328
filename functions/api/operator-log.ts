/** The operator's log: who redrove, resolved, began and stopped, when and why. */
import { monotonicFactory } from 'ulid';
import type { Operation } from '../core/operation.ts';
import { timestamp } from '../runtime/clock.ts';
import { listOperations } from '../store/operations/log.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Page, PageRequest, ReadContext } from './queries.ts';

/** Who asks, and in which request. */
export interface Operator {
  readonly subject: string;
  readonly requestId: string;
}

const nextUlid = monotonicFactory();

/** An entry of now. */
export function operationOf(
  { backend: { clock }, tenant }: Pick<ReadContext, 'backend' | 'tenant'>,
  { subject, requestId }: Operator,
  what: Omit<Operation, 'id' | 'tenant' | 'by' | 'at' | 'requestId'>,
): Operation {
  const now = clock.now();
  return { id: `op_${nextUlid(now)}`, tenant, by: subject, at: timestamp(now), requestId, ...what };
}

export type OperationView = Omit<Operation, 'tenant'>;

function view({
  id,
  operation,
  by,
  at,
  requestId,
  message,
  run,
  match,
  outcome,
  note,
}: Operation): OperationView {
  return { id, operation, by, at, requestId, message, run, match, outcome, note };
}

/** Newest first. */
export async function listOperatorLog(
  { backend: { store }, tenant, deadline }: ReadContext,
  { limit, cursor }: PageRequest,
): Promise<Page<OperationView>> {
  const list = [tenant, 'operations'];
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor, operationId);
  const page = await listOperations(store, tenant, { limit, before }, deadline.signal);
  const last = page.operations.at(-1);
  return {
    items: page.operations.map(view),
    ...(!page.isComplete && last && { nextCursor: encodeCursor(list, last.id) }),
  };
}

const operationId = /^op_[0-9A-HJKMNP-TV-Z]{26}$/;
