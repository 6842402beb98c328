/** The state index as lists and redrives walk through it: one tenant's stretch of one group, page by page. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { list } from '../../runtime/delivery-limits.ts';
import type { Topic } from '../../runtime/topics.ts';
import { statePartitionOf, stateSortPrefix } from './message-items.ts';
import type { MessageGroup, MessageKey, MessageStatus } from './message-items.ts';
import { within } from './message-writes.ts';
import type { OutboxAccess } from './message-writes.ts';

/** The state index's entry of a message. */
export interface IndexEntry extends MessageKey {
  readonly statePk: string;
  readonly stateSk: string;
  readonly status: MessageStatus;
  readonly topic: Topic;
  readonly sentAt?: string;
}

export interface GroupQuery {
  readonly tenant: string;
  readonly group: MessageGroup;
  readonly status?: MessageStatus | undefined;
  readonly topic?: Topic | undefined;
  /** Exclusive upper bound of `stateSk`. */
  readonly below?: string | undefined;
  /** Exclusive lower bound of `stateSk`. */
  readonly above?: string | undefined;
}

export interface GroupPage {
  readonly entries: readonly IndexEntry[];
  readonly evaluated: number;
  /** `stateSk` of the last entry looked at; none at the end. */
  readonly lastKey: string | undefined;
}

export async function* groupPages(
  access: OutboxAccess,
  { tenant, group, status, topic, below, above, newestFirst }: GroupQuery & { readonly newestFirst: boolean },
): AsyncGenerator<GroupPage> {
  const prefix = stateSortPrefix(tenant);
  let startKey: Record<string, unknown> | undefined;
  do {
    const filters = [
      ...(status === undefined ? [] : ['#status = :status']),
      ...(topic === undefined ? [] : ['topic = :topic']),
    ];
    const answer = await access.client.send(
      new QueryCommand({
        TableName: access.table,
        IndexName: 'byState',
        ScanIndexForward: !newestFirst,
        Limit: list.entriesPerQuery,
        // Times begin with a digit, and a colon follows all digits: the bounds enclose just this tenant.
        KeyConditionExpression: 'statePk = :state AND stateSk BETWEEN :low AND :high',
        ...(filters.length > 0 && { FilterExpression: filters.join(' AND ') }),
        ...(status !== undefined && { ExpressionAttributeNames: { '#status': 'status' } }),
        ExpressionAttributeValues: {
          ':state': statePartitionOf(tenant, group),
          ':low': above ?? prefix,
          ':high': below ?? `${prefix}:`,
          ...(status !== undefined && { ':status': status }),
          ...(topic !== undefined && { ':topic': topic }),
        },
        ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
      }),
      within(access),
    );
    startKey = answer.LastEvaluatedKey;
    yield {
      // BETWEEN includes its bounds, which the page before has shown.
      entries: ((answer.Items ?? []) as IndexEntry[]).filter(
        ({ stateSk }) => stateSk !== below && stateSk !== above,
      ),
      evaluated: answer.ScannedCount ?? 0,
      lastKey: startKey?.['stateSk'] as string | undefined,
    };
  } while (startKey !== undefined);
}

/** @returns whether there is time to begin another part; what is begun and the answer need time as well */
export function timeForMore({ deadline }: Pick<OutboxAccess, 'deadline'>): () => boolean {
  if (!deadline) return () => true;
  const keptMs = deadline.remainingMs() * (1 - list.shareOfTime);
  return () => deadline.remainingMs() > keptMs;
}
