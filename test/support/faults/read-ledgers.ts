/** Finds every entity with its ledger and messages in the tables, and what belongs to none (G1, G9, G13). */
import type { Domain } from '../../../functions/core/definition.ts';
import type { EntityState } from '../../../functions/core/entity.ts';
import type { Posting } from '../../../functions/core/postings.ts';
import type { Report } from './checker.ts';
import { Replay } from './replay.ts';
import type { Begun, Entry, Ledger } from './replay.ts';
import type { Item, StoreImage } from './store-image.ts';

const encoded = (tenant: string): string => encodeURIComponent(tenant);

export function readLedgers(
  domains: readonly Domain[],
  { data, outbox }: StoreImage,
  report: Report,
  versions: readonly Domain[] = domains,
): readonly Ledger[] {
  const entries = new Map<string, Entry[]>();
  for (const item of data) {
    if (!String(item['sk']).startsWith('entry#')) continue;
    const pk = String(item['pk']);
    const entry = entryOf(item);
    if (item['sk'] !== `entry#${String(entry.seq).padStart(10, '0')}`) {
      report('G15', `entry ${entry.seq} of ${pk} lies at ${String(item['sk'])}`, tenantOf(pk));
    }
    entries.set(pk, [...(entries.get(pk) ?? []), entry]);
  }
  const messages = new Map<string, Item[]>();
  for (const item of outbox) {
    messages.set(String(item['pk']), [...(messages.get(String(item['pk'])) ?? []), item]);
  }
  // What never changes of an entity lies beside its item, which names it.
  const fixed = new Map(data.filter(({ sk }) => sk === 'fixed').map((item) => [item['pk'], item]));
  const items = data
    .filter(({ sk }) => sk === 'entity')
    .map((item): Item => ({
      ...item,
      attributes: { ...(item['attributes'] as object), ...(fixed.get(item['pk'])?.['attributes'] as object) },
    }));
  const begun = new Map<string, Set<Begun>>();
  for (const item of items) {
    const [pk, tenant, id] = [String(item['pk']), String(item['tenant']), String(item['id'])];
    const entry = entries.get(pk)?.find(({ seq }) => seq === 1);
    const ofTenant = begun.get(tenant) ?? new Set();
    if (entry) begun.set(tenant, ofTenant.add({ id, collection: String(item['collection']), entry }));
  }
  const ledgers: Ledger[] = [];
  for (const item of items) {
    const [pk, tenant, id] = [String(item['pk']), String(item['tenant']), String(item['id'])];
    const domain = domains.find(({ collection }) => collection === item['collection']);
    if (pk !== `${encoded(tenant)}#${id}`)
      report('G13', `${id} of ${tenant} lies in the partition ${pk}`, tenant);
    if (!domain) {
      report('G5', `${id} is of no collection`, tenant);
      continue;
    }
    const own = (entries.get(pk) ?? []).sort((a, b) => a.seq - b.seq);
    entries.delete(pk);
    const find = (other: string): EntityState | undefined =>
      items.find((each) => each['id'] === other && each['tenant'] === tenant) as unknown as
        EntityState | undefined;
    const parts = { domains, versions, tenant, id, domain, item, entries: own, find, report };
    ledgers.push(new Replay({ ...parts, begun: begun.get(tenant) ?? new Set() }).run(messages.get(pk) ?? []));
    messages.delete(pk);
  }
  for (const pk of entries.keys()) report('G1', `${pk} has ledger entries and no entity`, tenantOf(pk));
  for (const [pk, [message]] of messages) {
    report('G9', `${String(message?.['id'])} in ${pk} is a message of no entity`, tenantOf(pk));
  }
  return ledgers;
}

const tenantOf = (pk: string): string => decodeURIComponent(pk.slice(0, pk.indexOf('#')));

function entryOf(item: Item): Entry {
  const json = (name: string, absent: string): unknown =>
    JSON.parse((item[name] as string | undefined) ?? absent);
  return {
    ...(item as unknown as Entry),
    from: (item['from'] as string | undefined) ?? null,
    data: json('data', '{}') as Entry['data'],
    changes: json('changes', '{}') as Entry['changes'],
    postings: json('postings', '[]') as Posting[],
    ...(item['effects'] !== undefined && { effects: json('effects', '{}') as NonNullable<Entry['effects']> }),
  };
}
