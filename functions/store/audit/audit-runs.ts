/**
 * What a run of the audit keeps between two of its calls, in a partition of its own. No index shows these items and
 * no command reads them; they go by themselves when the time to live of the table has passed.
 *
 * Every item is named after what it was made from, so that a call that is repeated writes the same items again. Where it
 * is shown other entities by then, the ranges of rows tell what they count twice.
 */
import { createHash } from 'node:crypto';
import { GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Store } from '../store.ts';
import type { ItemKey } from '../keys.ts';
import { putAll, readByKey } from '../batches.ts';
import { dataTable } from '../tables.ts';

export interface Run {
  readonly tenant: string;
  readonly id: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** What a part's ledgers add to an account. */
export interface SumRow {
  /** Ends with the oldest stretch of the part. */
  readonly sk: string;
  /** The newest one; absent where the version before has written the row, of one stretch. */
  readonly newest?: string;
  readonly account: string;
  readonly unit: string;
  readonly sum: number;
  readonly count: number;
}

/** First the ledgers are summed up once; where a balance differs, once more. */
export type Pass = 1 | 2;

const partition = ({ tenant, id }: Pick<Run, 'tenant' | 'id'>): string =>
  `${encodeURIComponent(tenant)}#audit#${id}`;

/** Names of accounts may be longer than a sort key, so rows are ordered by their hash, which has no `#`. */
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

/** What one stretch of a ledger adds to its accounts. */
export interface StretchSums {
  /** Names the stretch. */
  readonly stretch: string;
  readonly sums: ReadonlyMap<string, Pick<SumRow, 'unit' | 'sum' | 'count'>>;
}

/**
 * Keeps a row an account: a row an account and ledger would cost a write for each.
 * @param stretches of a part, newest first
 */
export async function writeSums(
  store: Store,
  run: Run,
  pass: Pass,
  stretches: readonly StretchSums[],
): Promise<void> {
  const [newest, oldest] = [stretches[0]?.stretch, stretches.at(-1)?.stretch];
  const rows = new Map<string, Pick<SumRow, 'unit' | 'sum' | 'count'>>();
  for (const [account, { unit, sum, count }] of stretches.flatMap(({ sums }) => [...sums])) {
    const before = rows.get(account) ?? { sum: 0, count: 0 };
    rows.set(account, { unit, sum: before.sum + sum, count: before.count + count });
  }
  const items = [...rows].map(([account, row]) => {
    const key = { pk: partition(run), sk: `${sumPrefix(pass)}${hashOf(account)}#${oldest}` };
    return kept(run, key, { account, ...row, newest });
  });
  await writeAll(store, items);
}

/** The stretches that a row sums up, by their names: those from the oldest to the newest that post to its account. */
export function rangeOf({ sk, newest }: Pick<SumRow, 'sk' | 'newest'>): {
  readonly oldest: string;
  readonly newest: string;
} {
  const oldest = sk.split('#').slice(3).join('#');
  return { oldest, newest: newest ?? oldest };
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

export type Suspect = Omit<SumRow, 'sk' | 'newest'>;

/** Keeps the sum with which an account's balance was compared and differed. */
export async function writeSuspects(store: Store, run: Run, suspects: readonly Suspect[]): Promise<void> {
  const items = suspects.map(({ account, unit, sum, count }) =>
    kept(run, suspectKey(run, account), { account, unit, sum, count }),
  );
  await writeAll(store, items);
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
  store: Store,
  run: Run,
  id: string,
  seq: number,
  walked: object,
): Promise<void> {
  await writeAll(store, [kept(run, walkKey(run, id, seq), { walked: JSON.stringify(walked) })]);
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

const writeAll = ({ client, tables }: Store, items: readonly Record<string, unknown>[]): Promise<void> =>
  putAll(client, tables.data, items);
