/**
 * The lines of statements and of lists by attribute as they lie in the data table, in the order of time. A line of a
 * statement is one item an account and ledger entry, a line of a list one an entity and value: it names the entity and
 * says nothing of it. Each is named after what it tells of, so writing it twice changes nothing.
 */
import type { Line } from '../../core/lines.ts';
import type { ListedValue } from '../../core/listed.ts';
import type { StatementLine } from '../../core/statements.ts';
import { putAll } from '../batches.ts';
import { listedPartition, statementPartition } from '../keys.ts';
import type { ItemKey } from '../keys.ts';
import { readNewest } from '../newest-page.ts';
import type { NewestPage } from '../newest-page.ts';
import type { Store } from '../store.ts';

type DataStore = Pick<Store, 'client'> & { readonly tables: Pick<Store['tables'], 'data'> };

export interface LineItem extends ItemKey, Omit<StatementLine, 'account'> {}

/** What the sort key of a line looks like; it is a page's position too. */
export const linePosition = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[a-z]+_[0-9A-HJKMNP-TV-Z]{26}#\d{10}$/;

const statementItem = (tenant: string, { account, ...line }: StatementLine): LineItem => ({
  pk: statementPartition(tenant, account),
  sk: `${line.at}#${line.entity}#${String(line.seq).padStart(10, '0')}`,
  ...line,
});

/** As a line lies in the table. */
export const lineItem = (tenant: string, { kind, line }: Line): ItemKey =>
  kind === 'statement' ? statementItem(tenant, line) : { pk: listedPartition(tenant, line), sk: line.entity };

/** A line, and the tenant that it belongs to. */
export type OwnedLine = Line & { readonly tenant: string };

/** Writes lines, whatever is there; one that is named twice is written once. */
export async function writeLines({ client, tables }: DataStore, lines: readonly OwnedLine[]): Promise<void> {
  const items = new Map(
    lines.map((line) => {
      const item = lineItem(line.tenant, line);
      return [JSON.stringify([item.pk, item.sk]), { ...item }] as const;
    }),
  );
  await putAll(client, tables.data, [...items.values()]);
}

/**
 * Lines of an account before a position, newest first. What was written before the watermark was read is there, since the
 * read is strongly consistent.
 */
export async function readStatement(
  store: DataStore,
  tenant: string,
  account: string,
  page: NewestPage,
  signal: AbortSignal,
): Promise<{ readonly lines: readonly LineItem[]; readonly complete: boolean }> {
  const partition = statementPartition(tenant, account);
  const { items, isComplete } = await readNewest(store, partition, page, signal);
  return { lines: items as LineItem[], complete: isComplete };
}

/** Ids of entities that hold, or once held, a value, before one of them, newest first. As strongly read as a statement. */
export async function readListedIds(
  store: DataStore,
  tenant: string,
  value: Omit<ListedValue, 'entity'>,
  page: NewestPage,
  signal: AbortSignal,
): Promise<{ readonly ids: readonly string[]; readonly complete: boolean }> {
  const { items, isComplete } = await readNewest(store, listedPartition(tenant, value), page, signal);
  return { ids: (items as ItemKey[]).map(({ sk }) => sk), complete: isComplete };
}
