/** All that is in a set of tables, and what became different between two moments. */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../../functions/store/store.ts';

export type Item = Readonly<Record<string, unknown>>;

/** Items by table and key. */
export type Dump = ReadonlyMap<string, Item>;

export async function dump({ client, tables }: Store): Promise<Dump> {
  const found = await Promise.all(
    Object.entries(tables).map(async ([table, name]) => {
      const items: [string, Item][] = [];
      let from: Record<string, unknown> | undefined;
      do {
        const page = await client.send(
          new ScanCommand({ TableName: name as string, ConsistentRead: true, ExclusiveStartKey: from }),
        );
        for (const item of page.Items ?? []) {
          items.push([JSON.stringify([table, item['pk'], item['sk'] ?? '']), item]);
        }
        from = page.LastEvaluatedKey;
      } while (from);
      return items;
    }),
  );
  return new Map(found.flat());
}

export const kinds = ['entity', 'fixed', 'entry', 'balance', 'unique', 'line', 'message', 'record'] as const;
export type ItemKind = (typeof kinds)[number];

export interface ItemChange {
  readonly kind: ItemKind;
  readonly before?: Item;
  readonly after?: Item;
}

/** What was added, changed and removed. */
export function difference(before: Dump, after: Dump): readonly ItemChange[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    if (isDeepStrictEqual(was, is)) return [];
    return [{ kind: kindOf(key), ...(was && { before: was }), ...(is && { after: is }) }];
  });
}

export function kindOf(key: string): ItemKind {
  const [table, pk, sk] = JSON.parse(key) as [string, string, string];
  if (table === 'idempotency') return 'record';
  if (table === 'outbox') return 'message';
  if (sk === 'entity' || sk === 'fixed' || sk === 'balance' || sk === 'unique') return sk;
  if (sk.startsWith('entry#')) return 'entry';
  if (/#(?:statement|listed)#/.test(pk)) return 'line';
  throw new Error(`an item of no known kind: ${key}`);
}

/** How many changes of each kind there are; kinds without any are left out. */
export function countByKind(changes: readonly ItemChange[]): Readonly<Partial<Record<ItemKind, number>>> {
  const counts: Partial<Record<ItemKind, number>> = {};
  for (const { kind } of changes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
