/** Redrive runs in the database: an item a run, an item for each part of the list of its messages. */
import { createHash } from 'node:crypto';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { GetCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { canonicalize } from 'json-canonicalize';
import type { LetterMatch, RedriveRun } from '../../core/redrive-run.ts';
import { redriveRun as limits } from '../../runtime/delivery-limits.ts';
import {
  dueShardOf,
  redriveKey,
  redriveListPartition,
  redriveListSortKey,
  redriveMatchKey,
  redrivePartition,
} from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import { readNewest } from '../newest-page.ts';
import type { NewestPage } from '../newest-page.ts';
import type { Store, TableNames } from '../store.ts';
import { dataTable } from '../tables.ts';
import type { LabelledItem } from '../transaction/labelled-item.ts';

/** What a timer's message calls runs. No domain is called so: the route is taken. */
export const redriveCollection = 'redrives';

/** One message of a run, as it was when it was listed. */
export interface ListedLetter {
  readonly id: string;
  /** The run that died; only this one is begun anew. */
  readonly run: number;
}

interface RunItem extends RedriveRun, ItemKey {
  readonly collection: typeof redriveCollection;
  readonly timerTransition?: 'carry-on';
  readonly dueShard?: string;
}

interface ListItem extends ItemKey {
  /** Each is `<message id>#<run>`. */
  readonly letters: readonly string[];
}

/** A run that is due waits in the index `due`, as an entity does. */
const itemOf = (run: RedriveRun): RunItem => ({
  ...run,
  ...redriveKey(run.tenant, run.id),
  collection: redriveCollection,
  ...(run.dueAt !== undefined && { timerTransition: 'carry-on', dueShard: dueShardOf(run.id) }),
});

/** Two runs are of one match whatever times they name: their messages fail, or not, for one cause. */
function matchKeyOf({ tenant, match }: Pick<RedriveRun, 'tenant' | 'match'>): ItemKey {
  const { topic, type, code, entity }: LetterMatch = match;
  const hash = createHash('sha256').update(canonicalize({ topic, type, code, entity }));
  return redriveMatchKey(tenant, hash.digest('base64url'));
}

/**
 * What a transaction writes of a run: itself, what was listed, and whether it holds its match.
 * @param before as it was read; none where it begins
 */
export function runItems(
  tables: TableNames,
  before: RedriveRun | undefined,
  after: RedriveRun,
  letters: readonly ListedLetter[],
): readonly LabelledItem[] {
  const TableName = tables.data;
  const held = before?.state === 'running';
  const holds = after.state === 'running';
  const matchKey = matchKeyOf(after);
  return [
    {
      label: { purpose: 'redrive run' },
      item: {
        Put: {
          TableName,
          Item: itemOf(after),
          // Wins over whoever carried it on, or stopped it, since it was read.
          ...(before === undefined
            ? { ConditionExpression: 'attribute_not_exists(pk)' }
            : {
                ConditionExpression: 'revision = :seen',
                ExpressionAttributeValues: { ':seen': before.revision },
              }),
        },
      },
    },
    ...(letters.length > 0 ? [listItem(TableName, after, before?.listed ?? 0, letters)] : []),
    ...(holds && !held
      ? [
          {
            label: { purpose: 'redrive match' as const },
            item: {
              Put: {
                TableName,
                Item: { ...matchKey, run: after.id },
                ConditionExpression: 'attribute_not_exists(pk)',
                ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
              },
            },
          },
        ]
      : []),
    ...(held && !holds
      ? [{ label: { purpose: 'redrive match' as const }, item: { Delete: { TableName, Key: matchKey } } }]
      : []),
  ];
}

function listItem(
  table: string,
  { tenant, id, createdAt }: RedriveRun,
  place: number,
  letters: readonly ListedLetter[],
): LabelledItem {
  return {
    label: { purpose: 'redrive list' },
    item: {
      Put: {
        TableName: table,
        Item: {
          pk: redriveListPartition(tenant, id),
          sk: redriveListSortKey(place),
          letters: letters.map((letter) => `${letter.id}#${letter.run}`),
          [dataTable.timeToLive]: Math.floor((Date.parse(createdAt) + limits.listKeptMs) / 1000),
        },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    },
  };
}

/** @returns whether it was written; where not, somebody else wrote since it was read, or writes at this moment */
export async function saveRun(
  { client, tables }: Store,
  before: RedriveRun,
  after: RedriveRun,
  {
    letters = [],
    beside = [],
    signal,
  }: {
    readonly letters?: readonly ListedLetter[] | undefined;
    /** What is written along with it. */
    readonly beside?: readonly LabelledItem[];
    readonly signal?: AbortSignal;
  } = {},
): Promise<boolean> {
  try {
    const items = [...runItems(tables, before, after, letters), ...beside].map(({ item }) => item);
    await client.send(new TransactWriteCommand({ TransactItems: items }), {
      ...(signal && { abortSignal: signal }),
    });
    return true;
  } catch (error) {
    if (error instanceof TransactionCanceledException) return false;
    throw error;
  }
}

export async function readRun(
  { client, tables }: Store,
  tenant: string,
  id: string,
  signal?: AbortSignal,
): Promise<RedriveRun | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: tables.data, Key: { ...redriveKey(tenant, id) }, ConsistentRead: true }),
    { ...(signal && { abortSignal: signal }) },
  );
  return Item === undefined ? undefined : runOf(Item as RunItem);
}

/** A tenant's runs, newest first. @returns whether there are more */
export async function listRuns(
  store: Store,
  tenant: string,
  page: NewestPage,
  signal?: AbortSignal,
): Promise<{ readonly runs: readonly RedriveRun[]; readonly isComplete: boolean }> {
  const { items, isComplete } = await readNewest(store, redrivePartition(tenant), page, signal);
  return { runs: items.map((item) => runOf(item as RunItem)), isComplete };
}

/** What only the table and the timer need of a run. */
const ofTheItem: ReadonlySet<string> = new Set(['pk', 'sk', 'collection', 'timerTransition', 'dueShard']);

const runOf = (item: RunItem): RedriveRun =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !ofTheItem.has(name))) as unknown as RedriveRun;

/** The messages of the step under way. */
export async function readStepLetters(
  { client, tables }: Store,
  { tenant, id, taken, step }: RedriveRun,
): Promise<readonly ListedLetter[]> {
  const size = step?.size ?? 0;
  const from = taken - size;
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: tables.data,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':pk': redriveListPartition(tenant, id),
        // The item that holds the first of them begins no further before it than an item is long.
        ':from': redriveListSortKey(Math.max(from - limits.listItemMax + 1, 0)),
        ':to': redriveListSortKey(taken - 1),
      },
      ConsistentRead: true,
    }),
  );
  return (Items as ListItem[])
    .flatMap(({ sk, letters }) => {
      const place = Number(sk.slice(sk.indexOf('#') + 1));
      return letters.filter((_, index) => place + index >= from && place + index < taken);
    })
    .map((text) => {
      const [messageId = '', run] = text.split('#');
      return { id: messageId, run: Number(run) };
    });
}
