/** A tenant's dead messages as their index has them: what groups and redrives are made of. */
import type { LetterMatch } from '../../core/redrive-run.ts';
import type { EntryFilter } from './entry-filter.ts';
import { groupPages, readGroupPage } from './message-groups.ts';
import type { GroupPage, GroupQuery, IndexEntry } from './message-groups.ts';
import { messagePartition, toldByPlace } from './message-items.ts';
import type { Death, MessageItem } from './message-items.ts';
import type { OutboxAccess } from './message-writes.ts';

/** Whether a message may have acted and must never be called again by itself: it is resolved, not redriven. */
export const isHeld = ({
  onUncertain,
  unsettled = 0,
}: Pick<MessageItem, 'onUncertain' | 'unsettled'>): boolean => onUncertain === 'hold' && unsettled > 0;

/** A dead message as it was a moment ago. */
export type DeadEntry = IndexEntry &
  Pick<MessageItem, 'type' | 'receiver' | 'onUncertain' | 'unsettled' | 'run' | 'died'>;

/** Of one that a version before left, why is not known, and when only that it was not before it was created. */
export const deathOf = ({ died, stateSk }: Pick<MessageItem, 'died' | 'stateSk'>): Death =>
  died ?? { code: 'unknown', at: Date.parse(toldByPlace({ stateSk }).createdAt) };

export interface DeadQuery extends Pick<GroupQuery, 'tenant' | 'after' | 'pageSize'> {
  readonly match?: LetterMatch;
}

export interface DeadPage extends GroupPage {
  readonly entries: readonly DeadEntry[];
}

/** The next dead messages, in the order in which they were created. */
export const readDeadPage = async (access: OutboxAccess, query: DeadQuery): Promise<DeadPage> =>
  (await readGroupPage(access, queryOf(query))) as DeadPage;

/** Dead messages in the order in which they were created, each page asked for when it is wanted. */
export const deadPages = (access: OutboxAccess, query: DeadQuery): AsyncGenerator<DeadPage> =>
  groupPages(access, queryOf(query)) as AsyncGenerator<DeadPage>;

const queryOf = ({ match = {}, ...query }: DeadQuery): GroupQuery => ({
  ...query,
  group: 'dead',
  newestFirst: false,
  filter: filterOf(query.tenant, match),
});

const filterOf = (tenant: string, { topic, type, code, since, until, entity }: LetterMatch): EntryFilter => ({
  topic,
  type,
  code,
  since: since === undefined ? undefined : Date.parse(since),
  until: until === undefined ? undefined : Date.parse(until),
  pk: entity === undefined ? undefined : messagePartition(tenant, entity),
});
