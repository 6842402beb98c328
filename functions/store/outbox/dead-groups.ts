/** Dead messages by what they have in common: what somebody looks at first who asks what is wrong. */
import { timestamp } from '../../runtime/clock.ts';
import { deadGroups as limits, list } from '../../runtime/delivery-limits.ts';
import type { Topic } from '../../runtime/topics.ts';
import { deadPages, deathOf, isHeld } from './dead-letters.ts';
import type { DeadEntry } from './dead-letters.ts';
import { timeForMore } from './message-groups.ts';
import type { OutboxAccess } from './message-writes.ts';

export interface DeadGroup {
  readonly topic: Topic;
  readonly type: string;
  /** Of the last error. */
  readonly code: string;
  /** Who is called, where it has a name. */
  readonly receiver?: string;
  readonly count: number;
  /** Those of them that may have acted and must not be called again: they are resolved, not redriven. */
  readonly held: number;
  /** RFC 3339 UTC: when the first and the last of them died. */
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface DeadGroups {
  /** The largest first. */
  readonly groups: readonly DeadGroup[];
  /** Messages that were counted. */
  readonly counted: number;
  /** Where to go on; none where all were counted. */
  readonly position: string | undefined;
}

interface Counts {
  readonly of: Pick<DeadGroup, 'topic' | 'type' | 'code' | 'receiver'>;
  count: number;
  held: number;
  first: number;
  last: number;
}

/**
 * Counts the dead messages of a tenant from a place on, as many as one request has time for: as the index has them,
 * which may be a moment behind.
 */
export async function groupDeadMessages(
  access: OutboxAccess,
  tenant: string,
  after?: string,
): Promise<DeadGroups> {
  const hasTime = timeForMore(access);
  const groups = new Map<string, Counts>();
  let counted = 0;
  let position: string | undefined;
  for await (const page of deadPages(access, { tenant, after, pageSize: list.entriesPerPageMax })) {
    for (const entry of page.entries) add(groups, entry);
    counted += page.entries.length;
    ({ position } = page);
    if (counted >= limits.messagesMax || !hasTime()) break;
  }
  return { groups: [...groups.values()].sort(largestFirst).map(groupOf), counted, position };
}

function add(groups: Map<string, Counts>, entry: DeadEntry): void {
  const { topic, type, receiver } = entry;
  const { code, at } = deathOf(entry);
  const name = JSON.stringify([topic, type, code, receiver]);
  const of = { topic, type, code, ...(receiver !== undefined && { receiver }) };
  const group = groups.get(name) ?? { of, count: 0, held: 0, first: at, last: at };
  group.count += 1;
  group.held += isHeld(entry) ? 1 : 0;
  group.first = Math.min(group.first, at);
  group.last = Math.max(group.last, at);
  groups.set(name, group);
}

const largestFirst = (one: Counts, other: Counts): number => other.count - one.count || other.last - one.last;

const groupOf = ({ of, count, held, first, last }: Counts): DeadGroup => ({
  ...of,
  count,
  held,
  firstAt: timestamp(first),
  lastAt: timestamp(last),
});
