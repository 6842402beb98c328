/**
 * An account of an entity that lies in several items: all of them are there and keep the floor by themselves (G6), and have
 * the state and the lock of their entity (G1), since who posts to one of them asks no other.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Report } from './checker.ts';
import type { Ledger } from './replay.ts';
import type { StoreImage } from './store-image.ts';

export function checkShares(ledgers: readonly Ledger[], { data }: StoreImage, report: Report): void {
  const byPartition = new Map(data.filter(({ sk }) => sk === 'balance').map((item) => [item['pk'], item]));
  for (const { tenant, id, domain, item } of ledgers) {
    const spread = (item['spread'] ?? {}) as Readonly<Record<string, number>>;
    for (const [key, items] of Object.entries(spread)) {
      for (let place = 1; place < items; place += 1) {
        const name = `item ${place} of ${id}:${key}`;
        const share = byPartition.get(`${encodeURIComponent(tenant)}#balance.${place}#${id}:${key}`);
        if (!share) {
          report('G6', `${name} is missing`, tenant);
          continue;
        }
        if (domain.accounts?.[key]?.floor && !(Number(share['balance']) >= 0))
          report('G6', `${name} holds ${String(share['balance'])}`, tenant);
        for (const part of ['status', 'lock'])
          if (!isDeepStrictEqual(share[part], item[part]))
            report('G1', `${name} has not the ${part} of its entity`, tenant);
      }
    }
  }
}
