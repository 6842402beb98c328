/** At most one entity holds a unique value; what is released is free again (G7). */
import type { UniqueValue } from '../../../functions/core/definition.ts';
import type { Report } from './checker.ts';
import type { Ledger } from './replay.ts';
import type { StoreImage } from './store-image.ts';

export function checkUnique(ledgers: readonly Ledger[], { data }: StoreImage, report: Report): void {
  const holders = new Map<string, string>();
  /** How many claims each entity should keep of each constraint. */
  const due = new Map<string, number>();
  for (const { tenant, id, domain, item, attributes } of ledgers) {
    for (const unique of (domain.unique ?? []) as readonly UniqueValue<string, unknown>[]) {
      const isHeld = unique.while.includes(String(item['status']));
      const values = isHeld ? unique.of(attributes.at(-1) ?? {}) : undefined;
      if (!values) continue;
      const value = JSON.stringify([tenant, unique.name, values]);
      const other = holders.get(value);
      if (other !== undefined) report('G7', `${other} and ${id} both hold ${value}`, tenant);
      holders.set(value, id);
      const name = JSON.stringify([tenant, unique.name, id]);
      due.set(name, (due.get(name) ?? 0) + 1);
    }
  }
  for (const { pk, sk, entity } of data) {
    if (sk !== 'unique') continue;
    const [tenant = '', , constraint] = String(pk).split('#');
    const name = JSON.stringify([decodeURIComponent(tenant), constraint, entity]);
    const left = due.get(name) ?? 0;
    if (left === 0)
      report('G7', `${String(entity)} keeps ${String(constraint)}, which it does not hold`, tenant);
    due.set(name, left - 1);
  }
  for (const [name, left] of due) {
    const [tenant] = JSON.parse(name) as [string];
    if (left > 0) report('G1', `${name} is held, and nothing keeps others from taking it`, tenant);
  }
}
