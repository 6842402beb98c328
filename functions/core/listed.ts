/** Lists by attribute: which entities a definition has found by what they hold, and what a ledger entry adds. Pure. */
import type { Domain } from './domain.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Registry } from './registry.ts';

/** An entity holds, or once held, this value in an attribute by which it is listed. */
export interface ListedValue {
  readonly entity: string;
  readonly collection: string;
  readonly attribute: string;
  readonly value: string;
}

/** What an entry sets of the attributes by which its entity is listed. */
export function listedValues(
  registry: Registry,
  entity: string,
  { from, data, changes }: Pick<LedgerEntry, 'from' | 'data' | 'changes'>,
): readonly ListedValue[] {
  const { collection = '', listed = [] } = registry.ofId(entity) ?? ({} as Partial<Domain>);
  // Only the first entry tells attributes by its input; a later one's fields may mean something else.
  const set: Readonly<Record<string, unknown>> = { ...(from === null && data), ...changes };
  return listed.flatMap((attribute): ListedValue[] => {
    const value = set[attribute];
    return typeof value === 'string' ? [{ entity, collection, attribute, value }] : [];
  });
}
