/** Makes an example's placeholders real: ids of entities that exist, and secrets that were really sent. */
import type { AnyTransition, Domain } from '../../functions/core/definition.ts';
import type { EntityState } from '../../functions/core/entity.ts';
import { secretFields } from '../../functions/core/fields.ts';
import type { Registry } from '../../functions/core/registry.ts';
import { fingerprint } from '../../functions/core/rules.ts';
import type { Store } from '../../functions/store/store.ts';
import type { Input } from './examples.ts';
import { messagesOf } from './answering.ts';
import type { Given } from './walk-types.ts';

/** By their collections; the last one, where there are several of a kind. */
export const byCollection = (registry: Registry, ids: readonly string[]): Given =>
  Object.fromEntries(
    ids.flatMap((id): [string, string][] => {
      const of = registry.ofId(id);
      return of ? [[of.collection, id]] : [];
    }),
  );

/** Puts an existing entity's id wherever an example names one of a collection. */
export async function withReferences(
  registry: Registry,
  value: unknown,
  idOf: (domain: Domain) => Promise<string>,
): Promise<unknown> {
  if (typeof value === 'string') {
    const domain = /^[a-z]+_[0-9A-Z]{26}$/.test(value) ? registry.ofId(value) : undefined;
    return domain ? idOf(domain) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries: [string, unknown][] = [];
  // One after the other, so that ids come in the order of the fields.
  for (const [name, field] of Object.entries(value)) {
    entries.push([name, await withReferences(registry, field, idOf)]);
  }
  return Array.isArray(value) ? entries.map(([, entry]) => entry) : Object.fromEntries(entries);
}

/**
 * A secret is told in one of the entity's own messages; the entity keeps its fingerprint. One whose message has ended
 * is gone.
 */
export async function secretsOf(
  store: Store,
  tenant: string,
  entity: EntityState,
  { input }: AnyTransition,
): Promise<Input> {
  const names = input ? [...secretFields(input)] : [];
  if (names.length === 0) return {};
  const kept = new Set(Object.values(entity.attributes));
  const words = (await messagesOf(store, tenant, entity.id)).flatMap(({ payload = '' }) =>
    payload.split(/[\s"]+/),
  );
  const found = words.find((word) => kept.has(fingerprint(word)));
  return found === undefined ? {} : Object.fromEntries(names.map((name) => [name, found]));
}
