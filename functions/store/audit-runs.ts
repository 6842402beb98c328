/**
 * What a run of the audit keeps between two of its calls, in a partition of its own. No index shows these items and
 * no command reads them; they go by themselves when the time to live of the table has passed.
 *
 * Every item is named after what it was made from, so that a call that is repeated writes the same items again and
 * counts nothing twice.
 */
import { createHash } from 'node:crypto';
import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import pMap from 'p-map';
import type { Store } from './commit.ts';
import type { ItemKey } from './keys.ts';
import { readByKey } from './read-by-key.ts';
import { dataTable } from './tables.ts';

export interface Run {
  readonly tenant: string;
  readonly id: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** What a stretch of one ledger adds to an account. */
export interface SumRow {
  readonly sk: string;
  readonly account: string;
  readonly unit: string;
  readonly sum: number;
  readonly count: number;
}

/** First the ledgers are summed up once; where a balance differs, once more. */
export type Pass = 1 | 2;

const writesAtOnce = 25;

const partition = ({ tenant, id }: Pick<Run, 'tenant' | 'id'>): string =>
  `${encodeURIComponent(tenant)}#audit#${id}`;

/** Names of accounts may be longer than a sort key, so rows are ordered by their hash. */
const hashOf = (account: string): string => createHash('sha256').update(account).digest('base64url');
const sumPrefix = (pass: Pass): string => `sum#${pass}#`;
const suspectKey = (run: Run, account: string): ItemKey => ({
  pk: partition(run),
  sk: `suspect#${hashOf(account)}`,
});

const kept = (run: Run, key: ItemKey, values: object): Record<string, unknown> => ({
  ...key,
  ...values,
  [dataTable.timeToLive]: run.expiresAt,
});

/** @param stretch names the part of the ledger that the sums were made from */
export async function writeSums(
  { client, tables }: Store,
  run: Run,
  pass: Pass,
  stretch: string,
  sums: ReadonlyMap<string, Pick<SumRow, 'unit' | 'sum' | 'count'>>,
): Promise<void> {
  await pMap(
    sums,
    async ([account, { unit, sum, count }]) => {
      const key = { pk: partition(run), sk: `${sumPrefix(pass)}${hashOf(account)}#${stretch}` };
      const Item = kept(run, key, { account, unit, sum, count });
      await client.send(new PutCommand({ TableName: tables.data, Item }));
    },
    { concurrency: writesAtOnce },
  );
}

/** Rows of a pass from the row `from` on, that row included, those of one account together. */
export async function readSums(
  { client, tables }: Store,
  run: Run,
  pass: Pass,
  { from, limit }: { readonly from?: string | undefined; readonly limit: number },
): Promise<{ readonly rows: readonly SumRow[]; readonly isComplete: boolean }> {
  const { Items = [], LastEvaluatedKey } = await client.send(
    new QueryCommand({
      TableName: tables.data,
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: {
        ':pk': partition(run),
        ':from': from ?? sumPrefix(pass),
        ':to': `${sumPrefix(pass)}~`,
      },
      ConsistentRead: true,
      Limit: limit,
    }),
  );
  return { rows: Items as SumRow[], isComplete: LastEvaluatedKey === undefined };
}

export type Suspect = Omit<SumRow, 'sk'>;

/** Keeps the sum with which an account's balance was compared and differed. */
export async function writeSuspects(
  { client, tables }: Store,
  run: Run,
  suspects: readonly Suspect[],
): Promise<void> {
  await pMap(
    suspects,
    async ({ account, unit, sum, count }) => {
      const Item = kept(run, suspectKey(run, account), { account, unit, sum, count });
      await client.send(new PutCommand({ TableName: tables.data, Item }));
    },
    { concurrency: writesAtOnce },
  );
}

/** Those of the accounts whose balance differed, by name. */
export async function readSuspects(
  { client, tables }: Store,
  run: Run,
  accounts: Iterable<string>,
): Promise<ReadonlyMap<string, Suspect>> {
  const keys = [...accounts].map((account) => suspectKey(run, account));
  const items = await readByKey<Suspect & ItemKey>(client, tables.data, keys);
  return new Map(items.map((item) => [item.account, item]));
}

const walkKey = (run: Run, id: string, seq: number): ItemKey => ({
  pk: partition(run),
  sk: `walk#${id}#${String(seq).padStart(10, '0')}`,
});

/** Keeps how far the walk through a long ledger has come, as JSON. */
export async function writeWalk(
  { client, tables }: Store,
  run: Run,
  id: string,
  seq: number,
  walked: object,
): Promise<void> {
  const Item = kept(run, walkKey(run, id, seq), { walked: JSON.stringify(walked) });
  await client.send(new PutCommand({ TableName: tables.data, Item }));
}

/** @returns what was kept, or `undefined` */
export async function readWalk(
  { client, tables }: Store,
  run: Run,
  id: string,
  seq: number,
): Promise<unknown> {
  const { Item } = await client.send(
    new GetCommand({ TableName: tables.data, Key: walkKey(run, id, seq), ConsistentRead: true }),
  );
  return Item && (JSON.parse(Item['walked'] as string) as unknown);
}

/** Where the nightly run was stopped. */
export interface Checkpoint {
  readonly tenant: string;
  /** Absent: at the beginning of this tenant. */
  readonly cursor?: string | undefined;
}

/** A tenant named "audit" has no entity named "nightly": ids are made by the server. */
const checkpointKey: ItemKey = { pk: 'audit#nightly', sk: 'checkpoint' };

export async function readCheckpoint({ client, tables }: Store): Promise<Checkpoint | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: tables.data, Key: checkpointKey, ConsistentRead: true }),
  );
  return Item?.['checkpoint'] as Checkpoint | undefined;
}

/** @param checkpoint `undefined` after a run that came to its end */
export async function writeCheckpoint(
  { client, tables }: Store,
  checkpoint: Checkpoint | undefined,
): Promise<void> {
  await client.send(new PutCommand({ TableName: tables.data, Item: { ...checkpointKey, checkpoint } }));
}
