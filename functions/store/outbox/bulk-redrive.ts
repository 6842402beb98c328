/** The bulk redrive: a walk through a tenant's dead messages of one topic, as far as a call has time. */
import { delivery } from '../../runtime/delivery-limits.ts';
import type { Topic } from '../../runtime/topics.ts';
import { deadPages, isHeld } from './dead-letters.ts';
import { timeForMore } from './message-groups.ts';
import { toldByPlace } from './message-items.ts';
import type { OutboxAccess } from './message-writes.ts';
import { redriveMessage } from './messages.ts';

export interface BulkRedriven {
  /** Messages whose next run has begun. */
  readonly count: number;
  /** Whether all dead messages of the topic were looked at. */
  readonly isComplete: boolean;
}

/**
 * Begins the next run of a tenant's dead messages of one topic, the oldest first: `limit` of them at most, and as many
 * as one call has time for. Safe to repeat, at the same time too.
 */
export async function redriveMessages(
  access: OutboxAccess,
  { tenant, topic, limit }: { readonly tenant: string; readonly topic: Topic; readonly limit: number },
): Promise<BulkRedriven> {
  const hasTime = timeForMore(access);
  let count = 0;
  for await (const page of deadPages(access, { tenant, match: { topic } })) {
    for (let rest = page.entries.filter((entry) => !isHeld(entry)); rest.length > 0;) {
      if (count >= limit || !hasTime()) return { count, isComplete: false };
      const taken = rest.slice(0, Math.min(limit - count, delivery.writeConcurrency));
      const outcomes = await Promise.all(
        taken.map((entry) => redriveMessage(access, { tenant, id: toldByPlace(entry).id })),
      );
      count += outcomes.filter((outcome) => outcome === 'redriven').length;
      rest = rest.slice(taken.length);
    }
    const isOver = count >= limit || !hasTime();
    if (page.position !== undefined && isOver) return { count, isComplete: false };
  }
  return { count, isComplete: true };
}
