/** A tenant's dead messages, part by part: what groups and redrives are made of. */
import type { LetterMatch } from '../../core/redrive-run.ts';
import { readByKey } from '../batches.ts';
import { groupPages } from './message-groups.ts';
import { messagePartition } from './message-items.ts';
import type { MessageItem } from './message-items.ts';
import type { OutboxAccess } from './message-writes.ts';

/** When a message died, epoch milliseconds. */
export const diedAt = ({ letter, lastError, createdAt }: MessageItem): number =>
  letter?.diedAt ?? Date.parse(lastError?.at ?? createdAt);

/** Whether a message may have acted and must never be called again by itself: it is resolved, not redriven. */
export const isHeld = ({ onUncertain, unsettled = 0 }: MessageItem): boolean =>
  onUncertain === 'hold' && unsettled > 0;

export function isMatched(
  item: MessageItem,
  { topic, type, code, since, until, entity }: LetterMatch,
): boolean {
  const died = diedAt(item);
  return (
    item.status === 'dead' &&
    (topic === undefined || item.topic === topic) &&
    (type === undefined || item.type === type) &&
    (code === undefined || item.lastError?.code === code) &&
    (since === undefined || died >= Date.parse(since)) &&
    (until === undefined || died <= Date.parse(until)) &&
    (entity === undefined || item.entity === entity)
  );
}

export interface LetterPart {
  readonly messages: readonly MessageItem[];
  /** Entries of the index that were looked at. */
  readonly evaluated: number;
  /** The place to go on from; none where all were looked at. */
  readonly position: string | undefined;
}

/**
 * Dead messages in the order in which they were created, as they are now. The index may be a moment behind.
 * @param after the `position` of a part before
 */
export async function* readDeadLetters(
  access: OutboxAccess,
  tenant: string,
  match: LetterMatch,
  after?: string,
): AsyncGenerator<LetterPart> {
  const partition = match.entity === undefined ? undefined : messagePartition(tenant, match.entity);
  const pages = groupPages(access, {
    tenant,
    group: 'dead',
    topic: match.topic,
    newestFirst: false,
    after,
  });
  for await (const { entries, evaluated, position } of pages) {
    // Whose message it is stands in its key, so that those of others are not read.
    const keys = entries.filter(({ pk }) => partition === undefined || pk === partition);
    const items = await readByKey<MessageItem>(access.client, access.table, keys, access.deadline?.signal);
    const byOrder = items.filter((item) => isMatched(item, match)).sort(inOrder);
    yield { messages: byOrder, evaluated, position };
  }
}

const inOrder = (one: MessageItem, other: MessageItem): number => (one.stateSk < other.stateSk ? -1 : 1);
