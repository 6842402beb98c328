/**
 * What the nightly audit knows from one night to the next: a record a tenant, and how far the search for tenants has
 * come. The partitions are no tenant's, since a tenant has a name; the permission for what runs keep covers them.
 *
 * Every write says which revision it replaces. Of two runs at once the second one's write fails, so that nothing is
 * counted twice and no run takes another one back to where it was.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, QueryCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { ItemKey } from '../keys.ts';
import type { Store } from '../store.ts';

/** A problem as the audit tells it. */
export interface KeptProblem {
  readonly entity?: string;
  readonly seq?: number;
  readonly account?: string;
  readonly problem: string;
}

/** What an audit has found, as far as it has come. Times here and below are RFC 3339. */
export interface AuditTotals {
  readonly startedAt: string;
  readonly checkedEntities: number;
  readonly checkedEntries: number;
  /** How many. */
  readonly problems: number;
  readonly firstProblems: readonly KeptProblem[];
}

/** An audit that is not at its end. */
export interface OpenAudit extends AuditTotals {
  readonly cursor: string;
  /** How long this run keeps its partial sums. */
  readonly retentionSeconds: number;
  /** Problems of audits before it that could not come to their end. */
  readonly problemsBefore?: number;
}

export interface FinishedAudit extends AuditTotals {
  readonly endedAt: string;
}

interface Revised {
  /** 0 before the first write. */
  readonly revision: number;
  /** The run that wrote this revision. */
  readonly writer: string;
}

export interface TenantRecord extends Revised {
  readonly tenant: string;
  readonly foundAt: string;
  /** When its last turn began; absent before the first. */
  readonly turnAt?: string | undefined;
  /** Until then a run is at work on it, epoch milliseconds. */
  readonly leaseUntil?: number | undefined;
  readonly openAudit?: OpenAudit | undefined;
  /** The last one that came to its end: its problems stand until the next one does. */
  readonly lastAudit?: FinishedAudit | undefined;
}

/** How far the search for tenants has come in one segment of the index. */
export interface SearchRecord extends Revised {
  readonly segment: number;
  /** The pass that goes on. */
  readonly openPass?:
    { readonly startedAt: string; readonly startKey?: Record<string, unknown> | undefined } | undefined;
  /** The last one that came to its end. */
  readonly lastPass?: { readonly startedAt: string; readonly endedAt: string } | undefined;
}

const tenantsPartition = '#audit#tenants';
const tenantKey = (tenant: string): ItemKey => ({ pk: tenantsPartition, sk: tenant });
/** A scan that was begun with another number of segments cannot be gone on with, so the number is in the key. */
const searchPartition = (segments: number): string => `#audit#search#${segments}`;

/** All of them, as they are now: a megabyte a request, which is some thousand tenants. */
export async function readTenants({ client, tables }: Store): Promise<readonly TenantRecord[]> {
  return readRecords<TenantRecord>({ client, tables }, tenantsPartition);
}

export const readSearches = (store: Store, segments: number): Promise<readonly SearchRecord[]> =>
  readRecords<SearchRecord>(store, searchPartition(segments));

async function readRecords<Kept>({ client, tables }: Store, pk: string): Promise<readonly Kept[]> {
  const records: Kept[] = [];
  let startKey: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: tables.data,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': pk },
        ConsistentRead: true,
        ...(startKey && { ExclusiveStartKey: startKey }),
      }),
    );
    records.push(...(Items as Kept[]));
    startKey = LastEvaluatedKey;
  } while (startKey);
  return records;
}

export async function readTenant(store: Store, tenant: string): Promise<TenantRecord | undefined> {
  return readRecord<TenantRecord>(store, tenantKey(tenant));
}

/** @returns what was written, or `undefined` where another run wrote since `record` was read */
export async function writeTenant(
  store: Store,
  writer: string,
  record: Omit<TenantRecord, 'writer'>,
): Promise<TenantRecord | undefined> {
  return replace(store, tenantKey(record.tenant), { ...record, writer });
}

/** @returns what was written, or `undefined` where another run wrote since `record` was read */
export async function writeSearch(
  store: Store,
  writer: string,
  segments: number,
  record: Omit<SearchRecord, 'writer'>,
): Promise<SearchRecord | undefined> {
  const key = { pk: searchPartition(segments), sk: String(record.segment).padStart(3, '0') };
  return replace(store, key, { ...record, writer });
}

async function replace<Kept extends Revised>(
  store: Store,
  key: ItemKey,
  record: Kept,
): Promise<Kept | undefined> {
  const { revision: seen, writer } = record;
  const next = { ...record, revision: seen + 1 };
  try {
    await store.client.send(
      new PutCommand({
        TableName: store.tables.data,
        Item: { ...next, ...key },
        // Wins over a run that read the same revision and writes later.
        ConditionExpression: seen === 0 ? 'attribute_not_exists(pk)' : 'revision = :seen',
        ...(seen > 0 && { ExpressionAttributeValues: { ':seen': seen } }),
      }),
    );
    return next;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    // The client repeats a request whose answer was lost, and then meets what it wrote itself.
    const now = await readRecord<Kept>(store, key);
    return now?.revision === next.revision && now.writer === writer ? next : undefined;
  }
}

async function readRecord<Kept>({ client, tables }: Store, key: ItemKey): Promise<Kept | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: tables.data, Key: { ...key }, ConsistentRead: true }),
  );
  return Item as Kept | undefined;
}

/**
 * The tenants on one page (a megabyte) of one segment of the index of entities, which holds neither ledgers nor
 * balances. The index may be a moment behind: an entity that it does not show yet is found by the next pass.
 * @returns where to go on; no `startKey` at the end of the segment
 */
export async function scanTenants(
  { client, tables }: Store,
  { segment, segments }: { readonly segment: number; readonly segments: number },
  startKey: Record<string, unknown> | undefined,
): Promise<{ readonly tenants: readonly string[]; readonly startKey?: Record<string, unknown> }> {
  const { Items = [], LastEvaluatedKey } = await client.send(
    new ScanCommand({
      TableName: tables.data,
      IndexName: 'byStatus',
      Segment: segment,
      TotalSegments: segments,
      ProjectionExpression: 'tenant',
      ...(startKey && { ExclusiveStartKey: startKey }),
    }),
  );
  const tenants = Items.flatMap(({ tenant }) =>
    typeof tenant === 'string' && tenant !== '' ? [tenant] : [],
  );
  return { tenants: [...new Set(tenants)], ...(LastEvaluatedKey && { startKey: LastEvaluatedKey }) };
}
