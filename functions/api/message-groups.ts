/** `GET /v1/messages/groups`: what is dead, by what it has in common. */
import { groupDeadMessages } from '../store/outbox/dead-groups.ts';
import type { DeadGroup } from '../store/outbox/dead-groups.ts';
import { statePosition } from '../store/outbox/message-items.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { outboxOf } from './outbox-access.ts';
import type { ReadContext } from './queries.ts';

export interface MessageGroups {
  readonly items: readonly DeadGroup[];
  readonly counted: number;
  readonly nextCursor?: string;
}

/** @throws ProblemError 400 for a cursor of another list */
export async function messageGroups(
  context: ReadContext,
  { status, cursor }: { readonly status: 'dead'; readonly cursor?: string },
): Promise<MessageGroups> {
  const { tenant } = context;
  const list = [tenant, 'message groups', status];
  const after = cursor === undefined ? undefined : decodeCursor(list, cursor, statePosition);
  const { groups, counted, position } = await groupDeadMessages(outboxOf(context), tenant, after);
  return {
    items: groups,
    counted,
    ...(position !== undefined && { nextCursor: encodeCursor(list, position) }),
  };
}
