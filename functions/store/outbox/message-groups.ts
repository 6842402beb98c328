/** A tenant's messages of one group as lists, redrives and the audit walk through them: by time, page by page. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { list } from '../../runtime/delivery-limits.ts';
import { filterExpression } from './entry-filter.ts';
import type { EntryFilter } from './entry-filter.ts';
import { groupPartitions, indexOf, messageShards } from './message-items.ts';
import type { MessageGroup, MessageItem, MessageKey } from './message-items.ts';
import { within } from './message-writes.ts';
import type { OutboxAccess } from './message-writes.ts';

/** What both indexes have of a message. */
export type IndexEntry = MessageKey & Pick<MessageItem, 'stateSk' | 'topic'>;

export interface GroupQuery {
  readonly tenant: string;
  readonly group: MessageGroup;
  readonly newestFirst: boolean;
  readonly filter?: EntryFilter | undefined;
  /** The place, exclusive, from which on to read. */
  readonly after?: string | undefined;
  /** Entries that are enough; a page holds more or fewer. */
  readonly wanted?: number | undefined;
  /** Entries that a page looks at. */
  readonly pageSize?: number | undefined;
}

export interface GroupPage {
  /** In their order. */
  readonly entries: readonly IndexEntry[];
  readonly evaluated: number;
  /** The place up to which everything was looked at; none at the end. */
  readonly position: string | undefined;
}

/**
 * Where the first pages were not enough, little of the index fits, so that each page looks at more than the one before.
 * @returns the pages from a place on, each asked for when it is wanted
 */
export async function* groupPages(access: OutboxAccess, query: GroupQuery): AsyncGenerator<GroupPage> {
  let { after, pageSize = list.entriesPerPage } = query;
  do {
    const page = await readGroupPage(access, { ...query, after, pageSize });
    yield page;
    after = page.position;
    pageSize = Math.min(pageSize * list.pageGrowth, list.entriesPerPageMax);
  } while (after !== undefined);
}

/**
 * The next entries of a group: one request to each of its partitions, all at once. The page ends where the partition
 * ends that came least far, since behind that the order is not known. What others hold behind it is read again by the
 * next page: about a tenth, as their hashes spread messages evenly.
 */
export async function readGroupPage(access: OutboxAccess, query: GroupQuery): Promise<GroupPage> {
  const { tenant, group, newestFirst } = query;
  const parts = await Promise.all(
    groupPartitions(tenant, group).map((partition) => readPart(access, query, partition)),
  );
  const isBefore = (one: string, other: string): boolean => (newestFirst ? one > other : one < other);
  const position = parts
    .flatMap(({ readTo }) => readTo ?? [])
    .reduce<string | undefined>(
      (first, end) => (first === undefined || isBefore(end, first) ? end : first),
      undefined,
    );
  const entries = parts
    .flatMap((part) => part.entries)
    .filter(({ stateSk }) => position === undefined || !isBefore(position, stateSk))
    .sort((one, other) => (isBefore(one.stateSk, other.stateSk) ? -1 : 1));
  return { entries, evaluated: parts.reduce((sum, part) => sum + part.evaluated, 0), position };
}

interface Part {
  readonly entries: readonly IndexEntry[];
  readonly evaluated: number;
  /** None at the end. */
  readonly readTo: string | undefined;
}

async function readPart(
  access: OutboxAccess,
  { group, filter = {}, after, wanted = Infinity, pageSize = list.entriesPerPage, newestFirst }: GroupQuery,
  partition: string,
): Promise<Part> {
  const index = indexOf(group);
  const share = Math.max(1, Math.floor(pageSize / messageShards));
  const { ExpressionAttributeValues, ...filtered } = filterExpression(filter);
  const { Items, ScannedCount, LastEvaluatedKey } = await access.client.send(
    new QueryCommand({
      TableName: access.table,
      IndexName: index.name,
      ScanIndexForward: !newestFirst,
      // A page without a filter has as many as are wanted, unless nearly all of them are in one partition: then another
      // page follows.
      Limit: ExpressionAttributeValues === undefined ? Math.min(share, Math.ceil(wanted * 0.75)) : share,
      KeyConditionExpression: `${index.partitionKey} = :partition${after === undefined ? '' : ` AND stateSk ${newestFirst ? '<' : '>'} :after`}`,
      ...filtered,
      ExpressionAttributeValues: {
        ':partition': partition,
        ...(after !== undefined && { ':after': after }),
        ...ExpressionAttributeValues,
      },
    }),
    within(access),
  );
  return {
    entries: (Items ?? []) as IndexEntry[],
    evaluated: ScannedCount ?? 0,
    readTo: LastEvaluatedKey?.['stateSk'] as string | undefined,
  };
}

/** @returns whether there is time to begin another part; what is begun and the answer need time as well */
export function timeForMore({ deadline }: Pick<OutboxAccess, 'deadline'>): () => boolean {
  if (!deadline) return () => true;
  const keptMs = deadline.remainingMs() * (1 - list.shareOfTime);
  return () => deadline.remainingMs() > keptMs;
}
