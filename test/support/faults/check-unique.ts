/** At most one entity holds a unique value; what is released is free again (G7). */
import type { Report } from './checker.ts';
import type { Ledger } from './replay.ts';
import type { StoreImage } from './store-image.ts';

export function checkUnique(ledgers: readonly Ledger[], { data }: StoreImage, report: Report): void {
  const holders = new Map<string, string>();
  for (const { tenant, id, held } of ledgers) {
    for (const [constraint, hash] of held) {
      const value = JSON.stringify([tenant, constraint, hash]);
      const other = holders.get(value);
      if (other !== undefined) report('G7', `${other} and ${id} both hold ${value}`, tenant);
      holders.set(value, id);
    }
  }
  for (const { pk, sk, entity } of data) {
    if (sk !== 'unique') continue;
    const [tenant = '', , constraint, hash] = String(pk).split('#');
    const value = JSON.stringify([decodeURIComponent(tenant), constraint, hash]);
    if (holders.get(value) === entity) holders.delete(value);
    else
      report(
        'G7',
        `${String(entity)} keeps ${String(constraint)}, which it does not hold`,
        decodeURIComponent(tenant),
      );
  }
  for (const [value, id] of holders) {
    const [tenant] = JSON.parse(value) as [string];
    report('G1', `${id} holds ${value}, and nothing keeps others from taking it`, tenant);
  }
}
